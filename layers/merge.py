"""Layers that make one array of several, over kernels/shape. They are called with a list, as Keras's."""

import math

import numpy as np

from ..kernels import _check as check
from ..kernels.matmul import matmul_backward, matmul_forward
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
        y *= share

        def backward(dy):
            dy *= share
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


class Dot(_Merge):
    """Products of samples, summed over an axis of each: (N, ..., K) and (N, ..., K) -> (N, ..., ...), or (N, 1).

    axes       the axis that is summed over, of both, or a pair, one of each; not 0, that of samples
    normalize  scale the vectors along the axes to length 1 first, so that what comes out are cosines

    The other axes of the first come first, then those of the second.

    >>> Dot(axes=1)([[[1.0, 2.0]], [[3.0, 4.0]]]).numpy()
    array([[11.]], dtype=float32)
    """

    most = 2

    def __init__(self, axes, normalize=False, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        pair = tuple(axes) if isinstance(axes, (tuple, list)) else (axes, axes)
        if len(pair) != 2:
            raise ValueError(f"Dot: axes is {axes!r}, expected an axis, or a pair of them")
        for axis in pair:
            check.whole("Dot", "axes", axis, -32)
            if axis == 0:
                raise ValueError(f"Dot: axes is {axes!r}, expected other ones than 0, because that is of samples")
        self.axes, self.normalize = axes if isinstance(axes, int) else pair, bool(normalize)
        self._pair = pair

    def check_shapes(self, shapes):
        for shape, axis in zip(shapes, self._pair):
            if not -len(shape) < axis < len(shape):
                raise ValueError(f"Dot: the inputs have shapes {_said(shapes)}, expected the axes {self._pair} in them")
        first, second = (shape[axis] for shape, axis in zip(shapes, self._pair))
        if first != second:
            raise ValueError(
                f"Dot: the inputs have shapes {_said(shapes)}, expected one size along the axes {self._pair}, not "
                f"{first} and {second}"
            )

    def forward(self, a, b):
        if len(a) != len(b):
            raise ValueError(f"Dot: the inputs have {len(a)} and {len(b)} samples, expected as many")
        shapes = a.shape, b.shape
        self.check_shapes(shapes)
        rows = [_rows(x, axis) for x, axis in zip((a, b), self._pair)]
        units = [_unit_rows(x) if self.normalize else (x, None) for x in rows]
        (p, back_p), (q, back_q) = units
        rest = [[*shape[1:axis], *shape[axis + 1 :]] for shape, axis in zip(shapes, _from_front(shapes, self._pair))]
        y = matmul_forward(p, q, transpose_b=True)
        flat = y.shape

        def backward(dy):
            dp, dq = matmul_backward(dy.reshape(flat), p, q, transpose_b=True)
            if self.normalize:
                dp, dq = back_p(dp), back_q(dq)
            return tuple(_unrowed(d, shape, axis) for d, shape, axis in zip((dp, dq), shapes, self._pair))

        return y.reshape(len(a), *((rest[0] + rest[1]) or [1])), backward

    def mask_after(self, mask):
        """None: no step of the one is a step of the result."""
        return None


def _from_front(shapes, axes):
    return [axis % len(shape) for shape, axis in zip(shapes, axes)]


def _rows(x, axis):
    """x (N, ..., K, ...) as vectors along an axis, (N, M, K)."""
    moved = np.moveaxis(on_host("Dot", x), axis, -1)
    return np.ascontiguousarray(moved).reshape(len(x), math.prod(moved.shape[1:-1]), moved.shape[-1])


def _unrowed(d, shape, axis):
    """The gradient of `_rows`."""
    axis %= len(shape)
    moved = d.reshape(*shape[:axis], *shape[axis + 1 :], shape[axis])
    return np.ascontiguousarray(np.moveaxis(moved, -1, axis))


_SHORTEST = 1e-7  # Keras's: shorter vectors are not made longer than by this


def _unit_rows(x):
    """(the vectors u = x / max(|x|, _SHORTEST), what gives dx = (du - u (u . du)) / |x|)."""
    length = np.sqrt(np.square(x).sum(-1, keepdims=True))
    short = length <= _SHORTEST
    scale = 1 / np.maximum(length, x.dtype.type(_SHORTEST))
    u = x * scale

    def backward(du):
        along = np.where(short, x.dtype.type(0), (u * du).sum(-1, keepdims=True))
        return (du - u * along) * scale

    return u, backward


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
