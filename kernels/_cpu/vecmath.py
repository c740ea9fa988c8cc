"""exp, expm1, log, log1p, tanh, sigmoid, softplus, erf of one element, which LLVM turns into vector code in a loop.

libm's functions are calls, and a loop with a call is not vectorised. These have neither calls nor branches: both sides
of a choice are computed and one is selected. They work on float32 and float64 alike: what differs by dtype, the
numbers, is a `constant` or a `polynomial`, which take the precision of their argument.

    exp      x = n ln 2 + r, |r| <= ln 2 / 2 (Cody, Waite 1980)     e**x = 2**n (1 + w)    w = r + r**2 q(r)
    sigmoid  2**-n / (2**-n + w + 1), n and w of e**-x
    softplus max(x, 0) + log(1 + e**-|x|)
    log      x = 2**n (1 + f), 1 + f in [sqrt 1/2, sqrt 2)          log x = n ln 2 + f - (h - s (h + s**2 R(s**2)))
             s = f / (2 + f), h = f**2 / 2: the identity of FreeBSD's e_log.c, with R of our own
    log1p    x + x**2 p(x)
    tanh     x + x**3 p(x**2) up to 0.27, beyond it m / (m + 2), m = e**2x - 1
    erf      x + x p(x**2) up to 1, beyond it 1 - exp(g(x - 1)), g(u) = log erfc(1 + u)
    normal   (1 + erf(x / sqrt 2)) / 2, whose float32 is 1/2 + x p(x**2) / q(x**2): in half the time, as exact near 1

The polynomials are minimax fits to the relative error (Remez in 40 digits, the coefficients rounded one after the
other, the rest fitted anew each time). The flags are EXACT and every multiply-add is written as `fma`: the order of
operations is the algorithm, and an element has the same bits in a vector and in a loop's scalar tail. NaN, infinity and
subnormal numbers come out as in NumPy. Worst errors, float32 / float64, are of all float32 numbers and of 10**7
float64 ones against a longer type (of exp_below, log1p, tanh, sigmoid, softplus of millions of each). They are those of
a machine with fused multiply-add.
"""

import math

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .jit import EXACT, inner


def polynomial(float32, float64):
    """An intrinsic p(x) = c[0] + c[1] x + c[2] x**2 + …, with the coefficients of x's dtype, by Horner's rule."""
    coefficients = {types.float32: float32, types.float64: float64}

    @intrinsic
    def p(typing, x):
        if x not in coefficients:
            return None

        def codegen(context, builder, signature, args):
            scalar = args[0].type
            *rest, value = (ir.Constant(scalar, c) for c in coefficients[x])
            for c in reversed(rest):
                value = _fma(builder, value, args[0], c)
            return value

        return x(x), codegen

    return p


def constant(float32, float64=None):
    """An intrinsic c(x): the number in x's dtype. A bare literal in a kernel would be float64."""
    return polynomial((float32,), (float32 if float64 is None else float64,))


@intrinsic
def is_single(typing, x):
    """Whether x is float32, known when a kernel is compiled."""
    return types.boolean(x), lambda context, builder, signature, args: cgutils.bool_t(int(x == types.float32))


@intrinsic
def fma(typing, a, b, c):
    """a * b + c, rounded once where the machine can."""
    if not (a == b == c and isinstance(a, types.Float)):
        return None
    return a(a, b, c), lambda context, builder, signature, args: _fma(builder, *args)


def _fma(builder, a, b, c):
    name = f"llvm.fmuladd.{a.type.intrinsic_name}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(a.type, [a.type] * 3), name)
    return builder.call(function, [a, b, c])


# integer of the same width, bits of the mantissa, bits of sqrt 1/2, 1.5 * 2**mantissa, exponent of 1.0
_FORMAT = {
    types.float32: (ir.IntType(32), 23, 0x3F3504F3, 1.5 * 2.0**23, 127),
    types.float64: (ir.IntType(64), 52, 0x3FE6A09E667F3BCD, 1.5 * 2.0**52, 1023),
}


@intrinsic
def power_of_two(typing, biased):
    """2**n from n + c, rounded to a whole number, where c is _SHIFTER plus the exponent of 1.0 (plus m: 2**(n + m)).

    The sum's lowest bits hold the exponent of the result, which must be that of a normal number.
    """
    if biased not in _FORMAT:
        return None

    def codegen(context, builder, signature, args):
        integer, mantissa = _FORMAT[biased][:2]
        bits = builder.shl(builder.bitcast(args[0], integer), integer(mantissa))
        return builder.bitcast(bits, args[0].type)

    return biased(biased), codegen


@intrinsic
def split(typing, x):
    """(m, n) with x = m 2**n, m in [sqrt 1/2, sqrt 2), n a whole float; x positive and normal, else some numbers."""
    if x not in _FORMAT:
        return None

    def codegen(context, builder, signature, args):
        integer, mantissa, root_half, shifter, bias = _FORMAT[x]
        scalar = args[0].type
        bits = builder.sub(builder.bitcast(args[0], integer), integer(root_half))
        m = builder.add(builder.and_(bits, integer((1 << mantissa) - 1)), integer(root_half))
        biased = builder.lshr(builder.add(bits, integer(bias << mantissa)), integer(mantissa))
        biased = builder.or_(biased, builder.bitcast(ir.Constant(scalar, shifter), integer))  # shifter + n + bias
        n = builder.fsub(builder.bitcast(biased, scalar), ir.Constant(scalar, shifter + bias))
        return context.make_tuple(builder, signature.return_type, [builder.bitcast(m, scalar), n])

    return types.UniTuple(x, 2)(x), codegen


@intrinsic
def order(typing, x):
    """A whole number for every float, larger for a larger one (and largest for NaN, or smallest for NaN with a minus).

    LLVM makes vector code of a maximum of integers; of floats only if it may assume that there is no NaN.
    """
    if x not in _FORMAT:
        return None

    def codegen(context, builder, signature, args):
        return _flip(builder, builder.bitcast(args[0], _FORMAT[x][0]))

    return types.Integer.from_bitwidth(x.bitwidth)(x), codegen


@intrinsic
def in_order(typing, k, x):
    """The float (of x's dtype) of which k is the `order`."""
    if x not in _FORMAT:
        return None

    def codegen(context, builder, signature, args):
        return builder.bitcast(_flip(builder, args[0]), args[1].type)

    return x(types.Integer.from_bitwidth(x.bitwidth), x), codegen


def _flip(builder, bits):
    """Of a negative number all bits but the sign; it is its own inverse."""
    sign = builder.ashr(bits, bits.type(bits.type.width - 1))
    return builder.xor(bits, builder.lshr(sign, bits.type(1)))


# fmt: off
_ZERO, _HALF, _ONE, _TWO = (constant(c) for c in (0.0, 0.5, 1.0, 2.0))
_INFINITY, _NAN = constant(math.inf), constant(math.nan)
# x + shifter - shifter is x rounded to a whole number n, and the lowest bits of x + shifter are n + the exponent of 1.0
_SHIFTER = constant(1.5 * 2.0**23 + 127, 1.5 * 2.0**52 + 1023)
_SHIFTER_UP = constant(1.5 * 2.0**23 + 127 + 64, 1.5 * 2.0**52 + 1023 + 64)  # for 2**(n + 64), of which n may be so
_SHIFTER_DOWN = constant(1.5 * 2.0**23 + 127 - 64, 1.5 * 2.0**52 + 1023 - 64)  # low, and 2**(n - 64), so high, that
_UP, _DOWN = constant(2.0**64), constant(2.0**-64)  # 2**n is no normal number
_LOG2_E = constant(1.4426950408889634)
_LN2_HIGH = constant(0.693145751953125, 0.6931471803691238)  # the last bits are 0, so that n * high is exact
_LN2_LOW = constant(1.428606765330187e-06, 1.9082149292705877e-10)

_EXP_LOW = constant(-105.0, -746.0)  # e**low is 0
_EXP_HIGH = constant(89.0, 710.0)  # e**high is infinite
_EXPM1_LOW = constant(-20.0, -40.0)  # e**low - 1 is -1
_EXP = polynomial(
    (0.5, 0.1666654, 0.041666478, 0.008366821, 0.0013933693),
    (0.5000000000000006, 0.16666666666666677, 0.04166666666657366, 0.008333333333321452, 0.0013888888932362768,
     0.0001984126988652309, 2.4801504466057904e-05, 2.7557243850209204e-06, 2.762631865233239e-07,
     2.5109151238603287e-08))

_SMALLEST_NORMAL = constant(1.1754943508222875e-38, 2.2250738585072014e-308)
_RAISE, _RAISED_BY = constant(2.0**25, 2.0**54), constant(25.0, 54.0)
_LOG = polynomial(
    (0.6666695, 0.3995767, 0.30364108),
    (0.6666666666667282, 0.3999999999610412, 0.28571429405261367, 0.22222137700642489, 0.18186388620472616,
     0.15249539178938346, 0.15373240232130755))
_LOG1P = polynomial(
    (-0.4999993, 0.33330467, -0.24958161, 0.19693268, -0.15349385, 0.10670633, -0.0575694, 0.020155677, -0.0033080185),
    (-0.499999999999994755, 0.333333333332364276, -0.249999999937199648, 0.199999997920705764, -0.166666625068157173,
     0.142856589613596446, -0.124994799692841793, 0.111075074524248848, -0.0998101932867454087, 0.0901316346499939584,
     -0.0808122711716100183, 0.0703555823140879399, -0.0575020750845249385, 0.0422999914479018039,
     -0.0267436855270866335, 0.013838293160237508, -0.00554291123588443663, 0.00159565744988430896,
     -0.000291740482066376328, 0.0000253276330356448744))

_TANH_CUT = constant(0.27)
_TANH = polynomial(
    (-0.33333187, 0.13321055, -0.05102528),
    (-0.33333333333333320, 0.13333333333327138, -0.053968253958798707, 0.02186948783789940, -0.0088632069666115976,
     0.0035914455204253112, -0.0014463267125238071, 0.00051790608991994318))
_TANH_HIGH = constant(20.0, 40.0)  # tanh(high / 2) is 1

_SIGMOID_HIGH = constant(40.0)  # sigmoid(high) is 1

_ERF_HIGH = constant(3.95, 5.95)  # erf(high) is 1
_ERF_SMALL = polynomial(
    (0.12837917, -0.37612626, 0.112835824, -0.026853643, 0.0051879627, -0.0008006793, 7.842288e-05),
    (0.12837916709551256, -0.37612638903183454, 0.11283791670942442, -0.02686617064289931, 0.005223977604689966,
     -0.0008548325870703971, 0.00012055292035174393, -1.4924685750072198e-05, 1.6446833684025832e-06,
     -1.6204216644959769e-07, 1.370256913134439e-08, -7.764805895007783e-10))
_LOG_ERFC = polynomial(
    (-1.8496056, -2.6389654, -0.8431304, -0.04146129, 0.009832986, -0.0017879596, 0.00017644544),
    (-1.8496055099332482, -2.638967514234791, -0.84310725635858, -0.04156109804345415, 0.010033825389840536,
     -0.001977902657390957, 0.00023732282585409105, 2.627695282143602e-05, -2.715733792555658e-05,
     9.606394489098452e-06, -2.057138354672826e-06, 1.4080150386604298e-07, 9.877095883300755e-08,
     -5.257479146644425e-08, 1.5083737009146818e-08, -2.903227908630288e-09, 3.742216586921715e-10,
     -2.936202447973513e-11, 1.0617470217062616e-12))
_NORMAL_FAR = constant(5.5)  # beyond it 0 or 1 is nearer than half a float32 ulp of 1
_NORMAL_ABOVE, _NORMAL_BELOW = (polynomial(c, (1.0,)) for c in (
    (0.39894223, 0.03384661, 0.00467685191, 0.000168758837, 6.35119113e-06, 2.27512831e-08),
    (1.0, 0.251506805, 0.0286423154, 0.00188407034, 7.36235597e-05, 1.19749075e-06)))
# fmt: on

_ROOT_HALF = constant(math.sqrt(0.5))

_exact = inner(fastmath=EXACT, forceinline=True)  # left alone, LLVM does not inline float64's erf


@_exact
def _exp_parts(x, shifter):
    """(n + shifter, w) with e**x = 2**n (1 + w) and abs(w) <= 0.42."""
    biased = fma(x, _LOG2_E(x), shifter)
    n = biased - shifter
    r = fma(n, -_LN2_LOW(x), fma(n, -_LN2_HIGH(x), x))
    return biased, fma(r * r, _EXP(r), r)


@_exact
def exp(x):
    """e**x. Worst error 1.04 / 1.02 ulp."""
    z = _EXP_LOW(x) if x < _EXP_LOW(x) else x  # comparisons with NaN are false: NaN stays
    z = _EXP_HIGH(x) if z > _EXP_HIGH(x) else z
    below = x < _ZERO(x)
    biased, w = _exp_parts(z, _SHIFTER_UP(x) if below else _SHIFTER_DOWN(x))
    c = power_of_two(biased)
    return fma(c, w, c) * (_DOWN(x) if below else _UP(x))


@_exact
def exp_below(x):
    """e**x for x <= 0 alone, in fewer steps. Worst error 1.04 / 1.02 ulp."""
    biased, w = _exp_parts(_EXP_LOW(x) if x < _EXP_LOW(x) else x, _SHIFTER_UP(x))
    c = power_of_two(biased)
    return fma(c, w, c) * _DOWN(x)


@_exact
def expm1(x):
    """e**x - 1 for x <= 0 alone. Worst error 0.94 / 1.15 ulp."""
    return _expm1(_EXPM1_LOW(x) if x < _EXPM1_LOW(x) else x)


@_exact
def _expm1(x):
    """e**x - 1 where e**x is a normal number."""
    biased, w = _exp_parts(x, _SHIFTER(x))
    c = power_of_two(biased)
    return fma(c, w, c - _ONE(x))


@_exact
def log(x):
    """Natural logarithm; -inf at 0, NaN below. Worst error 0.84 / 0.91 ulp."""
    subnormal = x < _SMALLEST_NORMAL(x)
    m, n = split(x * _RAISE(x) if subnormal else x)
    y = _log(m - _ONE(x), n - _RAISED_BY(x) if subnormal else n)
    y = y if x < _INFINITY(x) else x
    return y if x > _ZERO(x) else (-_INFINITY(x) if x == _ZERO(x) else _NAN(x))


@_exact
def log1p(x):
    """log(1 + x) for x in [0, 1] alone, as in log1p(exp(-abs(x))), a loss's term. Worst error 1.27 / 1.26 ulp."""
    return fma(x * x, _LOG1P(x), x)


@_exact
def _log(f, n):
    """n ln 2 + log(1 + f) for 1 + f in [sqrt 1/2, 3/2]."""
    s, h = f / (f + _TWO(f)), _HALF(f) * f * f
    z = s * s
    rest = fma(s, fma(z, _LOG(z), h), n * _LN2_LOW(f))
    return fma(n, _LN2_HIGH(f), f - (h - rest))


@_exact
def tanh(x):
    """Hyperbolic tangent. Worst error 1.50 / 1.49 ulp."""
    a = abs(x)
    z = x * x
    small = fma(a * z, _TANH(z), a)
    twice = a + a
    m = _expm1(_TANH_HIGH(x) if twice > _TANH_HIGH(x) else twice)
    return math.copysign(small if a < _TANH_CUT(x) else m / (m + _TWO(x)), x)


@_exact
def sigmoid(x):
    """1 / (1 + e**-x). Worst error 2.00 / 2.00 ulp, next to 0 from below."""
    z = _EXP_LOW(x) if x < _EXP_LOW(x) else x
    z = _SIGMOID_HIGH(x) if z > _SIGMOID_HIGH(x) else z
    biased, w = _exp_parts(-z, _SHIFTER(x))
    c = power_of_two(_SHIFTER_UP(x) - (biased - _SHIFTER(x)))  # 2**(64 - n): 2**-n may be no normal number
    return c / (fma(c, _DOWN(x), w) + _ONE(x)) * _DOWN(x)


@_exact
def softplus(x):
    """log(1 + e**x). Worst error 1.78 / 1.96 ulp."""
    return (x if x > _ZERO(x) else _ZERO(x)) + log1p(exp_below(-abs(x)))


@_exact
def erf(x):
    """Error function, 2 / sqrt pi times the integral of e**(-t**2) from 0 to x. Worst error 1.00 / 0.98 ulp."""
    a = abs(x)
    a = _ERF_HIGH(x) if a > _ERF_HIGH(x) else a
    small = fma(x, _ERF_SMALL(x * x), x)
    biased, w = _exp_parts(_LOG_ERFC(a - _ONE(x)), _SHIFTER(x))
    c = power_of_two(biased)
    large = fma(-c, w, _ONE(x) - c)
    return small if a < _ONE(x) else math.copysign(large, x)


@_exact
def normal_cdf(x):
    """P(X <= x) of a standard normal X. Worst error 1.6e-7 of 1 / that of erf; 0 and 1 themselves far out."""
    if is_single(x):
        z = x * x
        above = x * _NORMAL_ABOVE(z) / _NORMAL_BELOW(z)
        return _HALF(x) + (math.copysign(_HALF(x), x) if abs(x) > _NORMAL_FAR(x) else above)
    return _HALF(x) + _HALF(x) * erf(x * _ROOT_HALF(x))
