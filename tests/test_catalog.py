"""The generic tests: every row of the catalog, every face, every case."""

import inspect

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels.catalog import OPS

from .errors import random_dy, worst

CASES = [pytest.param(op, case, id=f"{op.name}-{case.why}") for op in OPS for case in op.cases]
GRADIENT_CASES = [
    pytest.param(op, case, id=f"{op.name}-{case.why}")
    for op in OPS
    if op.differentiable
    for case in op.cases
    if sum(np.size(x) for x in case.make(np.float64).values()) < 2000
]
EACH = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
BOTH = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))


def results(op, case, face, dtype, values=None):
    """Everything a face computes for a case: (forward results, gradients) for a dy that depends on the seed alone."""
    arrays = case.make(np.float64) if values is None else values
    arrays = {name: x.astype(dtype) if np.asarray(x).dtype.kind == "f" else x.copy() for name, x in arrays.items()}
    forward = op.forward(face, arrays, case.options)
    if op.updates:
        return tuple(arrays[name] for name in op.updates if name in arrays)
    if not op.differentiable:
        return forward
    dy = random_dy(forward[0], dtype)
    return forward + tuple(g for g in op.backward(face, dy, arrays, case.options, forward) if g is not None)


@pytest.mark.parametrize("op, case", CASES)
def test_float64_equals_the_reference(op, case):
    got, want = (results(op, case, face, np.float64) for face in ("public", "reference"))
    assert max(worst(got, want)) <= op.float64
    for g, w in zip(got, want):
        assert np.asarray(g).dtype == np.asarray(w).dtype


@pytest.mark.parametrize("op, case", CASES)
def test_float32_errs_little_more_than_numpy(op, case):
    exact = results(op, case, "reference", np.float64)
    ours = worst(results(op, case, "public", np.float32), exact)
    numpy = worst(results(op, case, "reference", np.float32), exact)
    for mine, theirs in zip(ours, numpy):
        assert mine <= case.error * theirs + 2 * np.finfo(np.float32).eps


@pytest.mark.parametrize("op, case", GRADIENT_CASES)
def test_gradients_equal_central_differences(op, case):
    arrays = case.make(np.float64)
    forward = op.forward("public", arrays, case.options)
    dy = random_dy(forward[0], np.float64)
    gradients = op.backward("public", dy, arrays, case.options, forward)
    assert len(gradients) == len(op.differentiable)
    for name, gradient in zip(op.differentiable, gradients):
        if arrays.get(name) is None:
            assert gradient is None
            continue
        expected = central_difference(op, case, arrays, name, dy)
        assert worst([gradient], [expected])[0] <= 1e-6


def central_difference(op, case, arrays, name, dy, step=1e-5):
    """d sum(dy * y) / d arrays[name], an element at a time."""
    gradient = np.zeros_like(arrays[name])
    for index in np.ndindex(gradient.shape):
        ends = []
        for sign in (1, -1):
            moved = {**arrays, name: arrays[name].copy()}
            moved[name][index] += sign * step
            ends.append(np.sum(dy * op.forward("public", moved, case.options)[0]))
        gradient[index] = (ends[0] - ends[1]) / (2 * step)
    return gradient


@EACH
def test_inputs_stay_as_they_are(op):
    case = op.cases[0]
    arrays = case.make(np.float64)
    before = {name: x.copy() for name, x in arrays.items()}
    forward = op.forward("public", arrays, case.options)
    if op.differentiable:
        dy = random_dy(forward[0], np.float64)
        forward = [np.copy(x) for x in forward]
        kept = [x.copy() for x in (dy, *forward)]
        op.backward("public", dy, arrays, case.options, forward)
        for x, copy in zip((dy, *forward), kept):
            np.testing.assert_array_equal(x, copy)
    for name in arrays.keys() - set(op.updates):
        np.testing.assert_array_equal(arrays[name], before[name])


@EACH
def test_faces_have_one_signature(op):
    names = [op.name] if op.updates else [f"{op.name}_forward"] + [f"{op.name}_backward"] * bool(op.differentiable)
    for name in names:
        public, *faces = (getattr(op.face(face), name) for face in ("public", "reference", "cpu"))
        assert getattr(kernels, name) is public
        assert public.__doc__
        for face in faces:
            assert inspect.signature(face).parameters == inspect.signature(public).parameters


@BOTH
@pytest.mark.parametrize("op, case", CASES)
def test_same_bits_on_one_and_two_threads(op, case, dtype, threads):
    with threads(1):
        one = results(op, case, "public", dtype)
    with threads(2):
        two = results(op, case, "public", dtype)
    for a, b in zip(one, two):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@BOTH
@pytest.mark.parametrize("op, case", CASES)
def test_nan_and_infinity_travel_as_in_the_reference(op, case, dtype):
    arrays = case.make(np.float64)
    rng = np.random.default_rng(2)
    for name, x in arrays.items():
        if x.dtype.kind == "f" and x.size > 4 and name not in op.finite:
            x.flat[rng.choice(x.size, 3, replace=False)] = np.nan, np.inf, -np.inf
    with np.errstate(all="ignore"):
        want = results(op, case, "reference", dtype, arrays)
        got = results(op, case, "public", dtype, arrays)
    for g, w in zip(got, want, strict=True):
        if np.asarray(w).dtype.kind in "iu":
            np.testing.assert_array_equal(g, w)
        if case.spreads:
            assert not np.isfinite(g)[~np.isfinite(w)].any()
            continue
        np.testing.assert_array_equal(np.isnan(g), np.isnan(w))
        np.testing.assert_array_equal(np.isposinf(g), np.isposinf(w))
        np.testing.assert_array_equal(np.isneginf(g), np.isneginf(w))


@EACH
def test_bad_arrays_are_named(op):
    case = op.cases[0]
    function = getattr(kernels, op.name if op.updates else f"{op.name}_forward")
    for name, good in case.make(np.float64).items():
        kind = np.asarray(good).dtype.kind
        wrong = [
            (None, TypeError),
            ([1.0], TypeError),
            (np.asarray(good).astype(object), TypeError),
            (np.asarray(good).astype(str), TypeError),
            (np.asarray(good).astype(complex), TypeError),
        ]
        wrong.append((np.asarray(good).astype(np.int32 if kind == "f" else np.float32), TypeError))
        wrong.append((good.astype(good.dtype.newbyteorder()), TypeError))
        if good.ndim > 1 and min(good.shape) > 1:
            wrong.append((np.asfortranarray(good), ValueError))
        if good.ndim > 0:
            sliced = np.repeat(good, 2, axis=-1)[..., ::2]
            wrong.append((sliced, ValueError) if good.shape[-1] > 1 else (None, TypeError))
        for bad, error in wrong:
            if bad is None and name in op.optional:
                continue
            with pytest.raises(error, match=rf"^{function.__name__}: {name} "):
                function(**{**case.make(np.float64), name: bad}, **case.options)


BAD = [pytest.param(op, bad, id=f"{op.name}-{bad.message[:50]}") for op in OPS for bad in op.bad]


@pytest.mark.parametrize("op, bad", BAD)
def test_bad_calls_say_what_is_wrong(op, bad):
    case = op.cases[0]
    call = {**case.make(np.float64), **case.options, **bad.change}
    function = getattr(kernels, bad.message.split(":")[0])
    names = inspect.signature(function).parameters
    call = {name: value for name, value in call.items() if name in names}
    before = {name: np.copy(value) for name, value in call.items() if isinstance(value, np.ndarray)}
    with pytest.raises((TypeError, ValueError)) as caught:
        function(**call)
    assert str(caught.value) == bad.message
    for name, copy in before.items():
        np.testing.assert_array_equal(call[name], copy)
