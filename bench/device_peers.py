"""The same work by cuBLAS and cuDNN, through PyTorch or CuPy, on the same arrays on the device, which are not copied.

A peer is a function (op, sets, options) -> ({label: {product: calls}}, elapsed), empty where it has no such op. `sets`
are pairs of ({name: array on the device}, dy), a call each. Products: "forward", "backward", "weights" as in peers.py.
TF32 is off, and cuDNN tries its algorithms out before it chooses.
"""

import importlib.util

import numpy as np

from . import peer_products, peers
from .peer_calls import torch_products
from .peer_pools import torch_pool


def torch(op, sets, options):
    """PyTorch on CUDA, timed by its own events."""
    import torch as t

    t.backends.cuda.matmul.allow_tf32 = t.backends.cudnn.allow_tf32 = False
    t.backends.cudnn.benchmark = True

    def elapsed(function):
        begin, end = (t.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        function()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1000

    def tensor(x):
        if not hasattr(x, "__cuda_array_interface__"):
            return t.tensor(x, device="cuda")
        if x.dtype.name == "bfloat16":
            return t.as_tensor(x.view(np.int16), device="cuda").view(t.bfloat16)
        return t.as_tensor(x, device="cuda")

    made = []
    for arrays, dy in sets:
        tensors = {name: tensor(x) for name, x in arrays.items()}
        made.append(of_tensors(t, op, tensors, options, None if dy is None else tensor(dy)))
    return _side_by_side(made), elapsed


def of_tensors(t, op, arrays, options, dy):
    """{label: {product: function}} on whatever device the tensors are; dy is None for updates."""
    if op in ("matmul", "linear", "conv1d", "conv2d", "conv2d_transpose"):
        return peers.torch_contestants(t, op, arrays, options, dy)
    if op in ("adam_update", "sgd_update"):
        return {"torch": {"forward": _update(t, op, arrays, options)}}
    if op in ("max_pool2d", "average_pool2d"):
        pool, images = torch_pool(t, op, arrays["x"].shape[1:3], options), (0, 3, 1, 2)
        if pool is None:
            return {}
        return _products(t, [arrays["x"].permute(images)], pool, dy.permute(images))
    if op == "layer_norm":
        names = [name for name in ("x", "gamma", "beta") if name in arrays]
        function = _layer_norm(t, names, options)
        return _products(t, [arrays[name] for name in names], function, dy)
    if op in _OF_ONE:
        function = _OF_ONE[op]
        return _products(t, [arrays["x"]], lambda x: function(t.nn.functional, x, options), dy)
    if op in _LOSSES:
        function = _LOSSES[op](t.nn.functional, arrays["t"], options)
        return _products(t, [arrays["y"]], function, dy) if function else {}
    return {}


_OF_ONE = {
    "relu": lambda f, x, o: f.relu(x),
    "leaky_relu": lambda f, x, o: f.leaky_relu(x, o.get("negative_slope", 0.3)),
    "elu": lambda f, x, o: f.elu(x, o.get("alpha", 1.0)),
    "sigmoid": lambda f, x, o: f.sigmoid(x),
    "tanh": lambda f, x, o: f.tanh(x),
    "gelu": lambda f, x, o: f.gelu(x, approximate="tanh" if o.get("approximate") else "none"),
    "softmax": lambda f, x, o: f.softmax(x, o.get("axis", -1)),
    "dropout": lambda f, x, o: f.dropout(x, o["rate"]),
}


def _layer_norm(t, names, options):
    def normalise(*arrays):
        given = dict(zip(names, arrays))
        x, rest = given["x"], (given.get("gamma"), given.get("beta"), options.get("epsilon", 1e-3))
        return t.nn.functional.layer_norm(x, x.shape[-1:], *rest)

    return normalise


def _binary(f, t, options):
    way = f.binary_cross_entropy_with_logits if options.get("from_logits") else f.binary_cross_entropy
    return lambda y: way(y, t)


def _classes(f, t, options):
    if not options.get("from_logits"):
        return None  # PyTorch has it from logits alone
    t = t if t.is_floating_point() else t.long()
    return lambda y: f.cross_entropy(y, t)


_LOSSES = {
    "mse": lambda f, t, options: lambda y: f.mse_loss(y, t),
    "binary_crossentropy": _binary,
    "categorical_crossentropy": _classes,
    "sparse_categorical_crossentropy": _classes,
}


def _products(t, leaves, function, dy):
    products = torch_products(t, leaves, function, dy)
    return {"torch": {name: products[name] for name in ("forward", "backward")}}


def _update(t, op, arrays, options):
    w = arrays["w"]
    w.grad = arrays["dw"]
    rate, fused = options.get("learning_rate", 1e-3), w.is_cuda
    if op == "adam_update":
        optimizer = t.optim.Adam([w], rate, eps=1e-7, fused=fused)
    else:
        momentum, nesterov = options.get("momentum", 0.0), options.get("nesterov", False)
        optimizer = t.optim.SGD([w], rate, momentum=momentum, nesterov=nesterov, fused=fused)
    return optimizer.step


def cupy(op, sets, options):
    """CuPy, for products of float32 and float64; timed by its own events."""
    import cupy as c

    if op != "matmul" or sets[0][0]["a"].dtype.itemsize < 4:
        return {}, None

    def elapsed(function):
        begin, end = c.cuda.Event(), c.cuda.Event()
        begin.record()
        function()
        end.record()
        end.synchronize()
        return c.cuda.get_elapsed_time(begin, end) / 1000

    def call(arrays):
        a, b = (c.asarray(arrays[name]) for name in "ab")
        return lambda: peer_products.matmul(options)(a, b)

    return {"cupy": {"forward": [call(arrays) for arrays, _ in sets]}}, elapsed


PEERS = {"torch": torch, "cupy": cupy}


def absent(names):
    """{name: why} of the peers that cannot be measured."""
    reasons = {name: "not installed" for name in names if importlib.util.find_spec(name) is None}
    if "torch" in names and "torch" not in reasons:
        import torch as t

        if not t.cuda.is_available():
            reasons["torch"] = "has no CUDA here"
    return reasons


def _side_by_side(made):
    """{label: {product: a call for each set}}."""
    return {
        label: {product: [one[label][product] for one in made] for product in products}
        for label, products in made[0].items()
    }
