"""Every layer, by a table: shapes, dtypes, gradients by central differences, configs, files, masks."""

from dataclasses import dataclass

import numpy as np
import pytest
import tilewright as tw
from tilewright import layers
from tilewright.layers import (
    Activation,
    Add,
    Average,
    AveragePooling2D,
    Block,
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
    Tensor,
)
from tilewright.layers.activation import ACTIVATIONS

from .gradients import assert_gradient, numeric_gradient

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


# One line a layer, or several for options that compute differently.
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
]
NO_ROW = {"Layer", "Block", "SinePositionEncoding"}  # no layers by themselves; no gradient at all
EACH = pytest.mark.parametrize("case", LAYERS, ids=[case.name for case in LAYERS])
EACH_MASKED = pytest.mark.parametrize(
    "case", [case for case in LAYERS if case.masked], ids=[case.name for case in LAYERS if case.masked]
)


def test_every_layer_is_in_the_table():
    classes = {c for c in vars(layers).values() if isinstance(c, type) and issubclass(c, layers.Layer)}
    assert {c.__name__ for c in classes} - {type(case.make("float32")).__name__ for case in LAYERS} == NO_ROW


@EACH
def test_gradients_equal_central_differences(case):
    layer, arrays = case.layer(), case.inputs()
    check_gradients(layer, arrays, case)
    if not same(outputs(layer, arrays), outputs(layer.eval(), arrays)):
        check_gradients(layer, arrays, case)


@EACH_MASKED
def test_gradients_under_a_mask_equal_central_differences(case):
    check_gradients(case.layer(), case.inputs(), case, mask_of(case))


@EACH_MASKED
def test_masked_steps_change_no_real_ones(case):
    layer, arrays, mask = case.layer().eval(), case.inputs(), mask_of(case)
    first, result = outputs(layer, arrays, mask)[0], call(layer, arrays, mask)
    changed = [x.copy() for x in arrays]
    for x in changed:
        x[~mask] = 1 if case.tokens else 7.5
    second = outputs(layer, changed, mask)[0]
    after = (result[0] if isinstance(result, tuple) else result).mask
    if after is None:
        np.testing.assert_array_equal(second, first)
    else:
        assert after.shape == mask.shape
        np.testing.assert_array_equal(second[after], first[after])


@EACH
def test_shapes_and_dtypes(case):
    layer, arrays = case.make("float32"), case.inputs()
    layer.build([x.shape for x in arrays] if layer.several else arrays[0].shape)
    found = outputs(layer, arrays)  # float64 is converted at the door
    shapes = layer.output_shape if isinstance(layer.output_shape, list) else [layer.output_shape]
    assert [(None, *y.shape[1:]) for y in found] == shapes
    assert all(y.dtype == np.float32 for y in found)
    assert all(p.value.dtype == np.float32 for p in layer.parameters())
    for x, y in zip(outputs(layer.eval(), [x[:0] for x in arrays]), found):
        assert x.shape == (0, *y.shape[1:])


@EACH
def test_configs_make_equal_layers(case):
    layer = case.make("float32")
    again = type(layer)(**layer.config())
    assert repr(again) == repr(layer) and again.config().keys() == layer.config().keys()
    with pytest.raises(ValueError, match=f"^{type(layer).__name__}: name is 'a/b', expected letters, digits, _ or -"):
        type(layer)(**{**layer.config(), "name": "a/b"})


@EACH
def test_files_hold_the_whole_layer(case, tmp_path):
    arrays = case.inputs()
    inputs = [tw.Input(x.shape[1:], dtype="int64" if case.tokens else "float32") for x in arrays]
    model = tw.Model(inputs, case.make("float32")(inputs if len(inputs) > 1 else inputs[0]))
    rng = np.random.default_rng(3)
    for p in model.parameters():
        p.value[...] = abs(rng.standard_normal(p.value.shape))
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model")
    assert again.named_parameters().keys() == model.named_parameters().keys()
    assert [type(p) for p in again.parameters()] == [type(p) for p in model.parameters()]
    for x, y in zip(outputs(again.eval(), [arrays]), outputs(model.eval(), [arrays])):
        np.testing.assert_array_equal(x, y)


@EACH
def test_frozen_layers_get_no_gradients(case):
    layer, arrays = case.make("float64"), case.inputs()
    layer.trainable = False
    result = call(layer, arrays)
    for y in result if isinstance(result, tuple) else [result]:
        if y.requires_grad:
            y.sum().backward()
            break
    assert layer.trainable is False and all(p.grad is None for p in layer.parameters())
    layer.trainable = True
    assert layer.trainable and all(p.trainable is not isinstance(p, Buffer) for p in layer.parameters())


def mask_of(case):
    """A mask of the first input's steps, with a real one in every row."""
    mask = np.random.default_rng(4).random(case.shapes[0][:2]) < 0.6
    mask[:, 0] = True
    return mask


def call(layer, arrays, mask=None):
    """The layer on fresh tensors that want gradients, started anew where it counts its calls."""
    restart(layer)
    inputs = [Tensor(x, requires_grad=x.dtype.kind == "f" and x.dtype == layer.dtype) for x in arrays]
    for x in inputs:
        x.mask = mask
    return layer(*inputs)


def outputs(layer, arrays, mask=None):
    """The arrays that a layer, or a model, gives, as a list."""
    result = call(layer, arrays, mask) if isinstance(layer, layers.Layer) else layer(*arrays)
    return [y.numpy() for y in (result if isinstance(result, (tuple, list)) else [result])]


def restart(layer):
    """The random numbers of the first call again."""
    if hasattr(layer, "_steps"):
        layer._steps = 0
    if isinstance(layer, Block):
        for one in layer.sublayers().values():
            restart(one)


def same(first, second):
    return all(np.array_equal(x, y) for x, y in zip(first, second))


def check_gradients(layer, arrays, case, mask=None):
    """Of every input and every parameter, from every result at once."""
    restart(layer)
    for p in layer.parameters():
        p.grad = None  # of an earlier check
    inputs = [Tensor(x, requires_grad=not case.tokens) for x in arrays]
    for x in inputs:
        x.mask = mask
    result = layer(*inputs)
    results = result if isinstance(result, tuple) else (result,)
    rng = np.random.default_rng(1)
    weights = [rng.standard_normal(y.shape) for y in results]
    total = sum(((y * w).sum() for y, w in zip(results, weights)), Tensor(np.zeros(())))
    total.backward()

    def loss():
        return sum((y * w).sum() for y, w in zip(outputs(layer, arrays, mask), weights))

    for x in inputs:
        if not case.tokens:
            assert_gradient(x.grad, numeric_gradient(loss, x.value))
    for name, p in layer.named_parameters().items():
        if isinstance(p, Buffer):
            assert p.grad is None
        elif name.endswith(case.idle):
            assert np.abs(p.grad).max() < 1e-12 and np.abs(numeric_gradient(loss, p.value)).max() < 1e-6
        else:
            assert_gradient(p.grad, numeric_gradient(loss, p.value))
