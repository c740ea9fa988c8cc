"""Embedding in NumPy, as its formulas read.

ids (...)    w, dw (V, D)    y, dy (..., D), of bags (B, D)

y = w[ids]              dw[v] = sum of dy over the places of v in ids
bags: y[b] = sum of w[ids] over the places of bag b, over their number for a mean

Ids that are `padding_index` give 0 and get no gradient.
"""

import numpy as np


def embedding_forward(ids, w, *, padding_index=None, out=None):
    real = _real(ids, padding_index)
    y = np.zeros((*ids.shape, w.shape[1]), w.dtype)
    y[real] = w[ids[real]]
    return y


def embedding_backward(dy, ids, *, rows, padding_index=None):
    real = _real(ids, padding_index)
    dw = np.zeros((rows, dy.shape[-1]), dy.dtype)
    np.add.at(dw, ids[real], dy[real])
    return dw


def embedding_sparse_backward(dy, ids, *, rows, padding_index=None):
    used = np.unique(ids[_real(ids, padding_index)]).astype(np.int64)
    return used, embedding_backward(dy, ids, rows=rows, padding_index=padding_index)[used]


def embedding_bag_forward(ids, w, offsets=None, *, mode="sum", padding_index=None, out=None):
    bags, count = _bags(ids, offsets, padding_index)
    y = np.zeros((len(count), w.shape[1]), w.dtype)
    real = _real(ids.reshape(-1), padding_index)
    np.add.at(y, bags[real], w[ids.reshape(-1)[real]])
    return y / np.maximum(count, 1).astype(w.dtype)[:, None] if mode == "mean" else y


def embedding_bag_backward(dy, ids, offsets=None, *, rows, mode="sum", padding_index=None):
    bags, count = _bags(ids, offsets, padding_index)
    if mode == "mean":
        dy = dy / np.maximum(count, 1).astype(dy.dtype)[:, None]
    return embedding_backward(dy[bags], ids.reshape(-1), rows=rows, padding_index=padding_index)


def one_hot_forward(ids, *, classes, dtype="float32"):
    return (ids[..., None] == np.arange(classes)).astype(dtype)


def _real(ids, padding_index):
    return np.ones(ids.shape, bool) if padding_index is None else ids != padding_index


def _bags(ids, offsets, padding_index):
    """The bag of every place of the flat ids, and how many ids that are no padding each bag has."""
    if offsets is None:
        offsets = np.arange(len(ids)) * ids.shape[1]
    lengths = np.diff(offsets, append=ids.size)
    bags = np.repeat(np.arange(len(lengths)), lengths)
    real = _real(ids.reshape(-1), padding_index)
    return bags, np.bincount(bags[real], minlength=len(lengths))
