"""Recurrent networks: what the catalog's rows cannot say: last states and their gradients, and what a mask means."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.catalog import BY_NAME

from .errors import worst

NETWORKS = {
    "simple_rnn": ("simple_rnn", {}),
    "relu": ("simple_rnn", {"activation": "relu"}),
    "gru": ("gru", {}),
    "gru, reset before": ("gru", {"reset_after": False}),
    "lstm": ("lstm", {}),
}
EACH = pytest.mark.parametrize("name, options", NETWORKS.values(), ids=NETWORKS)
BOTH_WAYS = pytest.mark.parametrize("reverse", (False, True), ids=("forward", "reverse"))


def arrays_of(name, options, B=5, T=6, D=3, H=4, seed=0):
    rng = np.random.default_rng(seed)
    G = {"simple_rnn": 1, "gru": 3, "lstm": 4}[name]
    bias = (2, G * H) if name == "gru" and options.get("reset_after", True) else (G * H,)
    shapes = {"x": (B, T, D), "w": (D, G * H), "u": (H, G * H), "b": bias, "h0": (B, H)}
    if name == "lstm":
        shapes["c0"] = (B, H)
    return {array: rng.standard_normal(shape) for array, shape in shapes.items()}


def forward(name, arrays, options):
    """{y, h, c, …} of the public function."""
    op = BY_NAME[name]
    return dict(zip(("y", *op.saved), op.forward("public", arrays, options), strict=True))


def backward(name, face, dy, arrays, options, results, **last):
    """{x: dx, …} of a face."""
    op = BY_NAME[name]
    gradients = op.backward(face, dy, arrays, {**options, **last}, list(results.values()))
    return dict(zip(op.differentiable, gradients, strict=True))


def random_gradients(results, seed=1):
    """dy, and those of the last states."""
    rng = np.random.default_rng(seed)
    states = [state for state in ("h", "c") if state in results]
    return rng.standard_normal(results["y"].shape), {f"d{s}": rng.standard_normal(results[s].shape) for s in states}


def equal(got, want):
    assert got.keys() == want.keys()
    assert max(worst(got.values(), want.values())) <= 1e-12


@BOTH_WAYS
@EACH
def test_gradients_of_last_states_equal_central_differences(name, options, reverse):
    options = {**options, "reverse": reverse}
    arrays = arrays_of(name, options, B=3, T=4, D=2, H=3)
    mask = np.array([[1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 0, 0]], bool)
    arrays["mask"] = mask
    dy, last = random_gradients(forward(name, arrays, options))

    def loss(arrays):
        results = forward(name, arrays, options)
        return sum((dlast * results[state[1:]]).sum() for state, dlast in last.items()) + (dy * results["y"]).sum()

    gradients = backward(name, "public", dy, arrays, options, forward(name, arrays, options), **last)
    for array, gradient in gradients.items():
        expected = np.zeros_like(gradient)
        for index in np.ndindex(gradient.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = arrays[array].copy()
                moved[index] += step
                ends.append(loss({**arrays, array: moved}))
            expected[index] = (ends[0] - ends[1]) / 2e-5
        assert worst([gradient], [expected])[0] <= 1e-6


@EACH
def test_any_of_the_gradients_may_be_none(name, options):
    """None is a gradient of zeros; and they add up."""
    arrays = arrays_of(name, options, B=9)
    results = forward(name, arrays, options)
    dy, last = random_gradients(results)
    parts = [backward(name, "public", dy, arrays, options, results)]
    for state, gradient in last.items():
        only = backward(name, "public", None, arrays, options, results, **{state: gradient})
        zeros = {s: g if s == state else np.zeros_like(g) for s, g in last.items()}
        equal(only, backward(name, "public", np.zeros_like(dy), arrays, options, results, **zeros))
        equal(only, backward(name, "reference", None, arrays, options, results, **{state: gradient}))
        parts.append(only)
    together = backward(name, "public", dy, arrays, options, results, **last)
    equal(together, {array: sum(part[array] for part in parts) for array in together})


@EACH
def test_the_gradient_of_x_is_left_out_if_it_is_not_needed(name, options):
    arrays = arrays_of(name, options)
    results = forward(name, arrays, options)
    dy, _ = random_gradients(results)
    everything = backward(name, "public", dy, arrays, options, results)
    weights = backward(name, "public", dy, arrays, options, results, need_dx=False)
    assert weights.pop("x") is None and everything.pop("x") is not None
    equal(weights, everything)


@EACH
def test_a_sequence_in_two_calls_is_the_sequence_in_one(name, options):
    arrays = arrays_of(name, options, T=7)
    whole = forward(name, arrays, options)
    first = forward(name, {**arrays, "x": arrays["x"][:, :3].copy()}, options)
    states = {f"{s}0": first[s] for s in ("h", "c") if s in first}
    second = forward(name, {**arrays, **states, "x": arrays["x"][:, 3:].copy()}, options)
    np.testing.assert_array_equal(whole["y"], np.concatenate([first["y"], second["y"]], 1))
    for state in ("h", "c"):
        if state in whole:
            np.testing.assert_array_equal(whole[state], second[state])


@EACH
def test_reverse_is_the_sequence_turned_around(name, options):
    arrays = arrays_of(name, options)
    turned = {**arrays, "x": arrays["x"][:, ::-1].copy()}
    back, ahead = forward(name, arrays, {**options, "reverse": True}), forward(name, turned, options)
    np.testing.assert_array_equal(back["y"], ahead["y"][:, ::-1])
    np.testing.assert_array_equal(back["h"], ahead["h"])
    np.testing.assert_array_equal(back["h"], back["y"][:, 0])
    dy, last = random_gradients(back)
    got = backward(name, "public", dy, arrays, {**options, "reverse": True}, back, **last)
    want = backward(name, "public", dy[:, ::-1].copy(), turned, options, ahead, **last)
    want["x"] = want["x"][:, ::-1]
    equal(got, want)


@BOTH_WAYS
@EACH
def test_masked_steps_are_as_if_they_were_not_there(name, options, reverse):
    """For every sequence of a batch: the same as alone without its masked steps, whatever stands there."""
    options = {**options, "reverse": reverse}
    arrays = arrays_of(name, options, B=4, T=6)
    mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0], [0, 0, 1, 0, 1, 1], [0, 0, 0, 0, 0, 0]], bool)
    arrays["x"][~mask] = 1e3
    results = forward(name, {**arrays, "mask": mask}, options)
    dy, last = random_gradients(results)
    dy[~mask] = 0
    gradients = backward(name, "public", dy, {**arrays, "mask": mask}, options, results, **last)
    assert (gradients["x"][~mask] == 0).all()
    sums = {array: np.zeros_like(arrays[array]) for array in ("w", "u", "b")}
    for n, live in enumerate(mask):
        alone = {array: arrays[array][n : n + 1] for array in arrays if array in ("x", "h0", "c0")}
        alone = {**arrays, **alone, "x": arrays["x"][n : n + 1, live]}
        one = forward(name, alone, options)
        np.testing.assert_array_equal(results["y"][n, live], one["y"][0])
        for state in ("h", "c"):
            if state in one:
                np.testing.assert_array_equal(results[state][n], one[state][0])
        some = {state: gradient[n : n + 1] for state, gradient in last.items()}
        found = backward(name, "public", dy[n : n + 1, live], alone, options, one, **some)
        for array in sums:
            sums[array] += found[array]
        equal({"x": gradients["x"][n : n + 1, live]}, {"x": found["x"]})
        equal({"h0": gradients["h0"][n : n + 1]}, {"h0": found["h0"]})
    equal({array: gradients[array] for array in sums}, sums)


@EACH
def test_a_masked_step_repeats_the_output(name, options):
    arrays = arrays_of(name, options, B=2, T=5)
    mask = np.array([[0, 1, 0, 0, 1], [1, 1, 1, 0, 0]], bool)
    results = forward(name, {**arrays, "mask": mask}, options)
    y = results["y"]
    np.testing.assert_array_equal(y[0, 0], arrays["h0"][0])
    np.testing.assert_array_equal(y[0, 1:4], np.repeat(y[0, 1:2], 3, 0))
    np.testing.assert_array_equal(y[1, 3:], np.repeat(y[1, 2:3], 2, 0))
    np.testing.assert_array_equal(results["h"], y[:, -1])


def test_a_row_has_the_same_bits_in_any_batch():
    arrays = {array: x.astype(np.float32) for array, x in arrays_of("lstm", {}, B=45, T=5, D=7, H=19).items()}
    whole = forward("lstm", arrays, {})
    for rows in (slice(0, 1), slice(7, 10), slice(30, 45)):
        few = {**arrays, **{array: arrays[array][rows] for array in ("x", "h0", "c0")}}
        part = forward("lstm", few, {})
        np.testing.assert_array_equal(part["y"], whole["y"][rows])


@pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))
def test_three_threads_give_the_bits_of_one(dtype, threads):
    for name, options in NETWORKS.values():
        arrays = arrays_of(name, options, B=70, T=4, D=9, H=33)
        arrays = {array: x.astype(dtype) for array, x in arrays.items()}
        found = []
        for count in (1, 3):
            with threads(count):
                results = forward(name, arrays, options)
                dy, last = random_gradients(results)
                last = {state: gradient.astype(dtype) for state, gradient in last.items()}
                gradients = backward(name, "public", dy.astype(dtype), arrays, options, results, **last)
                found.append(b"".join(x.tobytes() for x in (*results.values(), *gradients.values())))
        assert len(set(found)) == 1


def test_out_is_where_y_goes():
    for name, options in NETWORKS.values():
        arrays = arrays_of(name, options)
        out = np.empty((5, 6, 4))
        results = forward(name, arrays, {**options, "out": out})
        assert results["y"] is out
        np.testing.assert_array_equal(out, forward(name, arrays, options)["y"])


def test_read_only_arrays_are_taken():
    for name, options in NETWORKS.values():
        arrays = arrays_of(name, options)
        for x in arrays.values():
            x.flags.writeable = False
        results = forward(name, arrays, options)
        dy, last = random_gradients(results)
        dy.flags.writeable = False
        want = backward(name, "reference", dy, arrays, options, results, **last)
        equal(backward(name, "public", dy, arrays, options, results, **last), want)


def test_float32_numbers_stay_float32():
    assert kernels.gru_forward(*(np.ones(shape, np.float32) for shape in ((2, 3, 4), (4, 6), (2, 6))))[0].dtype == "f"
