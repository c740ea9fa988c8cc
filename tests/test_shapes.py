"""Products and convolutions of random shapes (draws.py) against NumPy.

Inputs are float32 numbers in both precisions, and gradients are taken at the exact result, so that the errors compared
are those of the computation alone.
"""

import hypothesis
import numpy as np
from hypothesis import strategies as st
from tilewright.kernels.catalog import BY_NAME

from .draws import convolutions, linear_maps, numbers, products, seeded
from .errors import random_dy, worst

MORE_SEEDS = 20
SLACK = 2 * np.finfo(np.float32).eps  # as in the catalog's tests: some results of NumPy have no error at all


@seeded(300)
@hypothesis.given(products(), st.sampled_from((0, 3)))
def test_products(product, apart):
    check("matmul", *product, apart)


@seeded(300)
@hypothesis.given(linear_maps())
def test_linear_maps(linear_map):
    check("linear", *linear_map)


@seeded(400)
@hypothesis.given(convolutions())
def test_convolutions(convolution):
    check("conv2d", *convolution)


def check(name, shapes, options, factor, apart=0):
    """Both precisions against the reference in float64.

    The largest of a few errors is a matter of luck: where float32 breaks the rule, it is asked of the results of
    MORE_SEEDS inputs together.
    """
    op = BY_NAME[name]
    samples = []
    for seed in range(1 + MORE_SEEDS):
        values = numbers(shapes, seed)
        exact = results(op, "reference", np.float64, seed, values, options)
        double = results(op, "public", np.float64, seed, values, options, exact[0], apart)
        single = results(op, "public", np.float32, seed, values, options, exact[0], apart)
        numpy = results(op, "reference", np.float32, seed, values, options, exact[0])
        samples.append((exact, double, single, numpy))
        exact, double, single, numpy = ([np.stack(r) for r in zip(*column)] for column in zip(*samples))
        assert max(worst(double, exact)) <= op.float64
        errors = list(zip(worst(single, exact), worst(numpy, exact)))
        if all(ours <= factor * theirs + SLACK for ours, theirs in errors):
            return
    raise AssertionError(f"(our error, NumPy's) of each result: {errors}")


def results(op, face, dtype, seed, values, options, y=None, apart=0):
    """(y, gradients …) of a face, the gradients at y if it is given."""
    values = {name: laid_out(x, dtype, apart) for name, x in values.items()}
    forward = op.forward(face, values, options)
    y = forward[0] if y is None else y.astype(dtype)
    dy = random_dy(y, np.float32, seed + 1000).astype(dtype)
    found = [r for r in forward + op.backward(face, dy, values, options, (y,)) if r is not None]
    assert {r.dtype for r in found} == {np.dtype(dtype)}
    return found


def laid_out(x, dtype, apart):
    """A copy between whose rows there are so many NaN."""
    wide = np.full((*x.shape[:-1], x.shape[-1] + apart), np.nan, dtype)
    wide[..., : x.shape[-1]] = x
    return wide[..., : x.shape[-1]]
