"""Softmax and what goes with it in PyTorch and JAX, for bench/peers.py; masks leave something of every row.

PyTorch has no masked softmax: it fills what is hidden with minus infinity first, by a mask from before.
"""

import functools

from .peer_calls import jax_peers, torch_peers


def _torch_masked(t, options):
    hidden, axis = ~t.as_tensor(options["mask"]), options.get("axis", -1)
    return lambda x: x.masked_fill(hidden, -t.inf).softmax(axis)


def _torch_causal(t, options):
    @functools.cache
    def hidden(T, S):
        return ~t.ones(T, S, dtype=t.bool).tril(S - T)

    def softmax(x):
        T, S = x.shape[-2:]
        y = x.masked_fill(hidden(T, S), -t.inf).softmax(-1)
        return y if T <= S else y.masked_fill(hidden(T, S), 0.0)  # the first rows see nothing

    return softmax


TORCH = torch_peers(
    {
        "softmax": lambda t, options: lambda x: x.softmax(options.get("axis", -1)),
        "masked_softmax": _torch_masked,
        "causal_softmax": _torch_causal,
        "log_softmax": lambda t, options: lambda x: x.log_softmax(options.get("axis", -1)),
        "logsumexp": lambda t, options: lambda x: x.logsumexp(options.get("axis", -1)),
    }
)


def _jax_masked(j, options):
    return lambda x: j.nn.softmax(x, options.get("axis", -1), where=options["mask"])


def _jax_causal(j, options):
    def softmax(x):
        T, S = x.shape[-2:]
        return j.nn.softmax(x, where=j.numpy.tri(T, S, S - T, dtype=bool))

    return softmax


JAX = jax_peers(
    {
        "softmax": lambda j, options: lambda x: j.nn.softmax(x, options.get("axis", -1)),
        "masked_softmax": _jax_masked,
        "causal_softmax": _jax_causal,
        "log_softmax": lambda j, options: lambda x: j.nn.log_softmax(x, options.get("axis", -1)),
        "logsumexp": lambda j, options: lambda x: j.nn.logsumexp(x, options.get("axis", -1)),
    }
)
