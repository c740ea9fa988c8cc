"""Nobody reads or writes beside an array: bounds checks where the code is Numba's, guard pages where it is IR."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .cpus import IS_X86, OTHERS

HERE = Path(__file__).parent
MACHINES = {"this machine": {}, **(OTHERS if IS_X86 else {})}


def run(*arguments, **environment):
    environment = {**os.environ, **environment}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=HERE, capture_output=True, text=True, check=False)


CHECKED = """
import numpy as np
from tilewright.kernels._cpu.jit import inner, kernel
from tilewright.kernels._cpu.threads import spread
from tilewright.kernels.catalog import BY_NAME

@inner
def task(t, x):
    x[t] = 1

@kernel
def write(x, tasks):
    spread(task, tasks, 0, (x,))

@kernel
def element(x, i):
    return x[i]

x = np.zeros(3)
for wrong, error in ((lambda: element(x, 3), IndexError), (lambda: write(x, 4), MemoryError)):
    try:
        wrong()
    except error:
        continue
    raise SystemExit("bounds are not checked")
write(x, 3)  # a task that fails makes MemoryError of whatever it was

for name in ("matmul", "linear", "conv2d"):
    op = BY_NAME[name]
    for case in op.cases:
        arrays = case.make(np.float32)
        forward, expected = (op.forward(face, arrays, case.options) for face in ("public", "reference"))
        dy = np.ones_like(forward[0])
        forward += op.backward("public", dy, arrays, case.options, expected)
        expected += op.backward("reference", dy, arrays, case.options, expected)
        for got, want in zip(forward, expected, strict=True):
            if want is not None:
                np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 * np.abs(want).max(initial=1), err_msg=case.why)
print("right")
"""


def test_no_index_is_out_of_bounds(tmp_path):
    """In float32 alone: the same source makes both."""
    done = run("-c", CHECKED, NUMBA_BOUNDSCHECK="1", TILEWRIGHT_CACHE_DIR=str(tmp_path))
    assert done.stdout == "right\n", done.stderr[-2000:]


needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="guard pages are made with mprotect")


@needs_linux
@pytest.mark.parametrize("side", ("start", "end"))
@pytest.mark.parametrize("machine", MACHINES)
def test_no_call_steps_over_the_ends_of_its_arrays(machine, side):
    done = run("guarded.py", side, 200 if machine == "this machine" else 60, **MACHINES[machine])
    assert done.returncode == 0 and done.stdout.endswith("nothing found\n"), done.stdout[-500:] + done.stderr[-3000:]


STEP = """
import sys
import guarded
import numpy as np
guarded.install(sys.argv[1])
from tilewright.kernels._cpu import memory
from tilewright.kernels._cpu.jit import kernel

@kernel
def step(x, offset, write):
    place = np.uint64(offset)  # else a negative index counts from the end
    if write:
        x[place] = 1
    return x[place]

@kernel
def step_in_scratch(n, offset):
    x = np.empty(n, np.float32)
    x[0] = 1
    return x[np.uint64(offset)]

x = memory.empty((1000,), np.dtype(np.float32))
if sys.argv[2] == "scratch":
    print(step_in_scratch(1000, int(sys.argv[3])))
else:
    print(step(x, int(sys.argv[3]), sys.argv[2] == "write"))
    guarded.look_around()
"""


@needs_linux
@pytest.mark.parametrize("what", ("read", "write", "scratch"))
@pytest.mark.parametrize(
    "side, offset, seen",
    (("end", 999, False), ("end", 1000, True), ("start", 0, False), ("start", -1, True)),
    ids=("last", "behind", "first", "before"),
)
def test_the_guards_see_a_step_to_the_next_element(what, side, offset, seen):
    done = run("-c", STEP, side, what, offset)
    assert done.returncode == (-signal.SIGSEGV if seen else 0), done.stderr[-2000:]


@needs_linux
@pytest.mark.parametrize("side, offset", (("end", -1), ("start", 1000)))
def test_the_canaries_see_a_write_on_the_side_without_a_guard(side, offset):
    done = run("-c", STEP, side, "write", offset)
    assert "written beside arrays of these sizes in bytes: [4000]" in done.stderr
