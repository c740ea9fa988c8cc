"""Every layer, by the table of layer_cases.py: shapes, dtypes, gradients, configs, files, masks."""

import numpy as np
import pytest
import tilewright as tw
from tilewright import layers
from tilewright.layers import Block, Buffer, Tensor

from .gradients import assert_gradient, numeric_gradient
from .layer_cases import LAYERS

NO_ROW = {"Layer", "Block", "SinePositionEncoding"}  # no layers by themselves; no gradient at all
EACH = pytest.mark.parametrize("case", LAYERS, ids=[case.name for case in LAYERS])
EACH_MASKED = pytest.mark.parametrize(
    "case", [case for case in LAYERS if case.masked], ids=[case.name for case in LAYERS if case.masked]
)


def test_every_layer_is_in_the_table():
    things = [getattr(layers, name) for name in layers.__all__]
    classes = {c for c in things if isinstance(c, type) and issubclass(c, layers.Layer)}
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
    """The random numbers and the states of the first call again."""
    if hasattr(layer, "_steps"):
        layer._steps = 0
    if getattr(layer, "stateful", False):
        layer.reset_states()
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
