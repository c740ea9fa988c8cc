"""Launch arithmetic: every element, row and tile has its thread or block, within a grid's limits."""

import pytest
from tilewright.kernels._cuda import launch


@pytest.mark.parametrize("count", (1, 7, 255, 256, 257, 8191, 10**6, 2**33))
@pytest.mark.parametrize("threads", (None, 32))
def test_strides_cover_all_elements_and_no_block_is_idle(count, threads):
    blocks, each = launch.strided(count, 132, threads)
    assert each == (threads or launch.THREADS)
    assert 1 <= blocks <= 132 * launch.BLOCKS_PER_MULTIPROCESSOR
    assert (blocks - 1) * each < count
    strides = launch.ceil_div(count, blocks * each)
    assert strides == 1 or blocks == 132 * launch.BLOCKS_PER_MULTIPROCESSOR


def test_nothing_needs_no_block():
    assert launch.strided(0, 132) == (0, launch.THREADS)
    assert launch.rows("softmax_forward", 0) == 0
    assert launch.tiles("matmul_forward", 0, 5, 64, 64) == (0, 1, 0)


@pytest.mark.parametrize("M, rows_per_block, blocks", ((1, 1, 1), (5, 1, 5), (5, 4, 2), (8, 4, 2), (9, 4, 3)))
def test_rows_are_covered_once(M, rows_per_block, blocks):
    assert launch.rows("softmax_forward", M, rows_per_block) == blocks


@pytest.mark.parametrize(
    "M, N, batch, expected",
    (
        (1, 1, 1, (1, 1, 1)),
        (64, 32, 1, (1, 1, 1)),
        (65, 33, 1, (2, 2, 4)),
        (63, 31, 3, (1, 1, 3)),
        (7, 99, 2, (1, 4, 8)),
    ),
)
def test_tiles_are_covered_once(M, N, batch, expected):
    assert launch.tiles("matmul_forward", M, N, 64, 32, batch) == expected


def test_grids_beyond_the_limit_are_refused():
    assert launch.rows("softmax_forward", 2**31 - 1) == launch.MOST_BLOCKS
    with pytest.raises(
        ValueError, match="^softmax_forward: 2147483648 rows need 2147483648 blocks, a grid has at most "
    ):
        launch.rows("softmax_forward", 2**31)
    with pytest.raises(ValueError, match="^matmul_forward: 1 x 4194304 x 4194304 elements .* need 4294967296 blocks"):
        launch.tiles("matmul_forward", 1 << 22, 1 << 22, 64, 64)


def test_sizes_beyond_32_bits_are_refused():
    launch.index32("matmul_forward", a=2**31 - 1, b=0)
    message = "^matmul_forward: b has 2147483648 elements, the CUDA kernel reaches 2147483647; call it in parts$"
    with pytest.raises(ValueError, match=message):
        launch.index32("matmul_forward", a=1, b=2**31)
