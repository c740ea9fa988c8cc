"""Sine and cosine of turns, 2 pi u for u in [0, 1], which LLVM turns into vector code as it does vecmath's.

4 u = q + 4 f with a whole q and |f| <= 1/8, without rounding; x = 2 pi f, |x| <= pi / 4, and by q the sine is one of
sin x, cos x, -sin x, -cos x. Both are their power series up to the term that is below half an ulp: of float32 x**9 / 9!
and x**8 / 8!, of float64 x**15 / 15! and x**16 / 16!.
"""

import math

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import EXACT, inner
from .vecmath import constant, fma, polynomial


def _series(first, terms):
    """Coefficients of x**2 in the sum of (-1)**k x**(2 k) / (first + 2 k)!."""
    return tuple((-1) ** k / math.factorial(first + 2 * k) for k in range(terms))


_SIN = polynomial(_series(3, 4), _series(3, 7))  # sin x = x - x**3 p(x**2)
_COS = polynomial(_series(2, 4), _series(2, 8))  # cos x = 1 - x**2 p(x**2)
_ONE, _TWO, _THREE, _FOUR, _QUARTER, _HALF = (constant(c) for c in (1.0, 2.0, 3.0, 4.0, 0.25, 0.5))
_TURN = constant(2 * math.pi)


@intrinsic
def floor(typing, x):
    """The largest whole number not above x, as a float: math.floor makes an integer, which costs a conversion."""
    if not isinstance(x, types.Float):
        return None

    def codegen(context, builder, signature, args):
        name = f"llvm.floor.{args[0].type.intrinsic_name}"
        kind = ir.FunctionType(args[0].type, [args[0].type])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)

    return x(x), codegen


@inner(fastmath=EXACT, forceinline=True)
def sin_cos_of_turns(u):
    """(sin 2 pi u, cos 2 pi u) for u in [0, 1]."""
    q = floor(fma(_FOUR(u), u, _HALF(u)))
    x = (u - q * _QUARTER(u)) * _TURN(u)
    z = x * x
    s, c = fma(-x * z, _SIN(z), x), fma(-z, _COS(z), _ONE(z))
    odd = (q == _ONE(u)) | (q == _THREE(u))
    sine, cosine = (c if odd else s), (s if odd else c)
    sine = -sine if (q == _TWO(u)) | (q == _THREE(u)) else sine
    cosine = -cosine if (q == _ONE(u)) | (q == _TWO(u)) else cosine
    return sine, cosine
