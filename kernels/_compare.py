"""How a face is compared with the reference over the catalog: the rule of the tests, of `check` and of the benchmark.

A result may err from the reference in float64 by what the row allows where it is float64 itself; else by so many times
(2 where the case says nothing) the error of the reference computed in the result's own precision, and 2 units of
rounding. Errors are relative to the largest exact value. NaN and infinities stand where the reference has them.
"""

import math

import numpy as np

WAYS = ("aligned", "shifted", "nan and infinity")  # where arrays begin, and what they hold
HALVES = ("float16", "bfloat16")
ROUNDING = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def random_dy(y, dtype, seed=1):
    """Random, never ones: the gradient of a sum of softmax is zero, and a backward that returns zero would pass."""
    return np.random.default_rng(seed).standard_normal(np.shape(y)).astype(dtype)[()]


def worst(results, exact):
    """Largest error of each result, relative to the largest exact value."""
    errors = []
    for got, want in zip(results, exact, strict=True):
        got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
        assert got.shape == want.shape
        scale = np.abs(want).max(initial=0) or 1.0
        errors.append(np.abs(got - want).max(initial=0) / scale)
    return errors


def arrays_of(op, case, dtype, way="aligned"):
    """The arrays of a case, floats as `dtype`; for the way "nan and infinity" with three that are not finite."""
    arrays = {name: x.astype(dtype) if x.dtype.kind == "f" else x for name, x in case.make(np.float64).items()}
    rng = np.random.default_rng(2)
    for name, x in arrays.items():
        if way == "nan and infinity" and x.dtype.kind == "f" and x.size > 4 and name not in op.finite:
            x.flat[rng.choice(x.size, 3, replace=False)] = np.nan, np.inf, -np.inf
    return arrays


def as_dtype(arrays, dtype):
    """A copy of every array, floats as `dtype`; what is no array stays."""
    return {n: _cast(x, dtype) for n, x in arrays.items()}


def _cast(x, dtype):
    return x if x is None else x.astype(dtype) if x.dtype.kind not in "biu" else x.copy()


def computed(op, face, arrays, options, dy, forward_only=None, backward_only=None):
    """{name: result} of the forward and the gradients, or of what an update changes in place in `arrays`.

    dy: the gradient of y, or a function that makes it of y. The last two: options such as `out` and `need_dx`.
    """
    forward = op.forward(face, arrays, {**options, **(forward_only or {})})
    if op.updates:
        return {name: arrays[name] for name in op.updates if name in arrays}
    results = dict(zip(("y", *op.saved), forward))
    if op.differentiable:
        dy = dy(forward[0]) if callable(dy) else dy
        gradients = op.backward(face, dy, arrays, {**options, **(backward_only or {})}, forward)
        names = (f"d{name}" for name in op.differentiable)
        results |= {name: gradient for name, gradient in zip(names, gradients) if gradient is not None}
    return results


def reference(op, case, arrays, dtype, dy=None, backward_only=None):
    """({name: result}, dy) of the reference, which computes in `dtype`; dy is random if none is given.

    Where `dtype` has 16 bits it computes in float32 and rounds the results, as our kernels do.
    """
    half, kept = dtype in HALVES, []
    arrays = as_dtype(arrays, "float32" if half else dtype)

    def keep(y):
        kept.append((random_dy(y, dtype) if dy is None else np.asarray(dy)).astype(dtype)[()])
        return kept[0].astype("float32") if half else kept[0]

    with np.errstate(all="ignore"):
        results = computed(op, "reference", arrays, case.options, keep, backward_only=backward_only)
    return as_dtype(results, dtype) if half else results, kept[0] if kept else None


def complaints(op, case, dtype, got, want, exact, slack=0.0):
    """What is wrong with a face's results, a sentence each; want, exact: the reference's, in dtype and in float64.

    slack: what results may err beyond the rule, relative to the largest exact value.
    """
    if got.keys() != want.keys():
        yield f"returns {', '.join(got)}, expected {', '.join(want)}"
        return
    for name, w in want.items():
        sentence = _complaint(op, case, dtype, np.asarray(got[name]), np.asarray(w), np.asarray(exact[name]), slack)
        if sentence:
            yield f"{name} {sentence}"


def _complaint(op, case, dtype, g, w, e, slack):
    if g.shape != w.shape or g.dtype != w.dtype:
        return f"is {g.dtype} {g.shape}, expected {w.dtype} {w.shape}"
    if w.dtype.kind in "biu":
        return None if np.array_equal(g, w) else f"differs at {np.count_nonzero(g != w)} of {w.size} places"
    g, w, e = (x.astype(np.float64) for x in (g, w, e))
    finite = np.isfinite(w)
    if case.spreads:
        alike, finite = not np.isfinite(g)[~finite].any(), finite & np.isfinite(g)
    else:
        alike = all(np.array_equal(kind(g), kind(w)) for kind in (np.isnan, np.isposinf, np.isneginf))
    if not alike:
        return "has NaN or infinity elsewhere than the reference"
    (ours,), (theirs,) = worst([g[finite]], [e[finite]]), worst([w[finite]], [e[finite]])
    limit = slack + (op.float64 if dtype == "float64" else case.error * theirs + 2 * ROUNDING[dtype])
    return None if ours <= limit else f"errs by {ours:.1e} of the largest value, allowed are {limit:.1e}"


def in_order(op, arrays, dtype):
    """What a result that is a sum of K products may err beyond the rule where they are added one after another.

    CUDA kernels do so. The roundings are a random walk along partial sums that grow like the square root of their
    number: for K = 797 four times NumPy's error, which adds in blocks. Relative to the largest exact value.
    """
    if op.name == "matmul":
        K = max(arrays["a"].shape[-2:] + arrays["b"].shape[-2:])
    elif "w" in op.differentiable and "x" in arrays and arrays["w"].ndim > 1:
        *inputs, outputs = arrays["w"].shape
        K = max(math.prod(inputs), outputs, math.prod(arrays["x"].shape[:-1]))
    else:
        return 0.0
    return K**0.5 * (2.0**-53 if dtype == "float64" else 2.0**-24)
