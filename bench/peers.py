"""The same work in other libraries, for the catalog's cases; a peer that is not installed is named as absent.

A peer is a function (op, arrays, options) -> {name of a product: function without arguments}, or None where it has no
such op. Products: "forward", and "backward" for all gradients at once.
"""
import importlib

import numpy as np

from ..kernels.catalog import BY_NAME


def numpy(op, arrays, options, dy):
    """The reference."""
    op = BY_NAME[op]
    results = op.forward("reference", arrays, options)
    return {
        "forward": lambda: op.forward("reference", arrays, options),
        "backward": lambda: op.backward("reference", dy, arrays, options, results),
    }


def torch(op, arrays, options, dy):
    """PyTorch on the CPU, arrays shared; images in its channels-last layout, which is ours."""
    import torch as t

    make = {"matmul": _torch_matmul, "linear": _torch_linear, "conv2d": _torch_conv2d}.get(op)
    if make is None:
        return None
    leaves, function, dy = make(t, {k: t.from_numpy(v) for k, v in arrays.items()}, options, t.from_numpy(dy))
    tracked = [leaf.detach().requires_grad_() for leaf in leaves]
    y = function(*tracked)

    def forward():
        with t.no_grad():
            return function(*leaves)

    return {"forward": forward, "backward": lambda: t.autograd.grad(y, tracked, dy, retain_graph=True)}


def _torch_matmul(t, x, options, dy):
    def product(a, b):
        return (a.T if options.get("transpose_a") else a) @ (b.T if options.get("transpose_b") else b)

    return [x["a"], x["b"]], product, dy


def _torch_linear(t, x, options, dy):
    act = _torch_activation(t, options)
    return list(x.values()), lambda x, w, b=None: act(t.addmm(b, x, w) if b is not None else x @ w), dy


def _torch_conv2d(t, x, options, dy):
    act = _torch_activation(t, options)
    images = x["x"].permute(0, 3, 1, 2)
    filters = x["w"].permute(3, 2, 0, 1).contiguous(memory_format=t.channels_last)
    padding = options.get("padding", 0)

    def convolve(x, w, b=None):
        return act(t.nn.functional.conv2d(
            x, w, b, options.get("stride", 1), padding, options.get("dilation", 1), options.get("groups", 1)))

    return [images, filters, *([x["b"]] if "b" in x else [])], convolve, dy.permute(0, 3, 1, 2)


def _torch_activation(t, options):
    name = options.get("activation")
    return getattr(t, name) if name else lambda x: x


def jax(op, arrays, options, dy):
    """JAX, compiled."""
    import jax as j

    make = {"matmul": _jax_matmul, "linear": _jax_linear, "conv2d": _jax_conv2d}.get(op)
    if make is None:
        return None
    function = make(j, options)
    leaves = [j.numpy.asarray(x) for x in arrays.values()]
    dy = j.numpy.asarray(dy)
    forward = j.jit(function)
    backward = j.jit(lambda leaves, dy: j.vjp(function, *leaves)[1](dy))
    return {
        "forward": lambda: forward(*leaves).block_until_ready(),
        "backward": lambda: j.block_until_ready(backward(leaves, dy)),
    }


def _jax_matmul(j, options):
    return lambda a, b: (a.T if options.get("transpose_a") else a) @ (b.T if options.get("transpose_b") else b)


def _jax_linear(j, options):
    act = _jax_activation(j, options)
    return lambda x, w, b=0.0: act(x @ w + b)


def _jax_conv2d(j, options):
    act = _jax_activation(j, options)
    padding = options.get("padding", 0)
    padding = padding.upper() if isinstance(padding, str) else [(padding, padding)] * 2

    def convolve(x, w, b=0.0):
        stride, dilation = (np.broadcast_to(options.get(k, 1), 2).tolist() for k in ("stride", "dilation"))
        return act(b + j.lax.conv_general_dilated(
            x, w, stride, padding, rhs_dilation=dilation, dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=options.get("groups", 1)))

    return convolve


def _jax_activation(j, options):
    name = options.get("activation")
    return {"relu": j.nn.relu, "sigmoid": j.nn.sigmoid, "tanh": j.numpy.tanh, None: lambda x: x}[name]


PEERS = {"numpy": numpy, "torch": torch, "jax": jax}


def installed(name):
    """Whether a peer can be imported."""
    return importlib.util.find_spec(name) is not None


def limit_threads(names, threads):
    """Set every peer's thread count, and give back what undoes it."""
    from threadpoolctl import threadpool_limits

    limits = threadpool_limits(threads)
    if "torch" in names:
        import torch as t

        t.set_num_threads(threads)
    return limits
