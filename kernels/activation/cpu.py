"""Activations on the CPU.

x, y, dx, dy (...), any shape, read as flat arrays

relu        y = max(x, 0)                           dx = dy [y > 0]
relu6       y = min(max(x, 0), 6)                   dx = dy [0 < y < 6]
leaky_relu  y = x, or a x below 0                   dx = dy, or a dy
elu         y = x, or a (e**x - 1) below 0          dx = dy, or dy (y + a)      Clevert et al. 2015, arXiv:1511.07289
selu        y = s x, or s a (e**x - 1) below 0      dx = dy s, or dy (y + s a)  Klambauer et al. 2017, arXiv:1706.02515
celu        y = x, or a (e**(x / a) - 1) below 0    dx = dy, or dy (1 + y / a)  Barron 2017, arXiv:1704.07483
sigmoid     y = 1 / (1 + e**-x)                     dx = dy y (1 - y)
hard_sigmoid  y = min(max(x + 3, 0), 6) / 6         dx = dy / 6 [0 < y < 1]     Howard et al. 2019, arXiv:1905.02244
tanh        y = tanh x                              dx = dy (1 - y**2)
hard_tanh   y = min(max(x, -1), 1)                  dx = dy [-1 < y < 1]
softplus    y = log(1 + e**x)                       dx = dy (1 - e**-y)         Dugas et al. 2000, NIPS 13
softsign    y = x / (1 + |x|)                       dx = dy / (1 + |x|)**2      Turian, Bergstra, Bengio 2009
gelu        y = x P(x), P the normal distribution   dx = dy (P + x P')          Hendrycks, Gimpel 2016, arXiv:1606.08415
            P = (1 + erf(x / sqrt 2)) / 2           P' = e**(-x**2 / 2) / sqrt(2 pi)
            or (1 + tanh u) / 2                     u = sqrt(2 / pi) (x + 0.044715 x**3)

Every element is computed by itself: the result does not depend on threads. gelu limits x to [-FAR, FAR], and softsign
to [-HUGE, HUGE], where they would otherwise multiply 0 by infinity or divide infinity by itself.
"""

import math

from .._cpu.elementwise import HEAVY, binary, unary
from .._cpu.jit import inner
from .._cpu.vecmath import constant, exp_below, expm1, normal_cdf, sigmoid, softplus, tanh

_HALF, _ONE, _THREE, _SIX = (constant(c) for c in (0.5, 1.0, 3.0, 6.0))
_SIXTH = constant(1 / 6)
_SELU_SCALE, _SELU_LEFT = constant(1.0507009873554805), constant(1.0507009873554805 * 1.6732632423543772)
_HUGE = constant(1e30)
_FAR = constant(40.0)
_DENSITY_AT_0 = constant(1 / math.sqrt(2 * math.pi))
_TWO_ROOT_2_PI, _CUBIC = constant(2 * math.sqrt(2 / math.pi)), constant(0.044715)


def relu_forward(x, *, out=None):
    return _relu(x, out=out)


def relu_backward(dy, y, *, out=None):
    return _relu_gradient(dy, y, out=out)


@unary
def _relu(x, zero):
    return zero if x < zero else x  # a comparison with NaN is false: NaN stays


@binary
def _relu_gradient(dy, y, zero):
    return dy if y > zero else zero


def relu6_forward(x, *, out=None):
    return _relu6(x, out=out)


def relu6_backward(dy, y, *, out=None):
    return _relu6_gradient(dy, y, out=out)


@unary
def _relu6(x, zero):
    return _between(x, zero, _SIX(x))


@binary
def _relu6_gradient(dy, y, zero):
    return dy if (y > zero) & (y < _SIX(y)) else zero


def leaky_relu_forward(x, *, negative_slope=0.3, out=None):
    return _leaky_relu(x, negative_slope, out)


def leaky_relu_backward(dy, y, *, negative_slope=0.3, out=None):
    return _leaky_relu_gradient(dy, y, negative_slope, out)


@unary
def _leaky_relu(x, slope):
    return x if x >= 0 else slope * x


@binary
def _leaky_relu_gradient(dy, y, slope):
    return dy if y > 0 else slope * dy


def elu_forward(x, *, alpha=1.0, out=None):
    return _elu(x, alpha, out)


def elu_backward(dy, y, *, alpha=1.0, out=None):
    return _elu_gradient(dy, y, alpha, out)


@unary(cost=HEAVY)
def _elu(x, alpha):
    return x if x > 0 else alpha * expm1(x)


@binary
def _elu_gradient(dy, y, alpha):
    return dy if y > 0 else dy * (y + alpha)


def selu_forward(x, *, out=None):
    return _selu(x, out=out)


def selu_backward(dy, y, *, out=None):
    return _selu_gradient(dy, y, out=out)


@unary(cost=HEAVY)
def _selu(x, _):
    return _SELU_SCALE(x) * x if x > 0 else _SELU_LEFT(x) * expm1(x)


@binary
def _selu_gradient(dy, y, _):
    return dy * (_SELU_SCALE(y) if y > 0 else y + _SELU_LEFT(y))


def celu_forward(x, *, alpha=1.0, out=None):
    return _celu(x, alpha, out)


def celu_backward(dy, y, *, alpha=1.0, out=None):
    return _celu_gradient(dy, y, alpha, out)


@unary(cost=HEAVY)
def _celu(x, alpha):
    return x if x > 0 else alpha * expm1(x / alpha)


@binary
def _celu_gradient(dy, y, alpha):
    return dy if y > 0 else dy * (_ONE(y) + y / alpha)


def sigmoid_forward(x, *, out=None):
    return _sigmoid(x, out=out)


def sigmoid_backward(dy, y, *, out=None):
    return _sigmoid_gradient(dy, y, out=out)


@unary(cost=HEAVY)
def _sigmoid(x, _):
    return sigmoid(x)


@binary
def _sigmoid_gradient(dy, y, _):
    return dy * y * (_ONE(y) - y)


def hard_sigmoid_forward(x, *, out=None):
    return _hard_sigmoid(x, out=out)


def hard_sigmoid_backward(dy, y, *, out=None):
    return _hard_sigmoid_gradient(dy, y, out=out)


@unary
def _hard_sigmoid(x, zero):
    return _between(x + _THREE(x), zero, _SIX(x)) * _SIXTH(x)


@binary
def _hard_sigmoid_gradient(dy, y, zero):
    return dy * _SIXTH(y) if (y > zero) & (y < _ONE(y)) else zero


def tanh_forward(x, *, out=None):
    return _tanh(x, out=out)


def tanh_backward(dy, y, *, out=None):
    return _tanh_gradient(dy, y, out=out)


@unary(cost=HEAVY)
def _tanh(x, _):
    return tanh(x)


@binary
def _tanh_gradient(dy, y, _):
    return dy * (_ONE(y) - y * y)


def hard_tanh_forward(x, *, out=None):
    return _hard_tanh(x, out=out)


def hard_tanh_backward(dy, y, *, out=None):
    return _hard_tanh_gradient(dy, y, out=out)


@unary
def _hard_tanh(x, _):
    return _between(x, -_ONE(x), _ONE(x))


@binary
def _hard_tanh_gradient(dy, y, zero):
    return dy if (y > -_ONE(y)) & (y < _ONE(y)) else zero


def softplus_forward(x, *, out=None):
    return _softplus(x, out=out)


def softplus_backward(dy, y, *, out=None):
    return _softplus_gradient(dy, y, out=out)


@unary(cost=HEAVY)
def _softplus(x, _):
    return softplus(x)


@binary(cost=HEAVY)
def _softplus_gradient(dy, y, _):
    return -dy * expm1(-y)


def softsign_forward(x, *, out=None):
    return _softsign(x, out=out)


def softsign_backward(dy, x, *, out=None):
    return _softsign_gradient(dy, x, out=out)


@unary
def _softsign(x, _):
    near = _between(x, -_HUGE(x), _HUGE(x))
    return near / (_ONE(x) + abs(near))


@binary
def _softsign_gradient(dy, x, _):
    slope = _ONE(x) / (_ONE(x) + abs(x))
    return dy * slope * slope


def gelu_forward(x, *, approximate=False, out=None):
    return _gelu_tanh(x, out=out) if approximate else _gelu(x, out=out)


def gelu_backward(dy, x, *, approximate=False, out=None):
    return _gelu_tanh_gradient(dy, x, out=out) if approximate else _gelu_gradient(dy, x, out=out)


@unary(cost=HEAVY)
def _gelu(x, _):
    return _at_least(x, -_FAR(x)) * normal_cdf(x)


@binary(cost=HEAVY)
def _gelu_gradient(dy, x, _):
    near = _near(x)
    return dy * (normal_cdf(x) + near * _DENSITY_AT_0(x) * exp_below(-_HALF(x) * near * near))


@unary(cost=HEAVY)
def _gelu_tanh(x, _):
    return _at_least(x, -_FAR(x)) * sigmoid(_twice_u(_near(x)))


@binary(cost=HEAVY)
def _gelu_tanh_gradient(dy, x, _):
    near = _near(x)
    p = sigmoid(_twice_u(near))
    slope = _TWO_ROOT_2_PI(x) * (_ONE(x) + _THREE(x) * _CUBIC(x) * near * near)
    return dy * (p + near * p * (_ONE(x) - p) * slope)


@inner
def _twice_u(x):
    """2 u of the approximation, since (1 + tanh u) / 2 is sigmoid(2 u)."""
    return _TWO_ROOT_2_PI(x) * (x + _CUBIC(x) * x * x * x)


@inner
def _at_least(x, low):
    return low if x < low else x


@inner
def _between(x, low, high):
    """x limited to [low, high]; NaN stays."""
    x = _at_least(x, low)
    return high if x > high else x


@inner
def _near(x):
    return _between(x, -_FAR(x), _FAR(x))
