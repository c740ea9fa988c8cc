"""Operators and functions of tensors, element by element: NumPy's on the arrays, each with its gradient.

x, z  arrays of the two operands, of which one may be a constant    y  the result    dy, dx, dz  gradients

Axes broadcast as in NumPy. A mask (N, T) stays where the result has as many axes as the tensor and those two sizes; of
two masks a step has to be real in both. A constant takes the tensor's dtype.
"""

from typing import NamedTuple

import numpy as np

from ..kernels import matmul as kernels
from ._broadcast import back_to, constant, keep_mask, looked_at, on_host
from ._door import as_array


class _Binary(NamedTuple):
    """An op of two operands; `dx` may give dy itself, `dz` gives a fresh array."""

    name: str
    y: object  # (x, z)
    dx: object  # (dy, x, z)
    dz: object


def _division(dy, x, z):
    return -dy * x / (z * z)


def _of_larger(dy, x, z):
    return np.where(x >= z, dy, dy.dtype.type(0))


def _of_smaller(dy, x, z):
    return np.where(x <= z, dy, dy.dtype.type(0))


_ADD = _Binary("add", np.add, lambda dy, x, z: dy, lambda dy, x, z: dy.copy())
_SUBTRACT = _Binary("subtract", np.subtract, lambda dy, x, z: dy, lambda dy, x, z: -dy)
_MULTIPLY = _Binary("multiply", np.multiply, lambda dy, x, z: dy * z, lambda dy, x, z: dy * x)
_DIVIDE = _Binary("divide", np.divide, lambda dy, x, z: dy / z, _division)
_MAXIMUM = _Binary("maximum", np.maximum, _of_larger, lambda dy, x, z: np.where(x >= z, dy.dtype.type(0), dy))
_MINIMUM = _Binary("minimum", np.minimum, _of_smaller, lambda dy, x, z: np.where(x <= z, dy.dtype.type(0), dy))
_LESS, _LESS_EQUAL, _GREATER, _GREATER_EQUAL, _EQUAL, _NOT_EQUAL = (
    _Binary(f.__name__, f, None, None)
    for f in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)
)


class Arithmetic:
    """The part of `Tensor` that this file is; `_record` is the tape's `record`."""

    __slots__ = ()

    def __add__(self, other):
        return _binary(_ADD, self, other)

    def __sub__(self, other):
        return _binary(_SUBTRACT, self, other)

    def __mul__(self, other):
        return _binary(_MULTIPLY, self, other)

    def __truediv__(self, other):
        return _binary(_DIVIDE, self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other):
        return _reflected(_SUBTRACT, other, self)

    def __rtruediv__(self, other):
        return _reflected(_DIVIDE, other, self)

    # `loss += penalty` is the sum, as without these; a parameter, or a leaf, says that it stays as it is
    def __iadd__(self, other):
        self._expect_result("+=")
        return self + other

    def __isub__(self, other):
        self._expect_result("-=")
        return self - other

    def __imul__(self, other):
        self._expect_result("*=")
        return self * other

    def __itruediv__(self, other):
        self._expect_result("/=")
        return self / other

    def __ipow__(self, exponent):
        self._expect_result("**=")
        return self**exponent

    def maximum(self, other):
        """The larger of each two elements; of equal ones the gradient goes to this tensor's."""
        return _binary(_MAXIMUM, self, other)

    def minimum(self, other):
        """The smaller of each two elements; of equal ones the gradient goes to this tensor's."""
        return _binary(_MINIMUM, self, other)

    def __matmul__(self, other):
        x = self.value
        if isinstance(other, Arithmetic):
            z = other.value
            both = lambda dy: kernels.matmul_backward(dy, x, z)  # noqa: E731
            y = self._record(kernels.matmul_forward(x, z), both, self, other)
        else:
            z = as_array("matmul", "the other operand", other, x.dtype)
            one = lambda dy: kernels.matmul_backward(dy, x, z)[0]  # noqa: E731
            y = self._record(kernels.matmul_forward(x, z), one, self)
        return y if self.mask is None or z.ndim > 2 or x.ndim < 3 else keep_mask(y, self)

    def __rmatmul__(self, other):
        z = self.value
        x = as_array("matmul", "the other operand", other, z.dtype)
        return self._record(kernels.matmul_forward(x, z), lambda dy: kernels.matmul_backward(dy, x, z)[1], self)

    def __pow__(self, exponent):
        """Each element to the power of a number. Raises TypeError for tensors and arrays of exponents.

        The gradient is p x**(p - 1), which is infinite at 0 for p below 1.
        """
        x = on_host("power", self.value)
        if isinstance(exponent, Arithmetic) or np.ndim(exponent) or not _is_number(exponent):
            raise TypeError(
                f"power: the exponent is {_said(exponent)}, expected a number; for positive x, x**p is "
                f"(p * x.log()).exp()"
            )
        p = x.dtype.type(exponent) if x.dtype.kind == "f" else exponent
        if p == 2:
            return _unary(self, x * x, lambda dy: dy * (x + x))
        return _unary(self, x**p, lambda dy: dy * (p * x ** (p - type(p)(1))) if p else np.zeros_like(dy))

    def __rpow__(self, base):
        """A positive number to the power of each element."""
        x = on_host("power", self.value)
        if np.ndim(base) or not _is_number(base) or not base > 0:
            raise TypeError(f"power: the base is {_said(base)}, expected a tensor or a positive number")
        y = constant("power", base, x) ** x
        return _unary(self, y, lambda dy: dy * (y * y.dtype.type(np.log(base))))

    def __neg__(self):
        return _unary(self, -on_host("negative", self.value), lambda dy: -dy)

    def __pos__(self):
        return self

    def __abs__(self):
        return self.abs()

    def abs(self):
        """|x| of each element; its gradient at 0 is 0."""
        x = on_host("abs", self.value)
        return _unary(self, abs(x), lambda dy: dy * np.sign(x))

    def exp(self):
        """e**x of each element."""
        y = np.exp(on_host("exp", self.value))
        return _unary(self, y, lambda dy: dy * y)

    def log(self):
        """The natural logarithm of each element; as in NumPy -inf of 0, and NaN below, with a warning."""
        x = on_host("log", self.value)
        return _unary(self, np.log(x), lambda dy: dy / x)

    def sqrt(self):
        """The square root of each element; its gradient at 0 is infinite, so add something small where 0 may come."""
        y = np.sqrt(on_host("sqrt", self.value))
        return _unary(self, y, lambda dy: dy / (y + y))

    def sin(self):
        """The sine of each element."""
        x = on_host("sin", self.value)
        return _unary(self, np.sin(x), lambda dy: dy * np.cos(x))

    def cos(self):
        """The cosine of each element."""
        x = on_host("cos", self.value)
        return _unary(self, np.cos(x), lambda dy: -dy * np.sin(x))

    def clip(self, min=None, max=None):
        """Each element, or the nearer of two numbers where it is not between them; those have the gradient 0.

        >>> from tilewright import Tensor
        >>> Tensor([-1.0, 0.5, 2.0]).clip(0, 1)
        Tensor(array([0. , 0.5, 1. ]))
        """
        x = on_host("clip", self.value)
        if min is None and max is None or not all(one is None or _is_number(one) for one in (min, max)):
            raise TypeError(f"clip: min is {_said(min)} and max {_said(max)}, expected one number or two")
        if min is not None and max is not None and min > max:
            raise ValueError(f"clip: min is {min} and max {max}, expected min to be the smaller one")
        low, high = (None if one is None else constant("clip", one, x) for one in (min, max))

        def backward(dy):
            inside = True if low is None else x >= low
            return dy * (inside if high is None else inside & (x <= high))

        return _unary(self, np.clip(x, low, high), backward)

    def __lt__(self, other):
        return _compared(_LESS, self, other)

    def __le__(self, other):
        return _compared(_LESS_EQUAL, self, other)

    def __gt__(self, other):
        return _compared(_GREATER, self, other)

    def __ge__(self, other):
        return _compared(_GREATER_EQUAL, self, other)

    def __eq__(self, other):
        """Booleans, element by element, as < gives; False for what is no tensor, array or number, such as None."""
        return _compared(_EQUAL, self, other) if _has_numbers(other) else NotImplemented

    def __ne__(self, other):
        return _compared(_NOT_EQUAL, self, other) if _has_numbers(other) else NotImplemented

    __hash__ = object.__hash__  # of the tensor itself: as a key, and in a set, it is the same as itself alone


def _unary(x, y, backward):
    """The tensor of an op of one operand."""
    y = x._record(y, backward, x)
    return y if x.mask is None else keep_mask(y, x)


def _binary(op, a, b):
    """The tensor of an op of a tensor a and of b, a tensor or a constant."""
    x = on_host(op.name, a.value)
    if not isinstance(b, Arithmetic):
        z = constant(op.name, b, x)
        return _unary(a, _computed(op, x, z), lambda dy: back_to(op.dx(dy, x, z), x))
    z = on_host(op.name, b.value)

    def backward(dy):
        dz = back_to(op.dz(dy, x, z), z) if b.requires_grad else None  # first, for dx may be dy itself
        return back_to(op.dx(dy, x, z), x) if a.requires_grad else None, dz

    y = a._record(_computed(op, x, z), backward, a, b)
    return y if a.mask is None and b.mask is None else keep_mask(y, a, b)


def _reflected(op, a, b):
    """The tensor of an op of a constant a and a tensor b."""
    z = on_host(op.name, b.value)
    x = constant(op.name, a, z)
    return _unary(b, _computed(op, x, z), lambda dy: back_to(op.dz(dy, x, z), z))


def _computed(op, x, z):
    """The array of the result. Raises ValueError for shapes that do not go together."""
    try:
        return op.y(x, z)
    except ValueError:
        raise ValueError(
            f"{op.name}: shapes {np.shape(x)} and {np.shape(z)} do not broadcast, expected sizes that are equal or 1, "
            f"from the last one on; x[:, None] or x.expand_dims(axis) makes an axis of size 1"
        ) from None


def _compared(op, a, b):
    """A NumPy array of booleans."""
    x = looked_at(op.name, a)
    return _computed(op, x, looked_at(op.name, b) if isinstance(b, Arithmetic) else constant(op.name, b, x))


def _has_numbers(x):
    return isinstance(x, (Arithmetic, int, float, list, tuple)) or hasattr(x, "__array__") or hasattr(x, "shape")


def _is_number(x):
    return isinstance(x, (int, float, np.integer, np.floating)) or isinstance(x, np.ndarray) and x.ndim == 0


def _said(x):
    return f"a {type(x).__name__}" if hasattr(x, "shape") and np.ndim(x) else repr(x)
