"""Gated activations: x, or one half of it, times a gate between 0 and 1 that x, or the other half, opens.

Arrays of any shape, float32 or float64, in C order. Every function takes `out`, a buffer for its result, which may be
an input of the same shape. All raise TypeError or ValueError for another dtype, order or shape. NaN gives NaN,
infinities give the function's limits where there are any.
"""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)


def silu_forward(x, *, out=None):
    """Sigmoid linear unit, also named swish: y = x / (1 + e**-x).

    x (...) -> y (...). The limit at -inf is 0. Elfwing, Uchibe, Doya 2017, arXiv:1702.03118; Ramachandran, Zoph, Le
    2017, arXiv:1710.05941.

    >>> import numpy as np
    >>> silu_forward(np.array([-1.0, 0.0, 2.0])).round(3)
    array([-0.269,  0.   ,  1.762])
    """
    _check_input("silu_forward", x, out)
    return _faces(x).silu_forward(x, out=out)


def silu_backward(dy, x, *, out=None):
    """Gradient of `silu_forward` from its input: dx = dy * s * (1 + x * (1 - s)), s = sigmoid(x).

    dy (...), x (...) -> dx (...)
    """
    _check_gradient("silu_backward", dy, x, out)
    return _faces(x).silu_backward(dy, x, out=out)


def hard_swish_forward(x, *, out=None):
    """Sigmoid linear unit with a gate in straight pieces, y = x * min(max(x + 3, 0), 6) / 6.

    x (...) -> y (...). The limit at -inf is 0. Howard et al. 2019, arXiv:1905.02244.

    >>> import numpy as np
    >>> hard_swish_forward(np.array([-4.0, -1.5, 0.0, 4.0]))
    array([ 0.   , -0.375,  0.   ,  4.   ])
    """
    _check_input("hard_swish_forward", x, out)
    return _faces(x).hard_swish_forward(x, out=out)


def hard_swish_backward(dy, x, *, out=None):
    """Gradient of `hard_swish_forward` from its input: dx = dy * (x / 3 + 1/2), 0 from -3 down, dy from 3 up.

    dy (...), x (...) -> dx (...)
    """
    _check_gradient("hard_swish_backward", dy, x, out)
    return _faces(x).hard_swish_backward(dy, x, out=out)


def mish_forward(x, *, out=None):
    """y = x * tanh(log(1 + e**x)).

    x (...) -> y (...). The limit at -inf is 0. Misra 2019, arXiv:1908.08681.

    >>> import numpy as np
    >>> mish_forward(np.array([-1.0, 0.0, 2.0])).round(3)
    array([-0.303,  0.   ,  1.944])
    """
    _check_input("mish_forward", x, out)
    return _faces(x).mish_forward(x, out=out)


def mish_backward(dy, x, *, out=None):
    """Gradient of `mish_forward` from its input: dx = dy * (t + x * (1 - t**2) * sigmoid(x)), t = tanh(softplus(x)).

    dy (...), x (...) -> dx (...)
    """
    _check_gradient("mish_backward", dy, x, out)
    return _faces(x).mish_backward(dy, x, out=out)


def glu_forward(x, *, out=None):
    """Gated linear unit: y = a * sigmoid(b), a and b the halves of x along its last axis.

    x (..., 2 N) -> y (..., N). Dauphin, Fan, Auli, Grangier 2016, arXiv:1612.08083.

    >>> import numpy as np
    >>> glu_forward(np.array([[1.0, 2.0, 0.0, 3.0]])).round(3)
    array([[0.5  , 1.905]])
    """
    _check_halves("glu_forward", x, out)
    return _faces(x).glu_forward(x, out=out)


def glu_backward(dy, x, *, out=None):
    """Gradient of `glu_forward` from its input: da = dy * s, db = dy * a * s * (1 - s), s = sigmoid(b).

    dy (..., N), x (..., 2 N) -> dx (..., 2 N)
    """
    _check_halves_gradient("glu_backward", dy, x, out)
    return _faces(x).glu_backward(dy, x, out=out)


def swiglu_forward(x, *, out=None):
    """Gated linear unit with a silu for its gate: y = silu(a) * b, a and b the halves of x along its last axis.

    x (..., 2 N) -> y (..., N). SwiGLU(x, W, V) = Swish(x W) * (x V) of Shazeer 2020, arXiv:2002.05202, equation 6,
    where [W V] is one matrix, and its product with x is this function's x.

    >>> import numpy as np
    >>> swiglu_forward(np.array([[-1.0, 2.0, 2.0, 3.0]])).round(3)
    array([[-0.538,  5.285]])
    """
    _check_halves("swiglu_forward", x, out)
    return _faces(x).swiglu_forward(x, out=out)


def swiglu_backward(dy, x, *, out=None):
    """Gradient of `swiglu_forward` from its input: da = dy * b * silu'(a), db = dy * silu(a).

    dy (..., N), x (..., 2 N) -> dx (..., 2 N)
    """
    _check_halves_gradient("swiglu_backward", dy, x, out)
    return _faces(x).swiglu_backward(dy, x, out=out)


def _check_input(op, x, out):
    check.floats(op, x=x)
    check.out(op, out, x.shape, x)


def _check_gradient(op, dy, x, out):
    check.alike(op, x=x, dy=dy)
    check.out(op, out, dy.shape, dy)


def _check_halves(op, x, out):
    check.floats(op, x=x)
    check.out(op, out, _half(op, x), x, x=x)


def _check_halves_gradient(op, dy, x, out):
    check.floats(op, x=x, dy=dy)
    check.shape(op, "dy", dy, _half(op, x), ("x", x))
    check.out(op, out, x.shape, x)


def _half(op, x):
    """The shape of a half of x."""
    if not x.shape or x.shape[-1] % 2:
        raise ValueError(f"{op}: x has shape {tuple(x.shape)}, expected an even number along the last axis")
    return (*x.shape[:-1], x.shape[-1] // 2)
