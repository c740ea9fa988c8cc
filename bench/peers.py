"""The same work in other libraries, for the catalog's cases; a peer that is not installed is named as absent.

A peer is a function (op, arrays, options, dy) -> {label: {product: function without arguments}}, empty where it has
no such op. Products: "forward", "backward" for all gradients at once, "weights" for those of all but the input.
"""

import contextlib
import functools
import importlib.util
import os
import time

import numpy as np

from ..kernels.catalog import BY_NAME
from . import peer_activations, peer_attention, peer_norms, peer_recurrent, peer_shapes


def numpy(op, arrays, options, dy):
    """The reference."""
    op = BY_NAME[op]
    products = {"forward": op.forward_call("reference", arrays, options)}
    if op.differentiable:
        results = op.forward("reference", arrays, options)
        products["backward"] = op.backward_call("reference", dy, arrays, options, results)
    return {"numpy": products}


def torch(op, arrays, options, dy):
    """PyTorch on the CPU, arrays shared; images in both of its layouts, of which channels-last is ours."""
    import torch as t

    return torch_contestants(t, op, {name: t.from_numpy(x) for name, x in arrays.items()}, options, t.from_numpy(dy))


def torch_contestants(t, op, arrays, options, dy):
    """{label: {product: function}} of PyTorch's tensors, on whatever device they are."""
    if op == "matmul":
        return {"torch": _torch_products(t, [arrays["a"], arrays["b"]], _matmul(options), dy)}
    if op == "linear":
        return {"torch": _torch_products(t, list(arrays.values()), _torch_linear(t, options), dy)}
    if op == "attention":
        return {"torch": _torch_products(t, list(arrays.values()), peer_attention.torch(t, options), dy)}
    if op in peer_recurrent.JAX:
        found = peer_recurrent.torch(t, op, arrays, dy)
        return {"torch": _torch_products(t, *found, dy)} if found else {}
    if op in peer_norms.OPS:
        return {"torch": _torch_products(t, *peer_norms.torch(t, op, arrays, options), dy)}
    if op in peer_shapes.TORCH:
        return {"torch": _torch_products(t, *peer_shapes.torch(t, op, arrays, options), dy)}
    if op in peer_activations.TORCH:
        return {"torch": _torch_products(t, [arrays["x"]], peer_activations.TORCH[op](t, options), dy)}
    make = {"conv1d": _torch_conv1d, "conv2d": _torch_conv2d, "conv2d_transpose": _torch_conv2d_transpose}.get(op)
    if make is None:
        return {}
    layouts = {"torch nhwc": t.channels_last, "torch nchw": t.contiguous_format}
    images, filters = (0, 3, 1, 2), (3, 2, 0, 1)
    if op == "conv1d":  # PyTorch has one layout of sequences
        layouts, images, filters = {"torch": t.contiguous_format}, (0, 2, 1), (2, 1, 0)
    contestants = {}
    for label, layout in layouts.items():
        axes = ((arrays["x"], images), (arrays["w"], filters), (dy, images))
        x, w, d = (array.permute(order).contiguous(memory_format=layout) for array, order in axes)
        leaves = [x, w, *([arrays["b"]] if "b" in arrays else [])]
        contestants[label] = _torch_products(t, leaves, make(t, options), d)
    return contestants


def _torch_products(t, leaves, function, dy):
    tracked = [leaf.detach().requires_grad_() for leaf in leaves]
    y = function(*tracked)

    def forward():
        with t.no_grad():
            return function(*leaves)

    return {
        "forward": forward,
        "backward": lambda: t.autograd.grad(y, tracked, dy, retain_graph=True),
        "weights": lambda: t.autograd.grad(y, tracked[1:], dy, retain_graph=True),
    }


def _matmul(options):
    """The product of arrays that have NumPy's methods, PyTorch's and JAX's do."""

    def turned(x, turn):
        return x.swapaxes(-1, -2) if turn else x

    return lambda a, b: turned(a, options.get("transpose_a")) @ turned(b, options.get("transpose_b"))


def _torch_linear(t, options):
    act = _torch_activation(t, options)
    return lambda x, w, b=None: act(t.addmm(b, x, w) if b is not None else x @ w)


def _torch_conv2d(t, options):
    act = _torch_activation(t, options)
    rest = [options.get(name, value) for name, value in (("padding", 0), ("dilation", 1), ("groups", 1))]
    return lambda x, w, b=None: act(t.nn.functional.conv2d(x, w, b, options.get("stride", 1), *rest))


def _torch_conv1d(t, options):
    act = _torch_activation(t, options)
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
    act = _torch_activation(t, options)
    defaults = (("stride", 1), ("padding", 0), ("output_padding", 0), ("groups", 1), ("dilation", 1))
    rest = [options.get(name, value) for name, value in defaults]
    return lambda x, w, b=None: act(t.nn.functional.conv_transpose2d(x, w, b, *rest))


def _torch_activation(t, options):
    name = options.get("activation")
    return getattr(t, name) if name else lambda x: x


def jax(op, arrays, options, dy):
    """JAX on the CPU, compiled; gradients start from what `vjp` kept of a forward, as ours do."""
    import jax as j

    make = {
        "matmul": lambda j, options: _matmul(options),
        "linear": _jax_linear,
        "conv2d": _jax_conv2d,
        "conv1d": _jax_conv1d,
        "conv2d_transpose": _jax_conv2d_transpose,
        "attention": peer_attention.jax,
        **peer_activations.JAX,
        **peer_norms.JAX,
        **peer_recurrent.JAX,
        **peer_shapes.JAX,
    }.get(op)
    if make is None:
        return {}
    j.config.update("jax_enable_x64", dy.dtype == np.float64)
    function = make(j, options)
    leaves = [j.numpy.asarray(x) for x in arrays.values()]
    dy = j.numpy.asarray(dy)
    _, everything = j.vjp(function, *leaves)
    _, weights = j.vjp(functools.partial(function, leaves[0]), *leaves[1:])
    forward, backward = j.jit(function), j.jit(lambda vjp, dy: vjp(dy))
    products = {
        "forward": lambda: j.block_until_ready(forward(*leaves)),
        "backward": lambda: j.block_until_ready(backward(everything, dy)),
        "weights": lambda: j.block_until_ready(backward(weights, dy)),
    }
    return {"jax": products}


def _jax_linear(j, options):
    act = _jax_activation(j, options)
    return lambda x, w, b=None: act(x @ w if b is None else x @ w + b)


def _jax_conv2d(j, options):
    act = _jax_activation(j, options)
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
    act = _jax_activation(j, options)
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
    act = _jax_activation(j, options)
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


def _jax_activation(j, options):
    name = options.get("activation")
    return {"relu": j.nn.relu, "sigmoid": j.nn.sigmoid, "tanh": j.numpy.tanh, None: lambda x: x}[name]


PEERS = {"numpy": numpy, "torch": torch, "jax": jax}


def installed(name):
    """Whether a peer can be imported."""
    return importlib.util.find_spec(name) is not None


@contextlib.contextmanager
def limit_threads(names, threads):
    """Set every peer's thread count; yields the names of those that keep to it, measured."""
    from threadpoolctl import threadpool_limits

    with contextlib.ExitStack() as undo:
        undo.enter_context(threadpool_limits(threads))
        for name, limit in (("torch", _limit_torch), ("jax", _limit_jax)):
            if name in names:
                undo.enter_context(limit(threads))
        yield [name for name in names if cores(name) < threads + 0.5]


@contextlib.contextmanager
def _limit_torch(threads):
    import torch as t

    before = t.get_num_threads()
    t.set_num_threads(threads)
    try:
        yield
    finally:
        t.set_num_threads(before)


@contextlib.contextmanager
def _limit_jax(threads):
    """A new client, for a pool of threads is as large as PJRT_NPROC said when its client was made.

    JAX has no other setting: with --xla_cpu_multi_thread_eigen=false and intra_op_parallelism_threads=1 in XLA_FLAGS,
    which one finds advised, a product of 0.10.2 takes 1.8 cores.
    """
    import jax as j
    from jax.extend.backend import clear_backends

    j.config.update("jax_platforms", "cpu")
    before = os.environ.get("PJRT_NPROC")
    os.environ["PJRT_NPROC"] = str(threads)
    clear_backends()
    try:
        yield
    finally:
        del os.environ["PJRT_NPROC"]
        if before is not None:
            os.environ["PJRT_NPROC"] = before


def cores(name, size=768, window=0.025, windows=8):
    """How many cores a peer's matrix product takes: processor time over time, of the window that got the most.

    On a busy machine that is the one that others disturbed least. Shorter ones read wrong: the system books the time of
    threads on other cores some milliseconds late. As many windows before are not counted: in them the last
    contestant's threads go to sleep.
    """
    a, b = np.random.default_rng(0).standard_normal((2, size, size), np.float32)
    options = {"transpose_a": False, "transpose_b": False}
    ((_, products),) = PEERS[name]("matmul", {"a": a, "b": b}, options, a).items()
    shares = []
    for _ in range(2 * windows):
        start, taken = time.perf_counter(), time.process_time()
        while time.perf_counter() < start + window:
            products["forward"]()
        shares.append((time.process_time() - taken) / (time.perf_counter() - start))
    return max(shares[windows:])
