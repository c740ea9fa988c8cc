"""`python -m tilewright …`, as a newcomer meets it."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import tilewright as tw
from tilewright.__main__ import main
from tilewright.commands import digits
from tilewright.kernels.catalog import OPS

RESULTS = ["confusion_matrix.png", "learning_curve.png", "model.tilewright"]


def command(*arguments, **settings):
    return subprocess.Popen(
        [sys.executable, "-m", "tilewright", *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_training_on_digits_reaches_its_accuracy(tmp_path, capsys):
    out = tmp_path / "a folder" / "digits"
    assert main(["train", "digits", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert float(re.search(r"test accuracy\W+([\d.]+)", said)[1]) >= 0.985
    assert said.count("val_accuracy") == digits.EPOCHS
    for name in ("seconds", "samples a second", "threads", "threading layer"):
        assert re.search(rf"{name}\W+\w", said)
    assert sorted(path.name for path in out.iterdir()) == RESULTS
    for name in RESULTS:
        assert f"Wrote {out / name}" in said
        if name.endswith(".png"):
            assert (out / name).read_bytes().startswith(b"\x89PNG")
    x, y = digits.load()[2]
    assert (tw.load(out / "model.tilewright").predict(x).argmax(1) == y).mean() >= 0.985


def test_a_training_is_the_same_on_one_and_on_two_threads(tmp_path, threads):
    models = []
    for count in (1, 2):
        with threads(count):
            assert main(["train", "digits", "--quick", "--seed", "3", "--out", str(tmp_path / str(count))]) == 0
        models.append(tw.load(tmp_path / str(count) / "model.tilewright").get_weights())
    for one, two in zip(*models, strict=True):
        assert one.tobytes() == two.tobytes()


def test_the_parts_of_the_data_are_apart_and_stratified():
    parts = digits.load()
    assert [len(x) for x, _ in parts] == [1293, 144, 360]
    assert len({image.tobytes() for x, _ in parts for image in x}) == 1797  # all scans differ, each is in one part
    for x, y in parts:
        assert x.dtype == np.float32 and x.shape[1:] == (8, 8, 1) and x.min() == 0 and x.max() == 1
        assert np.ptp(np.bincount(y, minlength=10) / len(y)) < 0.02


def test_shifts_move_by_one_pixel_and_bring_in_black():
    x = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    shifted = digits.shifted(x)[..., 0]
    assert len(shifted) == len(digits.SHIFTS)
    np.testing.assert_array_equal(shifted[0], x[0, ..., 0])
    np.testing.assert_array_equal(shifted[digits.SHIFTS.index((1, 0))], [[0, 0, 0], [1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(shifted[digits.SHIFTS.index((0, -1))], [[2, 3, 0], [5, 6, 0], [8, 9, 0]])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_a_model_and_its_curve(tmp_path):
    process = command("train", "digits", "--epochs", "10000", "--out", str(tmp_path))
    for line in process.stdout:
        if re.match(r"Epoch +2/", line):
            process.send_signal(signal.SIGINT)
            break
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    assert "interrupted in epoch" in complaint and "Traceback" not in complaint
    assert sorted(path.name for path in tmp_path.iterdir()) == RESULTS
    assert "test accuracy" in said


@pytest.mark.parametrize("module, package", digits.NEEDED.items())
def test_a_missing_extra_is_named_with_its_remedy(module, package, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["train", "digits", "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"train digits: needs {package}: {digits.REMEDY}\n"
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_said_before_training(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["train", "digits", "--out", str(tmp_path / "file" / "out")]) == 1
    said = capsys.readouterr()
    assert "Epoch" not in said.out
    assert str(tmp_path / "file") in said.err and "--out" in said.err


@pytest.mark.parametrize(
    "arguments, message",
    (
        (
            ["trian"],
            "command is 'trian', expected one of 'train', 'info', 'ops', 'check', 'compile', 'bench'; "
            "did you mean 'train'?",
        ),
        (["train", "digit"], "dataset is 'digit', expected one of 'digits'; did you mean 'digits'?"),
        (["train", "digits", "--epochs", "0"], "argument --epochs: 0 is too small, expected at least 1"),
        (["train", "digits", "--seed", "x"], "argument --seed: 'x' is not a whole number"),
        (["train"], "the following arguments are required: dataset"),
        ([], "the following arguments are required: {train,info,ops,check,compile,bench}"),
    ),
)
def test_wrong_words_are_answered_with_the_nearest_known_ones(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {message}\n")


def test_info_tells_what_there_is():
    said, complaint = command("info").communicate(timeout=120)
    facts = dict(re.split(r" {2,}", line, maxsplit=1) for line in said.splitlines() if "  " in line)
    assert list(facts)[:5] == ["tilewright", "Python", "NumPy", "Numba", "llvmlite"]
    assert facts["NumPy"] == np.__version__
    assert facts["threading layer"] in ("omp", "tbb", "workqueue")
    assert re.fullmatch(r"\d+ bits, \d+ float32", facts["SIMD width"])
    assert os.path.isdir(facts["kernel cache"]), complaint


def test_info_warns_of_the_slow_threading_layer():
    said, _ = command("info", NUMBA_THREADING_LAYER="workqueue").communicate(timeout=120)
    assert re.search(r"^threading layer +workqueue$", said, re.M)
    assert re.search(r"^Warning: .*workqueue.*libgomp1.*pip install tbb", said, re.M)


def test_ops_lists_the_catalog(capsys):
    assert main(["ops"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [op.name for op in OPS]
    said = {line.split()[0]: line for line in lines}
    assert re.search(r"kernels/matmul +cpu, cuda +float32, float64; on cuda float16, bfloat16 +da, db", said["matmul"])
    assert re.search(r"kernels/conv1d +cpu +float32, float64 +dx, dw, db", said["conv1d"])


@pytest.mark.parametrize("arguments", (["--version"], ["--version", "info"]))
def test_the_version_is_printed(arguments, capsys):
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"tilewright {tw.__version__}\n"


@pytest.mark.parametrize(
    "arguments, status, said",
    (
        (["relu", "--device", "cpu", "--case", "zzz"], 1, "check: nothing was checked; no case fits"),
        (["relu", "--device", "cpu", "--dtype", "float16"], 2, "'float16', which does not go with --device cpu"),
    ),
)
def test_check_refuses_what_would_check_nothing(arguments, status, said, capsys):
    assert main(["check", *arguments]) == status
    assert said in capsys.readouterr().err


def test_what_is_compiled_ahead_is_found_by_the_first_call(tmp_path):
    asked, kept = ("compile", "relu", "softmax", "--dtype", "float32"), {"TILEWRIGHT_CACHE_DIR": str(tmp_path)}
    said = []
    for _ in range(2):
        process = command(*asked, **kept)
        said.append(process.communicate()[0])
        assert process.returncode == 0
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.bin")}
    assert re.search(rf"^{len(files)} kernels compiled, 0 were there, ", said[0], re.M) and len(files) >= 4
    assert re.search(rf"^0 kernels compiled, {len(files)} were there, ", said[1], re.M)
    code = "import numpy as np, tilewright as tw; tw.kernels.relu_forward(np.ones(3, np.float32))"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **kept}, check=True)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.bin")} == files


@pytest.mark.parametrize(
    "arguments, sentence",
    (
        (("relo",), "compile: op is 'relo'; did you mean 'relu'"),
        (("relu", "--processes", "0"), "compile: --processes is 0, expected at least 1"),
    ),
)
def test_compiling_ahead_says_what_it_cannot_do(arguments, sentence, capsys):
    assert main(["compile", *arguments]) == 2
    assert capsys.readouterr().err.startswith(sentence)
