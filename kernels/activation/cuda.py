"""Activations on CUDA.

x, y, dx, dy (...), any shape, read as flat arrays

relu        y = max(x, 0)                           dx = dy [y > 0]
leaky_relu  y = x, or a x below 0                   dx = dy, or a dy
elu         y = x, or a (e**x - 1) below 0          dx = dy, or dy (y + a)      Clevert et al. 2015, arXiv:1511.07289
sigmoid     y = 1 / (1 + e**-x)                     dx = dy y (1 - y)
tanh        y = tanh x                              dx = dy (1 - y**2)
gelu        y = x P(x), P the normal distribution   dx = dy (P + x P')          Hendrycks, Gimpel 2016, arXiv:1606.08415
            P = (1 + erf(x / sqrt 2)) / 2           P' = e**(-x**2 / 2) / sqrt(2 pi)
            or (1 + tanh u) / 2                     u = sqrt(2 / pi) (x + 0.044715 x**3)

Every element is computed by itself, by one thread. gelu limits x to [-FAR, FAR] where it would otherwise multiply 0 by
infinity. `p` is the precision of an element: a bare literal would make float32 arithmetic float64.
"""

import math

from .._cuda.elementwise import binary, unary
from .._cuda.jit import device

FAR = 40.0
ROOT_HALF, DENSITY_AT_0 = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
ROOT_2_PI, CUBIC = math.sqrt(2 / math.pi), 0.044715


def relu_forward(x, *, out=None):
    return _relu(x, out=out)


def relu_backward(dy, y, *, out=None):
    return _relu_gradient(dy, y, out=out)


@unary("relu_forward")
def _relu(x, zero):
    return zero if x < zero else x  # a comparison with NaN is false: NaN stays


@binary("relu_backward")
def _relu_gradient(dy, y, zero):
    return dy if y > zero else zero


def leaky_relu_forward(x, *, negative_slope=0.3, out=None):
    return _leaky_relu(x, option=negative_slope, out=out)


def leaky_relu_backward(dy, y, *, negative_slope=0.3, out=None):
    return _leaky_relu_gradient(dy, y, option=negative_slope, out=out)


@unary("leaky_relu_forward")
def _leaky_relu(x, slope):
    p = type(x)
    return x if x >= p(0) else slope * x


@binary("leaky_relu_backward")
def _leaky_relu_gradient(dy, y, slope):
    p = type(y)
    return dy if y > p(0) else slope * dy


def elu_forward(x, *, alpha=1.0, out=None):
    return _elu(x, option=alpha, out=out)


def elu_backward(dy, y, *, alpha=1.0, out=None):
    return _elu_gradient(dy, y, option=alpha, out=out)


@unary("elu_forward")
def _elu(x, alpha):
    p = type(x)
    return x if x > p(0) else alpha * p(math.expm1(x))


@binary("elu_backward")
def _elu_gradient(dy, y, alpha):
    p = type(y)
    return dy if y > p(0) else dy * (y + alpha)


def sigmoid_forward(x, *, out=None):
    return _sigmoid(x, out=out)


def sigmoid_backward(dy, y, *, out=None):
    return _sigmoid_gradient(dy, y, out=out)


@unary("sigmoid_forward")
def _sigmoid(x, _):
    p = type(x)
    e = p(math.exp(x if x < p(0) else -x))  # of -|x|: no overflow
    return (p(1) if x >= p(0) else e) / (p(1) + e)


@binary("sigmoid_backward")
def _sigmoid_gradient(dy, y, _):
    p = type(y)
    return dy * y * (p(1) - y)


def tanh_forward(x, *, out=None):
    return _tanh(x, out=out)


def tanh_backward(dy, y, *, out=None):
    return _tanh_gradient(dy, y, out=out)


@unary("tanh_forward")
def _tanh(x, _):
    p = type(x)
    return p(math.tanh(x))


@binary("tanh_backward")
def _tanh_gradient(dy, y, _):
    p = type(y)
    return dy * (p(1) - y * y)


def gelu_forward(x, *, approximate=False, out=None):
    return _gelu_tanh(x, out=out) if approximate else _gelu_erf(x, out=out)


def gelu_backward(dy, x, *, approximate=False, out=None):
    return _gelu_tanh_gradient(dy, x, out=out) if approximate else _gelu_erf_gradient(dy, x, out=out)


@device
def _at_least(x, low):
    return low if x < low else x  # NaN stays


@device
def _near(x):
    """x limited to [-FAR, FAR]."""
    p = type(x)
    x = p(-FAR) if x < p(-FAR) else x
    return p(FAR) if x > p(FAR) else x


@device
def _inner(x):
    """u of the approximation."""
    p = type(x)
    return p(ROOT_2_PI) * (x + p(CUBIC) * x * x * x)


@unary("gelu_forward-erf")
def _gelu_erf(x, _):
    p = type(x)
    return _at_least(x, p(-FAR)) * p(0.5) * (p(1) + p(math.erf(x * p(ROOT_HALF))))


@binary("gelu_backward-erf")
def _gelu_erf_gradient(dy, x, _):
    p = type(x)
    near = _near(x)
    cdf = p(0.5) * (p(1) + p(math.erf(x * p(ROOT_HALF))))
    return dy * (cdf + near * p(DENSITY_AT_0) * p(math.exp(p(-0.5) * near * near)))


@unary("gelu_forward-tanh")
def _gelu_tanh(x, _):
    p = type(x)
    return _at_least(x, p(-FAR)) * p(0.5) * (p(1) + p(math.tanh(_inner(_near(x)))))


@binary("gelu_backward-tanh")
def _gelu_tanh_gradient(dy, x, _):
    p = type(x)
    near = _near(x)
    t = p(math.tanh(_inner(near)))
    slope = p(ROOT_2_PI) * (p(1) + p(3 * CUBIC) * near * near)
    return dy * p(0.5) * (p(1) + t + near * (p(1) - t * t) * slope)


_FORWARD = (_relu, _leaky_relu, _elu, _sigmoid, _tanh, _gelu_erf, _gelu_tanh)
_BACKWARD = (
    _relu_gradient,
    _leaky_relu_gradient,
    _elu_gradient,
    _sigmoid_gradient,
    _tanh_gradient,
    _gelu_erf_gradient,
    _gelu_tanh_gradient,
)
COMPILED = tuple(entry for function in _FORWARD + _BACKWARD for entry in function.compiled)
