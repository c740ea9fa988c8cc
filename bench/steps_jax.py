"""JAX's models for bench/steps.py: a step is one compiled function that updates weights and Adam's means in place.

A model is a function (j, sizes) -> (init, apply): init(keys) -> weights, a tree; apply(weights, x, key) -> (outputs,
statistics of the batch of which moving means are kept, mostly none). `keys` gives random keys without end.
Images are H x W x C, as ours are. Initial weights are those of `jax.nn.initializers`.
"""

import functools
import itertools

import numpy as np

VARIANTS = {"jax": {}}
RATE, BETA_1, BETA_2, EPSILON = 0.001, 0.9, 0.999, 1e-7  # Adam's


def _dense(j, keys, inputs, units):
    return {"w": j.nn.initializers.glorot_uniform()(next(keys), (inputs, units)), "b": j.numpy.zeros(units)}


def _linear(p, x):
    return x @ p["w"] + p["b"]


def keras_mlp(j, features, units):
    def init(keys):
        return [_dense(j, keys, a, b) for a, b in ((features, units), (units, units), (units, 1))]

    def apply(layers, x, key):
        for layer in layers[:-1]:
            x = j.nn.relu(_linear(layer, x))
        return _linear(layers[-1], x), []

    return init, apply


def _filter(j, keys, size, inputs, filters):
    return j.nn.initializers.he_normal()(next(keys), (size, size, inputs, filters))


def _convolved(j, x, w, stride=1, padding="SAME"):
    return j.lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _pooled(j, x):
    return j.lax.reduce_window(x, -np.inf, j.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _cnn(padding, channels, j, side, filters, units, classes):
    lost = 2 if padding == "VALID" else 0
    last = ((side - lost) // 2 - lost) // 2

    def init(keys):
        convolutions = [
            {"w": _filter(j, keys, 3, a, b), "b": j.numpy.zeros(b)} for a, b in ((channels, filters[0]), filters)
        ]
        return convolutions, [_dense(j, keys, filters[1] * last * last, units), _dense(j, keys, units, classes)]

    def apply(weights, x, key):
        convolutions, (hidden, head) = weights
        for p in convolutions:
            x = _pooled(j, j.nn.relu(_convolved(j, x, p["w"], padding=padding) + p["b"]))
        return _linear(head, j.nn.relu(_linear(hidden, x.reshape(len(x), -1)))), []

    return init, apply


def _rows(j, keys, count, width):
    return 0.05 * j.random.normal(next(keys), (count, width))


def text_pooling(j, vocabulary, length, width, classes):
    def init(keys):
        return _rows(j, keys, vocabulary, width), _dense(j, keys, width, classes)

    def apply(weights, x, key):
        return _linear(weights[1], weights[0][x].mean(1)), []

    return init, apply


def text_gru(j, vocabulary, length, width, dropout):
    """Dropout takes whole channels of a sequence, as Keras's does; a layer is one product and a scan, as in ours."""

    def recurrent(keys):
        w, u = (j.nn.initializers.glorot_uniform()(next(keys), (width, 3 * width)) for _ in range(2))
        return {"w": w, "u": u, "b": j.numpy.zeros(3 * width), "c": j.numpy.zeros(3 * width)}

    def init(keys):
        layers = [recurrent(keys), recurrent(keys)]
        return _rows(j, keys, vocabulary, width), layers, _dense(j, keys, width, width), _dense(j, keys, width, 1)

    def run(p, x, key):
        kept = j.random.bernoulli(key, 1 - dropout, (len(x), 1, width)) / (1 - dropout)

        def step(h, a):
            inner = h @ p["u"] + p["c"]
            z, r = j.numpy.split(j.nn.sigmoid(a[:, : 2 * width] + inner[:, : 2 * width]), 2, 1)
            g = j.numpy.tanh(a[:, 2 * width :] + r * inner[:, 2 * width :])
            h = z * h + (1 - z) * g
            return h, h

        a = ((x * kept) @ p["w"] + p["b"]).swapaxes(0, 1)
        last, all_steps = j.lax.scan(step, j.numpy.zeros((len(x), width)), a)
        return last, all_steps.swapaxes(0, 1)

    def apply(weights, x, key):
        table, (first, second), hidden, head = weights
        first_key, second_key = j.random.split(key)
        _, y = run(first, table[x], first_key)
        y, _ = run(second, y, second_key)
        return _linear(head, j.nn.relu(_linear(hidden, y))), []

    return init, apply


def gpt(j, vocabulary, length, width, heads, blocks):
    def norm():
        return {"scale": j.numpy.ones(width), "shift": j.numpy.zeros(width)}

    def normalised(p, x):
        mean = x.mean(-1, keepdims=True)
        centred = x - mean
        rstd = j.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
        return centred * rstd * p["scale"] + p["shift"]

    def init(keys):
        sizes = {"qkv": (width, 3 * width), "out": (width, width)}
        sizes |= {"up": (width, 4 * width), "down": (4 * width, width)}
        parts = [
            {"a": norm(), "f": norm(), **{name: _dense(j, keys, *size) for name, size in sizes.items()}}
            for _ in range(blocks)
        ]
        tables = _rows(j, keys, vocabulary, width), _rows(j, keys, length, width)
        return tables, parts, norm(), _dense(j, keys, width, vocabulary)

    def apply(weights, x, key):
        (tokens, places), parts, last, head = weights
        x = tokens[x] + places
        for p in parts:
            qkv = _linear(p["qkv"], normalised(p["a"], x))
            q, k, v = (part.reshape(*part.shape[:2], heads, -1) for part in j.numpy.split(qkv, 3, 2))
            y = j.nn.dot_product_attention(q, k, v, is_causal=True)
            x = x + _linear(p["out"], y.reshape(x.shape))
            hidden = j.nn.gelu(_linear(p["up"], normalised(p["f"], x)), approximate=False)
            x = x + _linear(p["down"], hidden)
        return _linear(head, normalised(last, x)), []

    return init, apply


def resnet(j, side, filters, blocks, classes):
    strides = [2 if stage and not block else 1 for stage in range(len(filters)) for block in range(blocks)]

    def conv(keys, inputs, count):
        w = _filter(j, keys, 3, inputs, count)
        return {"w": w, "scale": j.numpy.ones(count), "shift": j.numpy.zeros(count)}

    def init(keys):
        first, parts, inputs = conv(keys, 3, filters[0]), [], filters[0]
        for stride, count in zip(strides, [count for count in filters for _ in range(blocks)]):
            part = {"first": conv(keys, inputs, count), "second": conv(keys, count, count)}
            if stride > 1:
                part["shortcut"] = _filter(j, keys, 1, inputs, count)
            parts.append(part)
            inputs = count
        return first, parts, _dense(j, keys, inputs, classes)

    def apply(weights, x, key):
        first, parts, head = weights
        seen = []

        def normalised(p, x, stride=1):
            x = _convolved(j, x, p["w"], stride)
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            seen.append((mean, variance))
            return (x - mean) * (j.lax.rsqrt(variance + 1e-5) * p["scale"]) + p["shift"]

        x = j.nn.relu(normalised(first, x))
        for p, stride in zip(parts, strides):
            y = normalised(p["second"], j.nn.relu(normalised(p["first"], x, stride)))
            x = j.nn.relu(y + (_convolved(j, x, p["shortcut"], stride) if "shortcut" in p else x))
        return _linear(head, x.mean((1, 2))), seen

    return init, apply


MODELS = {
    "keras_mlp": keras_mlp,
    "keras_cnn": functools.partial(_cnn, "VALID", 1),
    "torch_style_cnn": functools.partial(_cnn, "SAME", 3),
    "text_pooling": text_pooling,
    "text_gru": text_gru,
    "gpt": gpt,
    "resnet20": resnet,
}


def contestant(name, sizes, batch):
    """(number of weights, prepare), as steps_ours.py has."""
    import jax as j

    j.config.update("jax_enable_x64", False)
    init, apply = MODELS[name](j, **sizes)
    weights = init(j.random.key(i) for i in itertools.count(1))
    zeros = functools.partial(j.tree.map, lambda leaf: j.numpy.zeros(leaf.shape))
    state = {"weights": weights, "m": zeros(weights), "v": zeros(weights), "step": 0}
    step = j.jit(functools.partial(_step, j, apply), donate_argnums=0)
    rng = np.random.default_rng(0)

    def prepare(x, y):
        if "moving" not in state:
            state["moving"] = zeros(j.eval_shape(apply, weights, x[:batch], j.random.key(0))[1])

        def epoch():
            nonlocal state
            now, order = {**state, "total": j.numpy.zeros(())}, rng.permutation(len(x))
            for start in range(0, len(x), batch):
                rows = order[start : start + batch]
                now = step(now, x[rows], y[rows])
            state = now
            return float(now["total"]) * batch / len(x)  # waits until all is computed

        return epoch

    return sum(leaf.size for leaf in j.tree.leaves(weights)), prepare


def _step(j, apply, state, x, y):
    def measured(weights):
        outputs, seen = apply(weights, x, j.random.fold_in(j.random.key(0), state["step"]))
        return _loss(j, outputs, y), seen

    (loss, seen), gradients = j.value_and_grad(measured, has_aux=True)(state["weights"])
    step = state["step"] + 1
    rate = RATE * j.numpy.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
    m = j.tree.map(lambda m, g: m + (1 - BETA_1) * (g - m), state["m"], gradients)
    v = j.tree.map(lambda v, g: v + (1 - BETA_2) * (g * g - v), state["v"], gradients)
    weights = j.tree.map(lambda w, m, v: w - rate * m / (j.numpy.sqrt(v) + EPSILON), state["weights"], m, v)
    moving = j.tree.map(lambda old, new: 0.9 * old + 0.1 * new, state["moving"], seen)
    return {"weights": weights, "m": m, "v": v, "moving": moving, "step": step, "total": state["total"] + loss}


def _loss(j, outputs, y):
    """Mean crossentropy of logits: binary where targets are numbers, of classes where they are labels."""
    if j.numpy.issubdtype(y.dtype, j.numpy.floating):
        z = outputs[:, 0]
        return (j.numpy.maximum(z, 0) - z * y + j.numpy.log1p(j.numpy.exp(-abs(z)))).mean()
    logs = j.nn.log_softmax(outputs)
    return -j.numpy.take_along_axis(logs, y[..., None], -1).mean()
