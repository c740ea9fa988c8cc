"""Launch arithmetic: how many blocks of how many threads compute a result. Pure Python, needs no CUDA.

count  elements or groups of elements    M, N  rows and columns

A grid that walks its data in strides (`for i in range(cuda.grid(1), count, cuda.gridsize(1))`) is right with any number
of blocks, so that its size is a matter of speed alone; a grid of rows or tiles has one block for each. Sizes that the
32-bit index arithmetic of a tiled kernel cannot hold are refused here, before anything is launched.
"""

THREADS = 256  # of a block; not yet measured on a card
BLOCKS_PER_MULTIPROCESSOR = 8  # 8 x 256 threads fill a multiprocessor of compute capability 8.0, 9.0 or 10.0
MOST_BLOCKS = 2**31 - 1  # of a grid's first axis; of the others 65535
LARGEST_INDEX = 2**31 - 1  # what int32 holds


def ceil_div(count, size):
    """How many pieces of `size` cover `count`."""
    return -(-count // size)


def strided(count, multiprocessors, threads=None):
    """(blocks, threads) of a grid that walks `count` elements in strides; (0, threads) if there are none.

    More blocks than the card holds at once would only queue, so that there are no more than that.
    """
    threads = THREADS if threads is None else threads
    return min(ceil_div(count, threads), multiprocessors * BLOCKS_PER_MULTIPROCESSOR), threads


def rows(op, M, rows_per_block=1):
    """The number of blocks for M rows, as the first axis of a grid."""
    blocks = ceil_div(M, rows_per_block)
    if blocks > MOST_BLOCKS:
        raise ValueError(f"{op}: {M} rows need {blocks} blocks, a grid has at most {MOST_BLOCKS}; call it in parts")
    return blocks


def tiles(op, M, N, tile_rows, tile_columns, batch=1):
    """(tiles of a column, tiles of a row, blocks) of `batch` M x N results, one block a tile.

    All blocks stand along a grid's first axis, because the others end at 65535.
    """
    down, across = ceil_div(M, tile_rows), ceil_div(N, tile_columns)
    blocks = batch * down * across
    if blocks > MOST_BLOCKS:
        raise ValueError(
            f"{op}: {batch} x {M} x {N} elements in tiles of {tile_rows} x {tile_columns} need {blocks} blocks, a grid "
            f"has at most {MOST_BLOCKS}; call it in parts"
        )
    return down, across, blocks


def index32(op, /, **counts):
    """Raise ValueError if one of the arrays' sizes is beyond what a kernel with 32-bit indices reaches."""
    for name, count in counts.items():
        if count > LARGEST_INDEX:
            raise ValueError(
                f"{op}: {name} has {count} elements, the CUDA kernel reaches {LARGEST_INDEX}; call it in parts"
            )
