"""Activations in PyTorch and JAX, for bench/peers.py."""

from .peer_calls import jax_peers, torch_peers


def _torch(name, *options, **fixed):
    """A function of torch.nn.functional, with `options` by their names here and `fixed` ones by theirs."""

    def make(t, given):
        function = getattr(t.nn.functional, name)
        chosen = {option: given[option] for option in options if option in given}
        return lambda x: function(x, **chosen, **fixed)

    return make


def _torch_leaky_relu(t, options):
    return lambda x: t.nn.functional.leaky_relu(x, options.get("negative_slope", 0.3))


def _torch_gelu(t, options):
    return lambda x: t.nn.functional.gelu(x, approximate="tanh" if options.get("approximate") else "none")


def _torch_swiglu(t, options):
    def swiglu(x):
        a, b = x.chunk(2, -1)
        return t.nn.functional.silu(a) * b

    return swiglu


TORCH = torch_peers(
    {
        "relu": _torch("relu"),
        "relu6": _torch("relu6"),
        "leaky_relu": _torch_leaky_relu,
        "elu": _torch("elu", "alpha"),
        "selu": _torch("selu"),
        "celu": _torch("celu", "alpha"),
        "sigmoid": lambda t, options: t.sigmoid,
        "hard_sigmoid": _torch("hardsigmoid"),
        "tanh": lambda t, options: t.tanh,
        "hard_tanh": _torch("hardtanh"),
        "softplus": _torch("softplus"),
        "softsign": _torch("softsign"),
        "silu": _torch("silu"),
        "hard_swish": _torch("hardswish"),
        "mish": _torch("mish"),
        "gelu": _torch_gelu,
        "glu": _torch("glu"),
        "swiglu": _torch_swiglu,
    }
)


def _jax(name, *options, **fixed):
    """A function of jax.nn, with `options` by their names here and `fixed` ones by theirs."""

    def make(j, given):
        function = getattr(j.nn, name)
        chosen = {option: given[option] for option in options if option in given}
        return lambda x: function(x, **{**fixed, **chosen})

    return make


def _jax_swiglu(j, options):
    def swiglu(x):
        a, b = j.numpy.split(x, 2, -1)
        return j.nn.silu(a) * b

    return swiglu


JAX = jax_peers(
    {
        **{name: _jax(name) for name in ("relu", "relu6", "selu", "sigmoid", "hard_sigmoid", "tanh", "hard_tanh")},
        **{name: _jax(name) for name in ("softplus", "silu", "hard_swish", "mish", "glu")},
        "leaky_relu": _jax("leaky_relu", "negative_slope", negative_slope=0.3),
        "elu": _jax("elu", "alpha"),
        "celu": _jax("celu", "alpha"),
        "softsign": _jax("soft_sign"),
        "gelu": _jax("gelu", "approximate", approximate=False),
        "swiglu": _jax_swiglu,
    }
)
