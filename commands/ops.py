"""`python -m tilewright ops`: the catalog, one line an op, as text or as the page docs/ops.md; or all about one op."""

import inspect
import re
import sys
from pathlib import Path

import numpy as np

from .. import kernels
from ..bench.device_cases import CASES
from ..kernels._check_device import takes_halves
from ..kernels.catalog import OPS, find

KERNELS = Path(kernels.__file__).parent
PAGE = """\
# Ops

Made from the catalog by `python -m tilewright ops --markdown > docs/ops.md`. Gradients are what the backward returns;
of an optimizer's step, the arrays that it changes stand there. Cases are the calls on which each device is compared
with the reference: `python -m tilewright ops relu` shows those of `relu`, and its signatures.
"""


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("ops", nargs="*", help="names of ops, to see their signatures and cases; none: a line for each")
    parser.add_argument("--markdown", action="store_true", help="print the page docs/ops.md")


def run(arguments):
    """Print what is asked for; returns the exit status."""
    try:
        if arguments.ops and arguments.markdown:
            raise ValueError("ops: --markdown prints all ops, expected no names beside it")
        ops = [find("ops", name) for name in dict.fromkeys(arguments.ops)]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.markdown:
        print("\n".join([PAGE, *page()]))
    elif ops:
        print("\n\n".join("\n".join(details(op)) for op in ops))
    else:
        rows = [row(op) for op in OPS]
        print("\n".join(aligned([list(rows[0]), *(cells.values() for cells in rows)])))
    return 0


def row(op):
    """{column: cell} of an op, for the text and the page alike."""
    return {
        "op": op.name,
        "folder": f"kernels/{op.folder}",
        "devices": ", ".join(devices_of(op)),
        "dtypes": "float32, float64" + ("; on cuda float16, bfloat16" if takes_halves(op.name) else ""),
        "gradients or updates": ", ".join(op.updates or [f"d{name}" for name in op.differentiable]) or "none",
        "cases": str(len(op.cases)),
    }


def page():
    """The lines of a table in Markdown: each op links to its folder, and what it computes is added."""
    rows = []
    for op in OPS:
        cells = row(op)
        link = f"[{cells.pop('op')}](../{cells.pop('folder')})"
        rows.append({"op": link, "what it is": escaped(summary(op)), **cells})
    for cells in (rows[0].keys(), ["---"] * len(rows[0]), *(cells.values() for cells in rows)):
        yield f"| {' | '.join(cells)} |"


def details(op):
    """The lines that say what one op computes: its row, its signatures, its cases by name, shapes and options."""
    yield f"{op.name}: {summary(op)}"
    yield from aligned([item for item in row(op).items() if item[0] not in ("op", "cases")])
    yield ""
    for name in (op.name, *(f"{op.name}_{kind}" for kind in ("forward", "backward", "with_gradient"))):
        if name in kernels.__all__:
            yield f"{name}{inspect.signature(getattr(kernels, name))}"
    for users, cases in (("`check` and the tests", op.cases), ("`bench`", op.bench)):
        if cases:
            yield f"\ncases of {users}"
            yield from aligned([_described(case) for case in cases])
    if "cuda" in devices_of(op) and op.name in CASES:
        yield f"\ncases of `bench --device cuda`: {'; '.join(case.why for case in CASES[op.name])}"


def _described(case):
    """(name, arrays and options) of a case."""
    arrays = [f"{name} {np.shape(x)}" for name, x in case.make(np.float32).items()]
    return f"    {case.why}", ", ".join([*arrays, *(f"{name}={value!r}" for name, value in case.options.items())])


def summary(op):
    """The first sentence of the docstring of an op's forward, or of its update."""
    text = inspect.getdoc(getattr(kernels, op.name if op.updates else f"{op.name}_forward"))
    text = " ".join(text.partition("\n\n")[0].split())
    return re.match(r".*?\.(?= |$)|.*", text)[0]


def escaped(text):
    """Plain text as a cell in Markdown: stars outside of code, and bars everywhere."""
    parts = text.split("`")
    parts[::2] = (part.replace("*", r"\*") for part in parts[::2])
    return "`".join(parts).replace("|", r"\|")


def aligned(rows):
    """Lines of rows of cells, in columns."""
    rows = [tuple(cells) for cells in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in rows]


def devices_of(op):
    """The devices on which an op has a kernel, found in its folder's files: nothing is imported."""
    face = KERNELS / op.folder / "cuda.py"
    name = op.name if op.updates else f"{op.name}_forward"
    return ("cpu", "cuda") if face.exists() and f"\ndef {name}(" in face.read_text("utf-8") else ("cpu",)
