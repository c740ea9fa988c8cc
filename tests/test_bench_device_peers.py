"""What the benchmark's peers compute on a card is what ours compute: the same functions of PyTorch, on the CPU."""

import numpy as np
import pytest

t = pytest.importorskip("torch", reason="PyTorch is not installed")

from tilewright.bench import device_peers, device_step  # noqa: E402
from tilewright.kernels import _compare  # noqa: E402
from tilewright.kernels.catalog import BY_NAME  # noqa: E402

PEERED = [
    (name, case)
    for name in (
        *device_peers._OF_ONE,
        *device_peers._LOSSES,
        "max_pool2d",
        "average_pool2d",
        "matmul",
        "linear",
        "layer_norm",
    )
    if name != "dropout"
    for case in BY_NAME[name].cases
    if case.why.split(",")[0]
    in ("primes", "two axes", "probabilities", "logits", "overlapping windows", "three axes", "a scale alone")
]


@pytest.mark.parametrize("name, case", PEERED, ids=lambda x: x if isinstance(x, str) else x.why)
def test_peers_compute_the_same(name, case):
    """PyTorch on the CPU; on a card the same functions get the card's tensors."""
    op = BY_NAME[name]
    arrays = _compare.arrays_of(op, case, "float64")
    if min(x.size for x in arrays.values()) == 0 or sum(x.size for x in arrays.values()) > 1e5:
        pytest.skip("nothing to compare")
    want, dy = _compare.reference(op, case, arrays, "float64")
    tensors = {key: t.from_numpy(x) for key, x in arrays.items()}
    products = device_peers.of_tensors(t, name, tensors, case.options, t.as_tensor(dy))
    assert products or name.endswith("pool2d") or not case.options.get("from_logits")
    if not products:
        pytest.skip("PyTorch has no such thing")
    (calls,) = products.values()
    turn = (0, 2, 3, 1) if name.endswith("pool2d") else None
    got = [calls["forward"](), *calls["backward"]()]
    expected = [want["y"], *(want[f"d{key}"] for key in op.differentiable if f"d{key}" in want)]
    for g, w in zip(got, expected, strict=True):
        g = g.permute(turn) if turn else g
        np.testing.assert_allclose(g.detach().numpy(), w, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ("adam_update", "sgd_update"))
def test_a_peers_update_is_ours(name):
    arrays = {key: t.ones(5, dtype=t.float64) for key in ("w", "dw", "m", "v", "velocity")}
    (calls,) = device_peers.of_tensors(t, name, arrays, {"learning_rate": 0.125}, None).values()
    calls["forward"]()
    np.testing.assert_allclose(arrays["w"].numpy(), 0.875, rtol=1e-6)


def test_the_network_of_a_step_is_ours(monkeypatch):
    counts = [make("cpu", *device_step.data(1))[0] for make in (device_step.ours, device_step.torch)]
    assert counts == [121_930] * 2
    monkeypatch.setattr(device_step, "H", 10)
    row = device_step.measure(["torch"], "cpu", rounds=1, steps=2)
    assert row["seconds"].keys() == {"ours", "torch"} and row["ratio"] > 0
