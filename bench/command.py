"""The benchmark command: cases of the catalog, ours beside the peers', as a table or as JSON."""

import functools
import inspect
import json
import platform
import sys

import numpy as np

from ..kernels import _check as check
from ..kernels.catalog import BY_NAME
from . import ceilings, peers, timing


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("ops", nargs="*", help="names of ops, as `python -m tilewright ops` lists them; none: all")
    parser.add_argument("--peers", default="numpy", help="comma-separated, of numpy, torch, jax (default numpy)")
    parser.add_argument("--threads", help="comma-separated thread counts (default: 1 and all)")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    parser.add_argument("--rounds", type=int, default=5, help="turns that every contestant takes (default 5)")
    parser.add_argument("--case", default="", help="only cases whose name contains this")
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")


def run(arguments):
    """Measure and print; returns the exit status."""
    names = [name for name in arguments.peers.split(",") if name]
    try:
        for name in names:
            check.choice("bench", "--peers", name, tuple(peers.PEERS))
        for op in arguments.ops:
            check.choice("bench", "op", op, tuple(BY_NAME))
        threads = _thread_counts(arguments.threads)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    absent = [name for name in names if not peers.installed(name)]
    if absent:
        print(f"absent, not measured: {', '.join(absent)}")
    names = [name for name in names if name not in absent]
    rows = []
    for count in threads:
        rows += _with_threads(count, names, arguments)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": platform.processor() or platform.machine(), "rows": rows}, file, indent=1)
    return 0


def _thread_counts(text):
    import numba

    most = numba.config.NUMBA_NUM_THREADS
    if text is None:
        return sorted({1, most})
    counts = [int(word) if word.isdigit() else 0 for word in text.split(",")]
    if not all(1 <= count <= most for count in counts):
        raise ValueError(f"bench: --threads is {text!r}, expected numbers from 1 to {most}, separated by commas")
    return counts


def _with_threads(threads, names, arguments):
    import numba

    numba.set_num_threads(threads)
    with peers.limit_threads(names, threads):
        dtype = np.dtype(arguments.dtype)
        ceiling = ceilings.flops(threads, dtype)
        copied = ceilings.bandwidth()
        print(
            f"\n{threads} thread{'s' * (threads > 1)}, {dtype}: at most {ceiling / 1e9:.0f} GFLOP/s from registers, "
            f"{copied / 1e9:.1f} GB/s copied"
        )
        rows = []
        for op in arguments.ops or BY_NAME:
            for case in BY_NAME[op].bench:
                if arguments.case in case.why:
                    rows += _case(BY_NAME[op], case, dtype, names, arguments.rounds, threads, ceiling, copied)
        _summary(rows)
        return rows


def _case(op, case, dtype, names, rounds, threads, ceiling, copied):
    """A row for the forward, and for the gradients where there are any: all of them, and without the input's."""
    arrays = case.make(dtype)
    results = op.forward("public", arrays, case.options)
    contestants = {"forward": {"ours": op.forward_call("public", arrays, case.options)}}
    dy = np.random.default_rng(1).standard_normal(np.shape(results[0])).astype(dtype)
    if op.differentiable:
        backward = op.backward_call("public", dy, arrays, case.options, results)
        contestants["backward"] = {"ours": backward}
        if "need_dx" in inspect.signature(backward).parameters:
            contestants["weights"] = {"ours": functools.partial(backward, need_dx=False)}
    for name in names:
        for label, products in peers.PEERS[name](op.name, arrays, case.options, dy).items():
            for product in contestants.keys() & products.keys():
                contestants[product][label] = products[product]
    rows = []
    for product, calls in contestants.items():
        times = timing.alternate(calls, rounds)
        rows.append(_row(op, case, product, threads, arrays, times, ceiling, copied))
    return rows


def _row(op, case, product, threads, arrays, times, ceiling, copied):
    row = {"op": op.name, "case": case.why, "product": product, "threads": threads, "seconds": times}
    text = f"{op.name:12s} {case.why:28.28s} {product:8s} {times['ours'] * 1e6:10.1f} us"
    passes = 2 if product == "backward" else 1
    if op.flops:
        row["flops"] = passes * op.flops(arrays, case.options) / times["ours"]
        row["share"] = row["flops"] / ceiling
        text += f" {row['flops'] / 1e9:8.1f} GFLOP/s {100 * row['share']:5.1f} %"
    elif op.bytes and product == "forward":
        row["bandwidth"] = op.bytes(arrays, case.options) / times["ours"]
        row["share"] = row["bandwidth"] / copied
        text += f" {row['bandwidth'] / 1e9:8.1f} GB/s    {100 * row['share']:5.1f} %"
    others = {name: time for name, time in times.items() if name != "ours"}
    if others:
        best = min(others, key=others.get)
        row["ratio"] = others[best] / times["ours"]
        text += f"   {row['ratio']:5.2f} x {best}"
        text += "".join(f"   {name} {time * 1e6:.1f} us" for name, time in others.items())
    if op.note:
        row["note"] = op.note(arrays, case.options)
        text += f"   {row['note']}"
    print(text.rstrip(), flush=True)
    return row


def _summary(rows):
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    if ratios:
        print(
            f"ratio of the best peer's time to ours: geometric mean {np.exp(np.mean(np.log(ratios))):.2f}, "
            f"least {min(ratios):.2f}, over {len(ratios)} products"
        )
