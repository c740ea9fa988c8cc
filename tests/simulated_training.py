"""Run by test_cuda_training.py with Numba's CUDA simulator on: `python simulated_training.py SCENARIO`, models trained
on the "device" and on the CPU.

Everything is float64, so that both agree to ten digits where they do the same.
"""

import copy
import gc
import pickle
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import simulated  # noqa: F401  tiny blocks
import tilewright as tw
from numba import config
from tilewright.kernels._check_device import on_device
from tilewright.kernels._cuda import gemm, memory
from tilewright.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from tilewright.train import SGD, Adam, Callback, device


def perceptron():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((22, 5))
    y = (x[:, 0] > x[:, 1]).astype(np.float64)
    layers = [Dense(6, activation="relu"), Dropout(0.3), Dense(4, activation="elu"), Dense(1, activation="sigmoid")]
    return layers, Adam(learning_rate=0.01), "binary_crossentropy", ["accuracy", "auc"], x, y


def convolutional():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((10, 6, 6, 2)), rng.integers(0, 3, 10)
    layers = [Conv2D(4, 3, activation="relu"), MaxPooling2D(2), Flatten(), Dense(3, activation="softmax")]
    return layers, SGD(learning_rate=0.05, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"], x, y


def train(make, where, callbacks=(), given=lambda x: x):
    """(weights, history, predictions, model) after training on "cpu" or "cuda", on the data as `given` makes it."""
    layers, optimizer, loss, metrics, x, y = make()
    tw.use(where)
    tw.set_seed(0)
    model = tw.Sequential(layers, dtype="float64")
    model.compile(optimizer, loss, metrics)
    history = model.fit(
        given(x), given(y), batch_size=4, epochs=3, verbose=0, callbacks=callbacks, validation_data=(x[:5], y[:5])
    )
    tw.use("cpu")
    return model.get_weights(), history.history, model.predict(x), model


def expect_equal(one, other, tolerance=1e-10):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    assert one[1].keys() == other[1].keys()
    for key in one[1]:
        np.testing.assert_allclose(one[1][key], other[1][key], rtol=tolerance)
    np.testing.assert_allclose(one[2], other[2], rtol=tolerance, atol=tolerance)


def lies_on_device(model):
    return all(on_device(p.value) for p in model.parameters())


def trains(make):
    there, here = train(make, "cuda"), train(make, "cpu")
    assert lies_on_device(there[3]) and not lies_on_device(here[3])
    expect_equal(there, here)
    assert there[1]["loss"][-1] != there[1]["loss"][0]


class Changing(Callback):
    """Changes, between batches and epochs, what a recorded step depends on."""

    def on_epoch_end(self, epoch, logs=None):
        self.model._trainer.optimizer.learning_rate *= 0.5

    def on_batch_end(self, batch, logs=None):
        if batch == 1:
            frozen = self.model.layers[0].w
            frozen.trainable = not frozen.trainable
            self.model.set_weights([w * 1.01 for w in self.model.get_weights()])


def changes():
    """What callbacks change takes effect at once in a recorded step."""
    expect_equal(train(perceptron, "cuda", [Changing()]), train(perceptron, "cpu", [Changing()]))


def records():
    """A recorded step computes the very bits of one that runs from Python, and is recorded once for each batch size."""
    graphs, make = [], device.Graph

    class Counted(make):
        def __init__(self):
            super().__init__()
            graphs.append(self)

    device.Graph = Counted
    recorded = train(perceptron, "cuda")
    assert len(graphs) == 2  # batches of 4, and the last of 2
    device.is_the_librarys = lambda trainer: False
    expect_equal(recorded, train(perceptron, "cuda"), tolerance=0)
    assert len(graphs) == 2


def allocates_nothing():
    """After the first epochs a step asks the driver for no memory."""
    counts = []

    class Counting(Callback):
        def on_batch_end(self, batch, logs=None):
            counts.append(memory.statistics().allocations)

    train(convolutional, "cuda", [Counting()])
    assert counts[0] > 0 and len(counts) == 9
    assert counts[-1] == counts[6]  # the second epoch recorded its last step, which took memory from the pool


def gives_back():
    """What a fit took on the device, data and graphs, is free when it ends, without a collection of cycles."""
    layers, optimizer, loss, metrics, x, y = perceptron()
    tw.use("cuda")
    model = tw.Sequential(layers)
    model.compile(optimizer, loss, metrics)
    gc.disable()
    held = []
    for _ in range(4):
        model.fit(x, y, batch_size=4, epochs=1, verbose=0)
        held.append(memory.statistics().held)
    assert len(set(held)) == 1


def follows_the_data():
    """Data on the device draws the weights there, without `use`."""
    there = train(convolutional, "cpu", given=tw.to_device)
    assert lies_on_device(there[3])
    expect_equal(there, train(convolutional, "cpu"))


def own_loop():
    """PyTorch's way: own forward, backward and steps; a parameter that is used twice."""
    results = []
    for where in ("cuda", "cpu"):
        tw.set_seed(1)
        model = tw.Sequential([Dense(3, activation="tanh", input_shape=(3,)), Dense(2)], dtype="float64")
        optimizer, loss = Adam(model.parameters(), learning_rate=0.1), tw.train.MeanSquaredError()
        model.to(where)
        x, t = np.linspace(-1, 1, 12).reshape(4, 3), np.ones((4, 2))
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            hidden = model.layers[0](model.layers[0](x))
            value = loss(model.layers[1](hidden), t)
            value.backward()
            optimizer.step()
            losses.append(value.item())
        model.to("cpu")  # and on from there
        value = loss(model(x), t)
        value.backward()
        optimizer.step()
        results.append((model.get_weights(), {"loss": losses}, model.predict(x)))
    expect_equal(*results)


def steps_by_hand():
    """train_on_batch, evaluate, predict, saving and loading."""
    results = []
    for where in ("cuda", "cpu"):
        *_, model = train(perceptron, where)
        x, y = perceptron()[-2:]
        values = model.train_on_batch(x[:6], y[:6]) + model.evaluate(x, y, verbose=0)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.tilewright")
            model.save(path)
            again = tw.load(path)
            np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
            assert not lies_on_device(again)
            model.load_weights(path)
        again.to(where)
        assert again.train_on_batch(x, y) == model.train_on_batch(x, y)  # it goes on, with what the optimizer has kept
        for w, same in zip(again.get_weights(), model.get_weights()):
            np.testing.assert_array_equal(w, same)
        results.append((model.get_weights(), {"values": values}, model.predict(x, batch_size=4)))
    expect_equal(*results)


def documentation():
    """The example of docs/cuda.md."""
    page = Path(__file__).parents[1] / "docs" / "cuda.md"
    (example,) = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    gemm.LARGE[np.dtype(np.float32)] = gemm.SMALL[np.dtype(np.float32)] = (8, 8, 4, 4, 4)
    exec(compile(example, page.name, "exec"), {"__name__": "__main__"})


def places():
    """`to` stands above `use`; copies and files of a model on the device are whole, before and after training."""
    *_, model = train(perceptron, "cuda")
    x, y = perceptron()[-2:]
    expected = model.predict(x)
    twin, again = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    assert lies_on_device(twin) and not lies_on_device(again)
    for one in (twin, again):
        np.testing.assert_allclose(one.predict(x), expected, rtol=1e-12)
    values = [one.train_on_batch(x, y) for one in (model, twin, again)]  # on the means that Adam keeps
    np.testing.assert_allclose(values[1:], values[:-1], rtol=1e-12)
    for a, b, c in zip(model.get_weights(), twin.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose([a, b], [c, c], rtol=1e-10)
    tw.use("cuda")
    again.to("cpu")
    again.fit(x, y, verbose=0)
    again.evaluate(x, y, verbose=0)
    assert not lies_on_device(again)
    tw.use("cpu")


def frozen():
    """A frozen layer's weights stay, in recorded steps too."""
    tw.use("cuda")
    x, y = perceptron()[-2:]
    model = tw.Sequential([Dense(4, activation="relu", input_shape=(5,)), Dense(1, activation="sigmoid")])
    model.layers[0].trainable = False
    model.compile("adam", "binary_crossentropy")
    before = model.get_weights()
    model.fit(x, y, batch_size=11, epochs=2, verbose=0)
    after = model.get_weights()
    assert np.array_equal(before[0], after[0]) and not np.array_equal(before[2], after[2])
    tw.use("cpu")


SCENARIOS = {
    "perceptron": lambda: trains(perceptron),
    "convolutional": lambda: trains(convolutional),
    "changes": changes,
    "records": records,
    "allocates nothing": allocates_nothing,
    "gives back": gives_back,
    "follows the data": follows_the_data,
    "own loop": own_loop,
    "steps by hand": steps_by_hand,
    "documentation": documentation,
    "places": places,
    "frozen": frozen,
}

if __name__ == "__main__":
    assert config.ENABLE_CUDASIM
    gemm.LARGE[np.dtype(np.float64)] = gemm.SMALL[np.dtype(np.float64)] = (4, 4, 4, 2, 2)
    SCENARIOS[sys.argv[1]]()
    print("done in the simulator, no GPU")
