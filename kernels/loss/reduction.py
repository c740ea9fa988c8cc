"""How a loss on the CPU becomes one number, or a gradient: what elements and rows have in common.

The kernel of a loss is `kernel(y, t, weights, repeats, parameters, dlosses, share, losses, dy, want) -> total`:
    weights (W,)     of the losses, each for `repeats` of them, or of length 0
    parameters       numbers of the loss, such as a slope's
    dlosses (L,)     gradients of the losses, or of length 0, share a number for all of them
    losses (L,)      where they are asked for one by one, else of length 0
    dy (...)         y's gradient, if it is wanted
    want             what is: LOSS, GRADIENT or both
    total            float64, the weighted sum of losses

The mean divides by the sum of weights: by the number of losses where there are no weights.
"""

import functools
import math

import numpy as np

from .. import _varying
from .._cpu.memory import empty, empty_like

LOSS, GRADIENT = 1, 2
BOTH = LOSS | GRADIENT


@functools.cache
def nothing(dtype, axes=1):
    """An array of no elements."""
    return np.empty((0,) * axes, dtype)


def forward(kernel, y, t, losses_shape, weights, parameters, reduction):
    """The loss, or all of them where the reduction is "none"."""
    dtype = y.dtype
    none = nothing(dtype)
    w, repeats, divisor = weights_of(weights, losses_shape, none)
    if reduction == "none":
        losses = empty(losses_shape, dtype)
        kernel(y, t, w, repeats, parameters, none, 1.0, losses.ravel(), nothing(dtype, y.ndim), LOSS)
        return losses
    total = kernel(y, t, w, repeats, parameters, none, 1.0, none, nothing(dtype, y.ndim), LOSS)
    return divided(total, divisor, reduction, dtype)


def backward(kernel, dloss, y, t, losses_shape, weights, parameters, reduction):
    """dy, of y's shape as the kernel sees it."""
    dy, none = empty_like(y), nothing(y.dtype)
    w, repeats, divisor = weights_of(weights, losses_shape, none)
    if reduction == "none":
        kernel(y, t, w, repeats, parameters, dloss.ravel(), 1.0, none, dy, GRADIENT)
    else:
        kernel(y, t, w, repeats, parameters, none, share_of(dloss, divisor, reduction), none, dy, GRADIENT)
    return dy


def with_gradient(kernel, y, t, losses_shape, weights, parameters, reduction):
    """(the loss, dy) in one pass over the arrays."""
    dy, none = empty_like(y), nothing(y.dtype)
    w, repeats, divisor = weights_of(weights, losses_shape, none)
    total = kernel(y, t, w, repeats, parameters, none, share_of(1.0, divisor, reduction), none, dy, BOTH)
    return divided(total, divisor, reduction, y.dtype), dy


def share_of(dloss, divisor, reduction):
    """What the gradient of a loss is multiplied by."""
    return float(dloss) / (divisor or 1.0) if reduction == "mean" else float(dloss)


def weights_of(weights, losses_shape, none):
    """(weights, how many losses each is for, the sum of all losses' weights); `none` is an array of no elements."""
    count = math.prod(losses_shape)
    if weights is None:
        return none, 1, float(count)
    _varying.refuse("the sum of weights")
    repeats = count // max(1, weights.size)
    return weights.ravel(), repeats, float(weights.sum(dtype=np.float64)) * repeats


def divided(total, divisor, reduction, dtype):
    """The sum or mean of losses, of the dtype."""
    count = divisor or 1.0 if reduction == "mean" else 1.0
    loss = dtype.type(total / count)
    if _varying.is_varying(total):
        _varying.recording.keep(loss, lambda: dtype.type(total.next({}) / count))
    return loss
