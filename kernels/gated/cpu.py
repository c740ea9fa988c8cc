"""Gated activations on the CPU.

x, y, dx, dy (...), any shape, read as flat arrays; of glu and swiglu y, dy (..., N) and x, dx (..., 2 N) of halves a, b

silu        y = x s(x)                         dx = dy s (1 + x (1 - s))     Elfwing et al. 2017, arXiv:1702.03118
            s(x) = 1 / (1 + e**-x)
hard_swish  y = x min(max(x + 3, 0), 6) / 6    dx = dy (x / 3 + 1/2)         Howard et al. 2019, arXiv:1905.02244
                                               0 from -3 down, dy from 3 up
mish        y = x tanh(log(1 + e**x))          dx = dy (t + x t')            Misra 2019, arXiv:1908.08681
            t = q / (q + 2), n = e**x          t' = 4 n (n + 1) / (q + 2)**2
            q = n (n + 2) = (1 + e**x)**2 - 1
glu         y = a s(b)                         da = dy s                     Dauphin et al. 2016, arXiv:1612.08083
                                               db = dy a s (1 - s)
swiglu      y = a s(a) b                       da = dy b s (1 + a (1 - s))   Shazeer 2020, arXiv:2002.05202
                                               db = dy a s

Every element is computed by itself: the result does not depend on threads. x is limited to [-FAR, FAR] where it would
otherwise multiply 0 by infinity, and for mish's e**x, where t is 1 already.
"""

from .._cpu.elementwise import HEAVY, binary, unary
from .._cpu.halves import from_halves, to_halves
from .._cpu.jit import inner
from .._cpu.vecmath import constant, exp, sigmoid

_ZERO, _HALF, _ONE, _TWO, _THREE, _FOUR = (constant(c) for c in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0))
_SIXTH, _THIRD = constant(1 / 6), constant(1 / 3)
_FAR = constant(800.0)  # e**-FAR is 0
_MISH_FAR = constant(20.0, 40.0)  # q / (q + 2) is 1, and (q + 2)**2 no overflow


def silu_forward(x, *, out=None):
    return _silu(x, out=out)


def silu_backward(dy, x, *, out=None):
    return _silu_gradient(dy, x, out=out)


@unary(cost=HEAVY)
def _silu(x, _):
    return _at_least(x, -_FAR(x)) * sigmoid(x)


@binary(cost=HEAVY)
def _silu_gradient(dy, x, _):
    s = sigmoid(x)
    return dy * s * (_ONE(x) + _near(x) * (_ONE(x) - s))


def hard_swish_forward(x, *, out=None):
    return _hard_swish(x, out=out)


def hard_swish_backward(dy, x, *, out=None):
    return _hard_swish_gradient(dy, x, out=out)


@unary
def _hard_swish(x, zero):
    gate = (_at_most(x, _THREE(x)) + _THREE(x)) * _SIXTH(x)
    return zero if x <= -_THREE(x) else x * gate


@binary
def _hard_swish_gradient(dy, x, zero):
    slope = _at_most(x, _THREE(x)) * _THIRD(x) + _HALF(x)
    return dy * (zero if x <= -_THREE(x) else (_ONE(x) if x >= _THREE(x) else slope))


def mish_forward(x, *, out=None):
    return _mish(x, out=out)


def mish_backward(dy, x, *, out=None):
    return _mish_gradient(dy, x, out=out)


@unary(cost=HEAVY)
def _mish(x, _):
    n = exp(_at_most(x, _MISH_FAR(x)))
    q = n * (n + _TWO(x))
    return _at_least(x, -_FAR(x)) * (q / (q + _TWO(x)))


@binary(cost=HEAVY)
def _mish_gradient(dy, x, _):
    near = _at_most(_at_least(x, -_FAR(x)), _MISH_FAR(x))
    n = exp(near)
    q = n * (n + _TWO(x))
    below = _ONE(x) / (q + _TWO(x))
    return dy * (q * below + _FOUR(x) * near * n * below * (n + _ONE(x)) * below)


def glu_forward(x, *, out=None):
    return _glu(x, out)


def glu_backward(dy, x, *, out=None):
    return _glu_gradient(dy, x, out)


@from_halves
def _glu(a, b):
    return a * sigmoid(b)


@to_halves
def _glu_gradient(dy, a, b):
    s = sigmoid(b)
    return dy * s, dy * a * s * (_ONE(a) - s)


def swiglu_forward(x, *, out=None):
    return _swiglu(x, out)


def swiglu_backward(dy, x, *, out=None):
    return _swiglu_gradient(dy, x, out)


@from_halves
def _swiglu(a, b):
    return _at_least(a, -_FAR(a)) * sigmoid(a) * b


@to_halves
def _swiglu_gradient(dy, a, b):
    s = sigmoid(a)
    return dy * b * (s * (_ONE(a) + _near(a) * (_ONE(a) - s))), dy * (_at_least(a, -_FAR(a)) * s)


@inner
def _at_least(x, low):
    return low if x < low else x  # a comparison with NaN is false: NaN stays


@inner
def _at_most(x, high):
    return high if x > high else x


@inner
def _near(x):
    return _at_most(_at_least(x, -_FAR(x)), _FAR(x))
