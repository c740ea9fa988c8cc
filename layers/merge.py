"""Layers that make one array of several, over kernels/shape. They are called with a list, as Keras's."""

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import noted
from ..kernels.shape import (
    add_forward,
    concatenate_backward,
    concatenate_forward,
    multiply_backward,
    multiply_forward,
)
from ._broadcast import on_host, unbroadcast
from ._device import fresh_copy
from ._layer import Layer


class _Merge(Layer):
    """Arrays of one shape, or of shapes that NumPy broadcasts, element by element."""

    several = True
    fewest, most = 2, None

    def weights(self, input_shapes):
        op, count = type(self).__name__, len(input_shapes)
        if count < self.fewest or self.most is not None and count > self.most:
            wanted = f"{self.fewest}" if self.most == self.fewest else f"at least {self.fewest}"
            raise ValueError(f"{op}: there are {count} inputs, expected {wanted}; call it with a list of tensors")
        self.check_shapes([tuple(shape) for shape in input_shapes])
        return {}

    def check_shapes(self, shapes):
        """The inputs' shapes go together. Raises ValueError."""
        try:
            np.broadcast_shapes(*(shape[1:] for shape in shapes))
        except ValueError:
            raise ValueError(
                f"{type(self).__name__}: the inputs have shapes {_said(shapes)}, expected equal ones, or axes of size 1"
            ) from None

    def mask_after(self, mask):
        known = [one for one in mask if one is not None]
        return np.logical_and.reduce(known) if len(known) == len(mask) else None


class Add(_Merge):
    """y = a + b + ...: several (N, ...) of one shape -> (N, ...).

    >>> Add()([[[1.0, 2.0]], [[3.0, 4.0]]]).numpy()
    array([[4., 6.]], dtype=float32)
    """

    def forward(self, *inputs):
        return _sum(inputs), lambda dy: _shared(dy, inputs)


class Average(_Merge):
    """y = (a + b + ...) / their number: several (N, ...) of one shape -> (N, ...)."""

    def forward(self, *inputs):
        y = on_host("Average", _sum(inputs))
        share = y.dtype.type(1 / len(inputs))
        noted(np.multiply, y, share, y)

        def backward(dy):
            noted(np.multiply, dy, share, dy)
            return _shared(dy, inputs)

        return y, backward


class Subtract(_Merge):
    """y = a - b: two (N, ...) of one shape -> (N, ...)."""

    most = 2

    def forward(self, a, b):
        y = on_host("Subtract", a) - on_host("Subtract", b)

        def backward(dy):
            db = unbroadcast(-dy, b.shape)
            return unbroadcast(dy, a.shape), db

        return y, backward


class Multiply(_Merge):
    """y = a * b * ...: several (N, ...) of one shape -> (N, ...)."""

    def forward(self, *inputs):
        products = [inputs[0]]  # of the first inputs
        for x in inputs[1:]:
            products.append(multiply_forward(products[-1], x))

        def backward(dy):
            gradients = []
            for product, x in zip(products[-2::-1], inputs[:0:-1]):
                dy, dx = multiply_backward(dy, product, x)
                gradients.append(dx)
            return (dy, *gradients[::-1])

        return products[-1], backward


class _Extreme(_Merge):
    """The gradient goes to the first input that has the extreme value."""

    def forward(self, *inputs):
        y = on_host(type(self).__name__, inputs[0])
        for x in inputs[1:]:
            y = self.choose(y, on_host(type(self).__name__, x))

        def backward(dy):
            gradients, free = [], np.ones(y.shape, bool)
            for x in inputs:
                chosen = (x == y) & free
                free &= ~chosen
                gradients.append(unbroadcast(np.where(chosen, dy, dy.dtype.type(0)), x.shape))
            return tuple(gradients)

        return y, backward


class Maximum(_Extreme):
    """y = max(a, b, ...), element by element: several (N, ...) of one shape -> (N, ...)."""

    choose = staticmethod(np.maximum)


class Minimum(_Extreme):
    """y = min(a, b, ...), element by element: several (N, ...) of one shape -> (N, ...)."""

    choose = staticmethod(np.minimum)


class Concatenate(_Merge):
    """The inputs one after the other along an axis, the last one by default: several (N, ..., C) -> (N, ..., sum C).

    >>> Concatenate()([[[1.0]], [[2.0, 3.0]]]).numpy()
    array([[1., 2., 3.]], dtype=float32)
    """

    fewest = 1
    _joins_steps = False  # whether the axis is the one that masks have; known when it is built

    def __init__(self, axis=-1, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        if axis == 0:
            raise ValueError("Concatenate: axis is 0, expected another one, because that is the axis of samples")
        check.whole("Concatenate", "axis", axis, -32)
        self.axis = int(axis)

    def check_shapes(self, shapes):
        ndim = len(shapes[0])
        if any(len(shape) != ndim for shape in shapes) or not -ndim < self.axis < ndim:
            raise ValueError(
                f"Concatenate: the inputs have shapes {_said(shapes)}, expected as many axes, {self.axis} among them"
            )
        axis = self.axis % ndim
        self._joins_steps = axis == 1
        if len({shape[1:axis] + shape[axis + 1 :] for shape in shapes}) > 1:
            raise ValueError(
                f"Concatenate: the inputs have shapes {_said(shapes)}, expected equal ones but for axis {axis}"
            )

    def forward(self, *inputs):
        axis = self.axis
        sizes = tuple(x.shape[axis] for x in inputs)
        return concatenate_forward(inputs, axis=axis), lambda dy: concatenate_backward(dy, sizes=sizes, axis=axis)

    def mask_after(self, mask):
        known = [one for one in mask if one is not None]
        if len(known) < len(mask):
            return None
        return np.concatenate(mask, 1) if self._joins_steps else np.logical_and.reduce(known)


def _sum(inputs):
    y = add_forward(inputs[0], inputs[1])
    for x in inputs[2:]:
        y = add_forward(y, x, out=y if np.broadcast_shapes(y.shape, x.shape) == y.shape else None)
    return y


def _shared(dy, inputs):
    """dy as a fresh gradient of each input: itself for the last one, summed where an input was repeated."""
    *others, last = inputs
    gradients = [fresh_copy(dy) if x.shape == dy.shape else unbroadcast(dy, x.shape) for x in others]
    return (*gradients, unbroadcast(dy, last.shape))


def _said(shapes):
    return " and ".join(str((None, *shape[1:])) for shape in shapes)
