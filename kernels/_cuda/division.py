"""Division of indices by a size that is the same for a whole launch: one product and a shift instead of a division.

n // d = n m >> s    for 0 <= n < 2^31, 1 <= d < 2^31,    2^(l - 1) < d <= 2^l, s = 31 + l, m = ceil(2^s / d) < 2^32

Granlund, Montgomery 1994, "Division by invariant integers using multiplication", theorem 4.2. m goes to a kernel as an
int32 of the same bits. Unlike a division it cannot fail, so that the compiler moves it out of loops.
"""

import numpy as np

from .jit import device

LOW = 0xFFFFFFFF


def divisor(d):
    """(d, m, s) for `divide`, as int32; a divisor of 0 is taken for 1: then there is nothing to divide."""
    shift = 31 + (max(d, 1) - 1).bit_length()
    factor = -(-(1 << shift) // max(d, 1))  # at least 2^31
    return d, factor - (1 << 32), shift


@device
def divide(n, factor, shift):
    """n // d, as int32."""
    return np.int32(((np.int64(n) & LOW) * (np.int64(factor) & LOW)) >> shift)
