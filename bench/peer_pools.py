"""Pooling in PyTorch and JAX, for bench/peers.py: images in both of PyTorch's layouts, sequences in its only one.

JAX has no adaptive pooling: it is written as the mean or the largest of every window.
"""

import functools

import numpy as np

from ..kernels import _window as window
from .peer_calls import IMAGES, jax_peers, laid, torch_layouts, torch_products


def _windows(op, image, options):
    """(size, stride, outputs, pads) of windows over images; sequences are images of one row."""
    size, stride, padding = options.get("window", 2), options.get("stride"), options.get("padding", "valid")
    if op.endswith("1d"):
        if not isinstance(padding, str):
            padding = (0, 0, *np.broadcast_to(padding, 2).tolist())
        padding = (0, 0, size - 1, 0) if padding == "causal" else padding
        size, stride = (1, size), (1, size if stride is None else stride)
    size = window.pair(op, "window", size)
    stride = size if stride is None else window.pair(op, "stride", stride)
    return size, stride, *window.resolve(op, image, size, stride, padding, (1, 1))


def torch_pool(t, op, image, options):
    """Windows that slide over images of size (H, W), axes in PyTorch's order; None for a padding that it has not."""
    size, stride, _, pads = _windows(op, image, options)
    if pads[0] or pads[2]:
        return None
    reaches = bool(pads[1] or pads[3])  # the last windows reach out of the image
    if op.endswith("1d"):
        size, stride = size[1:], stride[1:]
    if op.startswith("max"):
        function = getattr(t.nn.functional, op)
        return lambda x: function(x, size, stride, ceil_mode=reaches)
    function = getattr(t.nn.functional, op.replace("average", "avg"))
    return lambda x: function(x, size, stride, ceil_mode=reaches, count_include_pad=False)


def _torch_function(t, op, image, options):
    if op in WINDOWS:
        return torch_pool(t, op, image, options)
    kind = op.removeprefix("adaptive_").removeprefix("global_").replace("average", "avg")
    function = getattr(t.nn.functional, f"adaptive_{kind}")
    if op.startswith("global"):
        return lambda x: function(x, 1).flatten(1)
    return lambda x: function(x, options["size"])


def _torch(op, t, arrays, options, dy):
    x = arrays["x"]
    sequences = x.ndim == 3
    function = _torch_function(t, op, (1, x.shape[1]) if sequences else x.shape[1:3], options)
    if function is None:
        return {}
    layouts, axes = ({"torch": t.contiguous_format}, (0, 2, 1)) if sequences else (torch_layouts(t), IMAGES)
    contestants = {}
    for label, layout in layouts.items():
        d = dy if dy.ndim == 2 else laid(dy, axes, layout)
        contestants[label] = torch_products(t, [laid(x, axes, layout)], function, d)
    return contestants


WINDOWS = ("max_pool1d", "max_pool2d", "average_pool1d", "average_pool2d")
WHOLE = ("global_max_pool1d", "global_max_pool2d", "global_average_pool1d", "global_average_pool2d")
ADAPTIVE = ("adaptive_max_pool2d", "adaptive_average_pool2d")
TORCH = {op: functools.partial(_torch, op) for op in (*WINDOWS, *ADAPTIVE, *WHOLE)}


def _jax_windows(op):
    def make(j, options):
        def pool(x):
            if x.ndim == 3:
                return pool(x[:, None])[:, 0]
            size, stride, _, pads = _windows(op, x.shape[1:3], options)
            rest = (1, *size, 1), (1, *stride, 1), ((0, 0), pads[:2], pads[2:], (0, 0))
            if op.startswith("max"):
                return j.lax.reduce_window(x, -np.inf, j.lax.max, *rest)
            total, count = (
                j.lax.reduce_window(part, 0.0, j.lax.add, *rest)
                for part in (x, np.ones((1, *x.shape[1:3], 1), x.dtype))
            )
            return total / count

        return pool

    return make


def _jax_adaptive(op):
    def make(j, options):
        join = j.numpy.max if "max" in op else j.numpy.mean

        def pool(x):
            N, H, W, C = x.shape
            P, Q = np.broadcast_to(options["size"], 2).tolist()
            if H % P == W % Q == 0:
                return join(x.reshape(N, P, H // P, Q, W // Q, C), (2, 4))
            rows, columns = ([(i * n // k, -(-(i + 1) * n // k)) for i in range(k)] for n, k in ((H, P), (W, Q)))
            parts = [[join(x[:, a:b, c:d], (1, 2)) for c, d in columns] for a, b in rows]
            return j.numpy.stack([j.numpy.stack(row, 1) for row in parts], 1)

        return pool

    return make


def _jax_whole(op):
    join = "max" if "max" in op else "mean"
    return lambda j, options: lambda x: getattr(j.numpy, join)(x, tuple(range(1, x.ndim - 1)))


JAX = jax_peers(
    {
        **{op: _jax_windows(op) for op in WINDOWS},
        **{op: _jax_adaptive(op) for op in ADAPTIVE},
        **{op: _jax_whole(op) for op in WHOLE},
    }
)
