"""The benchmark command: cases of the catalog, ours beside the peers', as a table, as JSON or as a chart."""

import functools
import importlib.util
import inspect
import json
import os
import platform
import sys

import numpy as np

from ..kernels import _check as check
from ..kernels.catalog import BY_NAME, find
from . import ceilings, device, device_peers, peers, report, steps, timing


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("ops", nargs="*", help="names of ops, as `python -m tilewright ops` lists them; none: all")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where (default cpu)")
    parser.add_argument(
        "--peers",
        help="comma-separated, of numpy, torch, jax (default numpy; with --step torch, jax); with --device cuda of "
        "torch, cupy (both)",
    )
    parser.add_argument("--threads", help="comma-separated thread counts (default: 1 and all); not with --device cuda")
    parser.add_argument(
        "--dtype", default="float32", choices=device.DTYPES, help="the last two with --device cuda, for products"
    )
    parser.add_argument("--all", action="store_true", help="with --device cuda: products in 16 bits and a step as well")
    parser.add_argument(
        "--step",
        action="store_true",
        help="training steps of models; with --device cuda: that of a CNN as well",
    )
    parser.add_argument("--seconds", type=float, help="with --device cuda: begin no case after so many")
    parser.add_argument("--rounds", type=int, default=5, help="turns that every contestant takes (default 5)")
    parser.add_argument(
        "--case", default="", help="only cases whose name contains this; `python -m tilewright ops OP` lists them"
    )
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    parser.add_argument(
        "--plot", metavar="FILE", help="draw the results there as well, as PNG or SVG by the name's ending"
    )


def run(arguments):
    """Measure and print; returns the exit status."""
    on_cuda = arguments.device == "cuda"
    known = device_peers.PEERS if on_cuda else steps.PEERS if arguments.step else peers.PEERS
    usual = "numpy" if known is peers.PEERS else ",".join(known)
    names = [name for name in (usual if arguments.peers is None else arguments.peers).split(",") if name]
    try:
        for name in names:
            check.choice("bench", "--peers", name, tuple(known))
        for op in arguments.ops:
            find("bench", op)
        check.whole("bench", "--rounds", arguments.rounds, 1)
        _can_be_written("--json", arguments.json)
        _can_be_written("--plot", arguments.plot, report.ENDINGS)
        _fit_together(arguments)
        threads = _thread_counts(arguments.threads)
        cases = [] if on_cuda else steps.chosen(arguments.case) if arguments.step else _cases(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if on_cuda:
        return device.run(arguments)
    for module, extra, wanted in (("threadpoolctl", "bench", True), ("matplotlib", "examples", arguments.plot)):
        if wanted and importlib.util.find_spec(module) is None:
            remedy = f"pip install \".[{extra}]\" in a clone, elsewhere pip install 'tilewright[{extra}]'"
            print(f"bench:{' --plot' * (wanted is not True)} needs {module}: {remedy}", file=sys.stderr)
            return 1
    absent = [name for name in names if not peers.installed(name)]
    if absent:
        print(f"absent, not measured: {', '.join(absent)}")
    names = [name for name in names if name not in absent]
    rows = []
    for count in threads:
        if arguments.step:
            rows += steps.with_threads(count, names, cases, arguments.rounds)
        else:
            rows += _with_threads(count, names, cases, np.dtype(arguments.dtype), arguments.rounds)
    machine = platform.processor() or platform.machine()
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": machine, "dtype": arguments.dtype, "rows": rows}, file, indent=1)
    if arguments.plot:
        report.chart(rows, arguments.plot, f"{arguments.dtype}, {machine}")
    return 0


def _fit_together(arguments):
    """Options of one device are not given with the other."""
    if arguments.device == "cuda":
        wrong = {"--threads": arguments.threads, "--plot": arguments.plot}
    else:
        half = arguments.dtype if arguments.dtype not in ("float32", "float64") else None
        wrong = {
            "--dtype": half,
            "--all": arguments.all or None,
            "--seconds": arguments.seconds,
        }
    for option, value in wrong.items():
        if value is not None:
            raise ValueError(f"bench: {option} is {value!r}, which does not go with --device {arguments.device}")
    if arguments.step and arguments.device == "cpu":
        for option, value, only in (("ops", arguments.ops, []), ("--dtype", arguments.dtype, "float32")):
            if value != only:
                remedy = "--case chooses programs, which are float32"
                raise ValueError(f"bench: {option} is {value!r}, which does not go with --step; {remedy}")


def _cases(arguments):
    """The pairs of op and case that are asked for."""
    ops = [BY_NAME[op] for op in arguments.ops or BY_NAME]
    cases = [(op, case) for op in ops for case in op.bench if arguments.case in case.why]
    if not cases:
        raise ValueError(
            f"bench: --case is {arguments.case!r}, which is in the name of no case; "
            f"see them with `python -m tilewright ops {ops[0].name}`"
        )
    return cases


def _can_be_written(option, path, endings=()):
    """A file at `path` can be made, and is named so that its kind is known; None is allowed."""
    if path is None:
        return
    if endings and not path.lower().endswith(endings):
        raise ValueError(f"bench: {option} is {path!r}, expected a name that ends in {' or '.join(endings)}")
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.path.isdir(folder):
        which, what = (path, "is a folder") if os.path.isdir(path) else (folder, "is no folder")
        raise ValueError(f"bench: {option} is {path!r}, expected a file's name, but {which!r} {what}")
    place = path if os.path.exists(path) else folder
    if not os.access(place, os.W_OK):
        raise ValueError(f"bench: {option} is {path!r}, but {place!r} cannot be written")


def _thread_counts(text):
    import numba

    most = numba.config.NUMBA_NUM_THREADS
    if text is None:
        return sorted({1, most})
    counts = [int(word) if word.isdigit() else 0 for word in text.split(",")]
    if not all(1 <= count <= most for count in counts):
        raise ValueError(f"bench: --threads is {text!r}, expected numbers from 1 to {most}, separated by commas")
    return list(dict.fromkeys(counts))


def _with_threads(threads, names, cases, dtype, rounds):
    import numba

    numba.set_num_threads(threads)
    with peers.limit_threads(names, threads) as limited:
        ceiling = ceilings.flops(threads, dtype)
        copied = ceilings.bandwidth()
        print(
            f"\n{threads} thread{'s' * (threads > 1)}, {dtype}: at most {ceiling / 1e9:.0f} GFLOP/s from registers, "
            f"{copied / 1e9:.1f} GB/s copied"
        )
        for name in names:
            if name not in limited:
                print(f"not measured, as it takes more cores than {threads}: {name}")
        rows = []
        for op, case in cases:
            rows += _case(op, case, dtype, limited, rounds, threads, ceiling, copied)
        if said := report.summary(rows):
            print(said)
        return rows


def _case(op, case, dtype, names, rounds, threads, ceiling, copied):
    """A row for the forward, and for the gradients where there are any: all of them, and without the input's."""
    arrays = case.make(dtype)
    results = op.forward("public", arrays, case.options)
    contestants = {"forward": {"ours": op.forward_call("public", arrays, case.options)}}
    moved = {"forward": op.forward_bytes(arrays, case.options, results)}
    dy = np.random.default_rng(1).standard_normal(np.shape(results[0])).astype(dtype)[()]  # a number for a loss
    if op.differentiable:
        backward = op.backward_call("public", dy, arrays, case.options, results)
        contestants["backward"] = {"ours": backward}
        moved["backward"] = op.backward_bytes(backward, backward())
        if "need_dx" in inspect.signature(backward).parameters:
            contestants["weights"] = {"ours": functools.partial(backward, need_dx=False)}
    for name in names:
        for label, products in peers.PEERS[name](op.name, arrays, case.options, dy).items():
            for product in contestants.keys() & products.keys():
                contestants[product][label] = products[product]
    rows = []
    for product, calls in contestants.items():
        times = timing.alternate(calls, rounds)
        rows.append(_row(op, case, product, threads, arrays, times, ceiling, copied, moved))
    return rows


def _row(op, case, product, threads, arrays, times, ceiling, copied, moved):
    row = {"op": op.name, "case": case.why, "product": product, "threads": threads, "seconds": times}
    if op.flops:
        passes = 2 if product == "backward" else 1
        row["flops"] = passes * op.flops(arrays, case.options) / times["ours"]
        row["share"] = row["flops"] / ceiling
    else:
        row["bandwidth"] = moved[product] / times["ours"]
        row["share"] = row["bandwidth"] / copied
    others = [time for name, time in times.items() if name != "ours"]
    if others:
        row["ratio"] = min(others) / times["ours"]
    if op.note:
        row["note"] = op.note(arrays, case.options)
    print(report.line(row), flush=True)
    return row
