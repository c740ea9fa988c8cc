"""`python -m tilewright bench --device cuda`: kernels on a card, beside cuBLAS and cuDNN, as shares of its ceilings.

Every result is compared with the reference before it is timed; one that is wrong is said to be so and not timed.
"""

import functools
import importlib.util
import inspect
import json
import sys
import time

import numpy as np

from ..kernels._compare import computed, random_dy
from ..kernels.catalog import BY_NAME
from . import device_cases, device_peers, device_report, device_step, device_timing, device_verify

DTYPES = ("float32", "float64", "float16", "bfloat16")
NEEDS_ML_DTYPES = "needs ml_dtypes, which gives NumPy that dtype: pip install ml_dtypes"
PRODUCTS = ("matmul", "linear")  # which are measured in 16 bits too


def run(arguments):
    """Measure and print; returns the exit status: 1 if a result is wrong or a kernel fails."""
    from ..kernels._cuda import state

    reason = state.why_not()
    if reason:
        print(f"bench: CUDA cannot be used here: {reason}", file=sys.stderr)
        return 1
    try:
        jobs = plan(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    names = list(device_peers.PEERS) if arguments.peers is None else [n for n in arguments.peers.split(",") if n]
    step = arguments.step or arguments.all
    return Bench(names, arguments.rounds).run(jobs, arguments.seconds, arguments.json, step)


def plan(arguments):
    """The triples of op, case and dtype that are asked for."""
    from numba import config

    ops = [op for op in map(BY_NAME.get, arguments.ops or BY_NAME) if has_cuda(op)]
    dtypes = ("float32", "float16", "bfloat16") if arguments.all else (arguments.dtype,)
    if "bfloat16" in dtypes and importlib.util.find_spec("ml_dtypes") is None:
        if not arguments.all:
            raise ValueError(f"bench: --dtype bfloat16 {NEEDS_ML_DTYPES}")
        print(f"not measured: bfloat16, which {NEEDS_ML_DTYPES}")
        dtypes = dtypes[:2]
    if config.ENABLE_CUDASIM:
        dtypes = ("float32",)
    jobs = [
        (op, case, dtype)
        for op in ops
        for dtype in dtypes
        if dtype in ("float32", "float64") or op.name in PRODUCTS
        for case in device_cases.cases_of(op, config.ENABLE_CUDASIM)
        if arguments.case in case.why
    ]
    if not jobs:
        raise ValueError(
            f"bench: no case is named like {arguments.case!r} and has a CUDA kernel for {' or '.join(dtypes)}"
        )
    return jobs


def has_cuda(op):
    """Whether an op has a CUDA face."""
    try:
        return hasattr(op.face("cuda"), op.name if op.updates else f"{op.name}_forward")
    except ModuleNotFoundError:
        return False


class Bench:
    """One run: what the card can do at most, and the rows measured so far."""

    def __init__(self, peers, rounds):
        from numba import config

        from ..kernels._cuda import simulator
        from . import device_ceilings

        self.simulated = bool(config.ENABLE_CUDASIM)
        if self.simulated:
            simulator.prepare()
        self.rounds = rounds
        self.absent = device_peers.absent(peers)
        self.peers = [] if self.simulated else [name for name in peers if name not in self.absent]
        self.ceilings = device_ceilings.Ceilings()
        self.cache = device_ceilings.cache_size()
        self.facts = device_report.facts(self.cache) | {"peers_absent": self.absent}
        self.rows = []
        self.left = []

    def run(self, jobs, seconds, path, step=False):
        """Measure a training step if asked, and the jobs that can be begun within `seconds`; the exit status.

        What is measured so far is in the file at `path` after each of them.
        """
        start = time.perf_counter()
        print(device_report.heading(self.facts, self.ceilings, self.simulated))
        if step:
            self._keep(self._step(), path)
        for op, case, dtype in jobs:
            if seconds is not None and time.perf_counter() - start > seconds:
                self.left.append(f"{op.name} {case.why} {dtype}")
                continue
            try:
                found = self.measure(op, case, dtype)
            except Exception as error:  # the next case may do: what failed is said and makes the status 1
                found = [self._row(op, case, dtype, "", failed=f"{type(error).__name__}: {error}")]
            self._keep(found, path)
        self._keep([], path)
        print(device_report.table(self.rows, self.left))
        return 1 if any("wrong" in row or "failed" in row for row in self.rows) else 0

    def _step(self):
        try:
            return [device_step.measure(self.peers, rounds=self.rounds)]
        except Exception as error:
            return [{**device_step.ROW, "failed": f"{type(error).__name__}: {error}"}]

    def _keep(self, rows, path):
        """Print rows, and write what is measured so far."""
        for row in rows:
            print(device_report.line(row), flush=True)
        self.rows += rows
        if path:
            whole = {**self.facts, "ceilings": self.ceilings.facts(), "rows": self.rows, "not_measured": self.left}
            with open(path, "w") as file:
                json.dump(whole, file, indent=1)

    def measure(self, op, case, dtype):
        """The rows of a case: of the forward and the gradients, or of the update."""
        if dtype == "bfloat16":
            import ml_dtypes  # noqa: F401  gives NumPy a bfloat16
        arrays = case.make(np.dtype(dtype))
        size = sum(x.nbytes for x in arrays.values())
        sets = Sets(op, case, arrays, device_timing.sets(size, self.cache))
        said = device_verify.wrong(op, case, dtype, arrays, sets.dy, sets.results())
        if said:
            return [self._row(op, case, dtype, "", wrong=said)]
        contestants = {product: {} for product in sets.calls}
        self._add(contestants, {"ours": sets.calls}, self._elapsed())
        for name in self.peers:
            calls, elapsed = device_peers.PEERS[name](op.name, sets.pairs(), case.options)
            self._add(contestants, calls, elapsed)
        rows = []
        for product, of in contestants.items():
            times = device_timing.alternate(of, self.ceilings.occupy, self.rounds)
            row = self._row(op, case, dtype, product, sets=len(sets.arrays), input_bytes=size)
            rows.append(self._rated(row, op, case, arrays, times, sets.bytes[product]))
        return rows

    def _elapsed(self):
        from ..kernels._cuda.events import elapsed

        return elapsed

    def _add(self, contestants, calls, elapsed):
        for label, products in calls.items():
            for product in contestants.keys() & products.keys():
                contestants[product][label] = device_timing.Contestant(products[product], elapsed)

    def _row(self, op, case, dtype, product, **more):
        return {"op": op.name, "case": case.why, "product": product, "dtype": dtype, **more}

    def _rated(self, row, op, case, arrays, times, moved):
        row["seconds"] = {name: one.device for name, one in times.items()}
        row["host_seconds"] = {name: one.host for name, one in times.items()}
        ours = times["ours"].device
        if op.flops:
            row["flops"] = (2 if row["product"] == "backward" else 1) * op.flops(arrays, case.options) / ours
            row["share"] = row["flops"] / self.ceilings.rate(row["dtype"])
        else:
            row["bandwidth"] = moved / ours
            row["share"] = row["bandwidth"] / self.ceilings.best()
        others = [one.device for name, one in times.items() if name != "ours"]
        if others:
            row["ratio"] = min(others) / ours
        return row


class Sets:
    """A case's arrays on the device, several times, and the calls on each of them."""

    def __init__(self, op, case, host, count):
        from ..kernels._cuda import memory

        self._memory, self._op, self._case = memory, op, case
        first = {name: self._put(x) for name, x in host.items()}
        self.arrays = [first] + [{name: self._again(x) for name, x in first.items()} for _ in range(count - 1)]
        options = case.options
        self.dy = None
        self.calls, self.bytes = {}, {}
        outs = [{}] * count
        if not op.updates:
            self._forward = [op.forward("public", arrays, options) for arrays in self.arrays]
            if "out" in inspect.signature(getattr(op.face("public"), f"{op.name}_forward")).parameters:
                outs = [{"out": results[0]} for results in self._forward]
        forward = [op.forward_call("public", *pair) for pair in zip(self.arrays, ({**options, **out} for out in outs))]
        self.calls["forward"] = forward
        self.bytes["forward"] = op.forward_bytes(host, options, () if op.updates else self._forward[0])
        if op.differentiable:
            self._add_backward(op, options)

    def _add_backward(self, op, options):
        y = self._forward[0][0]
        self.dy = dy = self._dy(y)
        self._dys = [dy if np.ndim(dy) == 0 else self._put(dy)]
        self._dys += [dy if np.ndim(dy) == 0 else self._again(self._dys[0]) for _ in self.arrays[1:]]
        pairs = zip(self._dys, self.arrays, self._forward)
        calls = [op.backward_call("public", dy, arrays, options, results) for dy, arrays, results in pairs]
        self.calls["backward"] = calls
        self.bytes["backward"] = op.backward_bytes(calls[0], calls[0]())
        if "need_dx" in inspect.signature(calls[0].func).parameters:
            self.calls["weights"] = [_without_dx(call) for call in calls]
            self.bytes["weights"] = 0  # only products have it

    def results(self):
        """{name: NumPy array} of everything that is computed from the first set; an update changes that set."""
        dy = self._dys[0] if self.dy is not None else None
        results = computed(self._op, "public", self.arrays[0], self._case.options, dy)
        return {name: _host(x) for name, x in results.items()}

    def pairs(self):
        """(arrays, dy) of each set."""
        dys = self._dys if self.dy is not None else [None] * len(self.arrays)
        return list(zip(self.arrays, dys))

    def _dy(self, y):
        dtype = y.dtype
        if np.ndim(y) == 0 or y.size <= device_cases.BLOCK:
            return random_dy(np.empty(y.shape), dtype)
        return device_cases.repeated(*y.shape)(np.random.default_rng(1), dtype)

    def _put(self, x):
        if x.dtype.kind == "V":  # bfloat16, which goes as the bits that it is
            return self._memory.to_device(x.view(np.uint16)).view(x.dtype)
        return self._memory.to_device(x)

    def _again(self, x):
        if x.dtype.kind == "V":
            return self._again(x.view(np.uint16)).view(x.dtype)
        y = self._memory.empty(x.shape, x.dtype)
        self._memory.copy(x, y)
        return y


def _without_dx(call):
    return functools.partial(call, need_dx=False)


def _host(x):
    return x.copy_to_host() if hasattr(x, "copy_to_host") else np.asarray(x)
