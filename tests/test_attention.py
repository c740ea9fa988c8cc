"""What the catalog cannot say of attention: rows that see nothing, hidden NaN, which weights are dropped, memory."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels._cpu import memory
from tilewright.kernels.attention import reference

BOTH = pytest.mark.parametrize("dtype", (np.float32, np.float64), ids=("float32", "float64"))


def arrays(B, T, H, D, S=None, G=None, dtype=np.float64):
    rng = np.random.default_rng(0)
    S, G = T if S is None else S, H if G is None else G
    shapes = (B, T, H, D), (B, S, G, D), (B, S, G, D), (B, T, H, D)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def computed(q, k, v, dy, bias=None, **options):
    """y, lse and the gradients."""
    y, lse = kernels.attention_forward(q, k, v, bias, **options)
    return y, lse, *kernels.attention_backward(dy, q, k, v, bias, y=y, lse=lse, **options)


@BOTH
@pytest.mark.parametrize("rate", (0.0, 0.5))
def test_a_query_that_sees_no_key_gets_zero_and_no_gradient(dtype, rate):
    q, k, v, dy = arrays(2, 70, 2, 8, S=300, dtype=dtype)
    mask = np.ones((2, 300), bool)
    mask[1] = False
    y, lse, dq, dk, dv, _ = computed(q, k, v, dy, mask=mask, rate=rate)
    for x in (y, dq, dk, dv):
        assert not x[1].any() and x[0].all(axis=-1).any()
        assert np.isfinite(x).all()
    assert (lse[1] == -np.inf).all() and np.isfinite(lse[0]).all()
    for got, want in zip(computed(q[:1], k[:1], v[:1], dy[:1], rate=rate), (y, lse, dq, dk, dv)):
        np.testing.assert_allclose(got[0], want[0], rtol=1e-5)


@BOTH
def test_causal_queries_before_the_first_key_see_none(dtype):
    """The last query is aligned with the last key: of 90 queries the first 20 come before 70 keys."""
    q, k, v, dy = arrays(1, 90, 2, 8, S=70, dtype=dtype)
    y, lse, dq, dk, dv, _ = computed(q, k, v, dy, causal=True)
    assert not y[:, :20].any() and not dq[:, :20].any() and (lse[..., :20] == -np.inf).all()
    late = computed(q[:, 20:].copy(), k, v, dy[:, 20:].copy(), causal=True)
    for got, want in zip((y[:, 20:], lse[..., 20:], dq[:, 20:], dk, dv), late):
        np.testing.assert_allclose(got, want, atol=1e-5)
    for got, want in zip((y, dq, dk, dv), np.take(np.array(computed(q, k, v, dy, causal=True), object), (0, 2, 3, 4))):
        assert np.isfinite(got).all()
        np.testing.assert_array_equal(got, want)


def test_no_keys_at_all_give_zeros():
    q, k, v, dy = arrays(2, 5, 2, 8, S=0)
    y, lse, dq, dk, dv, _ = computed(q, k, v, dy)
    assert not y.any() and not dq.any() and (lse == -np.inf).all()
    assert dk.shape == dv.shape == (2, 0, 2, 8)


@BOTH
def test_one_key_is_taken_whole(dtype):
    q, k, v, dy = arrays(2, 9, 2, 8, S=1, dtype=dtype)
    y, lse, dq, dk, dv, _ = computed(q, k, v, dy)
    np.testing.assert_array_equal(y, np.broadcast_to(v, y.shape))
    np.testing.assert_allclose(lse, np.einsum("bthd,bshd->bht", q, k) / np.sqrt(8), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dv[:, 0], dy.sum(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dq, 0, atol=1e-5)
    np.testing.assert_allclose(dk, 0, atol=1e-5)


@BOTH
def test_what_the_mask_hides_may_be_nan(dtype):
    q, k, v, dy = arrays(2, 5, 4, 8, S=300, G=2, dtype=dtype)
    mask = np.random.default_rng(1).random((2, 300)) < 0.5
    want = computed(q, np.where(mask[..., None, None], k, 0), np.where(mask[..., None, None], v, 0), dy, mask=mask)
    for hidden in (np.nan, np.inf):
        dirty = [np.where(mask[..., None, None], x, dtype(hidden)) for x in (k, v)]
        for got, clean in zip(computed(q, *dirty, dy, mask=mask), want):
            if clean is not None:
                np.testing.assert_array_equal(got, clean)


def test_the_weights_that_dropout_would_drop_are_dropped():
    """With v = 1 for one key a head's feature, y is the weights themselves."""
    B, T, H, S = 2, 70, 3, 261
    q, k, _, _ = arrays(B, T, H, S, S=S)
    v = np.broadcast_to(np.eye(S)[None, :, None], (B, S, H, S)).copy()
    weights, _ = kernels.attention_forward(q, k, v)
    weights = np.ascontiguousarray(weights.swapaxes(1, 2))
    options = {"rate": 0.3, "seed": 11, "step": 5}
    dropped, _ = kernels.attention_forward(q, k, v, **options)
    want = kernels.dropout_forward(weights, **options)
    np.testing.assert_allclose(dropped.swapaxes(1, 2), want, rtol=1e-12, atol=1e-18)


def test_the_last_query_sees_all_keys():
    q, k, v, _ = arrays(1, 70, 2, 8)
    y, lse = kernels.attention_forward(q, k, v, causal=True)
    last, last_lse = kernels.attention_forward(q[:, -1:].copy(), k, v, causal=True)
    np.testing.assert_allclose(last, y[:, -1:], rtol=1e-12)
    np.testing.assert_allclose(last_lse, lse[..., -1:], rtol=1e-12)


def test_the_gradient_of_a_bias_is_computed_where_it_is_asked_for():
    q, k, v, dy = arrays(2, 7, 2, 8)
    bias = np.random.default_rng(1).standard_normal((1, 2, 1, 7))
    y, lse = kernels.attention_forward(q, k, v, bias)
    given = {"y": y, "lse": lse}
    *with_bias, dbias = kernels.attention_backward(dy, q, k, v, bias, **given)
    *without, none = kernels.attention_backward(dy, q, k, v, bias, **given, need_dbias=False)
    assert dbias.shape == bias.shape and none is None
    for a, b in zip(with_bias, without):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_out_takes_the_result():
    q, k, v, _ = arrays(1, 7, 2, 8)
    out = np.empty_like(q)
    y, _ = kernels.attention_forward(q, k, v, out=out)
    assert y is out
    np.testing.assert_array_equal(out, kernels.attention_forward(q, k, v)[0])
    assert kernels.rotary_forward(q, out=out) is out
    want = out.copy()
    np.testing.assert_array_equal(kernels.rotary_forward(q, out=q), want)


def test_memory_grows_with_the_length_alone():
    """Of what NumPy and the pool take, by tracemalloc: twice for 2 T, where the weights would take four times."""

    def peak(T):
        given = arrays(1, T, 1, 16, dtype=np.float32)
        memory.clear()
        tracemalloc.start()
        try:
            computed(*given)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    computed(*arrays(1, 64, 1, 16, dtype=np.float32))  # compiles
    sizes = [peak(T) for T in (4096, 8192, 16384)]
    for size, twice in zip(sizes, sizes[1:]):
        assert twice < 2.2 * size


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count in other units")
def test_compiled_code_takes_no_more():
    """The whole process's peak, for T = 8192 and one head, where the weights alone were 256 MB."""
    printed = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True).stdout
    assert int(printed) < 48_000


@pytest.mark.parametrize("interleaved", (False, True))
@pytest.mark.parametrize("rotary", (kernels.rotary_forward, reference.rotary_forward))
def test_products_of_turned_rows_depend_on_their_distance(rotary, interleaved):
    q, k, *_ = arrays(1, 1, 1, 64)
    products = [
        np.sum(rotary(q, offset=t, interleaved=interleaved) * rotary(k, offset=t + 3, interleaved=interleaved))
        for t in (0, 1, 700)
    ]
    np.testing.assert_allclose(products, products[0], rtol=1e-10)
    assert abs(products[0] - np.sum(q * k)) > 0.1


def test_the_two_layouts_are_the_same_pairs():
    x = arrays(2, 5, 2, 8)[0]
    halves = x.reshape(2, 5, 2, 4, 2).swapaxes(3, 4).reshape(x.shape)
    y = kernels.rotary_forward(halves).reshape(2, 5, 2, 2, 4).swapaxes(3, 4).reshape(x.shape)
    np.testing.assert_allclose(kernels.rotary_forward(x, interleaved=True), y, rtol=1e-12)


def test_the_gradient_of_a_rotation_turns_back():
    x = arrays(2, 5, 2, 8)[0]
    options = {"base": 100.0, "offset": 7, "interleaved": True}
    np.testing.assert_allclose(
        kernels.rotary_backward(kernels.rotary_forward(x, **options), **options), x, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("D", (8, 7, 1, 0))
def test_sinusoidal_positions_are_those_of_the_paper(D):
    table = kernels.sinusoidal_positions(50, D, dtype=np.float64)
    assert table.shape == (50, D)
    for t in (0, 1, 49):
        for d in range(D):
            angle = t / 10000 ** (2 * (d // 2) / D)
            np.testing.assert_allclose(table[t, d], np.cos(angle) if d % 2 else np.sin(angle), rtol=1e-12, atol=1e-15)
    assert kernels.sinusoidal_positions(3, D).dtype == np.float32


def test_bad_sizes_of_positions_are_named():
    with pytest.raises(ValueError, match=r"^sinusoidal_positions: T is -1, expected at least 0$"):
        kernels.sinusoidal_positions(-1, 8)
    with pytest.raises(TypeError, match=r"^sinusoidal_positions: D is 8.0, expected an integer$"):
        kernels.sinusoidal_positions(8, 8.0)
    with pytest.raises(ValueError, match=r"^sinusoidal_positions: dtype is .*, expected one of 'float32', 'float64'"):
        kernels.sinusoidal_positions(8, 8, dtype=np.int64)


def main():
    """Print by how many KB the peak rises in a forward and a backward."""
    import resource

    computed(*arrays(1, 512, 1, 16, dtype=np.float32))  # compiles
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    computed(*arrays(1, 8192, 1, 16, dtype=np.float32))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


if __name__ == "__main__":
    main()
