"""MultiHeadAttention, over kernels/attention.

query (N, T, …)    key, value (N, S, …)    H query heads, G heads of keys and values    K key_dim

The heads of a projection (N, T, H K) lie in it as (N, T, H, K), which is what the kernel takes: nothing is transposed.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels.attention import attention_backward, attention_forward, rotary_backward, rotary_forward
from ..kernels.softmax import masked_softmax_forward, softmax_forward
from ._argument import Fixed
from ._block import Block
from ._connect import connected
from ._device import on_device
from ._mode import mode
from ._random import draw_seed
from ._symbol import Symbol
from ._tape import Tensor, record
from .matmul import Dense


class MultiHeadAttention(Block):
    """Every step of a query gets a mean of the values, weighted by how well their keys fit, `num_heads` times over.

    layer(query, value, key=value): (N, T, D), (N, S, ...), (N, S, ...) -> (N, T, output_dim); layer(x) is attention
    of a sequence to itself. Layers `query`, `key`, `value`, `output` are its projections. y is the output projection
    of softmax(q k^T / sqrt(key_dim)) v of all heads; see kernels/attention/reference.py.

    key_dim              features of a head of queries and keys
    value_dim            features of a head of values; key_dim if None
    dropout              share of the weights that are dropped in training
    output_dim           features of the result; the query's if None
    num_key_value_heads  heads of keys and values, each shared by num_heads / num_key_value_heads neighbouring heads of
                         queries; num_heads if None (Ainslie et al. 2023, arXiv:2305.13245)
    use_causal_mask      hide later steps at every call, without saying so in it
    rotary               turn queries and keys by angles that grow with their place (Su et al. 2021, arXiv:2104.09864)

    A call takes `attention_mask`, bool, (T, S), (N, T, S) or (N, heads, T, S), True where a query may see a key;
    `use_causal_mask=True`, which hides the keys after a query's own place; and `return_attention_scores=True`, which
    gives (y, weights (N, H, T, S)), the weights without a gradient and as they are before dropout. Steps that the mask
    of `value` or of `key` hides (Embedding(mask_zero=True)) are seen by nobody; the result has the mask of `query`. A
    query that sees no key gets the output's bias.

    Weights are drawn for a matrix (D, heads * key_dim), as PyTorch does; Keras takes heads for inputs.

    >>> MultiHeadAttention(2, 4)(np.zeros((1, 3, 8))).shape
    (1, 3, 8)
    """

    several = True
    num_heads, key_dim, value_dim, output_dim = Fixed(), Fixed(), Fixed(), Fixed()
    num_key_value_heads, use_bias = Fixed(), Fixed()

    def __init__(
        self,
        num_heads,
        key_dim,
        value_dim=None,
        dropout=0.0,
        use_bias=True,
        output_dim=None,
        seed=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        *,
        num_key_value_heads=None,
        use_causal_mask=False,
        rotary=False,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = "MultiHeadAttention"
        check.whole(op, "num_heads", num_heads, 1)
        check.whole(op, "key_dim", key_dim, 1)
        for argument, size in (
            ("value_dim", value_dim),
            ("output_dim", output_dim),
            ("num_key_value_heads", num_key_value_heads),
        ):
            if size is not None:
                check.whole(op, argument, size, 1)
        check.fraction(op, "dropout", dropout)
        if seed is not None:
            check.word(op, "seed", seed)
        groups = num_heads if num_key_value_heads is None else num_key_value_heads
        check.multiple(op, "num_heads", num_heads, groups, "num_key_value_heads")
        if rotary:
            check.multiple(op, "key_dim", key_dim, 2, "because rotary positions turn features in pairs")
        self.num_heads, self.key_dim, self.value_dim = int(num_heads), int(key_dim), value_dim
        self.dropout, self.use_bias, self.output_dim, self.seed = float(dropout), bool(use_bias), output_dim, seed
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.num_key_value_heads = num_key_value_heads
        self.use_causal_mask, self.rotary = bool(use_causal_mask), bool(rotary)
        self._groups = int(groups)
        self._value_dim = self.key_dim if value_dim is None else int(value_dim)
        self._steps = 0
        self.query = self._projection(self.num_heads * self.key_dim)
        self.key = self._projection(self._groups * self.key_dim)
        self.value = self._projection(self._groups * self._value_dim)
        self.output = None  # made when the query's size is known
        self._seed = None

    def _projection(self, units):
        return Dense(
            units,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            dtype=self.dtype,
        )

    def __call__(self, *inputs, **options):
        return called(super().__call__, self, inputs, options)

    def build(self, input_shape, source=None):
        if not self.built:
            _expect_sequences(*input_shape)
            self.output = self._projection(input_shape[0][-1] if self.output_dim is None else int(self.output_dim))
        super().build(input_shape, source)

    def call(
        self, query, value=None, key=None, *, attention_mask=None, use_causal_mask=False, return_attention_scores=False
    ):
        value = query if value is None else value
        key = value if key is None else key
        _expect_sequences(query.shape, value.shape, key.shape)
        options = self._options(query, value, key, attention_mask, use_causal_mask or self.use_causal_mask)
        q, k, v = self.query(query), self.key(key), self.value(value)
        y, weights = self._attend(q, k, v, return_attention_scores, **options)
        y = self.output(y)
        y.mask = query.mask
        return (y, weights) if return_attention_scores else y

    def _options(self, query, value, key, attention_mask, causal):
        """The kernel's mask, bias and causal: padding of keys goes by rows, what depends on the query by a bias."""
        mask = value.mask
        if key.mask is not None and key.mask is not mask:
            mask = key.mask if mask is None else mask & key.mask
        N, T, S = *query.shape[:2], value.shape[1]
        seen = None if attention_mask is None else _four_axes(attention_mask, N, self.num_heads, T, S)
        if causal and T != S:  # the kernel counts from the last key, Keras from the first
            lower = np.tri(T, S, dtype=bool)
            seen, causal = lower[None, None] if seen is None else seen & lower, False
        bias = None
        if seen is not None:
            bias = np.where(seen, self.dtype.type(0), self.dtype.type(-np.inf))
        return {"mask": mask, "bias": bias, "causal": bool(causal)}

    def _attend(self, query, key, value, want_weights, *, bias, **options):
        """The heads' means of the values on the tape, (N, T, H value_dim), and the weights if they are wanted."""
        D = max(self.key_dim, self._value_dim)
        q, k = (self._heads(x.value, self.key_dim) for x in (query, key))
        v = self._heads(value.value, self._value_dim)
        if self.rotary:  # the projections' results are needed by nobody else
            q, k = rotary_forward(q, out=q), rotary_forward(k, out=k)
        weights = Tensor(self._weights(q, k, bias, **options)) if want_weights else None
        q, k, v = _widened(q, D), _widened(k, D), _widened(v, D)
        options["scale"] = self.key_dim**-0.5
        if self.dropout and self.training:
            self._seed = self._seed if self._seed is not None else draw_seed() if self.seed is None else int(self.seed)
            options.update(rate=self.dropout, seed=self._seed, step=self._steps)
            self._steps += 1
        y, lse = attention_forward(q, k, v, bias, **options)

        def backward(dy):
            dy = _widened(self._heads(dy, self._value_dim), D)
            dq, dk, dv, _ = attention_backward(dy, q, k, v, bias, y=y, lse=lse, need_dbias=False, **options)
            dq, dk, dv = _narrowed(dq, self.key_dim), _narrowed(dk, self.key_dim), _narrowed(dv, self._value_dim)
            if self.rotary:
                dq, dk = rotary_backward(dq, out=dq), rotary_backward(dk, out=dk)
            return tuple(d.reshape(x.shape) for d, x in ((dq, query), (dk, key), (dv, value)))

        flat = _narrowed(y, self._value_dim).reshape(*query.shape[:2], self.num_heads * self._value_dim)
        return record(flat, backward, query, key, value), weights

    def _heads(self, x, size):
        N, T, features = x.shape
        return x.reshape(N, T, features // size, size)

    def _weights(self, q, k, bias, mask, causal):
        """The softmax that the kernel never stores, (N, H, T, S)."""
        k = np.repeat(k, self.num_heads // self._groups, axis=2)
        logits = np.ascontiguousarray(q.transpose(0, 2, 1, 3) @ k.transpose(0, 2, 3, 1)) * q.dtype.type(
            self.key_dim**-0.5
        )
        T, S = logits.shape[2:]
        seen = np.ones((1, 1, T, S), bool) if bias is None else bias == 0
        if mask is not None:
            seen = seen & mask[:, None, None]
        if causal:
            seen = seen & np.tri(T, S, dtype=bool)
        return softmax_forward(logits) if seen.all() else masked_softmax_forward(logits, seen)


def called(plain, layer, inputs, options):
    """The result of a call with options, which are no tensors; `plain` is one without."""
    if not options:
        return plain(*inputs)
    inputs = layer._inputs(inputs)
    if any(isinstance(x, Symbol) for x in inputs):
        return connected(layer, inputs, options)
    with mode(layer, options.pop("training", None)):
        return layer.call(*layer._prepare(*inputs), **options)


def _expect_sequences(query, value=None, key=None):
    """Shapes that fit each other; a value that is left out is the query, a key the value."""
    op, value = "MultiHeadAttention", query if value is None else value
    key = value if key is None else key
    for name, shape in (("query", query), ("value", value), ("key", key)):
        if len(shape) != 3:
            raise ValueError(f"{op}: {name} has shape {tuple(shape)}, expected 3 axes (N, T, features)")
    if key[:2] != value[:2] or query[0] != value[0]:
        raise ValueError(
            f"{op}: query has shape {query}, value {value}, key {key}; expected one batch size, and as many keys as "
            f"values"
        )


def _four_axes(mask, N, H, T, S):
    """An attention_mask as (N or 1, H or 1, T or 1, S) of bool."""
    op = "MultiHeadAttention"
    if on_device(mask) or isinstance(mask, Tensor):
        mask = np.asarray(mask.numpy() if isinstance(mask, Tensor) else mask)
    mask = np.asarray(mask)
    if mask.dtype != bool:
        if mask.dtype.kind not in "iuf" or not np.isin(mask, (0, 1)).all():
            raise TypeError(f"{op}: attention_mask is {mask.dtype}, expected bool, True where a query may see a key")
        mask = mask.astype(bool)
    shape = {2: (1, 1, *mask.shape), 3: (mask.shape[0], 1, *mask.shape[1:]), 4: mask.shape}.get(mask.ndim)
    if shape is None or any(got not in (1, size) for got, size in zip(shape[:3], (N, H, T))) or shape[3] not in (1, S):
        raise ValueError(
            f"{op}: attention_mask has shape {mask.shape}, expected ({T}, {S}), ({N}, {T}, {S}) or ({N}, {H}, {T}, {S})"
        )
    return np.ascontiguousarray(np.broadcast_to(mask.reshape(shape), (*shape[:3], S)))


def _widened(x, D):
    """x (N, T, H, d) with zeros for features up to D."""
    if x.shape[-1] == D:
        return x
    wide = np.zeros((*x.shape[:-1], D), x.dtype)
    wide[..., : x.shape[-1]] = x
    return wide


def _narrowed(x, d):
    """The first d features of x (N, T, H, D)."""
    return x if x.shape[-1] == d else np.ascontiguousarray(x[..., :d])
