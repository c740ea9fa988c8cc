"""PyTorch's names for what has another one here: who asks for them is told ours."""

from ._tensor_arithmetic import Arithmetic
from ._tensor_axes import Axes

_OF_MODULE = {
    "as_tensor": "tw.Tensor(array)",
    "cat": "tw.concatenate(tensors, axis)",
    "concat": "tw.concatenate(tensors, axis)",
    "from_numpy": "tw.Tensor(array)",
    "manual_seed": "tw.set_seed(seed)",
    "nn": "tw.layers, and tw.train for models and losses",
    "optim": "tw.train",
    "tensor": "tw.Tensor(array)",
}


class Other:
    """An attribute that has another name here: AttributeError with that one."""

    def __init__(self, ours):
        self._ours = ours

    def __set_name__(self, owner, name):
        self._name = name

    def __get__(self, thing, kind=None):
        if thing is None:
            return self
        raise AttributeError(f"{kind.__name__!r} object has no attribute {self._name!r}; here it is {self._ours}")

    def __repr__(self):
        return f"<no attribute; here it is {self._ours}>"


class OtherNames:
    """The part of `Tensor` that this file is: descriptors, for a `__getattr__` would slow down all attributes."""

    __slots__ = ()
    clamp = Other("x.clip(min, max)")
    clone = Other("x + 0, or x.numpy().copy() without a gradient")
    cpu = Other("x.numpy()")
    data = Other("x.value, the array")
    dim = Other("x.ndim")
    numel = Other("x.value.size")
    pow = Other("x**p")
    requires_grad_ = Other("tw.Tensor(array, requires_grad=True)")
    size = Other("x.shape, and x.value.size the number of elements")
    tolist = Other("x.numpy().tolist()")
    unsqueeze = Other("x.expand_dims(axis)")
    view = Other("x.reshape(...)")


def ours(name):
    """The end of a sentence about a name that the library does not have: what it is here, or nothing."""
    if name in _OF_MODULE:
        return f"; here it is {_OF_MODULE[name]}"
    method = not name.startswith("_") and any(name in vars(part) for part in (Arithmetic, Axes))
    return f"; tensors have it: x.{name}(...)" if method else ""
