"""Sums, the largest values and their places in PyTorch and JAX, for bench/peers.py."""

from .peer_calls import jax_peers, torch_peers


def _torch_total(name):
    def make(t, options):
        function, axis, keep = getattr(t, name), options.get("axis"), options.get("keepdims", False)
        return lambda x: function(x) if axis is None else function(x, axis, keep)

    return make


TORCH = torch_peers(
    {
        "sum": _torch_total("sum"),
        "mean": _torch_total("mean"),
        "max": lambda t, options: lambda x: x.max(options.get("axis", -1))[0],
        "argmax": lambda t, options: lambda x: x.argmax(options.get("axis", -1)),
        "cumsum": lambda t, options: lambda x: x.cumsum(options.get("axis", -1)),
        "top_k": lambda t, options: lambda x: x.topk(options["k"], options.get("axis", -1))[0],
    }
)


def _jax_total(name):
    def make(j, options):
        function, keep = getattr(j.numpy, name), options.get("keepdims", False)
        return lambda x: function(x, options.get("axis"), keepdims=keep)

    return make


def _jax_top_k(j, options):
    k, axis = options["k"], options.get("axis", -1)
    return lambda x: j.numpy.moveaxis(j.lax.top_k(j.numpy.moveaxis(x, axis, -1), k)[0], -1, axis)


JAX = jax_peers(
    {
        "sum": _jax_total("sum"),
        "mean": _jax_total("mean"),
        "max": lambda j, options: lambda x: x.max(options.get("axis", -1)),
        "argmax": lambda j, options: lambda x: x.argmax(options.get("axis", -1)),
        "cumsum": lambda j, options: lambda x: x.cumsum(options.get("axis", -1)),
        "top_k": _jax_top_k,
    }
)
