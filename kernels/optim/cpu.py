"""Optimizer steps on the CPU.

w, dw and what is kept (...), any shape, read as flat arrays, or lists of such; g is dw as its treatment leaves it. Each
function below named after an op is its step for one element, as reference.py has it for arrays; s holds its numbers.
One pass over all arrays (_fused.py); only norms need one before it, and Muon products after it.
"""

import math

import numpy as np

from .. import _check as check
from .._cpu.jit import inner, kernel
from .._cpu.lists import TOGETHER, chunk, chunks, elements, first_row, loop, piece, row_of, tasks
from .._cpu.memory import empty_like
from .._cpu.threads import spread
from .._varying import derived, refuse
from ..matmul.cpu import matmul_forward
from . import _fused
from ._fused import fused

SMALL = 1e-7  # Muon's, added to a norm
NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=0.0, treatment=None):
    op, keep = "sgd_update", _kept(learning_rate, weight_decay)
    if momentum == 0:
        _descend(op, ("w", "dw"), (w, dw), treatment, keep, learning_rate, 0, 0, 0, 0)
    else:
        names = "w", "dw", "velocity"
        _roll(op, names, (w, dw, velocity), treatment, keep, learning_rate, momentum, nesterov, 0, 0)


def _sgd(w, g, s):
    return w * s[0] - s[1] * g


def _sgd_momentum(w, g, velocity, s):
    step = s[2] * velocity - s[1] * g
    return w * s[0] + (s[2] * step - s[1] * g if s[3] != 0 else step), step


def adam_update(
    w, dw, m, v, v_hat=None, *,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step, weight_decay=0.0, treatment=None,
):  # fmt: skip
    def corrected(rate, step):
        return rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)

    keep, alpha = _kept(learning_rate, weight_decay), derived(corrected, learning_rate, step)
    numbers = keep, alpha, 1 - beta_1, 1 - beta_2, epsilon, 0
    if v_hat is None:
        _adapt("adam_update", ("w", "dw", "m", "v"), (w, dw, m, v), treatment, *numbers)
    else:
        names = "w", "dw", "m", "v", "v_hat"
        _adapt_by_maximum("adam_update", names, (w, dw, m, v, v_hat), treatment, *numbers)


def _adam(w, g, m, v, s):
    m = m + s[2] * (g - m)
    v = v + s[3] * (g * g - v)
    return w * s[0] - s[1] * m / (math.sqrt(v) + s[4]), m, v


def _amsgrad(w, g, m, v, v_hat, s):
    m = m + s[2] * (g - m)
    v = v + s[3] * (g * g - v)
    v_hat = v_hat if (v <= v_hat) | (v_hat != v_hat) else v
    return w * s[0] - s[1] * m / (math.sqrt(v_hat) + s[4]), m, v, v_hat


def rmsprop_update(
    w, dw, v, mean=None, velocity=None, *,
    learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, weight_decay=0.0, treatment=None,
):  # fmt: skip
    names, columns = ("w", "dw", "v"), (w, dw, v)
    if mean is not None:
        names, columns = (*names, "mean"), (*columns, mean)
    if momentum:
        names, columns = (*names, "velocity"), (*columns, velocity)
    update, keep = _RMSPROP[mean is not None, momentum != 0], _kept(learning_rate, weight_decay)
    update("rmsprop_update", names, columns, treatment, keep, learning_rate, rho, 1 - rho, epsilon, momentum)


def _rmsprop(w, g, v, s):
    v = s[2] * v + s[3] * g * g
    return w * s[0] - s[1] * g / math.sqrt(v + s[4]), v


def _rmsprop_momentum(w, g, v, velocity, s):
    v = s[2] * v + s[3] * g * g
    velocity = s[5] * velocity + s[1] * g / math.sqrt(v + s[4])
    return w * s[0] - velocity, v, velocity


def _rmsprop_centered(w, g, v, mean, s):
    v, mean = s[2] * v + s[3] * g * g, s[2] * mean + s[3] * g
    return w * s[0] - s[1] * g / math.sqrt(v - mean * mean + s[4]), v, mean


def _rmsprop_centered_momentum(w, g, v, mean, velocity, s):
    v, mean = s[2] * v + s[3] * g * g, s[2] * mean + s[3] * g
    velocity = s[5] * velocity + s[1] * g / math.sqrt(v - mean * mean + s[4])
    return w * s[0] - velocity, v, mean, velocity


def adagrad_update(w, dw, total, *, learning_rate=0.001, epsilon=1e-7, weight_decay=0.0, treatment=None):
    names, keep = ("w", "dw", "total"), _kept(learning_rate, weight_decay)
    _divide("adagrad_update", names, (w, dw, total), treatment, keep, learning_rate, epsilon, 0, 0, 0)


def _adagrad(w, g, total, s):
    total = total + g * g
    return w * s[0] - s[1] * g / math.sqrt(total + s[2]), total


def adadelta_update(w, dw, v, u, *, learning_rate=0.001, rho=0.95, epsilon=1e-7, weight_decay=0.0, treatment=None):
    names, keep = ("w", "dw", "v", "u"), _kept(learning_rate, weight_decay)
    _match("adadelta_update", names, (w, dw, v, u), treatment, keep, learning_rate, rho, 1 - rho, epsilon, 0)


def _adadelta(w, g, v, u, s):
    v = s[2] * v + s[3] * g * g
    step = math.sqrt(u + s[4]) * g / math.sqrt(v + s[4])
    return w * s[0] - s[1] * step, v, s[2] * u + s[3] * step * step


def lion_update(w, dw, m, *, learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=0.0, treatment=None):
    numbers = _kept(learning_rate, weight_decay), learning_rate, beta_1, 1 - beta_1, beta_2, 1 - beta_2
    _go_by_sign("lion_update", ("w", "dw", "m"), (w, dw, m), treatment, *numbers)


def _lion(w, g, m, s):
    ahead = s[2] * m + s[3] * g
    step = s[1] if ahead > 0 else -s[1] if ahead < 0 else ahead  # 0 or NaN, which stay
    return w * s[0] - step, s[4] * m + s[5] * g


def lamb_update(
    w, dw, m, v, *,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step, weight_decay=0.0, treatment=None,
):  # fmt: skip
    left_1, left_2 = 1 - beta_1**step, math.sqrt(1 - beta_2**step)
    keep = _kept(learning_rate, weight_decay)
    refuse("numbers in a tuple")
    numbers = tuple(map(float, (keep, left_2 / left_1, 1 - beta_1, 1 - beta_2, epsilon * left_2, learning_rate)))
    found = _fused.read("lamb_update", ("w", "dw", "m", "v"), (w, dw, m, v))
    for table, like, rule in _fused.treated(found, treatment):
        sums = np.empty((2, len(table)))
        _layers(table, like, rule, numbers, np.empty((2, table[-1, _fused.END])), sums)


@kernel
def _layers(table, like, rule, numbers, parts, sums):
    """LAMB: the moments and the norms of weights and steps, then the weights, by the ratio of the norms."""
    settings, work = (table, like, rule, numbers, parts), elements(table) // 4
    spread(_moments, tasks(table), work, settings)
    for i in range(2):
        _fused.add_up(table, parts[i], sums[i])
    for k in range(sums.shape[1]):
        both = sums[0, k] > 0 and sums[1, k] > 0
        sums[0, k] = math.sqrt(sums[0, k]) / math.sqrt(sums[1, k]) if both else 1.0
    spread(_stretch, tasks(table), work, (table, like, sums[0], numbers))


@inner
def _moments(t, table, like, rule, numbers, parts):
    s, row = _fused.typed(numbers, like), first_row(t, table)
    for c in range(t * TOGETHER, min((t + 1) * TOGETHER, chunks(table))):
        row = row_of(c, row, table)
        place = chunk(c, row, table)
        m, v = piece(table, 2, place, like), piece(table, 3, place, like)
        _adapt_moments(_fused.gradient(table, place, like, rule), m, v, s)
        parts[0, c] = s[0] * s[0] * _fused.sum_of_squares(piece(table, 0, place, like))
        parts[1, c] = _sum_of_squared_steps(m, v, s)


@loop
def _adapt_moments(g, m, v, s):
    for i in range(np.uint64(g.size)):
        m[i] += s[2] * (g[i] - m[i])
        v[i] += s[3] * (g[i] * g[i] - v[i])


@inner
def _sum_of_squared_steps(m, v, s):
    total = 0.0
    for i in range(np.uint64(m.size)):
        step = np.float64(_lamb(m[i], v[i], s))
        total += step * step
    return total


@inner
def _stretch(t, table, like, ratios, numbers):
    s, row = _fused.typed(numbers, like), first_row(t, table)
    for c in range(t * TOGETHER, min((t + 1) * TOGETHER, chunks(table))):
        row = row_of(c, row, table)
        place = chunk(c, row, table)
        w, m, v = piece(table, 0, place, like), piece(table, 2, place, like), piece(table, 3, place, like)
        _step_by(w, m, v, like.dtype.type(ratios[row]) * s[5], s)


@loop
def _step_by(w, m, v, rate, s):
    for i in range(np.uint64(w.size)):
        w[i] = w[i] * s[0] - rate * _lamb(m[i], v[i], s)


@inner(forceinline=True)
def _lamb(m, v, s):
    return s[1] * m / (math.sqrt(v) + s[4])


def muon_update(
    w, dw, m, *, learning_rate=0.001, momentum=0.95, nesterov=True, ns_steps=6, weight_decay=0.0, treatment=None
):
    op, names, columns = "muon_update", ("w", "dw", "m"), (w, dw, m)
    _fused.read(op, names, columns)
    lists = w if isinstance(w, (list, tuple)) else [w]
    for x in lists:
        check.rank(op, "w", x, 2)
    steps = [empty_like(x) for x in lists]
    names, columns = (*names, "u"), (*columns, steps if lists is w else steps[0])
    _gather(op, names, columns, treatment, _kept(learning_rate, weight_decay), momentum, nesterov, 0, 0, 0)
    for x, step in zip(lists, steps):
        if x.size:
            stretch = math.sqrt(max(1, x.shape[0] / x.shape[1]))
            _blend(x, _orthogonal(step, ns_steps), 1, -learning_rate * stretch)


def _muon(w, g, m, u, s):
    m = s[1] * m + g
    return w * s[0], m, g + s[1] * m if s[2] != 0 else m


def _orthogonal(x, steps):
    """About U V^T of x = U S V^T, by Newton and Schulz's iteration on the smaller side; x is overwritten."""
    a, b, c = NEWTON_SCHULZ
    wide = x.shape[0] <= x.shape[1]
    norm = _fused.global_norm(_fused.read("muon_update", ("u",), (x,)))
    np.divide(x, x.dtype.type(norm + SMALL), out=x)
    for _ in range(steps):
        gram = matmul_forward(x, x, transpose_a=not wide, transpose_b=wide)
        both = matmul_forward(gram, gram)
        _blend(both, gram, c, b)
        y = matmul_forward(both, x) if wide else matmul_forward(x, both)
        _blend(y, x, 1, a)
        x = y
    return x


def _blend(x, y, a, b):
    """x = a x + b y"""
    _descend("muon_update", ("w", "dw"), (x, y), None, a, -b, 0, 0, 0, 0)


def _kept(learning_rate, weight_decay):
    """What decoupled weight decay keeps of a weight."""
    return 1 - learning_rate * weight_decay if weight_decay else 1.0


def ema_update(average, w, *, momentum=0.99):
    _descend("ema_update", ("average", "w"), (average, w), None, momentum, momentum - 1, 0, 0, 0, 0)


def clip_by_global_norm(dw, *, max_norm):
    found = _fused.read("clip_by_global_norm", ("dw",), (dw,))
    norm = _fused.global_norm(found)
    scale = _fused.global_factor(norm, max_norm)
    if scale != 1:
        for table, like in found:
            _shrink(table, like, scale)
    return norm


@kernel
def _shrink(table, like, scale):
    spread(_shrink_task, tasks(table), elements(table) // 8, (table, like, like.dtype.type(scale)))


@inner
def _shrink_task(t, table, like, scale):
    row = first_row(t, table)
    for c in range(t * TOGETHER, min((t + 1) * TOGETHER, chunks(table))):
        row = row_of(c, row, table)
        x = piece(table, 0, chunk(c, row, table), like)
        for i in range(np.uint64(x.size)):
            x[i] *= scale


_descend, _roll = fused(_sgd, 0, 0.12), fused(_sgd_momentum, 1, 0.2)
_adapt, _adapt_by_maximum = fused(_adam, 2), fused(_amsgrad, 3)
_RMSPROP = {
    (False, False): fused(_rmsprop, 1),
    (False, True): fused(_rmsprop_momentum, 2),
    (True, False): fused(_rmsprop_centered, 2),
    (True, True): fused(_rmsprop_centered_momentum, 3),
}
_divide, _match, _go_by_sign, _gather = fused(_adagrad, 1), fused(_adadelta, 2), fused(_lion, 1), fused(_muon, 2)
