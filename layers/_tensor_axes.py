"""What tensors do with axes: parts, shapes, orders, sums, largest values. Names and arguments are NumPy's.

x  the tensor's array    y  the result, in C order, as kernels take it; where that is a part of x in one piece it shares
                            its memory, as in NumPy

A mask (N, T) stays with its steps: where the first two axes stay as they are, and in a part for the steps that it has.
"""

import math

import numpy as np

from ..kernels import _check as check
from ..kernels import reduce
from ..kernels import shape as kernels
from ._broadcast import expect_numbers, keep_mask, large, looked_at, on_host, total
from ._device import zeros_like


class Axes:
    """The part of `Tensor` that this file is; `_record` is the tape's `record`."""

    __slots__ = ()

    def __getitem__(self, key):
        """A part, as of a NumPy array: numbers, slices, `...`, None, integer arrays, boolean masks.

        Where an integer array names an element twice, its gradients add up.

        >>> from tilewright import Tensor
        >>> Tensor([[1.0, 2.0], [3.0, 4.0]])[:, 0]
        Tensor(array([1., 3.]))
        """
        x = on_host("indexing", self.value)
        parts = tuple(map(_index, key)) if key.__class__ is tuple else (_index(key),)
        try:
            y = x[parts]
        except IndexError as error:
            raise IndexError(f"{error}; the tensor has shape {x.shape}") from None
        part = self._record(np.asarray(y, order="C"), lambda dy: _put_back(dy, x, parts), self)
        if self.mask is not None:
            part.mask = _part_of_mask(self.mask, parts, x, y)
        return part

    def __setitem__(self, key, value):
        raise TypeError(
            "tensors are not changed in place, for gradients need what was there; take tw.where(mask, values, x), or "
            "before anything is computed change the array, x.value"
        )

    def __contains__(self, one):
        return bool(np.any(self == one))

    def __iter__(self):
        if self.value.ndim == 0:
            raise TypeError("a tensor of shape () cannot be iterated over; x.item() is its number")
        return (self[i] for i in range(len(self.value)))

    def reshape(self, *shape):
        """The same elements in another shape; one size may be -1."""
        return _reshaped(self, self.value.reshape(*shape))

    def flatten(self, start_axis=0):
        """All axes from `start_axis` on as one; `flatten(1)` leaves the axis of samples."""
        sizes = self.value.shape
        start = check.axis_of_shape("flatten", start_axis, "the tensor", sizes) if sizes else 0
        return _reshaped(self, self.value.reshape(*sizes[:start], math.prod(sizes[start:])))

    def squeeze(self, axis=None):
        """Without an axis of size 1, or several, or all of them. Raises ValueError for an axis of another size."""
        sizes = self.value.shape
        ones = {i for i, size in enumerate(sizes) if size == 1}
        axes = ones if axis is None else set(_axes("squeeze", axis, sizes))
        if axes - ones:
            wrong = min(axes - ones)
            raise ValueError(f"squeeze: axis {wrong} has size {sizes[wrong]}, expected 1; the tensor has shape {sizes}")
        return _reshaped(self, self.value.reshape(tuple(s for i, s in enumerate(sizes) if i not in axes)))

    def expand_dims(self, axis):
        """With one more axis, of size 1, which is then the axis `axis`; `x[:, None]` does the same."""
        sizes = self.value.shape
        axis = check.axis_of_shape("expand_dims", axis, "the result", (*sizes, 1))
        return _reshaped(self, self.value.reshape((*sizes[:axis], 1, *sizes[axis:])))

    def transpose(self, *axes):
        """The axes in another order: axis i of the result is axis axes[i]; without axes in the opposite order.

        As in NumPy it takes all axes; two of them change places with `swapaxes`. Raises ValueError.
        """
        x = on_host("transpose", self.value)
        if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)):
            axes = () if axes[0] is None else tuple(axes[0])
        order = tuple(check.axis_of_shape("transpose", axis, "the tensor", x.shape) for axis in axes)
        order = order or tuple(range(x.ndim))[::-1]
        if sorted(order) != list(range(x.ndim)):
            raise ValueError(
                f"transpose: axes are {axes}, expected each of the {x.ndim} axes of the tensor once; two of them "
                f"change places with swapaxes"
            )
        back = tuple(map(order.index, range(x.ndim)))
        y = self._record(_ordered(x, order), lambda dy: _ordered(dy, back), self)
        return y if self.mask is None or order[:2] != (0, 1) else keep_mask(y, self)

    permute = transpose  # PyTorch's name

    def swapaxes(self, axis1, axis2):
        """Two axes in each other's place."""
        sizes = self.value.shape
        a, b = (check.axis_of_shape("swapaxes", axis, "the tensor", sizes) for axis in (axis1, axis2))
        order = list(range(len(sizes)))
        order[a], order[b] = b, a
        return self.transpose(order)

    @property
    def T(self):  # noqa: N802 (NumPy's name)
        """The tensor with its axes in the opposite order."""
        return self.transpose()

    def sum(self, axis=None, keepdims=False):
        """Sum over an axis, several, or all."""
        x = on_host("sum", self.value)
        y = self._record(total(x, axis, keepdims), lambda dy: _spread(dy, x, axis, keepdims), self)
        return y if self.mask is None else _mask_after_reduction(y, self, axis)

    def mean(self, axis=None, keepdims=False):
        """Mean over an axis, several, or all."""
        x = on_host("mean", self.value)
        y = total(x, axis, keepdims)
        share = y.size / max(x.size, 1)
        if x.dtype.kind == "f":
            share = x.dtype.type(share)
        y = self._record(y * share, lambda dy: _spread(dy * share, x, axis, keepdims), self)
        return y if self.mask is None else _mask_after_reduction(y, self, axis)

    def var(self, axis=None, keepdims=False, ddof=0):
        """Variance along an axis, several, or all: squared distances from the mean, by their number less `ddof`."""
        apart = self - self.mean(axis, keepdims=True)
        y = (apart * apart).sum(axis, keepdims)
        return y / (apart.value.size // max(y.value.size, 1) - ddof)

    def std(self, axis=None, keepdims=False, ddof=0):
        """Square root of `var`; its gradient is infinite where all are equal, so add something small to `var` there."""
        return self.var(axis, keepdims, ddof).sqrt()

    def cumsum(self, axis=None):
        """Sums of all up to each along an axis; without one of the flat tensor."""
        if axis is None:
            return self.flatten().cumsum(0)
        x = on_host("cumsum", self.value)
        axis = check.axis_of_shape("cumsum", axis, "the tensor", x.shape)
        back = lambda dy: np.asarray(np.flip(np.flip(dy, axis).cumsum(axis), axis), order="C")  # noqa: E731
        y = self._record(x.cumsum(axis), back, self)
        return y if self.mask is None else keep_mask(y, self)

    def max(self, axis=None, keepdims=False):
        """Largest value along an axis, several, or all, without its place, which is what `argmax` gives.

        Of equal ones the first has the gradient. Raises ValueError where there is nothing to choose from.
        """
        return _extreme("max", self, axis, keepdims)

    def min(self, axis=None, keepdims=False):
        """Smallest value along an axis, several, or all; of equal ones the first has the gradient."""
        return _extreme("min", self, axis, keepdims)

    def argmax(self, axis=None):
        """The place of the largest value along an axis, or in the flat array, as NumPy integers; no gradient."""
        return looked_at("argmax", self).argmax(axis)

    def argmin(self, axis=None):
        """The place of the smallest value along an axis, or in the flat array, as NumPy integers; no gradient."""
        return looked_at("argmin", self).argmin(axis)

    def detach(self):
        """The same array without its past: no gradient goes through it."""
        expect_numbers(self)
        return keep_mask(self._record(self.value, None), self)


def _index(one):
    """One part of a key, of which an array is copied: the gradient needs it as it is now."""
    kind = one.__class__
    if kind is slice or kind is int:
        return one
    if kind is bool:
        raise TypeError(f"indexing: the part is {one}, expected an array of booleans, such as x > 0, or numbers")
    if isinstance(one, Axes):
        one = one.numpy()
    if isinstance(one, (np.ndarray, list)):
        one = np.array(one)
        return one if one.size else one.astype(one.dtype if one.dtype.kind in "iub" else np.intp)
    return one


def _put_back(dy, x, parts):
    """dx of a part of x: dy at its place, and 0 elsewhere."""
    numbers = [one for one in parts if isinstance(one, np.ndarray) and one.dtype.kind in "iu" and one.ndim]
    if numbers and len(parts) == 1 and x.dtype.char in "fd":  # rows, many times as fast as np.add.at
        (rows,) = numbers
        rows = np.where(rows < 0, rows + len(x), rows).astype(np.int64)
        return kernels.gather_backward(np.asarray(dy, order="C"), rows, input_shape=x.shape)
    dx = zeros_like(x)
    if numbers:
        np.add.at(dx, parts, dy)
    else:  # every element at most once
        dx[parts] = dy
    return dx


def _part_of_mask(mask, parts, x, y):
    """The steps of the part y = x[parts], or None where its first two axes are no longer samples and steps."""
    if any(isinstance(one, np.ndarray) and one.dtype == bool and one.ndim > 1 for one in parts):
        return None
    at = next((i for i, one in enumerate(parts) if one is Ellipsis), None)
    if at is not None:
        missing = x.ndim - sum(one is not None and one is not Ellipsis for one in parts)
        parts = (*parts[:at], *[slice(None)] * missing, *parts[at + 1 :])
    steps, others = parts[: mask.ndim], parts[mask.ndim :]
    arrays = any(isinstance(one, np.ndarray) for one in parts)
    if not all(isinstance(one, (slice, np.ndarray)) for one in steps):
        return None
    if arrays and not all(isinstance(one, slice) for one in others):  # they may have changed the order of axes
        return None
    part = mask[steps]
    return part if part.ndim == mask.ndim and part.shape == y.shape[: part.ndim] else None


def _reshaped(x, value):
    before = x.value.shape
    y = x._record(value, lambda dy: dy.reshape(before), x)
    if x.mask is not None and value.shape[: x.mask.ndim] == x.mask.shape:
        y.mask = x.mask
    return y


def _ordered(x, order):
    """x with its axes in another order, in C order: a copy, but where x is in that order already."""
    if order == tuple(range(x.ndim)):
        return x
    return kernels.transpose_forward(x, axes=order) if large(x) else np.asarray(x.transpose(order), order="C")


def _axes(op, axis, sizes):
    """The axes counted from the first; of None all."""
    if axis is None:
        return tuple(range(len(sizes)))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(check.axis_of_shape(op, one, "the tensor", sizes) for one in given)


def _spread(dy, x, axis, keepdims):
    """dx of a sum: dy for each of its terms."""
    if large(x):
        return reduce.sum_backward(dy, input_shape=x.shape, axis=axis, keepdims=keepdims)
    if axis is not None and not keepdims:
        dy = np.expand_dims(dy, axis)
    return np.broadcast_to(dy, x.shape).copy()


def _mask_after_reduction(y, x, axis):
    """The mask stays where the axes after its own were reduced alone."""
    if min(_axes("sum", axis, x.value.shape), default=x.mask.ndim) >= x.mask.ndim:
        y.mask = x.mask
    return y


def _extreme(op, tensor, axis, keepdims):
    """The largest or smallest values of a tensor; of several axes they are made one first."""
    x = on_host(op, tensor.value)
    axes = _axes(op, axis, x.shape)
    if 0 in (x.shape[i] for i in axes):
        raise ValueError(f"{op}: the tensor has shape {x.shape}, expected at least one element to choose from")
    if len(axes) != 1:
        kept = [i for i in range(x.ndim) if i not in axes]
        sizes, count = [x.shape[i] for i in kept], math.prod(x.shape[i] for i in axes)
        y = _extreme(op, tensor.transpose(*kept, *axes).reshape(*sizes, count), -1, False)
        return y.reshape(tuple(1 if i in axes else s for i, s in enumerate(x.shape))) if keepdims else y
    (axis,) = axes
    if op == "max" and large(x):
        y, place = reduce.max_forward(x, axis=axis)
        y = np.expand_dims(y, axis) if keepdims else y
    else:
        y, place = getattr(x, op)(axis=axis, keepdims=keepdims), None

    def backward(dy):
        first = getattr(x, f"arg{op}")(axis) if place is None else place
        dx = zeros_like(x)
        np.put_along_axis(dx, np.expand_dims(first, axis), dy if keepdims else np.expand_dims(dy, axis), axis)
        return dx

    y = tensor._record(y, backward, tensor)
    return y if tensor.mask is None else _mask_after_reduction(y, tensor, axis)
