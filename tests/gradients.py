"""Central differences for functions of arrays, in float64."""

import numpy as np


def numeric_gradient(loss, array, step=1e-6):
    """d loss() / d array, an element at a time; `loss` reads `array`, which is changed in place and put back."""
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        before = array[index]
        ends = []
        for sign in (1, -1):
            array[index] = before + sign * step
            ends.append(float(loss()))
        array[index] = before
        gradient[index] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def assert_gradient(got, want):
    """Equal but for the error of the differences, relative to the largest gradient."""
    assert np.shape(got) == np.shape(want)
    assert np.abs(want).max() > 0  # else a gradient of zeros would pass
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * max(np.abs(want).max(), 1))
