"""`python -m tilewright check` says "right" of what is right, and finds what is planted, on the CPU and simulated."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from tilewright.__main__ import main
from tilewright.kernels import _compare, activation
from tilewright.kernels._cuda import state
from tilewright.kernels.activation import cpu
from tilewright.kernels.catalog import BY_NAME


def test_what_is_right_is_said(capsys):
    assert main(["check", "--device", "cpu", "relu", "adam_update", "--largest", "100"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["relu", "right"], ["adam_update", "right"]]
    assert lines[0].split()[2:] == ["16", "runs"]  # 4 cases, 2 dtypes, 2 ways


def slightly_off(x, out=None):
    y = np.maximum(x, 0) * x.dtype.type(1 + 1e-5)
    return y if out is None else np.copyto(out, y) or out


def one_unwritten(x, out=None):
    y = np.maximum(x, 0)
    if out is None:
        return y
    out.flat[1:] = y.flat[1:]
    return out


def without_nan(x, out=None):
    y = np.maximum(np.nan_to_num(x), 0)
    return y if out is None else np.copyto(out, y) or out


def failing(x, out=None):
    raise FloatingPointError("what it is\nand more")


@pytest.mark.parametrize(
    "planted, said",
    (
        (slightly_off, "    primes, float32, aligned: y errs by "),
        (one_unwritten, "    primes, float32, aligned: y has other bits in a second run, into a buffer full of NaN"),
        (without_nan, "    primes, float32, nan and infinity: y has NaN or infinity elsewhere than the reference"),
        (failing, "    primes, float32, aligned: FloatingPointError: what it is"),
    ),
)
def test_what_is_wrong_is_found(planted, said, monkeypatch, capsys):
    monkeypatch.setattr(cpu, "relu_forward", planted)
    assert activation._faces(np.ones(1)).relu_forward is planted
    assert main(["check", "--device", "cpu", "relu", "sigmoid", "--case", "primes", "--dtype", "float32"]) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.split() == ["relu", "wrong", "2", "runs"]
    assert any(line.startswith(said) for line in rest)
    assert rest[-2].split() == ["sigmoid", "right", "2", "runs"]
    assert rest[-1] == "wrong: relu"


def test_what_is_left_out_is_no_pass(capsys):
    assert main(["check", "--device", "cpu", "relu", "--seconds", "-1"]) == 1
    assert capsys.readouterr().out == "no time left for: relu\n"


def test_an_unknown_op_is_answered_with_a_known_one(capsys):
    assert main(["check", "conv2"]) == 2
    assert "'conv2'" in (said := capsys.readouterr().err) and "did you mean 'conv2d' or 'conv1d'?" in said


def test_without_a_card_the_remedy_is_said(monkeypatch, capsys):
    monkeypatch.setattr(state, "why_not", lambda: "no NVIDIA driver was found; install one")
    assert main(["check", "relu", "--device", "cuda"]) == 1
    assert capsys.readouterr().err == "check: CUDA cannot be used here: no NVIDIA driver was found; install one\n"
    assert main(["check", "relu", "--largest", "100"]) == 0
    assert capsys.readouterr().out.startswith("on the CPU; CUDA cannot be used here: no NVIDIA driver was found; ")


@pytest.mark.parametrize(
    "got, sentence",
    (
        ({"y": np.float32([1, 2])}, None),
        ({"y": np.float32([1, 2 + 1e-5])}, "y errs by "),
        ({"y": np.float32([1, np.nan])}, "y has NaN or infinity elsewhere"),
        ({"y": np.float64([1, 2])}, "y is float64 (2,), expected float32 (2,)"),
        ({"y": np.float32([[1, 2]])}, "y is float32 (1, 2), expected float32 (2,)"),
        ({"dx": np.float32([1, 2])}, "returns dx, expected y"),
    ),
)
def test_complaints(got, sentence):
    want, exact = {"y": np.float32([1, 2])}, {"y": np.float64([1, 2])}
    op = BY_NAME["relu"]
    said = list(_compare.complaints(op, op.cases[0], "float32", got, want, exact))
    assert len(said) == bool(sentence)
    assert all(line.startswith(sentence) for line in said)


def test_integers_have_to_be_equal():
    op = BY_NAME["max_pool2d"]
    want = {"argmax": np.arange(3)}
    got = {"argmax": np.array([0, 1, 1])}
    assert list(_compare.complaints(op, op.cases[0], "float32", got, want, want)) == ["argmax differs at 1 of 3 places"]


def test_halves_may_err_by_their_own_rounding():
    op = BY_NAME["matmul"]
    arrays = _compare.arrays_of(op, op.cases[0], "float16")
    want, dy = _compare.reference(op, op.cases[0], arrays, "float16")
    exact, _ = _compare.reference(op, op.cases[0], arrays, "float64", dy)
    assert {x.dtype for x in want.values()} == {np.dtype(np.float16)} == {dy.dtype}
    assert not list(_compare.complaints(op, op.cases[0], "float16", want, want, exact))
    off = {name: x + np.float16(0.01) * np.abs(x).max() for name, x in want.items()}
    assert len(list(_compare.complaints(op, op.cases[0], "float16", off, want, exact))) == len(want)


def test_the_simulator_checks_too_and_says_that_it_is_no_gpu():
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tilewright", "check", "relu", "adam_update", "--case", "primes"],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    first, *rest = (line for line in done.stdout.splitlines() if not line.startswith("not checked: bfloat16"))
    assert first.startswith("Numba's simulator, ") and first.endswith(": no GPU, and no GPU's pass"), done.stderr
    assert [line.split() for line in rest] == [["relu", "right", "6", "runs"], ["adam_update", "right", "6", "runs"]]
    assert done.returncode == 0
