"""What the benchmark's peers compute on the CPU is what ours compute, on its own small cases."""

import importlib.util

import numpy as np
import pytest
from tilewright.bench import peers
from tilewright.kernels import _compare
from tilewright.kernels.catalog import BY_NAME, OPS

LIBRARIES = [
    pytest.param(name, marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"no {name} here"))
    for name in ("torch", "jax")
]
ABSENT = {"torch": {"lion_update", "lamb_update", "muon_update"}, "jax": set()}
RANDOM = ("dropout", "spatial_dropout", "gaussian_noise")
BESIDE = (
    "rmsprop_update",
    "adagrad_update",
    "adam_update",
    "clip_by_global_norm",
)  # whose epsilon PyTorch adds elsewhere
RECURRENT = ("simple_rnn", "gru", "lstm")


def first(op):
    """The first case, which is a small one, for each kind of options."""
    kinds = {}
    for case in op.bench:
        kind = (f"{k}={v}" for k, v in case.options.items() if isinstance(v, (bool, str)))
        kinds.setdefault((*case.arrays, *kind), case)
    return list(kinds.values())


CASES = [(op, case) for op in OPS if op.name not in RANDOM for case in first(op)]


def calls(library, op, case, arrays, dy):
    """{label: {product: function}}."""
    return peers.PEERS[library](op.name, arrays, case.options, np.float64() if dy is None else dy)


def ours(op, name, x, shape):
    """A peer's result in our order of axes, as NumPy's."""
    x = np.asarray(x.detach() if hasattr(x, "detach") else x)
    if x.shape == shape and "pool" not in op.name and "conv" not in op.name or x.ndim < 3:
        return x
    orders = {(4, True): (2, 3, 1, 0), (3, True): (2, 1, 0), (4, False): (0, 2, 3, 1), (3, False): (0, 2, 1)}
    return x.transpose(orders[x.ndim, name == "dw"])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("op, case", CASES, ids=lambda x: getattr(x, "why", None) or x.name)
def test_a_peer_computes_the_same(library, op, case):
    arrays = case.make(np.float64)
    given = _compare.as_dtype(arrays, np.float64)
    want, dy = _compare.reference(op, case, arrays, "float64")
    contestants = calls(library, op, case, given, dy)
    assert bool(contestants) == (op.name not in ABSENT[library]) or "mask" in arrays
    for label, products in contestants.items():
        got = products["forward"]()
        if op.updates:
            got = given if library == "torch" else got
            results = {name: (got[name], x) for name, x in want.items()}
            if library == "torch" and "velocity" in results:
                del results["velocity"]  # PyTorch keeps one without the rate
        else:
            results = {"y": (got, want["y"])}
        if op.differentiable:
            names = [f"d{name}" for name in op.differentiable if f"d{name}" in want]
            gradients = products["backward"]()
            if library == "torch" and op.name in RECURRENT:  # of weights they are transposed, and of gates in its order
                names, gradients = names[:1], gradients[:1]
            results |= {name: (g, want[name]) for name, g in zip(names, gradients, strict=True)}
        for name, (g, w) in results.items():
            turned = ours(op, name, g, w.shape) if library == "torch" and not op.updates else np.asarray(g)
            (error,) = _compare.worst([turned], [w])
            # JAX's attention computes its weights in float32
            assert error < (1e-5 if op.name in BESIDE else 1e-6), (label, name)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", RANDOM)
def test_a_random_peer_draws_as_ours_does(library, name):
    op = BY_NAME[name]
    case = op.bench[0]
    arrays = case.make(np.float64)
    dy = _compare.random_dy(arrays["x"], np.float64)
    for products in calls(library, op, case, arrays, dy).values():
        y, dx = (np.asarray(x) for x in (products["forward"](), products["backward"]()[0]))
        if y.shape != dy.shape:
            y, dx = y.transpose(0, 2, 3, 1), dx.transpose(0, 2, 3, 1)
        if name == "gaussian_noise":
            noise = y - arrays["x"]
            assert abs(noise.mean()) < 0.05 and abs(noise.std() / case.options["stddev"] - 1) < 0.05
            np.testing.assert_array_equal(dx, dy)
            continue
        rate = case.options["rate"]
        for result, source in ((y, arrays["x"]), (dx, dy)):
            kept = result != 0
            np.testing.assert_allclose(result, np.where(kept, source / (1 - rate), 0), rtol=1e-12)
            if name == "spatial_dropout":
                assert (kept.all((1, 2)) | ~kept.any((1, 2))).all()
            assert abs(kept.mean() - (1 - rate)) < 0.15


def test_every_op_of_the_benchmark_has_peers():
    for library, table in (("torch", peers.TORCH), ("jax", peers.JAX)):
        assert {op.name for op in OPS if op.bench} - set(table) == ABSENT[library]
