"""What this machine offers a kernel: vector width and register tile, read from the features that Numba compiles for.

TILE_ROWS x TILE_VECTORS accumulators and one row of B must fit the vector registers; an accumulator waits about 4
cycles for its last multiplication, so that fewer than 8 of them would leave two units idle. With AVX-512, 8 x 2 was
the fastest of nine tiles on a Zen 5 core (docs/ladder/matmul.md); the others follow this rule: tested, not measured.
"""

from numba.core.registry import cpu_target

_FEATURES = set(cpu_target.target_context.codegen().magic_tuple()[2].split(","))


def has(*features):
    """Whether Numba compiles for all of these LLVM feature names, e.g. "avx512f"."""
    return all(f"+{feature}" in _FEATURES for feature in features)


FUSED = has("fma") or has("neon")  # else a fused multiply-add would be a call of the C library

if has("avx512f"):  # 32 registers of 64 bytes
    VECTOR_BYTES, TILE_ROWS, TILE_VECTORS = 64, 8, 2
elif has("avx2", "fma"):  # 16 registers of 32 bytes
    VECTOR_BYTES, TILE_ROWS, TILE_VECTORS = 32, 6, 2
elif has("neon"):  # 32 registers of 16 bytes
    VECTOR_BYTES, TILE_ROWS, TILE_VECTORS = 16, 6, 4
else:  # 16 registers of 16 bytes
    VECTOR_BYTES, TILE_ROWS, TILE_VECTORS = 16, 6, 2
