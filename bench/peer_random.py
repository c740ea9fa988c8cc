"""Dropout and noise in PyTorch and JAX, for bench/peers.py: their own random numbers, drawn in every forward.

Theirs keep the mask for the backward, ours draws it again.
"""

from .peer_calls import IMAGES, jax_products, laid, torch_layouts, torch_peers, torch_products


def _torch_spatial(t, arrays, options, dy):
    def function(x):
        return t.nn.functional.dropout2d(x, options["rate"], True)

    contestants = {}
    for label, layout in torch_layouts(t).items():
        x, d = (laid(array, IMAGES, layout) for array in (arrays["x"], dy))
        contestants[label] = torch_products(t, [x], function, d)
    return contestants


TORCH = {
    **torch_peers(
        {
            "dropout": lambda t, options: lambda x: t.nn.functional.dropout(x, options["rate"], True),
            "gaussian_noise": lambda t, options: lambda x: x.add(t.randn_like(x), alpha=options["stddev"]),
        }
    ),
    "spatial_dropout": _torch_spatial,
}


def _jax(spread):
    """spread(j, key, x, options) -> y, with the key given when it is called: a constant's bits could be compiled in."""

    def contestants(j, arrays, options, dy):
        key = j.random.key_data(j.random.key(options["seed"]))

        def function(x, key):
            return spread(j, j.random.wrap_key_data(key), x, options)

        return {"jax": jax_products(j, function, [arrays["x"]], [key], dy)}

    return contestants


def _kept(j, key, x, shape, rate):
    return j.numpy.where(j.random.bernoulli(key, 1 - rate, shape), x / (1 - rate), 0)


def _dropout(j, key, x, options):
    return _kept(j, key, x, x.shape, options["rate"])


def _spatial(j, key, x, options):
    return _kept(j, key, x, (len(x), *[1] * (x.ndim - 2), x.shape[-1]), options["rate"])


def _noise(j, key, x, options):
    return x + options["stddev"] * j.random.normal(key, x.shape, x.dtype)


JAX = {"dropout": _jax(_dropout), "spatial_dropout": _jax(_spatial), "gaussian_noise": _jax(_noise)}
