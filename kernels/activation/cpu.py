"""Activations on the CPU.

x, y, dx, dy (...), any shape, read as flat arrays

relu        y = max(x, 0)                           dx = dy [y > 0]
leaky_relu  y = x, or a x below 0                   dx = dy, or a dy
elu         y = x, or a (e**x - 1) below 0          dx = dy, or dy (y + a)      Clevert et al. 2015, arXiv:1511.07289
sigmoid     y = 1 / (1 + e**-x)                     dx = dy y (1 - y)
tanh        y = tanh x                              dx = dy (1 - y**2)
gelu        y = x P(x), P the normal distribution   dx = dy (P + x P')          Hendrycks, Gimpel 2016, arXiv:1606.08415
            P = (1 + erf(x / sqrt 2)) / 2           P' = e**(-x**2 / 2) / sqrt(2 pi)
            or (1 + tanh u) / 2                     u = sqrt(2 / pi) (x + 0.044715 x**3)

Every element is computed by itself: the result does not depend on threads. gelu limits x to [-FAR, FAR] where it would
otherwise multiply 0 by infinity.
"""

import math

from .._cpu.elementwise import binary, unary
from .._cpu.jit import inner
from .._cpu.vecmath import constant, erf, exp, expm1, sigmoid, tanh

_HALF, _ONE, _THREE = (constant(c) for c in (0.5, 1.0, 3.0))
_FAR = constant(40.0)
_ROOT_HALF = constant(math.sqrt(0.5))
_DENSITY_AT_0 = constant(1 / math.sqrt(2 * math.pi))
_ROOT_2_PI, _CUBIC = constant(math.sqrt(2 / math.pi)), constant(0.044715)


def relu_forward(x, *, out=None):
    return _relu(x, out=out)


def relu_backward(dy, y, *, out=None):
    return _relu_gradient(dy, y, out=out)


@unary
@inner
def _relu(x, zero):
    return zero if x < zero else x  # a comparison with NaN is false: NaN stays


@binary
@inner
def _relu_gradient(dy, y, zero):
    return dy if y > zero else zero


def leaky_relu_forward(x, *, negative_slope=0.3, out=None):
    return _leaky_relu(x, negative_slope, out)


def leaky_relu_backward(dy, y, *, negative_slope=0.3, out=None):
    return _leaky_relu_gradient(dy, y, negative_slope, out)


@unary
@inner
def _leaky_relu(x, slope):
    return x if x >= 0 else slope * x


@binary
@inner
def _leaky_relu_gradient(dy, y, slope):
    return dy if y > 0 else slope * dy


def elu_forward(x, *, alpha=1.0, out=None):
    return _elu(x, alpha, out)


def elu_backward(dy, y, *, alpha=1.0, out=None):
    return _elu_gradient(dy, y, alpha, out)


@unary
@inner
def _elu(x, alpha):
    return x if x > 0 else alpha * expm1(x)


@binary
@inner
def _elu_gradient(dy, y, alpha):
    return dy if y > 0 else dy * (y + alpha)


def sigmoid_forward(x, *, out=None):
    return _sigmoid(x, out=out)


def sigmoid_backward(dy, y, *, out=None):
    return _sigmoid_gradient(dy, y, out=out)


@unary
@inner
def _sigmoid(x, _):
    return sigmoid(x)


@binary
@inner
def _sigmoid_gradient(dy, y, _):
    return dy * y * (_ONE(y) - y)


def tanh_forward(x, *, out=None):
    return _tanh(x, out=out)


def tanh_backward(dy, y, *, out=None):
    return _tanh_gradient(dy, y, out=out)


@unary
@inner
def _tanh(x, _):
    return tanh(x)


@binary
@inner
def _tanh_gradient(dy, y, _):
    return dy * (_ONE(y) - y * y)


def gelu_forward(x, *, approximate=False, out=None):
    return _gelu_tanh(x, out=out) if approximate else _gelu_erf(x, out=out)


def gelu_backward(dy, x, *, approximate=False, out=None):
    return _gelu_tanh_gradient(dy, x, out=out) if approximate else _gelu_erf_gradient(dy, x, out=out)


@unary
@inner
def _gelu_erf(x, _):
    return _at_least(x, -_FAR(x)) * _HALF(x) * (_ONE(x) + erf(x * _ROOT_HALF(x)))


@binary
@inner
def _gelu_erf_gradient(dy, x, _):
    near = _near(x)
    p = _HALF(x) * (_ONE(x) + erf(x * _ROOT_HALF(x)))
    return dy * (p + near * _DENSITY_AT_0(x) * exp(-_HALF(x) * near * near))


@unary
@inner
def _gelu_tanh(x, _):
    return _at_least(x, -_FAR(x)) * _HALF(x) * (_ONE(x) + tanh(_inner(_near(x))))


@binary
@inner
def _gelu_tanh_gradient(dy, x, _):
    near = _near(x)
    t = tanh(_inner(near))
    slope = _ROOT_2_PI(x) * (_ONE(x) + _THREE(x) * _CUBIC(x) * near * near)
    return dy * _HALF(x) * (_ONE(x) + t + near * (_ONE(x) - t * t) * slope)


@inner
def _inner(x):
    """u of the approximation."""
    return _ROOT_2_PI(x) * (x + _CUBIC(x) * x * x * x)


@inner
def _at_least(x, low):
    return low if x < low else x


@inner
def _near(x):
    """x limited to [-FAR, FAR]; NaN stays."""
    x = _at_least(x, -_FAR(x))
    return _FAR(x) if x > _FAR(x) else x
