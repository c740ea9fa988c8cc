"""How far results are from those of the reference in float64, and the dy of which gradients are compared."""

import numpy as np


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
