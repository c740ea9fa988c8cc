"""Matrix products in PyTorch and JAX, for bench/peers.py."""

from .peer_calls import jax_peers, torch_peers


def matmul(options):
    """The product of arrays that have NumPy's methods, PyTorch's and JAX's do."""

    def turned(x, turn):
        return x.swapaxes(-1, -2) if turn else x

    return lambda a, b: turned(a, options.get("transpose_a")) @ turned(b, options.get("transpose_b"))


def _torch_linear(t, options):
    act = torch_activation(t, options)
    return lambda x, w, b=None: act(t.addmm(b, x, w) if b is not None else x @ w)


def torch_activation(t, options):
    """What is fused with a product or a convolution."""
    name = options.get("activation")
    return getattr(t, name) if name else lambda x: x


def _jax_linear(j, options):
    act = jax_activation(j, options)
    return lambda x, w, b=None: act(x @ w if b is None else x @ w + b)


def jax_activation(j, options):
    """The same in JAX."""
    name = options.get("activation")
    return {"relu": j.nn.relu, "sigmoid": j.nn.sigmoid, "tanh": j.numpy.tanh, None: lambda x: x}[name]


TORCH = torch_peers({"matmul": lambda t, options: matmul(options), "linear": _torch_linear})
JAX = jax_peers({"matmul": lambda j, options: matmul(options), "linear": _jax_linear})
