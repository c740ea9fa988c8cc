"""Memory, graphs, numbers, uploads and the cache of compiled kernels on CUDA. No GPU is needed; without one this runs
in Numba's simulator, and down to the driver's calls with stand_in_driver.c in the driver's place. Neither is a GPU.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .test_cache import copied_package

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)

from tilewright.kernels._cuda import state

HERE = Path(__file__).parent
SCRIPTS = "simulated_memory.py", "simulated_graphs.py"


def succeed(*command, **environment):
    """What a command printed, which has to end well."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "TILEWRIGHT_"))}
    done = subprocess.run(
        [sys.executable, *map(str, command)], env={**clean, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


def run_tests(*names, **environment):
    succeed("-m", "pytest", "-q", "-p", "no:cacheprovider", *(HERE / name for name in names), **environment)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """The environment in which stand_in_driver.c is the driver, with an empty cache of its own."""
    if shutil.which("cc") is None or not sys.platform.startswith("linux"):
        pytest.skip("the driver's stand-in needs a C compiler and Linux")
    folder = tmp_path_factory.mktemp("driver")
    library = folder / "libcuda.so.1"
    subprocess.run(["cc", "-w", "-shared", "-fPIC", "-o", library, HERE / "stand_in_driver.c"], check=True)
    return {"LD_LIBRARY_PATH": str(folder), "STAND_IN_DRIVER": str(library), "TILEWRIGHT_CACHE_DIR": str(folder)}


def test_in_the_simulator():
    run_tests(*SCRIPTS, NUMBA_ENABLE_CUDASIM="1")


def test_with_a_stand_in_for_the_driver(stand_in):
    run_tests(*SCRIPTS, **stand_in)


def test_the_calls_of_the_driver(stand_in):
    run_tests("driver_calls.py", **stand_in)


@pytest.mark.skipif(state.why_not() is not None, reason="needs a GPU")
def test_on_a_card():
    run_tests(*SCRIPTS)


# The cache of compiled kernels


def compiled(environment, **others):
    """{kernel: (loaded, compiled, hash of its machine code)} of a process, and its warnings."""
    printed, said = succeed("-W", "always", HERE / "driver_calls.py", **{**environment, **others})
    return {name: rest for name, *rest in map(str.split, printed.splitlines())}, said


def test_a_kernel_is_compiled_by_one_process_and_loaded_by_the_next(stand_in, tmp_path):
    package = copied_package(tmp_path / "package")  # others may change the checkout meanwhile
    environment = {**stand_in, "TILEWRIGHT_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(package)}
    first, _ = compiled(environment, PYTHONHASHSEED="1")
    second, said = compiled(environment, PYTHONHASHSEED="2")
    assert {name: counts[:2] for name, counts in first.items()} == {"_scale": ["0", "1"], "_add": ["0", "1"]}
    assert {name: counts[:2] for name, counts in second.items()} == {"_scale": ["1", "0"], "_add": ["1", "0"]}
    assert [code for *_, code in second.values()] == [code for *_, code in first.values()]
    assert "tilewright" not in said

    file = next(tmp_path.rglob("*_scale*.bin"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    third, said = compiled(environment)
    assert third["_scale"][:2] == ["0", "1"] and third["_add"][:2] == ["1", "0"]
    assert "_scale" in said and "is damaged and is compiled anew (its checksum is wrong)" in said
    fourth, said = compiled(environment)
    assert fourth == second and "tilewright" not in said

    source = package / "tilewright" / "kernels" / "_cuda" / "launch.py"
    source.write_text(source.read_text("utf-8") + "\n# changed\n", "utf-8")
    fifth, _ = compiled(environment)
    assert fifth["_scale"][:2] == ["0", "1"]  # whatever changes the sources changes the folder
    assert len(list(tmp_path.glob("cuda-*"))) == 2


def test_a_cache_that_cannot_be_written_is_no_obstacle(stand_in, tmp_path):
    (tmp_path / "file").write_text("no folder")
    made, said = compiled(stand_in, TILEWRIGHT_CACHE_DIR=str(tmp_path / "file"))
    assert made["_scale"][:2] == ["0", "1"]
    assert said.count("compiled kernels are not kept") == 1


@functools.cache
def cache():
    from tilewright.kernels._cuda import cache

    return cache


def test_all_kernels_are_told_apart():
    from tilewright.kernels._cuda import usage

    found = {}
    for face in usage.faces():
        for entry in usage.compiled(face):
            key = repr(cache().described(entry.function)), str(entry.signature)
            assert found.setdefault(key, entry.name) == entry.name
    assert len(found) > 100


def make(factor, combine, dtype=np.float32, names=frozenset({"a", "b"})):
    def kernel(x, y):
        for i in range(len(x)):
            y[i] = combine(x[i], dtype(factor)) if "a" in names else x[i]

    return kernel


def test_kernels_of_a_factory_are_told_apart_by_what_they_took():
    plus, times = (lambda a, b: a + b), (lambda a, b: a * b)
    kernels = [
        make(1, plus),
        make(1.0, plus),
        make(True, plus),
        make((1, 2), plus),
        make(np.float32(1), plus),
        make(2, plus),
        make(1, times),
        make(1, plus, np.float64),
        make(1, plus, np.dtype(np.float64)),
        make(1, plus, names=frozenset({"a"})),
        make(1, make(1, plus)),
        make(1, make(2, plus)),
    ]
    assert len({cache().described(kernel) for kernel in kernels}) == len(kernels)
    assert cache().described(make(1, plus)) == cache().described(make(1, plus))
    with pytest.raises(TypeError, match="a kernel takes <object object at .*> from around it, and the cache cannot"):
        cache().described(make(object(), plus))


def test_a_file_is_of_one_signature_capability_and_set_of_options(monkeypatch, tmp_path):
    class Card:
        id, compute_capability = 0, (9, 0)

        @property
        def device(self):
            return self

    card = Card()
    monkeypatch.setattr(cache().devices, "get_context", lambda: card)
    monkeypatch.setattr(cache(), "folder", lambda: tmp_path)
    function = make(1, max)
    one, other = cache().DiskCache(function, {}), cache().DiskCache(function, {"max_registers": 64})
    files = {one._file("a"), one._file("b"), other._file("a")}
    card.compute_capability = (8, 0)
    files.add(one._file("a"))
    assert len(files) == 4 and all(file.parent == tmp_path and file.name.count("<") == 0 for file in files)
    assert one._file("a") == cache().DiskCache(make(1, max), {})._file("a")
