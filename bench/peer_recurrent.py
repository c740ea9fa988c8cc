"""Recurrent networks in other libraries, for the catalog's benchmarks: a bias, no first states, gru with reset_after.

PyTorch's have no masks, and its cuDNN form of gru is the only one, whose order of the gates it is given.
JAX's are loops by `lax.scan` over one product of all inputs, compiled.
"""

import functools

from .peer_calls import jax_peers, torch_products


def _torch(op, t, arrays, options, dy):
    x, w, u, b = (arrays[name] for name in ("x", "w", "u", "b"))
    if "mask" in arrays or (op == "gru" and b.ndim == 1):
        return {}
    run = {"simple_rnn": t.rnn_tanh, "gru": t.gru, "lstm": t.lstm}[op]
    b_input, b_state = b if b.ndim == 2 else (b, t.zeros_like(b))
    H = dy.shape[2]
    zeros = t.zeros((1, x.shape[0], H), dtype=x.dtype)
    first = (zeros, zeros) if op == "lstm" else zeros

    def recur(x, *weights):
        return run(x, first, weights, True, 1, 0.0, True, False, True)[0]

    if op == "gru":  # z, r, g here and r, z, g there
        w, u, b_input, b_state = (
            t.cat([part[..., H : 2 * H], part[..., :H], part[..., 2 * H :]], -1) for part in (w, u, b_input, b_state)
        )
    leaves = [x, w.T.contiguous(), u.T.contiguous(), b_input, b_state]
    return {"torch": torch_products(t, leaves, recur, dy)}


def _jax(op):
    """What makes JAX's function of an op."""
    step = {"simple_rnn": _simple_rnn, "gru": _gru, "lstm": _lstm}[op]

    def make(j, options):
        def recur(x, w, u, b, mask=None):
            b_input, b_state = b if b.ndim == 2 else (b, 0)
            zx = (x @ w + b_input).swapaxes(0, 1)
            live = j.numpy.ones(zx.shape[:2], bool) if mask is None else mask.T

            def masked(states, inputs):
                z, counts = inputs
                new = step(j, states, z, u, b_state)
                if mask is not None:
                    new = tuple(j.numpy.where(counts[:, None], now, before) for now, before in zip(new, states))
                return new, new[0]

            zeros = j.numpy.zeros((x.shape[0], u.shape[0]), x.dtype)
            _, y = j.lax.scan(masked, (zeros, zeros) if op == "lstm" else (zeros,), (zx, live))
            return y.swapaxes(0, 1)

        return recur

    return make


def _simple_rnn(j, states, z, u, b):
    return (j.numpy.tanh(z + states[0] @ u),)


def _gru(j, states, a, u, b):
    (h,), H = states, u.shape[0]
    inner = h @ u + b
    z, r = j.numpy.split(j.nn.sigmoid(a[:, : 2 * H] + inner[:, : 2 * H]), 2, 1)
    g = j.numpy.tanh(a[:, 2 * H :] + r * inner[:, 2 * H :])
    return (z * h + (1 - z) * g,)


def _lstm(j, states, z, u, b):
    h, c = states
    i, f, g, o = j.numpy.split(z + h @ u, 4, 1)
    c = j.nn.sigmoid(f) * c + j.nn.sigmoid(i) * j.numpy.tanh(g)
    return j.nn.sigmoid(o) * j.numpy.tanh(c), c


OPS = ("simple_rnn", "gru", "lstm")
TORCH = {op: functools.partial(_torch, op) for op in OPS}
JAX = jax_peers({op: _jax(op) for op in OPS})
