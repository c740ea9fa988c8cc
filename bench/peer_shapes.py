"""Moves of elements, the k largest and upsampling in PyTorch and JAX, for bench/peers.py.

Makers are f(library, options) -> function of the arrays, as the catalog orders them; one that has a second array takes
its numbers.
"""

import numpy as np


def _torch_pad(t, options):
    width = [n for pair in reversed(options["width"]) for n in pair]
    return lambda x: t.nn.functional.pad(x, width, value=options.get("value", 0.0))


def _torch_upsample2d(t, options):
    """Channels-last, PyTorch's view of ours."""
    factor, mode = options.get("factor", 2), options.get("interpolation", "nearest")
    return lambda x: t.nn.functional.interpolate(x.movedim(-1, 1), scale_factor=factor, mode=mode).movedim(1, -1)


def _crop(library, options):
    width = options["width"]

    def crop(x):
        x = x[tuple(slice(before, n - after) for n, (before, after) in zip(x.shape, width))]
        return x.contiguous() if hasattr(x, "contiguous") else x

    return crop


TORCH = {
    "pad": _torch_pad,
    "crop": _crop,
    "gather": lambda t, options: lambda x, indices: x.index_select(options.get("axis", 0), indices),
    "top_k": lambda t, options: lambda x: x.topk(options["k"], options.get("axis", -1))[0],
    "upsample2d": _torch_upsample2d,
}


def torch(t, op, arrays, options):
    """(arrays that have gradients, function of them)."""
    x, *indices = arrays.values()
    move = TORCH[op](t, options)
    return [x], lambda x: move(x, *indices)


def _jax_top_k(j, options):
    k, axis = options["k"], options.get("axis", -1)
    return lambda x: j.numpy.moveaxis(j.lax.top_k(j.numpy.moveaxis(x, axis, -1), k)[0], -1, axis)


def _jax_upsample2d(j, options):
    f, g = np.broadcast_to(options.get("factor", 2), 2).tolist()
    method = options.get("interpolation", "nearest")
    return lambda x: j.image.resize(x, (x.shape[0], f * x.shape[1], g * x.shape[2], x.shape[3]), method)


JAX = {
    "pad": lambda j, options: lambda x: j.numpy.pad(x, options["width"], constant_values=options.get("value", 0.0)),
    "crop": _crop,
    "gather": lambda j, options: lambda x, indices: j.numpy.take(x, indices, options.get("axis", 0)),
    "top_k": _jax_top_k,
    "upsample2d": _jax_upsample2d,
}
