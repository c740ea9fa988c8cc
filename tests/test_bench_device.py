"""`python -m tilewright bench --device cuda`, without a card: its arguments and errors, what it says of recorded times,
its rule of what is right, and a whole run in Numba's simulator. No time here is a GPU's.
"""

import argparse
import importlib.util
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tilewright.__main__ import _parser, main
from tilewright.bench import command, device_cases, device_report, device_step, device_timing, device_verify
from tilewright.commands.ops import devices_of
from tilewright.kernels import _compare
from tilewright.kernels._cuda import state
from tilewright.kernels._row import Case, normal
from tilewright.kernels.catalog import BY_NAME, OPS

NEEDS_CUDA = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed; pip install 'tilewright[cuda]'"
)


def test_without_a_card_the_remedy_is_said(monkeypatch, capsys):
    monkeypatch.setattr(state, "why_not", lambda: "no NVIDIA driver was found; install one")
    assert main(["bench", "--device", "cuda", "relu"]) == 1
    assert capsys.readouterr().err == "bench: CUDA cannot be used here: no NVIDIA driver was found; install one\n"


@pytest.mark.parametrize(
    "arguments, message",
    (
        (["--device", "cuda", "--threads", "2"], "bench: --threads is '2', which does not go with --device cuda"),
        (["--device", "cuda", "--plot", "a.png"], "bench: --plot is 'a.png', which does not go with --device cuda"),
        (["--dtype", "bfloat16"], "bench: --dtype is 'bfloat16', which does not go with --device cpu"),
        (["--all"], "bench: --all is True, which does not go with --device cpu"),
        (["--seconds", "3"], "bench: --seconds is 3.0, which does not go with --device cpu"),
        (
            ["--device", "cuda", "--peers", "numpy"],
            "bench: --peers is 'numpy', expected one of 'torch', 'cupy'",
        ),
        (["--device", "cuda", "--json", "no/such/file"], "bench: --json is 'no/such/file', expected a file's name"),
    ),
)
def test_options_that_do_not_go_together_are_named(arguments, message, capsys):
    assert main(["bench", "relu", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)


def clock(times):
    """An `elapsed` that calls the function and says what was recorded."""
    times = iter(times)

    def elapsed(function):
        function()
        return next(times)

    return elapsed


def test_contestants_take_turns_on_every_set_and_the_median_counts():
    order, busy = [], []
    calls = {name: [lambda name=name, k=k: order.append((name, k)) for k in range(3)] for name in ("ours", "peer")}
    # the first call; the trial of two calls, from which 0.02 s take four; then three rounds of four calls
    times = {"ours": [9, 0.01, 0.04, 0.08, 0.02], "peer": [9, 0.02, 0.2, 0.1, 0.3]}
    contestants = {name: device_timing.Contestant(calls[name], clock(times[name])) for name in calls}
    result = device_timing.alternate(contestants, busy.append, rounds=3)
    assert result["ours"].device == 0.04 / 4 and result["peer"].device == 0.2 / 2
    assert 0 < result["ours"].host < 1 and len(busy) == 6 and min(busy) > 0
    assert [k for name, k in order if name == "ours"] == [k % 3 for k in range(1 + 2 + 3 * 4)]
    assert [name for name, _ in order[6:]] == (["ours"] * 4 + ["peer"] * 2) * 3


@pytest.mark.parametrize(
    "size, cache, expected",
    ((1 << 28, 60 << 20, 2), (1 << 20, 60 << 20, 64), (50 << 20, 60 << 20, 3), (1 << 34, 60 << 20, 1), (0, 9, 19)),
)
def test_sets_of_inputs_exceed_twice_the_cache(size, cache, expected):
    assert device_timing.sets(size, cache) == expected


ROW = {"op": "relu", "case": "in memory", "dtype": "float32", "product": "forward"}
TIMED = {
    **ROW,
    "seconds": {"ours": 2e-4, "torch": 1.5e-4, "cupy": 3e-4},
    "bandwidth": 2.5e12,
    "share": 0.625,
    "ratio": 0.75,
}


def test_a_row_is_shown_with_its_unit_share_and_best_peer():
    assert device_report.line(TIMED).split() == (
        "relu in memory float32 forward 200.0 us 2500 GB/s 62.5 % 0.75 x torch".split()
    )
    product = {**ROW, "seconds": {"ours": 1e-3}, "flops": 4.125e13, "share": 0.75}
    assert device_report.line(product).split()[5:] == "1000.0 us 41.25 TFLOP/s 75.0 %".split()
    assert device_report.line({**ROW, "wrong": ["y errs", "dx errs"]}).endswith(" wrong, not timed: y errs; dx errs")
    assert device_report.line({**ROW, "failed": "MemoryError: full"}).endswith(" failed: MemoryError: full")


def test_the_table_names_the_worst_and_what_was_left():
    slow = {**TIMED, "share": 0.5, "ratio": 3.0}
    wrong = {**ROW, "op": "elu", "wrong": ["y errs"]}
    lines = device_report.table([TIMED, slow, wrong], ["gelu in memory float32"]).splitlines()
    assert lines[2].split() == "relu float32 forward 2 50.0 to 62.5 % 0.75 to 3.00, geometric mean 1.50".split()
    assert lines[3].split() == "elu float32 forward 1 wrong".split()
    assert lines[4] == "no time left for 1 of the cases: gelu in memory float32"


def test_a_step_is_shown_without_a_ceiling():
    row = {**device_step.ROW, "seconds": {"ours": 1e-4, "torch": 5e-4}, "ratio": 5.0}
    assert (
        device_report.line(row).split() == "training CNN 28 x 28, batch 32 float32 step 100.0 us 5.00 x torch".split()
    )
    (line,) = device_report.table([row]).splitlines()[2:]
    assert line.split() == "training float32 step 1 5.00 to 5.00, geometric mean 5.00".split()


def test_a_training_step_is_timed_over_whole_epochs(monkeypatch):
    """On the CPU, of a smaller network."""
    monkeypatch.setattr(device_step, "H", 10)
    x, y = device_step.data(3)
    assert x.shape == (3 * device_step.BATCH, 10, 10, 1) and y.shape == (3 * device_step.BATCH,)
    row = device_step.measure([], "cpu", rounds=1, steps=3)
    assert 0 < row["seconds"]["ours"] < 1 and "ratio" not in row


def test_every_case_for_cards_is_one_that_its_op_takes():
    for name, cases in device_cases.CASES.items():
        if name not in BY_NAME:
            continue
        assert len({case.why for case in cases}) == len(cases)
        for case in cases:
            known = inspect.signature(BY_NAME[name].forward_call("public", {}, {}).func).parameters
            assert case.options.keys() | case.arrays.keys() <= known.keys()
    assert {op.name for op in OPS if "cuda" in devices_of(op)} <= set(device_cases.CASES)


def test_large_arrays_repeat_a_block_of_random_numbers():
    x = device_cases.repeated(1500, 1000)(np.random.default_rng(0), np.dtype(np.float32))
    assert x.shape == (1500, 1000) and x.dtype == np.float32
    flat = x.ravel()
    assert (flat[device_cases.BLOCK :] == flat[: -device_cases.BLOCK]).all()
    assert abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01
    assert not (x[0] == x[1]).any()


def large(name, monkeypatch):
    """A case of more elements than are looked at one by one, and what the reference computes of it in float32."""
    monkeypatch.setattr(device_verify, "WHOLE", 2000)
    op = BY_NAME[name]
    arrays = {
        "matmul": {"a": normal(300, 90), "b": normal(400, 90)},
        "linear": {"x": normal(400, 30), "w": normal(30, 20), "b": normal(20)},
        "conv2d": {"x": normal(6, 10, 10, 4), "w": normal(3, 3, 4, 8), "b": normal(8)},
        "relu": {"x": normal(300, 10)},
        "dropout": {"x": normal(300, 10)},
        "layer_norm": {"x": normal(300, 10), "gamma": normal(10), "beta": normal(10)},
        "mse": {"y": normal(300, 10), "t": normal(300, 10)},
        "adam_update": {name: normal(300, 10) for name in ("w", "dw", "m", "v")},
    }[name]
    options = {
        "matmul": {"transpose_a": False, "transpose_b": True},
        "linear": {"activation": "relu"},
        "dropout": {"rate": 0.5, "seed": 3, "step": 4},
        "adam_update": {"step": 2},
    }.get(name, {})
    case = Case("large", arrays, options, 8.0)
    arrays = case.make(np.float32)
    if name == "adam_update":
        arrays["v"] = np.abs(arrays["v"])
    results, dy = _compare.reference(op, case, arrays, "float32")
    return op, case, arrays, dy, results


@pytest.mark.parametrize("name", ("matmul", "linear", "conv2d", "relu", "dropout", "mse", "layer_norm", "adam_update"))
def test_large_results_are_compared_in_part_and_a_wrong_tile_is_found(name, monkeypatch):
    op, case, arrays, dy, results = large(name, monkeypatch)
    assert sum(x.size for x in arrays.values()) > device_verify.WHOLE
    assert list(device_verify.wrong(op, case, "float32", arrays, dy, results)) == []
    for key, x in results.items():
        bad = np.array(x)
        if bad.ndim == 0:
            bad = bad * np.float32(1.001)
        else:
            rows = slice(0, 48) if name == "dropout" else slice(len(bad) // 2, None)
            bad[rows] += np.float32(1e-2) * np.abs(bad).max()
        said = list(device_verify.wrong(op, case, "float32", arrays, dy, {**results, key: bad}))
        assert len(said) == 1 and said[0].startswith(f"{key} errs by "), key


def test_a_product_with_rounded_operands_is_wrong(monkeypatch):
    """What TF32 would do."""
    op, case, arrays, dy, results = large("matmul", monkeypatch)
    rounded = {key: (x.view(np.uint32) & 0xFFFFE000).view(np.float32) for key, x in arrays.items()}
    bad, _ = _compare.reference(op, case, rounded, "float32", dy)
    assert [line.split()[0] for line in device_verify.wrong(op, case, "float32", arrays, dy, bad)] == ["y", "da", "db"]


@NEEDS_CUDA
def test_a_whole_run_in_the_simulator_says_that_it_is_none(tmp_path):
    path = tmp_path / "results.json"
    arguments = ["bench", "--device", "cuda", "relu", "mse", "adam_update", "--rounds", "1", "--json", str(path)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tilewright", *arguments],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no GPU. Its times are Python's and say nothing of any card." in done.stdout.splitlines()[0]
    results = json.loads(path.read_text())
    assert results["simulated"] and results["driver"] is None and results["date"] and results["versions"]["numba-cuda"]
    measured = [(row["op"], row["product"]) for row in results["rows"]]
    assert measured[:2] == [("relu", "forward"), ("relu", "backward")] and measured[-1] == ("adam_update", "forward")
    for row in results["rows"]:
        assert row["seconds"]["ours"] > 0 and row["share"] > 0 and row["sets"] >= 2


PLANTED = """
import sys
from tilewright.kernels.activation import cuda
from tilewright.__main__ import _parser, main
from numba import cuda as numba_cuda
right = cuda.relu_forward
def wrong(x, *, out=None):
    y = right(x, out=out)
    y[...] *= 2
    return y
def failing(dy, y, *, out=None):
    raise MemoryError("full")
cuda.relu_forward, cuda.sigmoid_backward = wrong, failing
sys.exit(main(["bench", "--device", "cuda", "relu", "sigmoid", "tanh", "--rounds", "1"]))
"""


@NEEDS_CUDA
def test_what_is_wrong_or_fails_is_said_and_not_timed():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PLANTED],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert " wrong, not timed: y errs by " in lines[1] and lines[1].startswith("relu ")
    assert lines[2].startswith("sigmoid ") and lines[2].endswith(" failed: MemoryError: full")
    assert lines[3].startswith("tanh ") and " us " in lines[3]


def test_the_documented_commands_are_understood():
    page = Path(__file__).parents[1] / "docs" / "results" / "README.md"
    (block,) = re.findall(r"^```bash\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    commands = re.findall(r"python -m tilewright ([^|>\n;]*)", block)
    assert [words.split()[0] for words in commands] == ["info", "check", "check", "check", "bench"]
    for words in commands:
        arguments = shlex.split(words.replace("$OUT", "."))
        parsed = _parser(arguments[:1]).parse_args(arguments)
        assert getattr(parsed, "device", "cuda") == "cuda"
        assert getattr(parsed, "case", "") in ("", "primes")


def test_the_options_are_documented():
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert all(action.help for action in parser._actions)
