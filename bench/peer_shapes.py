"""Broadcasting arithmetic, moves of elements, embedding and upsampling in PyTorch and JAX, for bench/peers.py.

PyTorch's views are made arrays of their own, as ours are.
"""

import numpy as np

from .peer_calls import jax_peers, torch_peers


def _torch_pad(t, options):
    width = [n for pair in reversed(options["width"]) for n in pair]
    return lambda x: t.nn.functional.pad(x, width, value=options.get("value", 0.0))


def _torch_upsample2d(t, options):
    """Channels-last, PyTorch's view of ours."""
    factor, mode = options.get("factor", 2), options.get("interpolation", "nearest")
    return lambda x: t.nn.functional.interpolate(x.movedim(-1, 1), scale_factor=factor, mode=mode).movedim(1, -1)


def _crop(library, options):
    width = options["width"]

    def crop(x):
        x = x[tuple(slice(before, n - after) for n, (before, after) in zip(x.shape, width))]
        return x.contiguous() if hasattr(x, "contiguous") else x

    return crop


def _torch_transpose(t, options):
    axes = options.get("axes")
    return lambda x: x.permute(tuple(range(x.ndim))[::-1] if axes is None else axes).contiguous()


def _torch_embedding(t, options):
    if options.get("padding_index") is not None:
        return None  # whose rows are no zeros in PyTorch
    return lambda w, ids: t.nn.functional.embedding(ids, w)


def _torch_embedding_bag(t, options):
    mode, padding = options.get("mode", "sum"), options.get("padding_index")
    bags = t.nn.functional.embedding_bag
    return lambda w, ids, offsets=None: bags(ids, w, offsets, mode=mode, padding_idx=padding)


def _torch_one_hot(t, options):
    """PyTorch's is of integers."""
    classes, dtype = options["classes"], getattr(t, options.get("dtype", "float32"))
    return lambda ids: t.nn.functional.one_hot(ids, classes).to(dtype)


def _add(library, options):
    return lambda a, b: a + b


def _multiply(library, options):
    return lambda a, b: a * b


TORCH = torch_peers(
    {
        "add": _add,
        "multiply": _multiply,
        "transpose": _torch_transpose,
        "pad": _torch_pad,
        "crop": _crop,
        "gather": lambda t, options: lambda x, indices: x.index_select(options.get("axis", 0), indices),
        "upsample2d": _torch_upsample2d,
        "embedding": _torch_embedding,
        "embedding_bag": _torch_embedding_bag,
        "one_hot": _torch_one_hot,
    }
)


def _jax_upsample2d(j, options):
    f, g = np.broadcast_to(options.get("factor", 2), 2).tolist()
    method = options.get("interpolation", "nearest")
    return lambda x: j.image.resize(x, (x.shape[0], f * x.shape[1], g * x.shape[2], x.shape[3]), method)


def _jax_embedding_bag(j, options):
    """Of bags of one size, without padding."""
    join = j.numpy.mean if options.get("mode") == "mean" else j.numpy.sum
    return lambda w, ids: join(w[ids], 1)


JAX = jax_peers(
    {
        "add": _add,
        "multiply": _multiply,
        "transpose": lambda j, options: lambda x: x.transpose(options.get("axes")),
        "pad": lambda j, options: lambda x: j.numpy.pad(x, options["width"], constant_values=options.get("value", 0.0)),
        "crop": _crop,
        "gather": lambda j, options: lambda x, indices: j.numpy.take(x, indices, options.get("axis", 0)),
        "upsample2d": _jax_upsample2d,
        "embedding": lambda j, options: lambda w, ids: w[ids],
        "embedding_bag": _jax_embedding_bag,
        "one_hot": lambda j, options: (
            lambda ids: j.nn.one_hot(ids, options["classes"], dtype=options.get("dtype", "float32"))
        ),
    }
)
