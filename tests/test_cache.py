"""The cache of compiled kernels: never stale, never half written, never in the way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Its result depends on an element function, on the loop around it and, being large, on the parallel loop.
PROGRAM = """
import numpy as np, tilewright as tw
y = tw.kernels.relu_forward(np.tile(np.float32([-1, 0, 1, 2]), 250_000))
print(tw.__file__)
print(y[:4], (y.reshape(-1, 4) == y[:4]).all())
"""
RIGHT, TWICE = "[0. 0. 1. 2.] True", "[0. 0. 2. 4.] True"


def copied_package(folder):
    """A copy of the package that can be edited: the folder to put on the path."""
    skipped = ".*", "__pycache__", "tests", "asv_bench", "docs", "build", "dist", "runs", "*.egg-info"
    shutil.copytree(ROOT, folder / "tilewright", ignore=shutil.ignore_patterns(*skipped))
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy that no test edits; others may change the checkout meanwhile."""
    return copied_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def filled(package, tmp_path_factory):
    """The cache after a run of PROGRAM; tests copy it."""
    cache = tmp_path_factory.mktemp("filled")
    assert run(package, cache) == (RIGHT, "")
    assert compiled(cache)
    return cache


@pytest.fixture
def cache(filled, tmp_path):
    """A cache of the test's own that holds what PROGRAM needs."""
    return shutil.copytree(filled, tmp_path / "cache")


def environment(path, cache, **others):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "TILEWRIGHT_"))}
    return {**clean, "PYTHONPATH": str(path), "TILEWRIGHT_CACHE_DIR": str(cache), **others}


def start(path, cache, **others):
    return subprocess.Popen(
        [sys.executable, "-W", "always", "-c", PROGRAM],
        env=environment(path, cache, **others),
        cwd=path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """(the result, what was said on stderr) of a process that ended well."""
    output, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return output.splitlines()[1], said


def run(path, cache, **others):
    return finish(start(path, cache, **others))


def compiled(cache):
    """The files of the cache with their time of writing."""
    return {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file()}


def edit(file, old, new):
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{file.name} no longer holds what this test edits"
    file.write_text(text.replace(old, new), "utf-8")


def test_the_copy_is_what_runs(package, cache):
    output, _ = start(package, cache).communicate(timeout=300)
    assert Path(output.splitlines()[0]) == package / "tilewright" / "__init__.py"


def test_a_second_process_compiles_nothing(package, cache):
    before = compiled(cache)
    assert run(package, cache) == (RIGHT, "")
    assert compiled(cache) == before


@pytest.mark.parametrize("layer", ("omp", "tbb", "workqueue"))
def test_kernels_from_the_cache_run_on_every_threading_layer(package, cache, layer):
    process = start(package, cache, NUMBA_THREADING_LAYER=layer)
    output, said = process.communicate(timeout=300)
    if "No threading layer could be loaded" in said:
        pytest.skip(f"{layer} is not installed")
    assert process.returncode == 0, said
    assert output.splitlines()[1] == RIGHT


@pytest.mark.parametrize(
    "file, old, new, expected",
    (
        ("activation/cpu.py", "return zero if x < zero else x ", "return zero if x < zero else x + x ", TWICE),
        ("_cpu/elementwise.py", "[i - shift] = f(x[i], p)\n", "[i - shift] = f(x[i], p) + f(x[i], p)\n", TWICE),
        ("_cpu/elementwise.py", "CHUNK = 1 << 13", "CHUNK = 1 << 12", RIGHT),
    ),
    ids=("a kernel", "a helper", "a constant"),
)
def test_an_edited_source_is_never_answered_from_the_cache(cache, tmp_path, file, old, new, expected):
    package = copied_package(tmp_path / "edited")
    before = compiled(cache)
    edit(package / "tilewright" / "kernels" / file, old, new)
    assert run(package, cache) == (expected, "")
    after = compiled(cache)
    assert len(after) == 2 * len(before) and before.items() <= after.items()  # a second folder beside the first
    edit(package / "tilewright" / "kernels" / file, new, old)
    assert run(package, cache) == (RIGHT, "")
    assert compiled(cache) == after


def test_processes_that_start_together_on_an_empty_cache_all_work(package, filled, tmp_path):
    cache = tmp_path / "cache"
    together = [start(package, cache) for _ in range(3)]
    assert [finish(process) for process in together] == [(RIGHT, "")] * 3
    assert sorted(path.name for path in compiled(cache)) == sorted(path.name for path in compiled(filled))
    assert run(package, cache) == (RIGHT, "")


def test_code_that_checks_bounds_is_kept_apart(package, cache):
    before = compiled(cache)
    assert run(package, cache, NUMBA_BOUNDSCHECK="1") == (RIGHT, "")
    after = compiled(cache)
    assert len(after) == 2 * len(before) and before.items() <= after.items()


def test_a_kernel_from_the_cache_cannot_become_part_of_another(package, cache):
    program = """
import numba, numpy as np, tilewright
from tilewright.kernels._cpu.bias import _gradient
a = np.ones((4, 3), np.float32)
_gradient(a, a, 0, a, np.empty(3, np.float32))

@numba.njit
def user(a, db):
    _gradient(a, a, 0, a, db)

try:
    user(a, np.empty(3, np.float32))
    print("linked")
except RuntimeError as error:
    print(error)
"""
    command = [sys.executable, "-c", program]
    for expected in ("linked", "a kernel from the cache cannot become part of another"):
        done = subprocess.run(command, env=environment(package, cache), cwd=package, capture_output=True, text=True)
        assert expected in done.stdout, done.stderr


def test_kernels_of_two_processes_never_call_each_others_functions(package, tmp_path):
    """Adam and Adadelta are made by one function around another: in both processes Numba counts to the same names."""
    program = """
import sys
import numpy as np
from tilewright import kernels

for name, options in (("sgd_update", {}), ("adam_update", {"step": 1}), ("adadelta_update", {})):
    if name in sys.argv:
        w, dw, a, b = np.full((4, 5), 2.0)
        getattr(kernels, name)(w, dw, *((None,) if name == "sgd_update" else (a, b)), **options)
        print(name, a[0])
"""

    def updates(*names):
        command = [sys.executable, "-c", program, *names]
        seeded = environment(package, tmp_path, PYTHONHASHSEED="0")  # the names hold a set's text
        return subprocess.run(command, env=seeded, cwd=package, capture_output=True, text=True, check=True).stdout

    updates("sgd_update")  # compiles what reads lists of arrays, for both
    alone = updates("adam_update"), updates("adadelta_update")
    before = compiled(tmp_path)
    assert updates("adam_update", "adadelta_update") == "".join(alone) == "adam_update 2.0\nadadelta_update 2.1\n"
    assert compiled(tmp_path) == before


@pytest.mark.parametrize("damage", ("cut", "garbage", "empty", "a flipped bit"))
def test_a_damaged_file_is_compiled_anew_with_a_warning(package, cache, damage):
    for file in compiled(cache):
        data = bytearray(file.read_bytes())
        if damage == "a flipped bit":
            data[len(data) // 2] ^= 1
        file.write_bytes(
            {"cut": data[: len(data) // 2], "garbage": os.urandom(len(data)), "empty": b""}.get(damage, data)
        )
    results, said = run(package, cache)
    assert results == RIGHT
    assert said.count("is damaged") == len(compiled(cache)) and str(cache) in said
    assert run(package, cache) == (RIGHT, "")


def test_a_cache_folder_that_cannot_be_made_is_warned_about_and_done_without(package, tmp_path):
    (tmp_path / "file").write_text("in the way")
    results, said = run(package, tmp_path / "file" / "cache")
    assert results == RIGHT
    assert said.count("compiled kernels are not kept") == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root and Windows may write to a read-only folder")
def test_a_read_only_cache_folder_is_warned_about_and_done_without(package, tmp_path):
    (tmp_path / "cache").mkdir(mode=0o500)
    results, said = run(package, tmp_path / "cache")
    assert results == RIGHT
    assert "compiled kernels are not kept" in said


def test_the_users_own_numba_cache_is_left_alone(package, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    run(package, tmp_path / "cache", NUMBA_CACHE_DIR=str(theirs))
    assert not list(theirs.iterdir())
    assert not list(package.rglob("*.nbi")) and not list(package.rglob("*.nbc"))


def test_without_a_setting_the_cache_is_in_the_users_cache_folder(package, tmp_path):
    settings = environment(package, "", XDG_CACHE_HOME=str(tmp_path / "xdg"), HOME=str(tmp_path))
    del settings["TILEWRIGHT_CACHE_DIR"]
    command = [sys.executable, "-c", "from tilewright.kernels._cpu.jit import cache_folder; print(cache_folder())"]
    printed = subprocess.run(command, env=settings, cwd=package, capture_output=True, text=True, check=True).stdout
    assert Path(printed.strip()).is_relative_to(tmp_path)
