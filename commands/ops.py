"""`python -m tilewright ops`: the catalog, one line an op."""

from pathlib import Path

from ..kernels._check_device import takes_halves
from ..kernels.catalog import OPS

KERNELS = Path(__file__).parents[1] / "kernels"


def show():
    """Print every op: where it is, where it runs, its dtypes, its gradients or what it changes, and its cases."""
    rows = [("op", "folder", "devices", "dtypes", "gradients or updates", "cases")]
    for op in OPS:
        touched = op.updates or [f"d{name}" for name in op.differentiable]
        devices = ", ".join(devices_of(op))
        dtypes = "float32, float64" + ("; on cuda float16, bfloat16" if takes_halves(op.name) else "")
        rows.append((op.name, f"kernels/{op.folder}", devices, dtypes, ", ".join(touched), str(len(op.cases))))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return 0


def devices_of(op):
    """The devices on which an op has a kernel, found in its folder's files: nothing is imported."""
    face = KERNELS / op.folder / "cuda.py"
    name = op.name if op.updates else f"{op.name}_forward"
    return ("cpu", "cuda") if face.exists() and f"\ndef {name}(" in face.read_text("utf-8") else ("cpu",)
