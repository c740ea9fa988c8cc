"""Arguments of layers on sequences (N, T, C)."""

from ..kernels import _check as check
from ..kernels import _window


def one(op, name, value):
    """A size along the one axis: an integer, or Keras's tuple of one."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    check.whole(op, name, value, 1)
    return int(value)


def padding_1d(op, value):
    """The padding as `resolve_1d` takes it, checked but for the length of the sequence."""
    value = tuple(value) if isinstance(value, list) else value
    _window.resolve_1d(op, 1 << 30, 1, 1, value)
    return value


def expect_sequence_shape(op, input_shape):
    """An input_shape that was given is (T, C)."""
    if input_shape is not None and len(input_shape) != 2:
        remedy = f"; it needs a channel axis: input_shape={(*input_shape, 1)}" if len(input_shape) == 1 else ""
        raise ValueError(f"{op}: input_shape is {input_shape}, expected (T, C), without the batch axis{remedy}")


def length_kept(layer):
    """Whether a layer with strides and padding gives a result for every step, so that a mask still fits."""
    return layer.strides == 1 and layer.padding in ("same", "causal")
