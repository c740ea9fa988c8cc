"""Losses of elements on CUDA: the mean over all elements, and every element's gradient; the formulas are in cuda.py.

y, t, dy (...), read as flat arrays    share a number, as `option` of the gradients' loops
"""

import math

from .._cuda.elementwise import binary
from .._cuda.jit import device
from .._cuda.reduce import MeanOf

LOW, HIGH = 1e-7, 1 - 1e-7


@device
def _squared(y, t):
    return (y - t) * (y - t)


@binary("mse_backward")
def mse_gradient(y, t, share):
    return share * type(y)(2) * (y - t)


@device
def clip(y):
    p = type(y)
    y = p(LOW) if y < p(LOW) else y  # comparisons with NaN are false: NaN stays
    return p(HIGH) if y > p(HIGH) else y


@device
def outside(y):
    p = type(y)
    return y < p(LOW) or y > p(HIGH)


@device
def _crossentropy(y, t):
    p = type(y)
    q = clip(y)
    return -t * p(math.log(q)) - (p(1) - t) * p(math.log(p(1) - q))


@binary("binary_crossentropy_backward")
def binary_gradient(y, t, share):
    p = type(y)
    q = clip(y)
    return share * (p(0) if outside(y) else (q - t) / (q * (p(1) - q)))


@device
def _crossentropy_from_logits(y, t):
    p = type(y)
    return (y if y > p(0) else p(0)) - y * t + p(math.log1p(p(math.exp(-abs(y)))))


@binary("binary_crossentropy_backward-logits")
def binary_gradient_from_logits(y, t, share):
    p = type(y)
    e = p(math.exp(-abs(y)))
    return share * ((e if y < p(0) else p(1)) / (p(1) + e) - t)


mse = MeanOf("mse_forward", _squared)
binary_loss = MeanOf("binary_crossentropy_forward", _crossentropy)
binary_loss_from_logits = MeanOf("binary_crossentropy_forward-logits", _crossentropy_from_logits)

_LOOPS = mse, binary_loss, binary_loss_from_logits, mse_gradient, binary_gradient, binary_gradient_from_logits
COMPILED = tuple(entry for loop in _LOOPS for entry in loop.compiled)
