"""What is shown of a run on a card: a heading, a line a row while it is measured, and a short table last.

A row is a dict: op, case, product, dtype; then wrong (sentences) or failed (a sentence), or seconds and host_seconds
{"ours": s, peer: s, …}, flops or bandwidth (a second), share (of the ceiling), ratio (the best peer's time over ours).
"""

import datetime
import importlib.metadata
import platform
import shutil
import subprocess

import numpy as np

PACKAGES = ("tilewright", "numba-cuda", "numba", "numpy", "torch", "cupy-cuda13x")


def facts(cache):
    """The card, its driver, the versions and the date: without them no figure is worth keeping."""
    from numba import config, cuda

    from ..kernels._cuda import elementwise, state

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "card": state.device(),
        "simulated": bool(config.ENABLE_CUDASIM),
        "driver": None if config.ENABLE_CUDASIM else driver(),
        "cuda": None if config.ENABLE_CUDASIM else ".".join(map(str, cuda.cudadrv.driver.get_version())),
        "multiprocessors": elementwise.multiprocessors(),
        "l2_bytes": cache,
        "python": platform.python_version(),
        "versions": versions,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }


def driver():
    """The driver's version as nvidia-smi prints it; None where that cannot be had."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    said = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return said[0].strip() if said else None


def heading(facts, ceilings, simulated):
    """What was measured on, and what it can do at most."""
    if simulated:
        return f"{facts['card']}: no GPU. Its times are Python's and say nothing of any card."
    tensor = f", {ceilings.rate('bfloat16') / 1e12:.0f} of bfloat16 by mma.sync" if ceilings.tensor_cores else ""
    absent = "".join(f"\nnot measured: {name}, {why}" for name, why in facts["peers_absent"].items())
    return (
        f"{facts['card']}, driver {facts['driver']}, CUDA {facts['cuda']}, {facts['multiprocessors']} multiprocessors, "
        f"L2 of {facts['l2_bytes'] / 2**20:.0f} MiB, numba-cuda {facts['versions']['numba-cuda']}, {facts['date']}\n"
        f"copied: {ceilings.copied / 1e9:.0f} GB/s by our kernel, {ceilings.copied_by_driver / 1e9:.0f} by the driver; "
        f"from registers: {ceilings.rate('float32') / 1e12:.1f} TFLOP/s of float32{tensor}{absent}"
    )


def line(row):
    """A row as a line."""
    text = f"{row['op']:12.12s} {row['case']:24.24s} {row['dtype']:8s} {row['product']:8s}"
    if "failed" in row:
        return f"{text} failed: {row['failed']}"
    if "wrong" in row:
        return f"{text} wrong, not timed: {'; '.join(row['wrong'])}"
    times = row["seconds"]
    text += f" {times['ours'] * 1e6:9.1f} us {rate(row)}"
    if "ratio" in row:
        best = min((name for name in times if name != "ours"), key=times.get)
        text += f" {row['ratio']:5.2f} x {best}"
    return text


def rate(row):
    """TFLOP/s or GB/s and the share of the ceiling, where there is one."""
    if "share" not in row:
        return " " * 23
    text = f"{row['flops'] / 1e12:7.2f} TFLOP/s" if "flops" in row else f"{row['bandwidth'] / 1e9:7.0f} GB/s   "
    return f"{text} {100 * row['share']:5.1f} %"


def table(rows, left=()):
    """A line for each op, dtype and product: the least and the best share, and the ratios to the best peer."""
    groups = {}
    for row in rows:
        groups.setdefault((row["op"], row["dtype"], row["product"]), []).append(row)
    lines = ["", f"{'op':32s} {'dtype':8s} {'product':8s} cases  share of ceiling   best peer's time / ours"]
    for (op, dtype, product), of in groups.items():
        text = f"{op:32s} {dtype:8s} {product:8s} {len(of):5d}"
        bad = sorted({word for row in of for word in ("wrong", "failed") if word in row})
        if bad:
            lines.append(f"{text}  {' and '.join(bad)}")
            continue
        shares = [100 * row["share"] for row in of if "share" in row]
        text += f"  {min(shares):5.1f} to {max(shares):5.1f} %" if shares else " " * 18
        ratios = [row["ratio"] for row in of if "ratio" in row]
        if ratios:
            mean = np.exp(np.mean(np.log(ratios)))
            text += f"   {min(ratios):.2f} to {max(ratios):.2f}, geometric mean {mean:.2f}"
        lines.append(text)
    if left:
        lines.append(f"no time left for {len(left)} of the cases: {', '.join(left)}")
    return "\n".join(lines)
