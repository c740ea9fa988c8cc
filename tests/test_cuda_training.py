"""Training on a CUDA device, in Numba's simulator: the same weights and histories as on the CPU, with steps that are
recorded and replayed. What passes here has not run on a GPU.
"""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tilewright as tw
from tilewright.kernels._cuda import state
from tilewright.layers import Dense

SCRIPT = Path(__file__).with_name("simulated_training.py")
SCENARIOS = [
    ast.literal_eval(key)
    for node in ast.parse(SCRIPT.read_text("utf-8")).body
    if isinstance(node, ast.Assign) and node.targets[0].id == "SCENARIOS"
    for key in node.value.keys
]


@pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None,
    reason="numba-cuda is not installed; pip install 'tilewright[cuda]'",
)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_training_on_the_device_does_what_the_cpu_does(scenario):
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", SCRIPT, scenario], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "no GPU" in done.stdout


def test_a_machine_without_cuda_says_why(monkeypatch):
    monkeypatch.setattr(state, "why_not", lambda: "no NVIDIA driver was found; install one")
    model = tw.Sequential([Dense(2, input_shape=(3,))])
    for op, call in (("use", lambda: tw.use("cuda")), ("to", lambda: model.to("cuda"))):
        with pytest.raises(RuntimeError) as caught:
            call()
        assert str(caught.value) == f"{op}: CUDA cannot be used here: no NVIDIA driver was found; install one"
    assert isinstance(model.layers[0].w.value, np.ndarray)
    Dense(2)(np.ones((1, 3)))  # nothing changed


def test_an_unknown_device_is_named():
    with pytest.raises(ValueError, match="^use: device is 'gpu', expected one of 'cpu', 'cuda'"):
        tw.use("gpu")
    with pytest.raises(ValueError, match="^to: device is 'cude', expected one of 'cpu', 'cuda'; did you mean 'cuda'?"):
        tw.Sequential([]).to("cude")
