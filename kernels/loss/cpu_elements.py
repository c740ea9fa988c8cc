"""Losses of elements on the CPU: a loss for every pair of y and t.

y, t, dy (...), read as flat arrays    d = y - t    p = clip(y), from logits sigmoid(y)    q = t (1 - p) + (1 - t) p

mse                   d^2                                            dy = 2 d
mae                   |d|                                            dy = sign d
huber                 d^2 / 2, or delta (|d| - delta / 2) beyond     dy = clip(d, -delta, delta)
log_cosh              log cosh d                                     dy = tanh d
hinge                 max(1 - t y, 0)                                dy = -t [1 - t y > 0]
squared_hinge         max(1 - t y, 0)^2                              dy = -2 t max(1 - t y, 0)
binary_crossentropy   -t log p - (1 - t) log(1 - p)                  dy = (p - t) / (p (1 - p))
  from logits         max(y, 0) - y t + log(1 + e**-|y|)             dy = p - t
binary_focal          b q^gamma crossentropy                         dy = b q^gamma (gamma q' / q crossentropy + its dy)

dy is multiplied by the loss's share and weight. A function of an element gives both, loss and slope, and
elements_of_tasks.py makes the kernel of it, which computes what is asked for.

Sums are float64: within a task in an order that the shape alone decides, then over the tasks in turn, so the bits do
not depend on threads.
"""

import math

from .._cpu.elementwise import HEAVY
from .._cpu.jit import EXACT, inner
from .._cpu.vecmath import constant, exp, exp_below, expm1, log, log1p
from .elements_of_tasks import over_elements
from .reduction import backward, forward, with_gradient

_LOW, _HIGH = constant(1e-7), constant(1 - 1e-7)
_ZERO, _HALF, _ONE, _TWO = (constant(c) for c in (0.0, 0.5, 1.0, 2.0))
_LOG_2 = constant(math.log(2))
_NO_PARAMETERS = 0.0, 0.0, 0.0, 0.0

_element = inner(fastmath=EXACT, forceinline=True)  # left alone, LLVM calls what has two logarithms


def mse_forward(y, t, *, weights=None, reduction="mean"):
    return _forward(_mse, y, t, weights, reduction)


def mse_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _backward(_mse, dloss, y, t, weights, reduction)


def mse_with_gradient(y, t, *, weights=None, reduction="mean"):
    return _with_gradient(_mse, y, t, weights, reduction)


def mae_forward(y, t, *, weights=None, reduction="mean"):
    return _forward(_mae, y, t, weights, reduction)


def mae_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _backward(_mae, dloss, y, t, weights, reduction)


def huber_forward(y, t, *, delta=1.0, weights=None, reduction="mean"):
    return _forward(_huber, y, t, weights, reduction, delta)


def huber_backward(dloss, y, t, *, delta=1.0, weights=None, reduction="mean"):
    return _backward(_huber, dloss, y, t, weights, reduction, delta)


def log_cosh_forward(y, t, *, weights=None, reduction="mean"):
    return _forward(_log_cosh, y, t, weights, reduction)


def log_cosh_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _backward(_log_cosh, dloss, y, t, weights, reduction)


def hinge_forward(y, t, *, weights=None, reduction="mean"):
    return _forward(_hinge, y, t, weights, reduction)


def hinge_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _backward(_hinge, dloss, y, t, weights, reduction)


def squared_hinge_forward(y, t, *, weights=None, reduction="mean"):
    return _forward(_squared_hinge, y, t, weights, reduction)


def squared_hinge_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _backward(_squared_hinge, dloss, y, t, weights, reduction)


def binary_crossentropy_forward(y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"):
    run = _binary_from_logits if from_logits else _binary
    return _forward(run, y, t, weights, reduction, label_smoothing)


def binary_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    run = _binary_from_logits if from_logits else _binary
    return _backward(run, dloss, y, t, weights, reduction, label_smoothing)


def binary_crossentropy_with_gradient(y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"):
    run = _binary_from_logits if from_logits else _binary
    return _with_gradient(run, y, t, weights, reduction, label_smoothing)


def binary_focal_crossentropy_forward(
    y, t, *, alpha=None, gamma=2.0, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    run = _focal_from_logits if from_logits else _focal
    return _forward(run, y, t, weights, reduction, label_smoothing, gamma, *_balance(alpha))


def binary_focal_crossentropy_backward(
    dloss, y, t, *, alpha=None, gamma=2.0, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    run = _focal_from_logits if from_logits else _focal
    return _backward(run, dloss, y, t, weights, reduction, label_smoothing, gamma, *_balance(alpha))


def _balance(alpha):
    """(b at t = 0, how much it grows towards t = 1)."""
    return (1.0, 0.0) if alpha is None else (1.0 - alpha, 2.0 * alpha - 1.0)


def _forward(run, y, t, weights, reduction, *parameters):
    return forward(run, y.ravel(), t.ravel(), y.shape, weights, _four(parameters), reduction)


def _backward(run, dloss, y, t, weights, reduction, *parameters):
    shape = y.shape
    return backward(run, dloss, y.ravel(), t.ravel(), shape, weights, _four(parameters), reduction).reshape(shape)


def _with_gradient(run, y, t, weights, reduction, *parameters):
    shape = y.shape
    loss, dy = with_gradient(run, y.ravel(), t.ravel(), shape, weights, _four(parameters), reduction)
    return loss, dy.reshape(shape)


def _four(parameters):
    if not parameters:
        return _NO_PARAMETERS
    return (*map(float, parameters), *_NO_PARAMETERS[len(parameters) :])


@over_elements
@_element
def _mse(y, t, *_):
    d = y - t
    return d * d, d + d


@over_elements
@_element
def _mae(y, t, *_):
    d = y - t
    return abs(d), _ONE(d) if d > _ZERO(d) else (-_ONE(d) if d < _ZERO(d) else d)


@over_elements
@_element
def _huber(y, t, delta, *_):
    d = y - t
    near = -delta if d < -delta else d
    near = delta if near > delta else near
    return near * (d - _HALF(d) * near), near


@over_elements(cost=HEAVY)
@_element
def _log_cosh(y, t, *_):
    """With m = e**-|d| - 1: cosh d = 1 + m^2 / (2 (1 + m)), which for small d does not subtract what is close."""
    d = y - t
    a = abs(d)
    m = expm1(-a)
    e = _ONE(d) + m
    near = a < _ONE(d)
    loss = log1p(m * m / (e + e) if near else e * e) + (_ZERO(d) if near else a - _LOG_2(d))
    return loss, math.copysign(-m * (_TWO(d) + m) / (_ONE(d) + e * e), d)


@over_elements
@_element
def _hinge(y, t, *_):
    short = _ONE(y) - t * y
    return (_ZERO(y) if short < _ZERO(y) else short), (_ZERO(y) if short <= _ZERO(y) else -t)


@over_elements
@_element
def _squared_hinge(y, t, *_):
    short = _ONE(y) - t * y
    met = short <= _ZERO(y)
    return (_ZERO(y) if met else short * short), (_ZERO(y) if met else -(t + t) * short)


@_element
def _smooth(t, smoothing):
    return t * (_ONE(t) - smoothing) + smoothing * _HALF(t)


@_element
def _crossentropy(y, t):
    """(loss, slope, p, 1 - p) for a probability y."""
    p = _LOW(y) if y < _LOW(y) else y  # comparisons with NaN are false: NaN stays
    p = _HIGH(y) if p > _HIGH(y) else p
    rest = _ONE(y) - p
    outside = (y < _LOW(y)) | (y > _HIGH(y))
    loss = -t * log(p) - (_ONE(y) - t) * log(rest)
    return loss, (_ZERO(y) if outside else (p - t) / (p * rest)), p, rest


@_element
def _crossentropy_from_logits(y, t):
    e = exp_below(-abs(y))
    larger = _ONE(y) / (_ONE(y) + e)
    smaller = e * larger
    p = smaller if y < _ZERO(y) else larger
    loss = (y if y > _ZERO(y) else _ZERO(y)) - y * t + log1p(e)
    return loss, p - t, p, (larger if y < _ZERO(y) else smaller)


@over_elements(cost=2 * HEAVY)
@_element
def _binary(y, t, smoothing, *_):
    loss, slope, _, _ = _crossentropy(y, _smooth(t, smoothing))
    return loss, slope


@over_elements(cost=2 * HEAVY)
@_element
def _binary_from_logits(y, t, smoothing, *_):
    loss, slope, _, _ = _crossentropy_from_logits(y, _smooth(t, smoothing))
    return loss, slope


@over_elements(cost=4 * HEAVY, usual=2.0)
@_element
def _focal(y, t, smoothing, gamma, base, growth):
    t = _smooth(t, smoothing)
    loss, slope, p, rest = _crossentropy(y, t)
    outside = (y < _LOW(y)) | (y > _HIGH(y))
    return _focused(t, loss, slope, p, rest, (_ZERO(y) if outside else _ONE(y)), gamma, base + growth * t)


@over_elements(cost=4 * HEAVY, usual=2.0)
@_element
def _focal_from_logits(y, t, smoothing, gamma, base, growth):
    t = _smooth(t, smoothing)
    loss, slope, p, rest = _crossentropy_from_logits(y, t)
    return _focused(t, loss, slope, p, rest, p * rest, gamma, base + growth * t)


@_element
def _focused(t, loss, slope, p, rest, dp, gamma, balance):
    """(loss, slope) of a focal loss from those of the cross-entropy; dp is dp / dy."""
    wrong = t * rest + (_ONE(t) - t) * p  # 1 - p_t of Lin et al.
    factor = balance * (wrong * wrong if gamma == _TWO(t) else power(wrong, gamma))
    rise = _ZERO(t) if wrong == _ZERO(t) else (_ONE(t) - t - t) * dp / wrong
    return factor * loss, factor * (gamma * rise * loss + slope)


@_element
def power(x, exponent):
    """x**exponent for x >= 0 and exponent >= 0; 1 for the exponent 0."""
    return _ONE(x) if exponent == _ZERO(x) else exp(exponent * log(x))
