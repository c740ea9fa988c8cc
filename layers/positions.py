"""Where a step stands in its sequence, as features: learned, or of sines."""

from functools import lru_cache

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import copied, noted
from ..kernels.attention import sinusoidal_positions
from ..kernels.reduce import sum_forward
from ._block import Block
from ._device import beside, on_device
from ._layer import Layer, expect_axes
from ._tape import record
from .embedding import Embedding
from .initializers import check_initializer


class PositionEmbedding(Layer):
    """A learned row for every place in a sequence: (N, T, D) -> (N, T, D), of x the shape alone is used.

    w (sequence_length, D). Add it to x: `x + PositionEmbedding(128)(x)`, in a Sequential
    `Residual([PositionEmbedding(128)])`. Sequences may be shorter than `sequence_length`; a longer one is a ValueError.

    >>> PositionEmbedding(4)([[[1.0, 2.0]] * 3]).shape
    (1, 3, 2)
    """

    def __init__(self, sequence_length, initializer="glorot_uniform", *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.whole("PositionEmbedding", "sequence_length", sequence_length, 1)
        check_initializer("PositionEmbedding", "initializer", initializer)
        self.sequence_length, self.initializer = int(sequence_length), initializer

    def weights(self, input_shape):
        expect_axes("PositionEmbedding", input_shape, "N, T, D")
        return {"w": ((self.sequence_length, input_shape[2]), self.initializer)}

    def forward(self, x):
        rows, gradient = self.rows(x.shape)

        def backward(dy, need_dx=True):
            gradient(dy)
            if not need_dx:
                return None
            noted(np.copyto, dy, 0)  # x's numbers have no part in the result
            return dy

        return _spread(rows, x.shape), backward

    def rows(self, shape):
        """The rows (T, D) of sequences of `shape`, and what adds the gradient of their sum's dy (N, T, D) to w's."""
        T, w = shape[1], self.w
        L, D = w.value.shape
        if T > L or shape[2] != D:
            remedy = ""
            if L == 1:  # no two lengths fit, so none can be left open
                remedy = "; where the length was left open, declare it or give sequence_length the longest one"
            raise ValueError(
                f"PositionEmbedding: x has shape {tuple(shape)}, the layer was built for (N, {L}, {D}){remedy}"
            )

        def gradient(dy):
            dw = sum_forward(dy, axis=0)
            if T < L:
                dw = np.concatenate([dw, np.zeros((L - T, D), dw.dtype)])
            w.accumulate(dw)

        return w.value[:T], gradient


class SinePositionEncoding(Layer):
    """Sines and cosines of every place in a sequence: (N, T, D) -> (N, T, D), of x the shape alone is used.

    Feature 2 i of place t is sin(t max_wavelength**(-2 i / D)), feature 2 i + 1 the cosine of the same: Vaswani et al.
    2017, arXiv:1706.03762, section 3.5. Add it to x as `PositionEmbedding`.

    >>> SinePositionEncoding()([[[0.0, 0.0]] * 2]).numpy().round(2)[0, 1]
    array([0.84, 0.54], dtype=float32)
    """

    def __init__(self, max_wavelength=10000, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        check.positive("SinePositionEncoding", "max_wavelength", max_wavelength)
        self.max_wavelength = max_wavelength

    def forward(self, x):
        expect_axes("SinePositionEncoding", x.shape, "N, T, D")
        table = _table(*x.shape[1:], float(self.max_wavelength), x.dtype.type)

        def backward(dy):
            noted(np.copyto, dy, 0)
            return dy

        return _spread(beside(table, x), x.shape), backward


class TokenAndPositionEmbedding(Block):
    """The sum of a learned row of every token and one of its place: numbers (N, T) -> (N, T, embedding_dim).

    Layers `token` (Embedding) and `position` (PositionEmbedding). With `mask_zero` token 0 is padding.

    >>> TokenAndPositionEmbedding(10, 4, 8)([[1, 2, 3]]).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        vocabulary_size,
        sequence_length,
        embedding_dim,
        embeddings_initializer="uniform",
        mask_zero=False,
        *,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.vocabulary_size, self.sequence_length = vocabulary_size, sequence_length
        self.embedding_dim, self.mask_zero = embedding_dim, bool(mask_zero)
        self.embeddings_initializer = embeddings_initializer
        self.token = Embedding(
            vocabulary_size, embedding_dim, embeddings_initializer, mask_zero=self.mask_zero, dtype=self.dtype
        )
        self.position = PositionEmbedding(sequence_length, embeddings_initializer, dtype=self.dtype)

    def call(self, x):
        tokens = self.token(x)
        if not self.position.built:
            self.position.build(tokens.shape)
        rows, gradient = self.position.rows(tokens.shape)
        y = tokens.value
        noted(np.add, y, rows, y)  # in place: nobody else has the rows that were looked up

        def backward(dy):
            gradient(dy)
            return dy, None

        y = record(y, backward, tokens, self.position.w)
        y.mask = tokens.mask
        return y


def _spread(rows, shape):
    """Rows (T, D) for every sequence of a batch, (N, T, D)."""
    if on_device(rows):
        raise NotImplementedError("positions: they cannot be made on a CUDA device yet; use rotary ones, or the CPU")
    return copied(rows, shape=shape)


@lru_cache(maxsize=16)
def _table(T, D, base, dtype):
    return sinusoidal_positions(T, D, base=base, dtype=dtype)
