"""Transformer blocks and residual connections: layers over other layers, which the tape links.

Vaswani et al. 2017, arXiv:1706.03762, figure 1; with `normalize_first` Xiong et al. 2020, arXiv:2002.04745.
"""

from ..kernels import _check as check
from ..kernels.shape import add_forward
from ._argument import Fixed
from ._argument import activation as activation_argument
from ._block import Block
from ._device import fresh_copy
from ._layer import Layer
from ._tape import record
from .activation import Activation, check_activation
from .attention import MultiHeadAttention, called
from .dropout import Dropout
from .initializers import check_initializer
from .matmul import Dense
from .norm import LayerNormalization


class _Transformer(Block):
    """What encoder and decoder have in common: a feed-forward network, and how a part is wrapped."""

    intermediate_dim, num_heads, num_key_value_heads = Fixed(), Fixed(), Fixed()
    activation, layer_norm_epsilon = Fixed(because=Fixed.PARTS), Fixed(because=Fixed.PARTS)
    dropout, rotary = Fixed(because=Fixed.PARTS), Fixed(because=Fixed.PARTS)
    kernel_initializer, bias_initializer = Fixed(because=Fixed.DRAWN), Fixed(because=Fixed.DRAWN)

    def __init__(
        self,
        intermediate_dim,
        num_heads,
        dropout=0.0,
        activation="relu",
        layer_norm_epsilon=1e-5,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        normalize_first=False,
        *,
        num_key_value_heads=None,
        rotary=False,
        input_shape=None,
        dtype="float32",
        name=None,
    ):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        op = type(self).__name__
        check.whole(op, "intermediate_dim", intermediate_dim, 1)
        check.whole(op, "num_heads", num_heads, 1)
        check.fraction(op, "dropout", dropout)
        check.number(op, "layer_norm_epsilon", layer_norm_epsilon, 0)
        check_initializer(op, "kernel_initializer", kernel_initializer)
        check_initializer(op, "bias_initializer", bias_initializer)
        self.intermediate_dim, self.num_heads, self.dropout = int(intermediate_dim), int(num_heads), float(dropout)
        self.activation, self.layer_norm_epsilon = check_activation(op, activation), float(layer_norm_epsilon)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.normalize_first = bool(normalize_first)
        self.num_key_value_heads, self.rotary = num_key_value_heads, bool(rotary)
        self._initializers = {"kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer}

    def _make_attention(self, name, features, causal=False, rotary=False):
        """Layers `name`, `name`_norm and `name`_dropout, for sequences of so many features."""
        check.multiple(type(self).__name__, "the number of features of x", features, self.num_heads, "num_heads")
        attention = MultiHeadAttention(
            self.num_heads,
            features // self.num_heads,
            dropout=self.dropout,
            num_key_value_heads=self.num_key_value_heads,
            use_causal_mask=causal,
            rotary=rotary,
            dtype=self.dtype,
            **self._initializers,
        )
        self._make_part(name, attention)

    def _make_feedforward(self, features):
        self.intermediate = Dense(self.intermediate_dim, self.activation, dtype=self.dtype, **self._initializers)
        self._make_part("feedforward", Dense(features, dtype=self.dtype, **self._initializers))

    def _make_part(self, name, layer):
        setattr(self, name, layer)
        setattr(self, f"{name}_norm", LayerNormalization(epsilon=self.layer_norm_epsilon, dtype=self.dtype))
        setattr(self, f"{name}_dropout", Dropout(self.dropout, dtype=self.dtype))

    def _part(self, name, x, compute):
        """x + dropout(compute(norm(x))), or norm(x + dropout(compute(x)))."""
        norm = getattr(self, f"{name}_norm")
        y = compute(norm(x) if self.normalize_first else x)
        if self.dropout:
            y = getattr(self, f"{name}_dropout")(y)
        y = add(x, y)
        return y if self.normalize_first else norm(y)

    def _feed_forward(self, x):
        return self._part("feedforward", x, lambda x: self.feedforward(self.intermediate(x)))

    def _features(self, what, shape):
        """The number of features of sequences of a shape."""
        if len(shape) != 3:
            raise ValueError(
                f"{type(self).__name__}: {what} has shape {tuple(shape)}, expected 3 axes (N, T, features)"
            )
        return shape[-1]


class TransformerEncoder(_Transformer):
    """Attention of a sequence to itself, then two dense layers, each with a residual sum: (N, T, D) -> (N, T, D).

    Layers `attention`, `intermediate` (with the activation), `feedforward`, and the norm and dropout of `attention` and
    `feedforward`. D is a multiple of `num_heads`. `normalize_first` normalises what goes into each part, else what
    comes out of each sum. num_key_value_heads and rotary: see MultiHeadAttention. Steps that x's mask hides are seen by
    none; a call takes `attention_mask` and `use_causal_mask` as MultiHeadAttention does.

    >>> TransformerEncoder(16, 2)([[[1.0] * 4] * 3]).shape
    (1, 3, 4)
    """

    def __call__(self, *inputs, **options):
        return called(super().__call__, self, inputs, options)

    def build(self, input_shape, source=None):
        if not self.built:
            features = self._features("x", input_shape)
            self._make_attention("attention", features, rotary=self.rotary)
            self._make_feedforward(features)
        super().build(input_shape, source)

    def call(self, x, *, attention_mask=None, use_causal_mask=False):
        options = {"attention_mask": attention_mask, "use_causal_mask": use_causal_mask}
        return self._feed_forward(self._part("attention", x, lambda x: self.attention(x, **options)))


class TransformerDecoder(_Transformer):
    """Causal attention to itself, attention to a second sequence if there is one, dense layers: (N, T, D) -> (N, T, D).

    layer(x) is a decoder alone, as a GPT has it; layer(x, encoded) looks at `encoded` (N, S, ...) besides. Which of
    the two it is is settled at the first call. Layers `self_attention`, `cross_attention`, `intermediate`,
    `feedforward`, and norms and dropouts as in TransformerEncoder. `use_causal_mask=False` in a call shows later steps.

    >>> import numpy as np
    >>> TransformerDecoder(16, 2)(np.ones((1, 3, 4)), np.ones((1, 7, 5))).shape
    (1, 3, 4)
    """

    several = True
    cross_attention = None

    def __call__(self, *inputs, **options):
        return called(super().__call__, self, inputs, options)

    def build(self, input_shape, source=None):
        if not self.built:
            features = self._features("x", input_shape[0])
            self._make_attention("self_attention", features, rotary=self.rotary)
            if len(input_shape) > 1:
                self._features("encoded", input_shape[1])
                self._make_attention("cross_attention", features)
            self._make_feedforward(features)
        super().build(input_shape, source)

    def call(self, x, encoded=None, *, attention_mask=None, use_causal_mask=True):
        if (encoded is None) != (self.cross_attention is None):
            raise ValueError(
                f"TransformerDecoder: encoded is {'missing' if encoded is None else 'given'}, and the layer was built "
                f"{'with' if encoded is None else 'without'} a second input; make another layer for this"
            )
        options = {"attention_mask": attention_mask, "use_causal_mask": use_causal_mask}
        x = self._part("self_attention", x, lambda x: self.self_attention(x, **options))
        if encoded is not None:
            x = self._part("cross_attention", x, lambda x: self.cross_attention(x, encoded))
        return self._feed_forward(x)


class Residual(Block):
    """y = activation(x + layers(x)), the layers one after another: (N, ...) -> (N, ...) of the shape that they give.

    projection  None; a layer that computes what stands for x in the sum, where the layers change its shape
                (He et al. 2016, arXiv:1512.03385, section 3.3, option B)
    activation  of the sum, by name or a function on tensors

    >>> Residual([Dense(4, "relu"), Dense(2)])([[1.0, 2.0]]).shape
    (1, 2)
    """

    activation = activation_argument()

    def __init__(self, layers, projection=None, activation=None, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        layers = [layers] if isinstance(layers, Layer) else list(layers)
        for what, layer in (*(("layers", layer) for layer in layers), ("projection", projection)):
            if not isinstance(layer, Layer) and not (layer is None and what == "projection"):
                raise TypeError(f"Residual: {what} holds {layer!r}, expected a layer")
        if not layers:
            raise ValueError("Residual: layers is empty, expected a layer at least")
        self.layers, self.projection = layers, projection
        self.activation = activation
        self._derive()

    def _derive(self):
        plain = self.activation in (None, "linear")
        self._activation = None if plain else Activation(self.activation, dtype=self.dtype)

    def call(self, x):
        y = x
        for layer in self.layers:
            y = layer(y)
        shortcut = x if self.projection is None else self.projection(x)
        if shortcut.shape != y.shape:
            remedy = "give the layer a projection" if self.projection is None else "change the projection"
            raise ValueError(f"Residual: layers give shape {y.shape}, expected {shortcut.shape} to add; {remedy}")
        y = add(shortcut, y)
        return y if self._activation is None else self._activation(y)


def add(a, b):
    """The sum of two tensors of one shape, with the mask of the first."""
    y = record(add_forward(a.value, b.value), lambda dy: (dy, fresh_copy(dy)), a, b)
    y.mask = a.mask
    return y
