"""Functions that make one tensor of several: stack, concatenate, where. Names and arguments are NumPy's."""

import numpy as np

from ..kernels import _check as check
from ._broadcast import back_to, constant, keep_mask, looked_at, on_host
from ._tape import Tensor, record


def stack(tensors, axis=0):
    """Tensors of one shape side by side, along a new axis.

    Raises TypeError for what is no list of tensors or arrays, ValueError for other shapes.

    >>> a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    >>> stack([a, b], axis=1).sum(0)
    Tensor(array([3., 7.]))
    """
    tensors, arrays = _listed("stack", tensors)
    if len({x.shape for x in arrays}) > 1:
        raise ValueError(f"stack: the tensors have shapes {_shapes(arrays)}, expected equal ones")
    axis = check.axis_of_shape("stack", axis, "the result", (*arrays[0].shape, 1))

    def backward(dy):
        parts = tuple(np.array(part, order="C") for part in np.moveaxis(dy, axis, 0))
        return parts if len(parts) > 1 else parts[0]

    return record(np.stack(arrays, axis), backward, *tensors)


def concatenate(tensors, axis=0):
    """Tensors one after the other along an axis; the other axes are of the same sizes.

    Raises TypeError for what is no list of tensors or arrays, ValueError for other shapes.

    >>> concatenate([Tensor([1.0, 2.0]), Tensor([3.0])])
    Tensor(array([1., 2., 3.]))
    """
    tensors, arrays = _listed("concatenate", tensors)
    axis = check.axis("concatenate", axis, "the first tensor", arrays[0])
    if len({(x.ndim, x.shape[:axis], x.shape[axis + 1 :]) for x in arrays}) > 1:
        raise ValueError(
            f"concatenate: the tensors have shapes {_shapes(arrays)}, expected equal ones but for axis {axis}"
        )
    ends = np.cumsum([x.shape[axis] for x in arrays])[:-1]

    def backward(dy):
        parts = tuple(np.array(part, order="C") for part in np.split(dy, ends, axis))
        return parts if len(parts) > 1 else parts[0]

    y = record(np.concatenate(arrays, axis), backward, *tensors)
    return keep_mask(y, *tensors) if axis > 1 and all(x.mask is not None for x in tensors) else y


def where(condition, a, b):
    """The elements of a where the condition is true, else those of b; their axes broadcast.

    condition  booleans, an array or a tensor, which has no gradient
    a, b       tensors, arrays or numbers, of which one is a tensor at least

    >>> x = Tensor([-1.0, 2.0])
    >>> where(x > 0, x, 0)
    Tensor(array([0., 2.]))
    """
    if condition.__class__ is bool:
        raise TypeError(
            f"where: the condition is {condition}, one for all, expected an array of booleans, such as x > 0; for one "
            f"write `a if condition else b`"
        )
    condition = looked_at("where", condition) if isinstance(condition, Tensor) else np.asarray(condition)
    if condition.dtype != bool:
        raise TypeError(f"where: the condition is {condition.dtype}, expected booleans, such as x > 0")
    if not isinstance(a, Tensor) and not isinstance(b, Tensor):
        raise TypeError("where: a and b are no tensors, expected one at least; of arrays np.where makes an array")
    like = on_host("where", (a if isinstance(a, Tensor) else b).value)
    a, b = (one if isinstance(one, Tensor) else Tensor(constant("where", one, like)) for one in (a, b))
    x, z = a.value, on_host("where", b.value)

    def backward(dy):
        none = dy.dtype.type(0)
        dx = back_to(np.where(condition, dy, none), x) if a.requires_grad else None
        return dx, back_to(np.where(condition, none, dy), z) if b.requires_grad else None

    return keep_mask(record(np.where(condition, x, z), backward, a, b), a, b)


def _listed(op, tensors):
    """(tensors, their arrays) of a list of tensors and arrays, among them one tensor at least."""
    given = tensors if isinstance(tensors, (list, tuple)) else ()
    like = next((one for one in given if isinstance(one, Tensor)), None)
    if like is None:
        what = f"a {type(tensors).__name__}" + " without a tensor" * (len(given) > 0)
        raise TypeError(f"{op}: the first argument is {what}, expected a list of tensors; np.{op} joins arrays")
    tensors = [one if isinstance(one, Tensor) else Tensor(constant(op, one, like.value)) for one in given]
    return tensors, [on_host(op, one.value) for one in tensors]


def _shapes(arrays):
    return ", ".join(str(x.shape) for x in arrays)
