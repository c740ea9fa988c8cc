"""What the benchmark times of a function in PyTorch or JAX: its forward, and its gradients from what a forward kept.

A family of peers (peer_*.py) has two tables, TORCH and JAX, {op: f(library, arrays, options, dy) -> {label: {product:
function without arguments}}}, with nothing in it where the library has no such thing. Most are made by `torch_peers`
and `jax_peers` from {op: f(library, options) -> function, or None}: a function of the arrays that have gradients, and
then of the others, each in the catalog's order. Arrays are PyTorch's own tensors, for JAX NumPy's.

Gradients are arrays of their own, as ours are: where PyTorch gives dy itself or a view of it, it is copied (`FRESH`).
"""

import functools

from ..kernels.catalog import BY_NAME

FRESH = ("add", "sum", "transpose", "gaussian_noise")
IMAGES = (0, 3, 1, 2)  # the order of axes in PyTorch, of ours


def torch_peers(makers):
    """The table TORCH from makers of functions."""
    return {op: functools.partial(_torch, op, make) for op, make in makers.items()}


def _torch(op, make, t, arrays, options, dy):
    function = make(t, options)
    if function is None:
        return {}
    tracked, others = _parted(op, arrays)
    whole = function if not others else lambda *tracked: function(*tracked, *others)
    return {"torch": torch_products(t, tracked, whole, dy, op in FRESH)}


def torch_products(t, leaves, function, dy, fresh=False):
    """{product: function without arguments} of a function of tensors; the forward alone where it has no gradients."""

    def forward():
        with t.no_grad():
            return function(*leaves)

    if not leaves or not forward().is_floating_point():
        return {"forward": forward}
    tracked = [leaf.detach().requires_grad_() for leaf in leaves]
    y = function(*tracked)

    def backward():
        gradients = t.autograd.grad(y, tracked, dy, retain_graph=True)
        return [g.clone(memory_format=t.contiguous_format) for g in gradients] if fresh else gradients

    return {
        "forward": forward,
        "backward": backward,
        "weights": lambda: t.autograd.grad(y, tracked[1:], dy, retain_graph=True),
    }


def torch_layouts(t):
    """PyTorch's layouts of images, of which the first is ours."""
    return {"torch nhwc": t.channels_last, "torch nchw": t.contiguous_format}


def laid(x, axes, layout):
    """An array with its axes in PyTorch's order, in memory as `layout` says; a view where it lies so already."""
    return x.permute(axes).contiguous(memory_format=layout)


def jax_peers(makers):
    """The table JAX from makers of functions."""
    return {op: functools.partial(_jax, op, make) for op, make in makers.items()}


def _jax(op, make, j, arrays, options, dy):
    function = make(j, options)
    return {"jax": jax_products(j, function, *_parted(op, arrays), dy)} if function else {}


def jax_products(j, function, leaves, others, dy):
    """{product: function without arguments} of a function of arrays with gradients and then of others, compiled."""
    leaves, others = ([j.numpy.asarray(x) for x in part] for part in (leaves, others))
    compiled = j.jit(function)
    products = {"forward": lambda: j.block_until_ready(compiled(*leaves, *others))}
    if leaves:
        dy = j.numpy.asarray(dy)
        _, everything = j.vjp(lambda *leaves: function(*leaves, *others), *leaves)
        _, weights = j.vjp(lambda *weights: function(leaves[0], *weights, *others), *leaves[1:])
        backward = j.jit(lambda vjp, dy: [j.numpy.copy(g) for g in vjp(dy)])
        products["backward"] = lambda: j.block_until_ready(backward(everything, dy))
        products["weights"] = lambda: j.block_until_ready(backward(weights, dy))
    return products


def _parted(op, arrays):
    """The arrays that have gradients, and the others."""
    names = [name for name in arrays if name in BY_NAME[op].differentiable]
    return [arrays[name] for name in names], [x for name, x in arrays.items() if name not in names]
