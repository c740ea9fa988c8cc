"""What the catalog cannot say of dropout: that its random words are Philox's, and what the mask depends on."""

import numba
import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels._cpu.philox import GROUP, fill, schedule
from tilewright.kernels._cpu.streaming import STREAMED
from tilewright.kernels.dropout import reference

# counter, key and words of Random123's kat_vectors for philox4x32 10
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@numba.njit
def filled(count, block, key, step):
    words = np.empty(count, np.uint32)
    fill(words, count, block, schedule(key), step)
    return words


def joined(low, high):
    return np.uint64(int(high) << 32 | int(low))


@pytest.mark.parametrize("counter, key, words", KNOWN)
def test_philox_gives_the_published_words(counter, key, words):
    counter, key = ([np.uint64(int(word, 16)) for word in text.split()] for text in (counter, key))
    block, step = joined(*counter[:2]), joined(*counter[2:])
    lane = int(block) % (GROUP // 4)
    compiled = filled(GROUP, block - np.uint64(lane), joined(*key), step)[4 * lane : 4 * lane + 4]
    for result in (reference.philox(counter, key), compiled):
        assert " ".join(f"{int(word):08x}" for word in result) == words


@pytest.mark.parametrize("groups", (1, 2, 3, 4, 7, 16))
@pytest.mark.parametrize("upper", (0, 1, 2**32 - 2))
def test_words_of_neighbouring_counters_are_the_references(groups, upper):
    """From before a counter's lower half overflows to behind that."""
    seed, step = np.uint64(0x0123456789ABCDEF), np.uint64(0xFEDCBA9876543210)
    first = ((upper + 1) << 32) - groups // 2 * GROUP // 4
    block = np.arange(groups * GROUP // 4, dtype=np.uint64) + np.uint64(first)
    low, high = reference.LOW, reference.HALF
    of_blocks = reference.philox((block & low, block >> high, step & low, step >> high), (seed & low, seed >> high))
    want = np.stack(np.broadcast_arrays(*of_blocks), -1).reshape(-1)
    np.testing.assert_array_equal(filled(groups * GROUP, np.uint64(first), seed, step), want)


def kept(shape, rate=0.5, seed=0, step=0):
    return kernels.dropout_forward(np.ones(shape, np.float32), rate=rate, seed=seed, step=step) != 0


@pytest.mark.parametrize("rate", (0.0, 0.1, 0.5, 0.9, 1 - 2**-53))
def test_the_share_and_the_scale_are_those_of_the_rate(rate):
    n = 1_000_000
    y = kernels.dropout_forward(np.ones(n), rate=rate, seed=3, step=1)
    assert set(np.unique(y)) <= {0, 1 / (1 - rate)}
    assert abs((y == 0).mean() - rate) <= 4 * np.sqrt(rate * (1 - rate) / n)  # four standard deviations


def test_a_mask_depends_on_the_position_alone_not_on_the_shape():
    whole = kept(20_000)
    np.testing.assert_array_equal(kept(9_001), whole[:9_001])
    np.testing.assert_array_equal(kept((100, 200)).reshape(-1), whole)


@pytest.mark.parametrize("change", ({"seed": 1}, {"step": 1}, {"seed": 1 << 32}, {"step": 1 << 32}))
def test_other_seeds_and_steps_give_independent_masks(change):
    n = 1_000_000
    agreeing = (kept(n) == kept(n, **change)).mean()
    assert abs(agreeing - 0.5) <= 4 * 0.5 / np.sqrt(n)


def test_dropped_nan_is_zero_and_out_may_be_x():
    x = np.full(1000, np.nan)
    y = kernels.dropout_forward(x, rate=0.5, seed=0, step=0, out=x)
    assert y is x
    np.testing.assert_array_equal(np.isnan(y), kept(1000))
    assert (y[~kept(1000)] == 0).all()


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
@pytest.mark.parametrize("in_place", (False, True))
@pytest.mark.parametrize("op", ("dropout", "spatial_dropout"))
def test_results_that_are_streamed_have_the_same_bits(op, in_place, dtype):
    x = np.random.default_rng(0).standard_normal((7, -(-STREAMED // 7 // 33 // np.dtype(dtype).itemsize), 33))
    x = x.astype(dtype)
    x[::2, 5] = np.nan
    options = {"rate": 0.4, "seed": 9, "step": 3}
    assert x.nbytes >= STREAMED
    want = getattr(reference, f"{op}_forward")(x, **options)
    got = getattr(kernels, f"{op}_forward")(x, **options, out=x if in_place else None)
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_noise_is_normal(dtype):
    n = 1_000_000
    noise = kernels.gaussian_noise_forward(np.zeros(n, dtype), stddev=2.0, seed=5, step=1) / 2
    moments = [noise.mean(dtype=np.float64), *((noise**k).mean(dtype=np.float64) for k in (2, 3, 4))]
    deviations = [1, 2**0.5, 15**0.5, 96**0.5]  # of x**k: sqrt(E x**2k - (E x**k)**2)
    for got, expected, deviation in zip(moments, (0, 1, 0, 3), deviations):
        assert abs(got - expected) <= 4 * deviation / np.sqrt(n)
    assert np.abs(noise).max() > 4
    assert abs((noise[::2] * noise[1::2]).mean()) <= 4 / np.sqrt(n / 2)  # cosine and sine of one pair


def test_noise_depends_on_the_position_alone():
    def noise(n, **change):
        return kernels.gaussian_noise_forward(np.zeros(n), **{"stddev": 1.0, "seed": 0, "step": 0, **change})

    whole = noise(20_000)
    for n in (1, 2, 3, 63, 65, 8193, 9_001):
        assert noise(n).tobytes() == whole[:n].tobytes()
    for change in ({"seed": 1}, {"step": 1}, {"seed": 1 << 32}, {"step": 1 << 32}):
        assert abs(np.corrcoef(noise(20_000, **change), whole)[0, 1]) <= 4 / np.sqrt(20_000)


def test_channels_are_dropped_as_elements_are():
    options = {"rate": 0.5, "seed": 3, "step": 9}
    y = kernels.spatial_dropout_forward(np.ones((5, 2, 3, 7)), **options)
    expected = kernels.dropout_forward(np.ones((5, 7)), **options)
    np.testing.assert_array_equal(y, np.broadcast_to(expected[:, None, None], y.shape))
