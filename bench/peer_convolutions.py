"""Convolutions in PyTorch and JAX, for bench/peers.py: images in both layouts of PyTorch, sequences in its only one."""

import functools

import numpy as np

from .peer_calls import IMAGES, jax_peers, laid, torch_layouts, torch_products
from .peer_products import jax_activation, torch_activation


def _torch(op, make, t, arrays, options, dy):
    layouts, images, filters = torch_layouts(t), IMAGES, (3, 2, 0, 1)
    if op == "conv1d":
        layouts, images, filters = {"torch": t.contiguous_format}, (0, 2, 1), (2, 1, 0)
    contestants = {}
    for label, layout in layouts.items():
        axes = ((arrays["x"], images), (arrays["w"], filters), (dy, images))
        x, w, d = (laid(array, order, layout) for array, order in axes)
        leaves = [x, w, *([arrays["b"]] if "b" in arrays else [])]
        contestants[label] = torch_products(t, leaves, make(t, options), d)
    return contestants


def _torch_conv2d(t, options):
    act = torch_activation(t, options)
    rest = [options.get(name, value) for name, value in (("padding", 0), ("dilation", 1), ("groups", 1))]
    return lambda x, w, b=None: act(t.nn.functional.conv2d(x, w, b, options.get("stride", 1), *rest))


def _torch_conv1d(t, options):
    act = torch_activation(t, options)
    padding, dilation = options.get("padding", 0), options.get("dilation", 1)
    causal = padding == "causal"

    def convolve(x, w, b=None):
        if causal:
            x = t.nn.functional.pad(x, ((w.shape[2] - 1) * dilation, 0))
        rest = (0 if causal else padding, dilation, options.get("groups", 1))
        return act(t.nn.functional.conv1d(x, w, b, options.get("stride", 1), *rest))

    return convolve


def _torch_conv2d_transpose(t, options):
    """For paddings in numbers, the only ones that PyTorch has."""
    act = torch_activation(t, options)
    defaults = (("stride", 1), ("padding", 0), ("output_padding", 0), ("groups", 1), ("dilation", 1))
    rest = [options.get(name, value) for name, value in defaults]
    return lambda x, w, b=None: act(t.nn.functional.conv_transpose2d(x, w, b, *rest))


TORCH = {
    "conv1d": functools.partial(_torch, "conv1d", _torch_conv1d),
    "conv2d": functools.partial(_torch, "conv2d", _torch_conv2d),
    "conv2d_transpose": functools.partial(_torch, "conv2d_transpose", _torch_conv2d_transpose),
}


def _jax_conv2d(j, options):
    act = jax_activation(j, options)
    strides, dilation = (np.broadcast_to(options.get(name, 1), 2).tolist() for name in ("stride", "dilation"))
    padding = options.get("padding", 0)
    if isinstance(padding, str):
        padding = padding.upper()
    else:  # a number for all sides, for two directions, or for each side
        padding = np.broadcast_to(np.reshape(padding, (2, -1) if np.ndim(padding) else (1, 1)), (2, 2)).tolist()

    def convolve(x, w, b=None):
        y = j.lax.conv_general_dilated(
            x,
            w,
            strides,
            padding,
            rhs_dilation=dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=options.get("groups", 1),
        )
        return act(y if b is None else y + b)

    return convolve


def _jax_conv1d(j, options):
    act = jax_activation(j, options)
    padding, dilation = options.get("padding", 0), options.get("dilation", 1)

    def convolve(x, w, b=None):
        if padding == "causal":
            pads = [((w.shape[0] - 1) * dilation, 0)]
        else:
            pads = padding.upper() if isinstance(padding, str) else [np.broadcast_to(padding, 2).tolist()]
        y = j.lax.conv_general_dilated(
            x,
            w,
            [options.get("stride", 1)],
            pads,
            rhs_dilation=[dilation],
            dimension_numbers=("NWC", "WIO", "NWC"),
            feature_group_count=options.get("groups", 1),
        )
        return act(y if b is None else y + b)

    return convolve


def _jax_conv2d_transpose(j, options):
    """For paddings in numbers, and without groups, which JAX's has not."""
    act = jax_activation(j, options)
    names = (("stride", 1), ("dilation", 1), ("padding", 0), ("output_padding", 0))
    strides, dilation, padding, more = (np.broadcast_to(options.get(*name), 2).tolist() for name in names)

    def convolve(x, w, b=None):
        edges = [(size - 1) * d - p for size, d, p in zip(w.shape, dilation, padding)]
        y = j.lax.conv_transpose(
            x,
            w,
            strides,
            [(edge, edge + m) for edge, m in zip(edges, more)],
            rhs_dilation=dilation,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            transpose_kernel=True,
        )
        return act(y if b is None else y + b)

    return convolve


JAX = jax_peers({"conv1d": _jax_conv1d, "conv2d": _jax_conv2d, "conv2d_transpose": _jax_conv2d_transpose})
