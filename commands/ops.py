"""`python -m tilewright ops`: the catalog, one line an op."""

from ..kernels.catalog import OPS


def show():
    """Print every op with its folder, what it has gradients for or changes, and its numbers of test cases."""
    rows = [("op", "folder", "gradients or updates", "cases")]
    for op in OPS:
        touched = op.updates or [f"d{name}" for name in op.differentiable]
        rows.append((op.name, f"kernels/{op.folder}", ", ".join(touched), str(len(op.cases))))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return 0
