"""The same work in other libraries, for the catalog's cases; a peer that is not installed is named as absent.

A peer is a function (op, arrays, options, dy) -> {label: {product: function without arguments}}, empty where it has
no such op. Products: "forward", "backward" for all gradients at once, "weights" for those of all but the input.
"""

import contextlib
import importlib
import importlib.util
import os
import time

import numpy as np

from ..kernels.catalog import BY_NAME

FAMILIES = [
    importlib.import_module(f".peer_{name}", __package__)
    for name in (
        "activations",
        "attention",
        "convolutions",
        "losses",
        "norms",
        "optimizers",
        "pools",
        "products",
        "random",
        "recurrent",
        "reductions",
        "rows",
        "shapes",
    )
]
TORCH = {op: make for family in FAMILIES for op, make in family.TORCH.items()}
JAX = {op: make for family in FAMILIES for op, make in family.JAX.items()}


def numpy(op, arrays, options, dy):
    """The reference."""
    op = BY_NAME[op]
    products = {"forward": op.forward_call("reference", arrays, options)}
    if op.differentiable:
        results = op.forward("reference", arrays, options)
        products["backward"] = op.backward_call("reference", dy, arrays, options, results)
    return {"numpy": products}


def torch(op, arrays, options, dy):
    """PyTorch on the CPU, arrays shared; images in both of its layouts, of which channels-last is ours."""
    import torch as t

    return torch_contestants(t, op, {name: t.from_numpy(x) for name, x in arrays.items()}, options, t.as_tensor(dy))


def torch_contestants(t, op, arrays, options, dy):
    """{label: {product: function}} of PyTorch's tensors, on whatever device they are."""
    return TORCH[op](t, arrays, options, dy) if op in TORCH else {}


def jax(op, arrays, options, dy):
    """JAX on the CPU, compiled; gradients start from what `vjp` kept of a forward, as ours do."""
    import jax as j

    j.config.update("jax_enable_x64", dy.dtype == np.float64)
    return JAX[op](j, arrays, options, dy) if op in JAX else {}


PEERS = {"numpy": numpy, "torch": torch, "jax": jax}


def installed(name):
    """Whether a peer can be imported."""
    return importlib.util.find_spec(name) is not None


@contextlib.contextmanager
def limit_threads(names, threads):
    """Set every peer's thread count; yields the names of those that keep to it, measured."""
    from threadpoolctl import threadpool_limits

    with contextlib.ExitStack() as undo:
        undo.enter_context(threadpool_limits(threads))
        for name, limit in (("torch", _limit_torch), ("jax", _limit_jax)):
            if name in names:
                undo.enter_context(limit(threads))
        yield [name for name in names if cores(name) < threads + 0.5]


@contextlib.contextmanager
def _limit_torch(threads):
    import torch as t

    before = t.get_num_threads()
    t.set_num_threads(threads)
    try:
        yield
    finally:
        t.set_num_threads(before)


@contextlib.contextmanager
def _limit_jax(threads):
    """A new client, for a pool of threads is as large as PJRT_NPROC said when its client was made.

    JAX has no other setting: with --xla_cpu_multi_thread_eigen=false and intra_op_parallelism_threads=1 in XLA_FLAGS,
    which one finds advised, a product of 0.10.2 takes 1.8 cores.
    """
    import jax as j
    from jax.extend.backend import clear_backends

    j.config.update("jax_platforms", "cpu")
    before = os.environ.get("PJRT_NPROC")
    os.environ["PJRT_NPROC"] = str(threads)
    clear_backends()
    try:
        yield
    finally:
        del os.environ["PJRT_NPROC"]
        if before is not None:
            os.environ["PJRT_NPROC"] = before


def cores(name, size=768, window=0.025, windows=8):
    """How many cores a peer's matrix product takes: processor time over time, of the window that got the most.

    On a busy machine that is the one that others disturbed least. Shorter ones read wrong: the system books the time of
    threads on other cores some milliseconds late. As many windows before are not counted: in them the last
    contestant's threads go to sleep.
    """
    a, b = np.random.default_rng(0).standard_normal((2, size, size), np.float32)
    options = {"transpose_a": False, "transpose_b": False}
    ((_, products),) = PEERS[name]("matmul", {"a": a, "b": b}, options, a).items()
    shares = []
    for _ in range(2 * windows):
        start, taken = time.perf_counter(), time.process_time()
        while time.perf_counter() < start + window:
            products["forward"]()
        shares.append((time.process_time() - taken) / (time.perf_counter() - start))
    return max(shares[windows:])
