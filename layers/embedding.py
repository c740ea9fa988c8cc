"""Embedding, over kernels/embedding."""

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import copied
from ..kernels.embedding import embedding_backward, embedding_forward, embedding_sparse_backward
from ._argument import Fixed, RegularizerOf, initializer
from ._device import on_device
from ._door import as_array, writeable
from ._layer import Layer
from ._tape import Tensor

_INT64 = np.dtype(np.int64)
_EXACT = 1 << 24  # from here on float32 has no place for every whole number


class Embedding(Layer):
    """A row of a table for every number: (N, T) -> (N, T, output_dim), for any number of axes.

    w (input_dim, output_dim). Numbers are integers of any dtype, or floats that hold whole numbers; one that is no row
    is a ValueError that names it. With `mask_zero`, 0 stands for no word at all: layers behind it that know masks pass
    over such steps. `input_length` is the number of steps, an `input_shape` of one axis. The numbers have no gradient.

    >>> Embedding(10, 4)([[1, 2, 2]]).shape
    (1, 3, 4)
    """

    input_dim, output_dim = Fixed(), Fixed()
    embeddings_initializer, embeddings_regularizer = initializer(), RegularizerOf("w")
    input_dtype = None  # numbers come as they are: a float might not hold them

    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        mask_zero=False,
        input_length=None,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        check.whole("Embedding", "input_dim", input_dim, 1)
        check.whole("Embedding", "output_dim", output_dim, 1)
        if input_length is not None:
            check.whole("Embedding", "input_length", input_length, 1)
            input_shape = (input_length,) if input_shape is None else input_shape
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self.embeddings_initializer = embeddings_initializer
        self.embeddings_regularizer = embeddings_regularizer
        self.mask_zero, self.input_length = bool(mask_zero), input_length

    def weights(self, input_shape):
        shape = self.input_dim, self.output_dim
        return {"w": (shape, self.embeddings_initializer, self.embeddings_regularizer)}

    def __call__(self, x, *, training=None):
        """A tensor or an array-like of whole numbers -> a tensor, with a mask if `mask_zero`."""
        return self._call(x, training=training)

    def _as_tensor(self, x):
        mask = None
        if isinstance(x, Tensor):
            if x.requires_grad:
                raise TypeError(
                    "Embedding: x was computed from weights, or wants a gradient itself, and the numbers of rows have "
                    "none; take x.numpy(), or put the layers before the embedding behind it"
                )
            x, mask = x.value, x.mask
        ids = Tensor(self._whole(x))
        ids.mask = ids.value != 0 if self.mask_zero else mask
        return ids

    def forward(self, x):
        w, ids, rows = self.w, self._whole(x), self.input_dim
        try:
            y = embedding_forward(ids, w.value)
        except ValueError:  # found by the kernel, which looks at every number anyway
            self._expect_rows(ids)
            raise

        def backward(dy, need_dx=True):
            if not w.requires_grad:
                return
            if w.grad is None:
                w.accumulate(embedding_backward(dy, ids, rows=rows))
            else:
                used, gradients = embedding_sparse_backward(dy, ids, rows=rows)
                w.grad[used] += gradients

        return y, backward

    def _whole(self, x):
        """Numbers as int64, where they are whole."""
        if x.__class__ is not np.ndarray or not x.flags.c_contiguous:
            x = as_array("Embedding", "x", x)
        if x.dtype is _INT64 or on_device(x):
            return writeable(x)
        if x.dtype.kind != "f":
            if x.dtype == np.uint64:
                self._expect_rows(x)
            return copied(x, np.int64)
        with np.errstate(invalid="ignore"):  # NaN and infinity, which the comparison finds
            ids = x.astype(np.int64)
        if not (ids == x).all():
            place = int(np.flatnonzero(ids != x)[0])
            where = tuple(int(i) for i in np.unravel_index(place, x.shape))
            raise ValueError(f"Embedding: x holds {x.flat[place]} at position {where}, expected whole numbers")
        if self.input_dim > _EXACT and x.itemsize < 8 and (x >= _EXACT).any():
            raise ValueError(
                f"Embedding: x is {x.dtype}, which does not hold every whole number from {_EXACT} on, and holds such "
                f"numbers; pass integers"
            )
        return ids

    def _expect_rows(self, x):
        outside = np.flatnonzero((x < 0) | (x >= self.input_dim))
        if outside.size:
            check.index("Embedding", "x", x, outside[0], self.input_dim, ("input_dim", self.input_dim))
