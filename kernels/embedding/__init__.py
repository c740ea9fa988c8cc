"""Embedding: rows of a table looked up by number, singly or summed in bags, and rows of zeros with a one in them.

y[i] = w[ids[i]], and 0 where ids[i] is `padding_index`, which may be any integer: it need be no row of w. A number that
is neither it nor a row of w is an error that names its position, before anything is written.
"""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)

MODES = ("sum", "mean")


def embedding_forward(ids, w, *, padding_index=None, out=None):
    """Rows of a table: y[...] = w[ids[...]], and 0 where the id is `padding_index`.

    ids (...) integers, w (V, D) float32 or float64 -> y (..., D). Raises TypeError for other dtypes, ValueError for
    other ranks and orders and for an id that is no row of w.

    >>> import numpy as np
    >>> embedding_forward(np.array([2, 0]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    array([[5., 6.],
           [1., 2.]])
    """
    op = "embedding_forward"
    check.integers(op, "ids", ids)
    check.floats(op, 2, w=w)
    check.out(op, out, (*ids.shape, w.shape[1]), w, w=w)
    _check_ids(op, ids, w.shape[0], padding_index, ("w", w))
    return _faces(w).embedding_forward(ids, w, padding_index=padding_index, out=out)


def embedding_backward(dy, ids, *, rows, padding_index=None):
    """Gradient of `embedding_forward` to a table of so many rows: dw[v] is the sum of dy over the places of v in ids.

    dy (..., D), ids (...) -> dw (rows, D). The sums are taken in the order of the places. All of dw is written; for a
    large table of which few rows are used see `embedding_sparse_backward`. Raises as the forward.

    >>> import numpy as np
    >>> embedding_backward(np.array([[1.0], [2.0], [3.0]]), np.array([2, 0, 2]), rows=3)
    array([[2.],
           [0.],
           [4.]])
    """
    _check_gradient("embedding_backward", dy, ids, rows, padding_index)
    return _faces(dy).embedding_backward(dy, ids, rows=rows, padding_index=padding_index)


def embedding_sparse_backward(dy, ids, *, rows, padding_index=None):
    """The rows of `embedding_backward` that are used, for an optimizer that changes these alone.

    dy (..., D), ids (...) -> used (K,), the different ids in ascending order as int64, without `padding_index`, and
    gradients (K, D), their rows of dw, with the same bits. Time and memory do not depend on the rows of the table.

    >>> import numpy as np
    >>> used, gradients = embedding_sparse_backward(np.array([[1.0], [2.0], [3.0]]), np.array([7, 0, 7]), rows=1000)
    >>> used, gradients[:, 0]
    (array([0, 7]), array([2., 4.]))
    """
    _check_gradient("embedding_sparse_backward", dy, ids, rows, padding_index)
    return _faces(dy).embedding_sparse_backward(dy, ids, rows=rows, padding_index=padding_index)


def embedding_bag_forward(ids, w, offsets=None, *, mode="sum", padding_index=None, out=None):
    """Sum or mean of the rows of every bag of ids.

    ids (B, L), a bag a row, or ids (L,) with offsets (B,): bag b is ids[offsets[b] : offsets[b + 1]], the last one goes
    to the end. w (V, D) -> y (B, D). Ids that are `padding_index` count neither in a sum nor in the number by which a
    mean is divided; the mean of nothing is 0. `mode` is "sum" or "mean". Raises TypeError or ValueError for other
    dtypes, ranks and orders, for an id that is no row of w, and for offsets that do not ascend from 0 to at most L.

    >>> import numpy as np
    >>> embedding_bag_forward(np.array([0, 1, 1]), np.array([[1.0], [10.0]]), np.array([0, 2]))
    array([[11.],
           [10.]])
    """
    op = "embedding_bag_forward"
    bags = _check_bags(op, ids, offsets, mode)
    check.floats(op, 2, w=w)
    check.out(op, out, (bags, w.shape[1]), w)
    _check_ids(op, ids, w.shape[0], padding_index, ("w", w))
    return _faces(w).embedding_bag_forward(ids, w, offsets, mode=mode, padding_index=padding_index, out=out)


def embedding_bag_backward(dy, ids, offsets=None, *, rows, mode="sum", padding_index=None):
    """Gradient of `embedding_bag_forward` to a table of so many rows.

    dy (B, D), ids, offsets and options as in the forward -> dw (rows, D): the sum over the places of v in ids of their
    bags' dy, divided by the bag's count for "mean", in the order of the places.
    """
    op = "embedding_bag_backward"
    bags = _check_bags(op, ids, offsets, mode)
    check.floats(op, 2, dy=dy)
    check.whole(op, "rows", rows)
    check.shape(op, "dy", dy, (bags, "D"), ("ids", ids) if offsets is None else ("offsets", offsets))
    _check_ids(op, ids, rows, padding_index, ("rows", rows))
    return _faces(dy).embedding_bag_backward(dy, ids, offsets, rows=rows, mode=mode, padding_index=padding_index)


def one_hot_forward(ids, *, classes, dtype="float32"):
    """A row for every id, 1 at its place and 0 elsewhere.

    ids (...) integers from 0 to classes - 1 -> y (..., classes) of `dtype`, "float32" or "float64". Raises TypeError
    or ValueError. There is no gradient.

    >>> import numpy as np
    >>> one_hot_forward(np.array([1, 0]), classes=3)
    array([[0., 1., 0.],
           [1., 0., 0.]], dtype=float32)
    """
    op = "one_hot_forward"
    check.integers(op, "ids", ids)
    check.whole(op, "classes", classes)
    check.choice(op, "dtype", dtype, ("float32", "float64"))
    _check_ids(op, ids, classes, None, ("classes", classes))
    return _faces(ids).one_hot_forward(ids, classes=classes, dtype=dtype)


def _check_gradient(op, dy, ids, rows, padding_index):
    check.integers(op, "ids", ids)
    check.floats(op, ids.ndim + 1, dy=dy)
    check.whole(op, "rows", rows)
    check.shape(op, "dy", dy, (*ids.shape, "D"), ("ids", ids))
    _check_ids(op, ids, rows, padding_index, ("rows", rows))


def _check_ids(op, ids, rows, padding_index, because):
    if padding_index is not None:
        check.whole(op, "padding_index", padding_index, -(1 << 63))
    misfit = _faces(ids).first_misfit(ids, rows, padding_index)
    if misfit >= 0:
        check.index(op, "ids", ids, misfit, rows, because)


def _check_bags(op, ids, offsets, mode):
    """How many bags there are."""
    check.integers(op, "ids", ids, 2 if offsets is None else 1)
    check.choice(op, "mode", mode, MODES)
    if offsets is None:
        return ids.shape[0]
    check.integers(op, "offsets", offsets, 1)
    misfit = _faces(ids).first_fall(offsets, ids.size)
    if misfit >= 0:
        check.offset(op, "offsets", offsets, misfit, ("ids", ids))
    return offsets.size
