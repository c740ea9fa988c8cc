"""Normalisation in PyTorch and JAX, for bench/peers.py. PyTorch has channels second: it gets views of ours as such.

A gradient of a batch norm in training is that of its batch's statistics; epsilon is ours where the case names none.
"""

import functools

from .peer_calls import jax_peers, torch_products

OPS = ("layer_norm", "rms_norm", "batch_norm", "batch_norm_inference", "group_norm", "instance_norm")
GIVEN = ("mean", "variance")


def _epsilon(op, options):
    return options.get("epsilon", 1e-6 if op == "rms_norm" else 1e-3)


def _torch(op, t, arrays, options, dy):
    epsilon, f = _epsilon(op, options), t.nn.functional
    names = [name for name in arrays if name not in GIVEN]

    def normalise(*tracked):
        known = dict(zip(names, tracked))
        x, gamma, beta = known["x"], known.get("gamma"), known.get("beta")
        if op == "layer_norm":
            return f.layer_norm(x, x.shape[-1:], gamma, beta, epsilon)
        if op == "rms_norm":
            return f.rms_norm(x, x.shape[-1:], gamma, epsilon)
        x = x.movedim(-1, 1)
        if op == "group_norm":
            y = f.group_norm(x, options["groups"], gamma, beta, epsilon)
        elif op == "instance_norm":
            y = f.instance_norm(x, weight=gamma, bias=beta, eps=epsilon)
        else:
            given = [arrays[name] if name in arrays else None for name in GIVEN]
            y = f.batch_norm(x, *given, gamma, beta, op == "batch_norm", 0.0, epsilon)
        return (f.relu(y) if options.get("activation") else y).movedim(1, -1)

    return {"torch": torch_products(t, [arrays[name] for name in names], normalise, dy)}


def _torch_update(t, arrays, options, dy):
    """Of a batch's own mean and variance."""
    share = 1 - options.get("momentum", 0.99)

    def update():
        arrays["running_mean"].lerp_(arrays["mean"], share)
        arrays["running_var"].lerp_(arrays["variance"], share)

    return {"torch": {"forward": update}}


TORCH = {**{op: functools.partial(_torch, op) for op in OPS}, "batch_norm_update": _torch_update}


def _jax(op):
    def make(j, options):
        epsilon, np = _epsilon(op, options), j.numpy

        def normalise(x, *rows):
            if op == "rms_norm":
                y = x * j.lax.rsqrt(np.square(x).mean(-1, keepdims=True) + epsilon)
            elif op == "batch_norm_inference":
                *rows, mean, variance = rows
                y = (x - mean) * j.lax.rsqrt(variance + epsilon)
            else:
                groups = options.get("groups", x.shape[-1])
                if op in ("group_norm", "instance_norm"):
                    parts, axes = x.reshape(len(x), -1, groups, x.shape[-1] // groups), (1, 3)
                else:
                    parts, axes = x, -1 if op == "layer_norm" else tuple(range(x.ndim - 1))
                mean = parts.mean(axes, keepdims=True)
                variance = np.square(parts - mean).mean(axes, keepdims=True)
                y = ((parts - mean) * j.lax.rsqrt(variance + epsilon)).reshape(x.shape)
            for row, join in zip(rows, (np.multiply, np.add)):
                y = join(y, row)
            return j.nn.relu(y) if options.get("activation") else y

        return normalise

    return make


JAX = jax_peers({op: _jax(op) for op in OPS})  # of cases with gamma, and beta where the op has it
