"""Layers of layers, several inputs and results on the tape, masks, buffers."""

import copy
import pickle

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Add, Block, Buffer, Dense, Dropout, Layer
from tilewright.layers._several import record_several

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
X = rng.standard_normal((5, 3))


class Two(Block):
    """Two branches with a weight of its own between them; a sub-block, a list, a dict, and a layer used twice."""

    def __init__(self, units=4, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.units = units
        self.first = [Dense(units, "tanh", dtype=dtype), Dense(units, dtype=dtype)]
        self.named = {"head": Dense(2, dtype=dtype)}
        self.drop = Dropout(0.5, seed=0, dtype=dtype)
        self.again = self.first[1]

    def weights(self, input_shape):
        return {"scale": ((self.units,), "ones")}

    def call(self, x):
        return self.named["head"](self.drop(self.again(self.first[1](self.first[0](x)))) * self.scale)


class Swap(Block):
    """Two inputs, two results."""

    several = True

    def __init__(self, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        self.left, self.right = Two(3, dtype=dtype), Dense(2, dtype=dtype)

    def call(self, a, b):
        return self.right(b), self.left(a)


PATHS = ["scale", "first.0.w", "first.0.b", "first.1.w", "first.1.b", "named.head.w", "named.head.b"]


def test_parameters_have_paths_and_are_there_once():
    block = Two()
    assert block.parameters() == [] and not block.built
    y = block(X)
    assert y.shape == (5, 2) and block.output_shape == (None, 2) and block.built
    assert sorted(block.named_parameters()) == sorted(PATHS)
    assert list(block.sublayers()) == ["first.0", "first.1", "named.head", "drop"]
    model = tw.Sequential([block])
    model(X)
    assert sorted(model.named_parameters()) == sorted(f"two.{path}" for path in PATHS)
    assert model.count_params() == 4 + (3 * 4 + 4) + (4 * 4 + 4) + (4 * 2 + 2)


def test_forward_on_arrays_is_the_call_on_tensors():
    block = Two(dtype="float64").eval()
    x = tw.Tensor(X.copy(), requires_grad=True)
    y = block(x)
    dy = rng.standard_normal(y.shape)
    y.backward(dy)
    want = [p.grad for p in block.parameters()]
    for p in block.parameters():
        p.grad = None
    with tw.no_grad():
        z, backward = block.forward(X)
    np.testing.assert_array_equal(z, y.numpy())
    np.testing.assert_array_equal(backward(dy), x.grad)
    for p, grad in zip(block.parameters(), want):
        np.testing.assert_array_equal(p.grad, grad)


def test_blocks_of_several_inputs_and_results():
    block = Swap(dtype="float64").eval()
    a, b = tw.Tensor(X.copy(), requires_grad=True), tw.Tensor(X[:, :2].copy(), requires_grad=True)
    y, z = block([a, b])
    assert (y.shape, z.shape) == ((5, 2), (5, 2)) and block.output_shape == [(None, 2), (None, 2)]
    for got, want in zip(block(a, b), (y, z)):
        np.testing.assert_array_equal(got.numpy(), want.numpy())
    (y * 2 + z).sum().backward()
    found, backward = block.forward(a.value, b.value)
    da, db = backward(2 * np.ones((5, 2)), np.ones((5, 2)))
    np.testing.assert_allclose(da, a.grad, rtol=1e-12)
    np.testing.assert_allclose(db, b.grad, rtol=1e-12)
    da, db = backward(np.ones((5, 2)), None) if (backward := block.forward(a.value, b.value)[1]) else None
    assert da is None and db is not None


def test_modes_dtypes_and_freezing_reach_down():
    block = Swap()
    block.trainable = False
    block.use_dtype("float64")
    block.eval()
    layers = [block.left.drop, block.left.first[0], block.right]
    assert not any(layer.training for layer in layers) and {layer.dtype.name for layer in layers} == {"float64"}
    block([X, X])
    assert not any(p.trainable for p in block.parameters()) and not block.trainable
    with pytest.raises(ValueError, match="is built already with dtype float64, expected float32"):
        block.use_dtype("float32")
    block.trainable = True
    assert all(p.trainable for p in block.parameters()) and block.trainable
    model = tw.Sequential([Two(input_shape=(3,))])
    model.eval()
    assert not model.layers[0].drop.training
    model.train()
    assert model.layers[0].drop.training


def test_copies_of_blocks_stand_alone():
    block = Two().eval()
    y = block(X).numpy()
    for again in (copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
        np.testing.assert_array_equal(again(X).numpy(), y)
        again.first[0].w.value[...] = 0
        assert again.again is again.first[1]
        np.testing.assert_array_equal(block(X).numpy(), y)


def test_blocks_in_files(tmp_path):
    class Outer(Two):
        pass

    model = tw.Sequential([Two(5, input_shape=(3,)), Dense(1)])
    model.layers[0].trainable = False
    model.save(tmp_path / "model")
    again = tw.load(tmp_path / "model", custom_objects={"Two": Two})
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert not again.layers[0].trainable and again.layers[0].units == 5
    model.save_weights(tmp_path / "weights")
    other = tw.Sequential([Two(5, input_shape=(3,)), Dense(1)])
    other.load_weights(tmp_path / "weights")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_a_block_without_call_and_one_that_cannot_be_built():
    with pytest.raises(NotImplementedError, match=r"Block has no call\(self, x\)"):
        Block()(X)
    block = Two()
    with pytest.raises(ValueError, match="expected .* at least 2 axes"):
        block(np.ones(3))
    assert not block.built
    with pytest.raises(TypeError, match="Two: there are 2 inputs, expected one"):
        Two()(X, X)


# the tape


def test_several_results_of_one_op():
    x = tw.Tensor(X.copy(), requires_grad=True)
    seen = []

    def split(x):
        def backward(da, db):
            seen.append((da is None, db is None))
            dx = np.zeros_like(x.value)
            if da is not None:
                dx += 2 * da
            if db is not None:
                dx += 3 * db
            return dx

        return record_several((x.value * 2, x.value * 3), backward, x)

    def loss():
        a, b = split(x)
        return (a * a + a * b).sum()

    loss().backward()
    assert_gradient(x.grad, numeric_gradient(lambda: loss().item(), x.value))
    for which, want in ((0, 2), (1, 3)):
        x.grad = None
        split(x)[which].sum().backward()
        np.testing.assert_array_equal(x.grad, np.full(X.shape, want))
    assert seen == [(False, False), (False, True), (True, False)]
    a, b = split(x)
    a.sum().backward()
    with pytest.raises(RuntimeError, match="this graph was freed"):
        b.sum().backward()
    assert not record_several((X, X), None, tw.Tensor(X))[0].requires_grad


class Choice(Layer):
    """The first of two inputs; the second has no gradient."""

    several = True

    def forward(self, a, b):
        return a.copy(), lambda dy: (dy, None)


def test_an_input_without_gradient_ends_its_way():
    a, b, w = (tw.Parameter(X.copy()) for _ in range(3))
    Choice(dtype="float64")([a * 2, b * w]).sum().backward()
    np.testing.assert_array_equal(a.grad, np.full(X.shape, 2))
    assert b.grad is None and w.grad is None
    (Choice(dtype="float64")([a, b]) * b).sum().backward()
    np.testing.assert_array_equal(b.grad, X)


class Sign(Layer):
    def forward(self, x):
        return np.sign(x), self.closure

    closure = None


class Lost(Layer):
    def forward(self, x):
        def backward(dy):
            return None

        return np.sign(x), backward


@pytest.mark.parametrize(
    "layer, message",
    [(Sign, r"the forward of a layer returned \(y, None\), and"), (Lost, "Lost gave no gradient for its input, and")],
)
def test_a_layer_without_gradient_in_the_middle_of_training(layer, message):
    first, last = Dense(2), Dense(1)
    loss = last(layer()(first(X))).sum()
    with pytest.raises(RuntimeError, match=f"backward: {message} weights before it need one; .*trainable = False"):
        loss.backward()
    last.w.grad = None
    last(layer()(X[:, :2])).sum().backward()  # before all weights it needs none
    assert last.w.grad is not None


def test_what_is_frozen_before_all_else_is_not_recorded():
    first, second = Dense(3), Dense(2)
    first.trainable = False
    assert not first(X).requires_grad and second(first(X)).requires_grad
    second(first(X)).sum().backward()
    assert first.w.grad is None and second.w.grad is not None
    first.b.trainable = True  # alone
    assert first.trainable and first(X).requires_grad
    first.trainable = False
    with pytest.raises(RuntimeError, match="nothing was recorded .* from data and frozen layers alone"):
        first(X).sum().backward()
    x = tw.Tensor(X.astype(np.float32), requires_grad=True)
    first(x).sum().backward()
    assert x.grad is not None and first.w.grad is None
    first.trainable = True
    first(X).sum().backward()
    assert first.w.grad is not None


# masks


class Steps(Layer):
    """Counts the real steps."""

    def forward(self, x):
        return x.sum(1), None

    def forward_masked(self, x, mask):
        return (x * mask[..., None]).sum(1), None

    def mask_after(self, mask):
        return None


def test_masks_are_handed_on():
    x = tw.Tensor(np.ones((2, 3, 4), np.float32))
    x.mask = np.array([[True, True, False], [True, False, False]])
    y = Dense(2)(x)
    assert y.mask is x.mask
    assert Dense(2)(tw.Tensor(x.value)).mask is None
    counted = Steps()(x)
    assert counted.mask is None
    np.testing.assert_array_equal(counted.numpy()[:, 0], [2, 1])
    other = tw.Tensor(x.value)
    assert Add()([x, other]).mask is None
    other.mask = np.array([[True, False, False], [True, True, True]])
    np.testing.assert_array_equal(Add()([x, other]).mask, x.mask & other.mask)
    double = Steps(dtype="float64")(x)  # converted, with its mask
    np.testing.assert_array_equal(double.numpy()[:, 0], [2, 1])


# buffers


class Mean(Layer):
    """Keeps the mean of all batches."""

    def buffers(self, input_shape):
        return {"mean": (input_shape[1:], "zeros")}

    def weights(self, input_shape):
        return {"w": (input_shape[1:], "ones")}

    def forward(self, x):
        if self.training:
            self.mean.value += x.mean(0)
        w = self.w.value

        def backward(dy, need_dx=True):
            self.w.accumulate(dy.sum(0))
            return dy

        return x + self.mean.value + w, backward


def test_buffers_are_kept_and_counted_but_not_trained(tmp_path):
    model = tw.Sequential([Mean(input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    layer = model.layers[0]
    assert isinstance(layer.mean, Buffer) and not layer.mean.trainable and layer.trainable
    model.fit(X, X[:, :1], verbose=0)
    assert layer.mean.value.any() and layer.mean.grad is None and (layer.w.value != 1).any()
    assert model.count_params() == 3 + 3 + 3 + 1
    layer.trainable = False
    layer.trainable = True
    assert not layer.mean.trainable and layer.w.trainable
    model.save_weights(tmp_path / "weights")
    other = tw.Sequential([Mean(input_shape=(3,)), Dense(1)])
    other.load_weights(tmp_path / "weights")
    np.testing.assert_array_equal(other.layers[0].mean.value, layer.mean.value)
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert isinstance(again.mean, Buffer) and not again.mean.trainable
