"""Arrays on a device that come by DLPack alone, as JAX's of bfloat16 do."""

from cuda.core.utils import StridedMemoryView


def view(x, stream):
    """The memory of x, not copied: ptr, shape, strides in elements, dtype, readonly; kept for as long as the view is.

    The owner has work on the stream, by DLPack's numbers (1 is the default one, -1 none), wait for its own.
    """
    return StridedMemoryView.from_dlpack(x, stream)
