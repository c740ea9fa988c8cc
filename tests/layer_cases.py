"""The table of layers: a line each, or several for options that compute differently. test_layer_catalog.py runs it."""

from dataclasses import dataclass

import numpy as np
import tilewright as tw
from tilewright import layers
from tilewright.layers import (
    Activation,
    Add,
    Average,
    AveragePooling2D,
    Buffer,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Maximum,
    MaxPooling2D,
    Minimum,
    Multiply,
    ReLU,
    Softmax,
    Subtract,
)
from tilewright.layers.activation import ACTIVATIONS

ROWS, SEQUENCES, IMAGES = (5, 4), (2, 5, 3), (2, 6, 5, 4)


@dataclass
class Case:
    """make(dtype) gives the layer; shapes is the input's, or a list of those of several inputs.

    tokens  the inputs are whole numbers below it, without gradient
    masked  it is tested with a mask of its sequence besides
    idle    how the names of parameters end that change nothing: a key's bias adds the same to all that a softmax sees
    """

    make: object
    shapes: object
    name: str = ""
    tokens: int = 0
    masked: bool = False
    idle: str = "/"

    def __post_init__(self):
        self.name = self.name or type(self.make("float32")).__name__
        self.shapes = self.shapes if isinstance(self.shapes, list) else [self.shapes]

    def inputs(self):
        """Fresh float64 arrays, or int64 ones of tokens; away from each other, so that none is at a kink."""
        rng = np.random.default_rng(0)
        if self.tokens:
            return [rng.integers(0, self.tokens, shape) for shape in self.shapes]
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        grids = [rng.permutation(size) / size * 3 - 1.49 + 0.007 * i for i, size in enumerate(sizes)]
        return [grid.reshape(shape) for grid, shape in zip(grids, self.shapes)]

    def layer(self, dtype="float64"):
        """A built layer with weights that are nowhere zero."""
        tw.set_seed(0)
        layer = self.make(dtype)
        layer.build([x.shape for x in self.inputs()] if layer.several else self.shapes[0])
        rng = np.random.default_rng(2)
        for p in layer.parameters():  # a bias of zeros would hide an error in it
            p.value[...] = rng.standard_normal(p.value.shape) * 0.7
            if isinstance(p, Buffer):  # moving variances are positive
                p.value[...] = abs(p.value) + 0.5
        return layer


def case(make, shapes, name="", **options):
    """A row of the table."""
    return Case(make, shapes, name, **options)


LAYERS = [
    *[case(lambda d, a=a: Dense(4, activation=a, dtype=d), ROWS, f"Dense {a}") for a in (None, *ACTIVATIONS)],
    case(lambda d: Dense(3, use_bias=False, dtype=d), ROWS, "Dense without bias"),
    case(lambda d: Dense(3, "tanh", dtype=d), IMAGES, "Dense on 4 axes"),
    case(lambda d: Dense(3, "softmax", dtype=d), SEQUENCES, "Dense on 3 axes", masked=True),
    *[case(lambda d, a=a: Conv2D(6, 3, activation=a, dtype=d), IMAGES, f"Conv2D {a}") for a in (None, "relu", "gelu")],
    case(lambda d: Conv2D(6, (2, 3), (2, 1), "same", groups=2, activation="sigmoid", dtype=d), IMAGES, "Conv2D groups"),
    case(lambda d: Conv2D(2, 2, padding=[1, 0, 2, 1], dilation_rate=2, use_bias=False, dtype=d), IMAGES, "Conv2D pad"),
    case(lambda d: MaxPooling2D(dtype=d), IMAGES),
    case(lambda d: MaxPooling2D(3, 1, "same", dtype=d), IMAGES, "MaxPooling2D same"),
    case(lambda d: AveragePooling2D((2, 3), 2, "same", dtype=d), IMAGES),
    case(lambda d: Flatten(dtype=d), IMAGES),
    *[case(lambda d, a=a: Activation(a, dtype=d), ROWS, f"Activation {a}") for a in ACTIVATIONS],
    case(lambda d: ReLU(dtype=d), ROWS),
    case(lambda d: Softmax(axis=1, dtype=d), IMAGES),
    case(lambda d: Dropout(0.4, seed=1, dtype=d), ROWS),
    *[case(lambda d, c=c: c(dtype=d), [ROWS, ROWS, ROWS]) for c in (Add, Average, Multiply, Maximum, Minimum)],
    *[
        case(lambda d, c=c: c(dtype=d), [SEQUENCES, (2, 1, 3)], f"{c.__name__} spread")
        for c in (Add, Multiply, Maximum)
    ],
    case(lambda d: Subtract(dtype=d), [ROWS, (5, 1)]),
    case(lambda d: Concatenate(dtype=d), [SEQUENCES, (2, 5, 1)], masked=True),
    case(lambda d: Concatenate(axis=1, dtype=d), [SEQUENCES, (2, 2, 3)], "Concatenate steps"),
    case(lambda d: layers.Conv1D(6, 3, activation="relu", dtype=d), SEQUENCES),
    case(lambda d: layers.Conv1D(6, 2, padding="causal", dilation_rate=2, dtype=d), SEQUENCES, "Conv1D causal"),
    case(lambda d: layers.Conv1D(6, (3,), 2, "same", groups=3, activation="mish", dtype=d), SEQUENCES, "Conv1D groups"),
    case(lambda d: layers.DepthwiseConv2D(3, padding="same", activation="relu", dtype=d), IMAGES),
    case(lambda d: layers.DepthwiseConv2D(2, 2, depth_multiplier=3, dtype=d), IMAGES, "DepthwiseConv2D of three"),
    case(lambda d: layers.SeparableConv2D(3, 3, activation="tanh", dtype=d), IMAGES),
    case(
        lambda d: layers.SeparableConv2D(3, 2, padding="same", depth_multiplier=2, use_bias=False, dtype=d),
        IMAGES,
        "SeparableConv2D of two",
    ),
    case(lambda d: layers.Conv2DTranspose(3, 3, activation="relu", dtype=d), IMAGES),
    case(
        lambda d: layers.Conv2DTranspose(3, 3, 2, "same", 1, activation="elu", dtype=d), IMAGES, "Conv2DTranspose same"
    ),
    *[case(lambda d, c=c: c(2, 1, "same", dtype=d), SEQUENCES) for c in (layers.MaxPooling1D, layers.AveragePooling1D)],
    *[
        case(lambda d, c=c: c((2, 3), dtype=d), IMAGES)
        for c in (layers.AdaptiveMaxPooling2D, layers.AdaptiveAveragePooling2D)
    ],
    *[
        case(lambda d, c=c: c(dtype=d), SEQUENCES, masked=True)
        for c in (layers.GlobalMaxPooling1D, layers.GlobalAveragePooling1D)
    ],
    *[
        case(lambda d, c=c: c(True, dtype=d), IMAGES)
        for c in (layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D)
    ],
    case(lambda d: layers.Reshape((3, -1, 2), dtype=d), IMAGES),
    case(lambda d: layers.Permute((3, 1, 2), dtype=d), IMAGES),
    case(lambda d: layers.ZeroPadding1D((1, 2), dtype=d), SEQUENCES),
    case(lambda d: layers.ZeroPadding2D(((1, 0), (2, 1)), dtype=d), IMAGES),
    case(lambda d: layers.Cropping1D((1, 2), dtype=d), SEQUENCES),
    case(lambda d: layers.Cropping2D((1, 2), dtype=d), IMAGES),
    *[case(lambda d, i=i: layers.UpSampling2D((1, 2), i, dtype=d), IMAGES, i) for i in ("nearest", "bilinear")],
    *[
        case(lambda d, c=c: c(dtype=d), ROWS)
        for c in (
            layers.ELU,
            layers.GLU,
            layers.HardSigmoid,
            layers.HardSwish,
            layers.HardTanh,
            layers.LogSoftmax,
            layers.Mish,
            layers.PReLU,
            layers.ReLU6,
            layers.SELU,
            layers.Sigmoid,
            layers.SiLU,
            layers.Softplus,
            layers.Softsign,
            layers.SwiGLU,
            layers.Tanh,
        )
    ],
    case(lambda d: layers.CELU(0.5, dtype=d), ROWS),
    case(lambda d: layers.GELU(True, dtype=d), ROWS),
    case(lambda d: layers.LeakyReLU(0.1, dtype=d), ROWS),
    case(lambda d: layers.PReLU("he_normal", shared_axes=(1, 2), dtype=d), IMAGES, "PReLU shared"),
    case(lambda d: layers.ReLU(6, dtype=d), ROWS, "ReLU to 6"),
    case(lambda d: layers.ReLU(negative_slope=0.5, dtype=d), ROWS, "ReLU with a slope"),
    case(lambda d: Activation(tw.tanh, dtype=d), ROWS, "Activation function"),
    case(lambda d: layers.SpatialDropout1D(0.4, seed=1, dtype=d), SEQUENCES),
    case(lambda d: layers.SpatialDropout2D(0.4, seed=1, dtype=d), IMAGES),
    case(lambda d: layers.GaussianNoise(0.4, seed=1, dtype=d), ROWS),
    case(
        lambda d: Dense(
            3,
            "swish",
            True,
            layers.initializers.Orthogonal(2.0, 1),
            "uniform",
            layers.regularizers.L1L2(0.1, 0.2),
            "l2",
            dtype=d,
        ),
        ROWS,
        "Dense with objects",
    ),
    case(lambda d: layers.BatchNormalization(dtype=d), IMAGES),
    case(
        lambda d: layers.BatchNormalization(activation="relu", dtype=d),
        SEQUENCES,
        "BatchNormalization relu",
        masked=True,
    ),
    case(lambda d: layers.BatchNormalization(center=False, scale=False, dtype=d), ROWS, "BatchNormalization alone"),
    case(lambda d: layers.LayerNormalization(dtype=d), SEQUENCES, masked=True),
    case(lambda d: layers.LayerNormalization((-2, -1), scale=False, dtype=d), IMAGES, "LayerNormalization last axes"),
    case(lambda d: layers.RMSNormalization(dtype=d), SEQUENCES, masked=True),
    case(lambda d: layers.GroupNormalization(2, activation="tanh", dtype=d), IMAGES),
    case(lambda d: layers.InstanceNormalization(activation="relu", dtype=d), IMAGES),
    case(lambda d: layers.MultiHeadAttention(2, 2, dtype=d), [SEQUENCES], masked=True, idle="key.b"),
    case(
        lambda d: layers.MultiHeadAttention(4, 2, 3, 0.3, False, 2, 5, num_key_value_heads=2, rotary=True, dtype=d),
        [SEQUENCES, (2, 4, 3), (2, 4, 2)],
        "MultiHeadAttention options",
    ),
    case(lambda d: layers.PositionEmbedding(6, dtype=d), SEQUENCES, tokens=9),
    case(lambda d: layers.TokenAndPositionEmbedding(7, 6, 3, mask_zero=True, dtype=d), (2, 5), tokens=7),
    case(lambda d: layers.TransformerEncoder(5, 1, activation="tanh", dtype=d), SEQUENCES, masked=True, idle="key.b"),
    case(
        lambda d: layers.TransformerDecoder(5, 2, 0.3, "gelu", normalize_first=True, rotary=True, dtype=d),
        [(2, 5, 4)],
        masked=True,
    ),
    case(
        lambda d: layers.TransformerDecoder(5, 2, dtype=d),
        [(2, 3, 4), SEQUENCES],
        "TransformerDecoder of two",
        idle="key.b",
    ),
    case(lambda d: layers.Residual([Dense(4, "tanh", dtype=d), Dense(4, dtype=d)], None, "sigmoid", dtype=d), ROWS),
    case(
        lambda d: layers.Residual([Conv2D(2, 3, 2, "same", dtype=d)], Conv2D(2, 1, 2, dtype=d), dtype=d),
        IMAGES,
        "Residual with a projection",
    ),
    case(lambda d: layers.Embedding(7, 3, mask_zero=True, dtype=d), (4, 5), tokens=7),
    *[
        case(lambda d, c=c, o=o: c(4, dtype=d, **o), SEQUENCES, f"{c.__name__} {' '.join(o)}", masked=True)
        for c in (layers.SimpleRNN, layers.GRU, layers.LSTM)
        for o in ({}, {"return_sequences": True, "go_backwards": True}, {"dropout": 0.3, "recurrent_dropout": 0.3})
    ],
    case(
        lambda d: layers.GRU(4, reset_after=False, return_state=True, dtype=d),
        [SEQUENCES, (2, 4)],
        "GRU with a first state",
    ),
    case(
        lambda d: layers.LSTM(4, use_bias=False, return_sequences=True, return_state=True, dtype=d),
        [SEQUENCES, (2, 4), (2, 4)],
        "LSTM with first states",
    ),
    case(lambda d: layers.GRU(4, "softsign", dtype=d), SEQUENCES, "GRU softsign", masked=True),
    *[
        case(lambda d, m=m: layers.Bidirectional(layers.GRU(3, dtype=d), m), SEQUENCES, f"Bidirectional {m}")
        for m in ("concat", "sum", "mul", "ave", None)
    ],
    case(
        lambda d: layers.Bidirectional(layers.LSTM(3, return_sequences=True, return_state=True, dtype=d)),
        SEQUENCES,
        "Bidirectional sequences",
        masked=True,
    ),
    case(lambda d: layers.TimeDistributed(Dense(3, dtype=d)), SEQUENCES, masked=True),
    case(lambda d: layers.TimeDistributed(Conv2D(2, 3, dtype=d)), (*IMAGES, 1), "TimeDistributed Conv2D"),
    case(lambda d: layers.LSTM(4, stateful=True, dtype=d), SEQUENCES, "LSTM stateful", masked=True),
    case(lambda d: layers.Masking(-0.5, dtype=d), SEQUENCES, masked=True),
    case(lambda d: layers.Lambda(tw.tanh, dtype=d), [SEQUENCES], masked=True),
    case(lambda d: layers.Lambda(tw.elu, {"alpha": 0.5}, dtype=d), [ROWS], "Lambda with arguments"),
    case(lambda d: layers.Dot(1, dtype=d), [ROWS, ROWS]),
    *[case(lambda d, m=m: layers.RandomFlip(m, 3, dtype=d), IMAGES, m) for m in ("horizontal", "vertical")],
    case(lambda d: layers.RandomCrop(5, 3, 1, padding=1, fill_value=2.0, dtype=d), IMAGES),
    *[
        case(lambda d, f=f, i=i: layers.RandomRotation(0.4, f, i, 1, dtype=d), IMAGES, f"RandomRotation {f} {i}")
        for f in ("reflect", "nearest", "wrap", "constant")
        for i in ("bilinear", "nearest")
    ],
    case(lambda d: layers.RandomZoom(0.5, 0.3, seed=1, dtype=d), IMAGES),
    case(lambda d: layers.RandomTranslation(0.4, 0.3, "constant", seed=1, dtype=d), IMAGES),
    case(lambda d: layers.Dot((1, -1), dtype=d), [SEQUENCES, (2, 4, 5)], "Dot of matrices"),
    case(lambda d: layers.Dot(-1, True, dtype=d), [SEQUENCES, (2, 2, 4, 3)], "Dot normalize"),
]
