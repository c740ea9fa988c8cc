"""`python -m tilewright compile`: the catalog's CPU kernels, compiled ahead and kept on disk, so that no program has to
wait for its own.

A kernel does not know shapes: it is enough to call each op on all its small cases. What compiling takes, or loading
where a kernel is on disk already, is told by calling twice.
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from ..kernels._compare import arrays_of, computed, random_dy
from ..kernels.catalog import OPS, find

DTYPES = ("float32", "float64")
LARGEST = 20_000  # elements of a case
SHOWN = 5  # of the slowest ops


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("ops", nargs="*", help="names of ops, as `python -m tilewright ops` lists them; none: all")
    parser.add_argument("--dtype", choices=DTYPES, help="only this one (default: both)")
    parser.add_argument("--processes", type=int, default=2, help="how many compile side by side (default 2)")


def run(arguments):
    """Compile and print; returns the exit status."""
    try:
        chosen = [find("compile", name) for name in dict.fromkeys(arguments.ops)] or OPS
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.processes < 1:
        print(f"compile: --processes is {arguments.processes}, expected at least 1", file=sys.stderr)
        return 2
    from ..kernels._cpu.jit import cache_folder

    folder = cache_folder()
    if folder is None:
        print("compile: there is no folder for compiled kernels; set TILEWRIGHT_CACHE_DIR to one", file=sys.stderr)
        return 1
    before, start = len(list(folder.glob("*.bin"))), time.perf_counter()
    dtypes = DTYPES if arguments.dtype is None else (arguments.dtype,)
    # a folder's ops share kernels, so one process takes them all
    parts = {op.folder: [other.name for other in chosen if other.folder == op.folder] for op in chosen}
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(compile_ops, names, dtypes) for names in parts.values()]
        seconds = {name: taken for job in jobs for name, taken in job.result().items()}
    for name in sorted(seconds, key=seconds.get, reverse=True)[:SHOWN]:
        print(f"{name:32s} {seconds[name]:6.2f} s")
    files = list(folder.glob("*.bin"))
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    print(
        f"{len(files) - before} kernels compiled, {before} were there, {megabytes:.1f} MB in {folder}\n"
        f"{time.perf_counter() - start:.1f} s, of which compiling and loading {sum(seconds.values()):.1f} s "
        f"in {arguments.processes} processes"
    )
    return 0


def compile_ops(names, dtypes):
    """{op's name: seconds that its first calls took longer than its second ones}."""
    return {name: sum(_compile(find("compile", name), dtype) for dtype in dtypes) for name in names}


def _compile(op, dtype):
    seconds = 0.0
    for case in op.cases:
        arrays = arrays_of(op, case, dtype)
        if sum(x.size for x in arrays.values()) <= LARGEST:
            first, second = (_called(op, case, arrays, dtype) for _ in range(2))
            seconds += max(0.0, first - second)
    return seconds


def _called(op, case, arrays, dtype):
    copies = {name: x.copy() for name, x in arrays.items()}
    start = time.perf_counter()
    computed(op, "public", copies, case.options, lambda y: random_dy(y, dtype))
    return time.perf_counter() - start
