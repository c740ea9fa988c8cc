"""Recurrent networks as Keras's documentation has them, a sample and a step at a time, in NumPy."""

import numpy as np

FUNCTIONS = {
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softsign": lambda a: a / (1 + abs(a)),
    "linear": lambda a: a,
    None: lambda a: a,
}


def by_steps(layer, x, mask=None, states=None, kept=None):
    """y (N, T, units), in the order of reading, and the last states; `kept` (G, N, units) on what u meets."""
    weights = [None if p is None else p.value for p in (layer.w, layer.u, layer.b)]
    step = {"SimpleRNN": simple_rnn, "GRU": gru, "LSTM": lstm}[type(layer).__name__]
    count = 2 if step is lstm else 1
    N, T, _ = x.shape
    outputs, last = np.zeros((N, T, layer.units)), np.zeros((count, N, layer.units))
    for n in range(N):
        now = [np.zeros(layer.units) if states is None else states[i][n] for i in range(count)]
        for at, t in enumerate(reversed(range(T)) if layer.go_backwards else range(T)):
            if mask is None or mask[n, t]:
                now = step(layer, x[n, t], *weights, now, np.ones(4) if kept is None else kept[:, n])
            outputs[n, at] = now[0]
        last[:, n] = now
    return outputs, list(last)


def gate(weights, g, units):
    """The columns of a gate."""
    return weights[..., g * units : (g + 1) * units]


def simple_rnn(layer, x, w, u, b, states, kept):
    return [FUNCTIONS[layer.activation](x @ w + (states[0] * kept[0]) @ u + (0 if b is None else b))]


def gru(layer, x, w, u, b, states, kept):
    H, h = layer.units, states[0]
    f, fr = FUNCTIONS[layer.activation], FUNCTIONS[layer.recurrent_activation]
    b = np.zeros((2, 3 * H) if layer.reset_after else 3 * H) if b is None else b
    b, inner = b if layer.reset_after else (b, np.zeros(3 * H))
    inputs = [x @ gate(w, g, H) + gate(b, g, H) for g in range(3)]
    z = fr(inputs[0] + (h * kept[0]) @ gate(u, 0, H) + gate(inner, 0, H))
    r = fr(inputs[1] + (h * kept[1]) @ gate(u, 1, H) + gate(inner, 1, H))
    if layer.reset_after:
        g = f(inputs[2] + r * ((h * kept[2]) @ gate(u, 2, H) + gate(inner, 2, H)))
    else:
        g = f(inputs[2] + (r * h * kept[2]) @ gate(u, 2, H))
    return [z * h + (1 - z) * g]


def lstm(layer, x, w, u, b, states, kept):
    H, (h, c) = layer.units, states
    f, fr = FUNCTIONS[layer.activation], FUNCTIONS[layer.recurrent_activation]
    b = np.zeros(4 * H) if b is None else b
    i, forget, g, o = (x @ gate(w, n, H) + (h * kept[n]) @ gate(u, n, H) + gate(b, n, H) for n in range(4))
    c = fr(forget) * c + fr(i) * f(g)
    return [fr(o) * f(c), c]
