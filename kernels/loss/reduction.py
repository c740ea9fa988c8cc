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

import numpy as np

from .._cpu.memory import empty, empty_like

LOSS, GRADIENT = 1, 2
BOTH = LOSS | GRADIENT

_nothing = {}


def nothing(dtype, axes=1):
    """An array of no elements."""
    key = dtype, axes
    if key not in _nothing:
        _nothing[key] = np.empty((0,) * axes, dtype)
    return _nothing[key]


def forward(kernel, y, t, losses_shape, weights, parameters, reduction):
    """The loss, or all of them where the reduction is "none"."""
    losses = nothing(y.dtype)
    if reduction == "none":
        losses = empty(losses_shape, y.dtype)
    w, repeats, divisor = weights_of(weights, losses_shape, y.dtype)
    flat = losses.reshape(-1)
    total = kernel(y, t, w, repeats, parameters, nothing(y.dtype), 1.0, flat, nothing(y.dtype, y.ndim), LOSS)
    return losses if reduction == "none" else divided(total, divisor, reduction, y)


def backward(kernel, dloss, y, t, losses_shape, weights, parameters, reduction):
    """dy, of y's shape as the kernel sees it."""
    dy = empty_like(y)
    w, repeats, divisor = weights_of(weights, losses_shape, y.dtype)
    if reduction == "none":
        dlosses, share = dloss.reshape(-1), 1.0
    else:
        dlosses, share = nothing(y.dtype), share_of(dloss, divisor, reduction)
    kernel(y, t, w, repeats, parameters, dlosses, share, nothing(y.dtype), dy, GRADIENT)
    return dy


def with_gradient(kernel, y, t, losses_shape, weights, parameters, reduction):
    """(the loss, dy) in one pass over the arrays."""
    dy = empty_like(y)
    w, repeats, divisor = weights_of(weights, losses_shape, y.dtype)
    empty = nothing(y.dtype)
    total = kernel(y, t, w, repeats, parameters, empty, share_of(1.0, divisor, reduction), empty, dy, BOTH)
    return divided(total, divisor, reduction, y), dy


def share_of(dloss, divisor, reduction):
    """What the gradient of a loss is multiplied by."""
    return float(dloss) / (divisor or 1.0) if reduction == "mean" else float(dloss)


def weights_of(weights, losses_shape, dtype):
    """(weights, how many losses each is for, the sum of all losses' weights)."""
    count = 1
    for size in losses_shape:
        count *= size
    if weights is None:
        return nothing(dtype), 1, float(count)
    repeats = count // max(1, weights.size)
    return weights.reshape(-1), repeats, float(weights.sum(dtype=np.float64)) * repeats


def divided(total, divisor, reduction, y):
    """The sum or mean of losses, of y's dtype."""
    return y.dtype.type(total / (divisor or 1.0) if reduction == "mean" else total)
