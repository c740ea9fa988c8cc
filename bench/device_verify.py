"""Whether results that are about to be timed are right: against the reference, of large arrays at places of it.

The reference computes whole results where it can within seconds. Of results whose rows depend on the same rows of the
inputs alone it computes a few rows, one from each part of the array; of a product rows and columns; of dropout, whose
mask depends on places, the first rows.
"""

import numpy as np

from ..kernels._compare import complaints, in_order, reference

ROWS, COLUMNS, IMAGES = 48, 256, 2  # that are looked at
WHOLE = 1 << 20  # elements of all arrays up to which everything is looked at
_ELEMENTWISE = ("x",), ("y", "dx")
BY_ROWS = {  # op: arrays and results that belong together row by row
    **dict.fromkeys(("relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu"), _ELEMENTWISE),
    "softmax": _ELEMENTWISE,
    "dropout": _ELEMENTWISE,
    "layer_norm": (("x",), ("y", "mean", "rstd", "dx")),
    "linear": (("x",), ("y", "dx")),
    "conv2d": (("x",), ("y", "dx")),
    "max_pool2d": (("x",), ("y", "argmax", "dx")),
    "average_pool2d": (("x",), ("y", "dx")),
    "sgd_update": (("w", "dw", "velocity"), ("w", "velocity")),
    "adam_update": (("w", "dw", "m", "v"), ("w", "m", "v")),
    "matmul": (("a", "b"), ("y", "da", "db")),  # batches
}


def wrong(op, case, dtype, arrays, dy, results):
    """What is wrong with {name: NumPy array} of results, a sentence each; arrays and dy are NumPy's."""
    slack = in_order(op, arrays, dtype)
    if sum(np.size(x) for x in arrays.values()) <= WHOLE or op.name not in BY_ROWS:
        return _compared(op, case, dtype, arrays, dy, results, slack)
    if op.name == "matmul" and arrays["a"].ndim == 2:
        return list(_of_product(op, case, dtype, arrays, dy, results, slack))
    rowed, of_rows = BY_ROWS[op.name]
    chosen = _chosen(op, len(arrays[rowed[0]]))
    some = {name: x[chosen] if name in rowed else x for name, x in arrays.items()}
    got = {name: x[chosen] for name, x in results.items() if name in of_rows}
    said = _compared(op, case, dtype, some, None if dy is None else dy[chosen], got, slack)
    rest = {name: x for name, x in results.items() if name not in of_rows}
    if rest:
        said += _compared(op, case, dtype, arrays, dy, rest, slack)
    return said


def _chosen(op, count):
    """Numbers of rows, in order: one at random from each part."""
    if op.name == "dropout":
        return np.arange(min(ROWS, count))
    parts = min(IMAGES if op.name in ("conv2d", "max_pool2d", "average_pool2d", "matmul") else ROWS, count)
    return _one_of_each(np.random.default_rng(3), count, parts)


def _one_of_each(rng, count, parts):
    edges = np.linspace(0, count, min(parts, count) + 1).astype(int)
    return np.array([rng.integers(low, high) for low, high in zip(edges, edges[1:])])


def _compared(op, case, dtype, arrays, dy, got, slack):
    """Complaints about those results that are given."""
    only = {"need_dx": False} if "dw" in got and "dx" not in got else None
    want, dy = reference(op, case, arrays, dtype, dy, only)
    exact, _ = reference(op, case, arrays, "float64", dy, only)
    want, exact = ({name: x[name] for name in got} for x in (want, exact))
    return list(complaints(op, case, dtype, got, want, exact, slack))


def _of_product(op, case, dtype, arrays, dy, results, slack):
    """A product and its gradients are products of matrices; rows and columns of each are looked at."""
    turned = {"da": case.options.get("transpose_a"), "db": case.options.get("transpose_b")}
    left = arrays["a"].T if turned["da"] else arrays["a"]
    right = arrays["b"].T if turned["db"] else arrays["b"]
    sides = {"y": (left, right), "da": (dy, right.T), "db": (left.T, dy)}
    rng = np.random.default_rng(3)
    for name, got in results.items():
        one, other = sides[name]
        rows, columns = _one_of_each(rng, len(one), ROWS), _one_of_each(rng, other.shape[1], COLUMNS)
        got = (got.T if turned.get(name) else got)[np.ix_(rows, columns)]
        kinds = "float64" if dtype == "float64" else "float32", "float64"
        want, exact = (one[rows].astype(kind) @ other[:, columns].astype(kind) for kind in kinds)
        yield from complaints(op, case, dtype, {name: got}, {name: want.astype(dtype)}, {name: exact}, slack)
