"""What the 32 threads of a warp do together: sums and maxima by a butterfly of shuffles, in a fixed order.

Threads exchange registers with those whose number differs in one bit, then in the next. Both partners add the same two
numbers, so that all of them end with the same bits. Rows of 4, 8 or 16 threads stay among themselves: such a step is
left out where `width`, how many neighbours belong together, is less. All 32 threads have to take part.
"""

from numba import config, cuda

from .jit import device

WARP = 32

if config.ENABLE_CUDASIM:
    from .emulation import shuffle_xor
else:

    @device
    def shuffle_xor(x, mask):
        """x of the thread whose number differs in the bits of `mask`."""
        return cuda.shfl_xor_sync(0xFFFFFFFF, x, mask)


@device
def total(x, width):
    """The sum of x over `width` neighbours, a power of two; over the warp if it is 32 or more."""
    if width > 16:
        x += shuffle_xor(x, 16)
    if width > 8:
        x += shuffle_xor(x, 8)
    if width > 4:
        x += shuffle_xor(x, 4)
    if width > 2:
        x += shuffle_xor(x, 2)
    if width > 1:
        x += shuffle_xor(x, 1)
    return x


@device
def larger(a, b):
    """a, or b if that is larger; a NaN in b is left out."""
    return b if b > a else a


@device
def largest(x, width):
    """The largest x of `width` neighbours, none of which is NaN."""
    if width > 16:
        x = larger(x, shuffle_xor(x, 16))
    if width > 8:
        x = larger(x, shuffle_xor(x, 8))
    if width > 4:
        x = larger(x, shuffle_xor(x, 4))
    if width > 2:
        x = larger(x, shuffle_xor(x, 2))
    if width > 1:
        x = larger(x, shuffle_xor(x, 1))
    return x
