"""Optimizer steps on CUDA, one launch for all parameters of a dtype.

w, dw, velocity, m, v (...), any shape, read as flat arrays, or lists of such

sgd   w -= rate dw
      velocity = momentum velocity - rate dw    w += velocity    or, Nesterov's, w += momentum velocity - rate dw
adam  m += (1 - beta_1) (dw - m)    v += (1 - beta_2) (dw^2 - v)    w -= alpha m / (sqrt(v) + epsilon)
      alpha = rate sqrt(1 - beta_2^step) / (1 - beta_1^step)

Sutskever, Martens, Dahl, Hinton 2013; Kingma, Ba 2014, arXiv:1412.6980, in Keras's form. The parameters are cut into
chunks of CHUNK elements, one for each block; a thread owns groups of four neighbouring float32 elements, or
single ones where an array of the parameter is not on a 16-byte boundary or is float64: no race, and an element's result
depends on nothing else.

Addresses and sizes go to the kernel as arguments, MOST parameters a launch, and not in a table on the device: a table
would have to be copied there whenever a gradient lies elsewhere, which a recorded step cannot do, and would need memory
that nothing else of that step ever gets. The driver keeps a launch's arguments. Rate and alpha may vary in a recorded
step (numbers.py); the other settings are as recorded.
"""

import math

import numpy as np
from numba import cuda

from .._cuda import launch, stream
from .._cuda.access import BYTES, address, load4, store4
from .._cuda.jit import device, kernel
from .._cuda.numbers import number
from .._cuda.pointers import array_at, hold
from .._cuda.usage import Compiled
from .._varying import derived

CHUNK = 2048  # elements, a multiple of 4: two groups for each of 256 threads; not yet measured on a card
FEW, MOST = 8, 32  # parameters of a launch; small models need not pay for the arguments of large ones


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=0.0, treatment=None):
    _expect_plain("sgd_update", weight_decay=weight_decay, treatment=treatment)
    if momentum == 0:
        _start(_descend, (w, dw), learning_rate)
    else:
        _start(_roll, (w, dw, velocity), learning_rate, momentum, bool(nesterov))


def adam_update(
    w, dw, m, v, v_hat=None, *,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step, weight_decay=0.0, treatment=None,
):  # fmt: skip
    _expect_plain("adam_update", v_hat=v_hat, weight_decay=weight_decay, treatment=treatment)

    def corrected(rate, step):
        return rate * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)

    _start(_adam, (w, dw, m, v), derived(corrected, learning_rate, step), 1.0 - beta_1, 1.0 - beta_2, epsilon)


def _expect_plain(op, **options):
    """What these kernels do not know is not asked for."""
    for name, value in options.items():
        if value is not None and not (name == "weight_decay" and value == 0):
            raise NotImplementedError(
                f"{op}: there is no CUDA kernel with {name} yet; leave it out, or run the step on the CPU, "
                f"with tw.to_host(x) for every array x"
            )


def _start(kernels, columns, rate, *settings):
    """Start the kernel of a dtype, once for up to MOST parameters; `columns` are arrays or lists of them."""
    if columns[0].__class__ is not list:
        columns = [[x] for x in columns]
    of_dtypes = {}
    for arrays in zip(*columns):
        if arrays[0].size:
            of_dtypes.setdefault(arrays[0].dtype, []).append(arrays)
    for dtype, parameters in of_dtypes.items():
        numbers = [x if x.__class__ is bool else dtype.type(x) for x in settings]
        for first in range(0, len(parameters), MOST):
            some = parameters[first : first + MOST]
            width = FEW if len(some) <= FEW else MOST
            places = [_padded(map(address, column), width) for column in zip(*some)]
            sizes = [arrays[0].size for arrays in some]
            blocks = sum(launch.ceil_div(size, CHUNK) for size in sizes)
            hold(x for arrays in some for x in arrays)
            arguments = *places, _padded(sizes, width), number(rate, dtype), *numbers
            stream.start(kernels[dtype.char == "f"], blocks, launch.THREADS, *arguments)


def _padded(values, width):
    values = tuple(values)
    return values + (0,) * (width - len(values))


@device
def _parameter(sizes):
    """(number, part): of which parameter this block's chunk is a part, and the how-manieth."""
    chunk = cuda.blockIdx.x
    k, start, end = 0, 0, 0
    for size in sizes:
        end += (size + CHUNK - 1) // CHUNK
        if chunk >= end:
            k += 1
            start = end
    return np.int64(k), chunk - start  # an index of Numba's own type for constants is refused


@device
def _range(part, size, places):
    """(start, fours_end, end) of a part; up to `fours_end` four may be taken at once. `places` are addresses, or-ed."""
    start = part * CHUNK
    end = min(start + CHUNK, size)
    return start, start + (end - start) // 4 * 4 if places % BYTES == 0 else start, end


def _make_descend(elements):
    def descend(w_at, dw_at, sizes, rate):
        k, part = _parameter(sizes)
        w, dw = array_at(w_at[k], sizes[k], rate), array_at(dw_at[k], sizes[k], rate)
        start, fours_end, end = _range(part, sizes[k], w_at[k] | dw_at[k])
        elements(w, dw, start, fours_end, end, rate[0])

    return descend


@device
def _descend_singly(w, dw, start, fours_end, end, rate):
    for i in range(start + cuda.threadIdx.x, end, cuda.blockDim.x):
        w[i] -= rate * dw[i]


@device
def _descend_in_fours(w, dw, start, fours_end, end, rate):
    for i in range(start + 4 * cuda.threadIdx.x, fours_end, 4 * cuda.blockDim.x):
        wa, wb, wc, wd = load4(w, i)
        da, db, dc, dd = load4(dw, i)
        store4(w, i, (wa - rate * da, wb - rate * db, wc - rate * dc, wd - rate * dd))
    _descend_singly(w, dw, fours_end, fours_end, end, rate)


def _make_roll(elements):
    def roll(w_at, dw_at, velocity_at, sizes, rate, momentum, nesterov):
        k, part = _parameter(sizes)
        w, dw = array_at(w_at[k], sizes[k], rate), array_at(dw_at[k], sizes[k], rate)
        velocity = array_at(velocity_at[k], sizes[k], rate)
        start, fours_end, end = _range(part, sizes[k], w_at[k] | dw_at[k] | velocity_at[k])
        elements(w, dw, velocity, start, fours_end, end, rate[0], momentum, nesterov)

    return roll


@device
def _rolled(w, dw, velocity, rate, momentum, nesterov):
    """(w, velocity) of an element after the step."""
    step = momentum * velocity - rate * dw
    return w + (momentum * step - rate * dw if nesterov else step), step


@device
def _roll_singly(w, dw, velocity, start, fours_end, end, rate, momentum, nesterov):
    for i in range(start + cuda.threadIdx.x, end, cuda.blockDim.x):
        w[i], velocity[i] = _rolled(w[i], dw[i], velocity[i], rate, momentum, nesterov)


@device
def _roll_in_fours(w, dw, velocity, start, fours_end, end, rate, momentum, nesterov):
    for i in range(start + 4 * cuda.threadIdx.x, fours_end, 4 * cuda.blockDim.x):
        wa, wb, wc, wd = load4(w, i)
        da, db, dc, dd = load4(dw, i)
        va, vb, vc, vd = load4(velocity, i)
        wa, va = _rolled(wa, da, va, rate, momentum, nesterov)
        wb, vb = _rolled(wb, db, vb, rate, momentum, nesterov)
        wc, vc = _rolled(wc, dc, vc, rate, momentum, nesterov)
        wd, vd = _rolled(wd, dd, vd, rate, momentum, nesterov)
        store4(w, i, (wa, wb, wc, wd))
        store4(velocity, i, (va, vb, vc, vd))
    _roll_singly(w, dw, velocity, fours_end, fours_end, end, rate, momentum, nesterov)


def _make_adam(elements):
    def adam(w_at, dw_at, m_at, v_at, sizes, alpha, gain_1, gain_2, epsilon):
        k, part = _parameter(sizes)
        w, dw = array_at(w_at[k], sizes[k], alpha), array_at(dw_at[k], sizes[k], alpha)
        m, v = array_at(m_at[k], sizes[k], alpha), array_at(v_at[k], sizes[k], alpha)
        start, fours_end, end = _range(part, sizes[k], w_at[k] | dw_at[k] | m_at[k] | v_at[k])
        elements(w, dw, m, v, start, fours_end, end, alpha[0], gain_1, gain_2, epsilon)

    return adam


@device
def _adapted(w, dw, m, v, alpha, gain_1, gain_2, epsilon):
    """(w, m, v) of an element after the step."""
    p = type(w)
    m = m + gain_1 * (dw - m)
    v = v + gain_2 * (dw * dw - v)
    return w - alpha * m / (p(math.sqrt(v)) + epsilon), m, v


@device
def _adapt_singly(w, dw, m, v, start, fours_end, end, alpha, gain_1, gain_2, epsilon):
    for i in range(start + cuda.threadIdx.x, end, cuda.blockDim.x):
        w[i], m[i], v[i] = _adapted(w[i], dw[i], m[i], v[i], alpha, gain_1, gain_2, epsilon)


@device
def _adapt_in_fours(w, dw, m, v, start, fours_end, end, alpha, gain_1, gain_2, epsilon):
    for i in range(start + 4 * cuda.threadIdx.x, fours_end, 4 * cuda.blockDim.x):
        wa, wb, wc, wd = load4(w, i)
        da, db, dc, dd = load4(dw, i)
        ma, mb, mc, md = load4(m, i)
        va, vb, vc, vd = load4(v, i)
        wa, ma, va = _adapted(wa, da, ma, va, alpha, gain_1, gain_2, epsilon)
        wb, mb, vb = _adapted(wb, db, mb, vb, alpha, gain_1, gain_2, epsilon)
        wc, mc, vc = _adapted(wc, dc, mc, vc, alpha, gain_1, gain_2, epsilon)
        wd, md, vd = _adapted(wd, dd, md, vd, alpha, gain_1, gain_2, epsilon)
        store4(w, i, (wa, wb, wc, wd))
        store4(m, i, (ma, mb, mc, md))
        store4(v, i, (va, vb, vc, vd))
    _adapt_singly(w, dw, m, v, fours_end, fours_end, end, alpha, gain_1, gain_2, epsilon)


def _listed(name, functions, places, settings=""):
    """What the kernels of (float64, float32) are compiled for; T in `settings` stands for the dtype."""
    for function, dtype in zip(functions, ("float64", "float32")):
        for width in (FEW, MOST):
            types = ", ".join([f"UniTuple(int64, {width})"] * (places + 1))
            types += f", {dtype}[::1]{settings.replace('T', dtype)}"
            yield Compiled(function, f"void({types})", f"{name}-{dtype}-{width}")


_descends = _make_descend(_descend_singly), _make_descend(_descend_in_fours)
_rolls = _make_roll(_roll_singly), _make_roll(_roll_in_fours)
_adams = _make_adam(_adapt_singly), _make_adam(_adapt_in_fours)
_descend, _roll, _adam = (tuple(map(kernel, functions)) for functions in (_descends, _rolls, _adams))
COMPILED = (
    *_listed("sgd_update", _descends, 2),
    *_listed("sgd_update-momentum", _rolls, 3, ", T, boolean"),
    *_listed("adam_update", _adams, 4, ", T, T, T"),
)
