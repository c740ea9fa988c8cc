"""On a GPU, where there is one: the whole catalog against the references, the ceilings' arithmetic, training with
recorded steps, and the programs that users would write. Elsewhere all of it is skipped, and says why.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tilewright as tw
from tilewright.__main__ import main
from tilewright.commands import check, digits
from tilewright.kernels._cuda import state
from tilewright.kernels.catalog import OPS
from tilewright.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from tilewright.train import SGD, Adam

reason = state.why_not()
if reason is None:
    from numba import config

    reason = "this is Numba's simulator, no GPU" if config.ENABLE_CUDASIM else None
if reason:
    pytest.skip(f"needs a GPU: {reason}", allow_module_level=True)

PROGRAMS = Path(__file__).resolve().parents[2] / "shared" / "programs"
TRAINED = ("keras_mlp.py", "keras_binary_sgd.py", "keras_cnn.py", "torch_style_cnn.py")


@pytest.fixture
def on_cuda():
    tw.use("cuda")
    yield
    tw.use("cpu")


@pytest.mark.parametrize("op", [op for op in OPS if check.has_face(op, "cuda")], ids=lambda op: op.name)
def test_the_device_computes_what_the_reference_does(op):
    count, wrong = check.check_op(op, check.Cuda())
    assert count and not wrong, "\n".join(wrong)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
def test_ceilings_compute_what_they_claim(dtype):
    from tilewright.kernels._cuda import ceilings, launch, memory

    sums = memory.to_device(np.full(2 * launch.THREADS, np.nan, dtype))
    ceilings.multiply(sums, 2, 3)
    own = np.repeat(np.arange(ceilings.CHAINS, dtype=dtype)[:, None], 2 * launch.THREADS, 1)
    one = np.tile(np.arange(1, launch.THREADS + 1, dtype=dtype), 2)
    for _ in range(3 * ceilings.UNROLLED):
        own = own * 0.5 + one
    np.testing.assert_allclose(memory.to_host(sums), own.sum(0), rtol=1e-6)


def perceptron():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((220, 5))
    layers = [Dense(64, activation="relu"), Dropout(0.3), Dense(33, activation="elu"), Dense(1, activation="sigmoid")]
    return layers, Adam(learning_rate=0.01), "binary_crossentropy", x, (x[:, 0] > x[:, 1]).astype(np.float64)


def convolutional():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((100, 12, 12, 3)), rng.integers(0, 7, 100)
    layers = [Conv2D(16, 3, activation="relu"), MaxPooling2D(2), Flatten(), Dense(7, activation="softmax")]
    return layers, SGD(learning_rate=0.05, momentum=0.9), "sparse_categorical_crossentropy", x, y


def trained(make, device):
    """(weights, losses) after three epochs whose last batch is smaller than the others."""
    layers, optimizer, loss, x, y = make()
    tw.use(device)
    try:
        tw.set_seed(0)
        model = tw.Sequential(layers, dtype="float64")
        model.compile(optimizer, loss, ["accuracy"])
        history = model.fit(x, y, batch_size=32, epochs=3, verbose=0)
    finally:
        tw.use("cpu")
    return model.get_weights(), history.history["loss"]


@pytest.mark.parametrize("make", (perceptron, convolutional))
def test_training_gives_the_weights_of_the_cpu_and_the_same_bits_every_time(make):
    there, again, here = trained(make, "cuda"), trained(make, "cuda"), trained(make, "cpu")
    for one, two in zip(there[0], again[0], strict=True):
        assert one.tobytes() == two.tobytes()
    assert there[1] == again[1]
    for one, two in zip(there[0], here[0], strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(there[1], here[1], rtol=1e-8)


def test_a_recorded_step_has_the_bits_of_one_that_is_not(monkeypatch):
    from tilewright.train import device

    recorded = trained(convolutional, "cuda")
    monkeypatch.setattr(device, "is_the_librarys", lambda trainer: False)
    plain = trained(convolutional, "cuda")
    for one, two in zip(recorded[0], plain[0], strict=True):
        assert one.tobytes() == two.tobytes()


def test_after_the_first_epochs_the_driver_is_asked_for_no_memory(on_cuda):
    from tilewright.kernels._cuda import memory

    layers, optimizer, loss, x, y = convolutional()
    model = tw.Sequential(layers)
    model.compile(optimizer, loss)
    model.fit(x.astype(np.float32), y, batch_size=32, epochs=3, verbose=0)
    before = memory.statistics().allocations
    model.fit(x.astype(np.float32), y, batch_size=32, epochs=1, verbose=0)
    kept = memory.statistics().allocations
    model.fit(x.astype(np.float32), y, batch_size=32, epochs=3, verbose=0)
    assert memory.statistics().allocations - kept <= kept - before


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="needs the examples extra")
def test_the_digits_are_learned_on_the_device(on_cuda):
    tw.set_seed(0)
    (x, y), _, (x_test, y_test) = digits.load()
    model = digits.build(0)
    model.fit(digits.shifted(x), np.tile(y, len(digits.SHIFTS)), batch_size=64, epochs=12, verbose=0)
    assert (model.predict(x_test).argmax(1) == y_test).mean() >= 0.98


@pytest.mark.parametrize("name", TRAINED)
def test_programs_train_on_the_device_without_another_changed_line(name):
    if not (PROGRAMS / name).exists():
        pytest.skip(f"no {PROGRAMS / name} beside this clone")
    program = str(PROGRAMS / name)
    code = f"import runpy, tilewright; tilewright.use('cuda'); runpy.run_path({program!r}, run_name='__main__')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_benchmark_runs(tmp_path, capsys):
    arguments = ["bench", "--device", "cuda", "matmul", "--case", "1024 x 1024", "--rounds", "1", "--peers", ""]
    assert main([*arguments, "--json", str(tmp_path / "out.json")]) == 0
    assert "TFLOP/s" in capsys.readouterr().out
