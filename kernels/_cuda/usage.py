"""What every CUDA kernel takes of a card: registers, shared memory and spills, compiled and compared without one.

A folder's cuda.py, or a file of this folder with kernels of its own, lists in `COMPILED` every kernel with every
signature that its dispatch can choose. usage.txt holds what ptxas said of each when somebody last looked;
`python -m tilewright.kernels._cuda.usage` writes it anew, and with names of folders or of such files their rows alone.
"""

import importlib
import sys
from collections import namedtuple
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from .assemble import assemble

CAPABILITIES = ((8, 0), (9, 0, "a"), (10, 0))  # Ampere, Hopper, Blackwell
GROWTH = 1.1  # a figure may grow to so many times that of the table
TABLE = Path(__file__).with_name("usage.txt")

# a kernel's Python function, a signature such as "void(float32[::1])", a name without blanks, where it can run,
# and the most registers that it is compiled for
Compiled = namedtuple("Compiled", "function signature name capabilities max_registers", defaults=(CAPABILITIES, None))
# `doubles` counts float64 instructions of a kernel whose arguments are not: a literal without its type made them
Figures = namedtuple("Figures", "registers shared spills doubles", defaults=(0,))


def faces():
    """The dotted names of all cuda.py files, and of the files beside this one that list kernels of their own."""
    here = Path(__file__).parent
    package = __package__.rpartition(".")[0]
    own = (path for path in sorted(here.glob("*.py")) if "\nCOMPILED = " in path.read_text("utf-8"))
    folders = sorted(here.parent.glob("*/cuda.py"))
    return [f"{package}.{path.parent.name}.cuda" for path in folders] + [f"{__package__}.{path.stem}" for path in own]


def compiled(face):
    """What a cuda.py file says that it compiles."""
    return [Compiled(*entry) for entry in getattr(importlib.import_module(face), "COMPILED", ())]


def measure(faces, processes=2):
    """{(kernel, target): Figures} of all kernels of some faces."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_figures, face, number) for face in faces for number, _ in enumerate(compiled(face))]
        return {key: figures for job in jobs for key, figures in job.result()}


def _figures(face, number):
    return list(_each(compiled(face)[number]))


def _each(entry):
    """(key, figures) of one kernel for each of its architectures."""
    for capability in entry.capabilities:
        usage = assemble(entry.function, entry.signature, capability, entry.max_registers)
        doubles = 0 if "float64" in str(entry.signature) else usage.ptx.count(".f64")
        yield (entry.name, target(capability)), Figures(usage.registers, usage.shared, usage.spills, doubles)


def target(capability):
    """The assembler's name of an architecture, such as sm_90a."""
    return "sm_" + "".join(map(str, capability))


def complaints(found, known):
    """What is worse in `found` than in `known`, or missing in either, a sentence each."""
    for key in sorted(found.keys() | known.keys()):
        where = " for ".join(key)
        if key not in known or key not in found:
            yield f"{where} is {'not in usage.txt' if key in found else 'in usage.txt, but not compiled'}"
            continue
        if found[key].spills:
            yield f"{where} spills {found[key].spills} bytes"
        if found[key].doubles:
            yield f"{where} has {found[key].doubles} float64 instructions, its arguments are not float64"
        for name in ("registers", "shared"):
            now, before = getattr(found[key], name), getattr(known[key], name)
            if now > GROWTH * before:
                yield f"{where}: {name} grew from {before} to {now}"


def read(text):
    """The figures of a table."""
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {(kernel, target): Figures(*map(int, figures)) for kernel, target, *figures in rows}


def write(figures):
    """The table of figures, as text."""
    width = max(len(kernel) for kernel, _ in figures)
    lines = [
        "# Registers a thread, bytes of static shared memory a block, bytes that a thread spills: by ptxas, not run.",
        "# Written by: python -m tilewright.kernels._cuda.usage",
        f"# {'kernel':{width - 2}}  target  registers  shared  spills",
    ]
    for (kernel, target), (registers, shared, spills, _) in sorted(figures.items()):
        lines.append(f"{kernel:{width}}  {target:6}  {registers:9}  {shared:6}  {spills:6}")
    return "\n".join(lines) + "\n"


def update(folders):
    """Measure the kernels of some folders, or of all, and write their rows anew; those of kernels that are gone go."""
    chosen = [face for face in faces() if not folders or set(face.split(".")[-2:]) & set(folders)]
    names = {entry.name for face in faces() for entry in compiled(face)}
    measured = measure(chosen)
    kept = read(TABLE.read_text("utf-8")) if TABLE.exists() and folders else {}  # read late: it may take others' rows
    figures = {key: value for key, value in kept.items() if key[0] in names} | measured
    TABLE.write_text(write(figures), "utf-8")


if __name__ == "__main__":
    update(sys.argv[1:])
    print(f"Wrote {TABLE}")
