"""Sizes of sliding windows, shared by convolutions and pooling.

Padding is one number, a pair (height, width), four numbers (top, bottom, left, right), "valid" (none) or "same"
(P = ceil(H / stride), the odd row at the bottom, as in Keras).
"""

import numbers
from functools import lru_cache

from . import _check as check


def pair(op, name, value, low=1):
    """An integer or a pair of them, as a pair."""
    if value.__class__ is int and value >= low:
        return value, value
    if isinstance(value, numbers.Integral):
        value = (value, value)
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{op}: {name} is {value!r}, expected an integer or a pair of them")
    for one in value:
        check.whole(op, name, one, low)
    return int(value[0]), int(value[1])


def padding_of(op, value):
    """The padding as `resolve` takes it, checked but for the image's size."""
    value = tuple(value) if isinstance(value, list) else value
    if not isinstance(value, (str, tuple, numbers.Integral)):
        raise TypeError(_wrong_padding(op, value))
    if value not in ("valid", "same"):
        _explicit(op, value)
    return value


def resolve(op, size, window, stride, padding, dilation=(1, 1)):
    """((P, Q), (top, bottom, left, right)) for images of `size` (H, W); a window that does not fit is an error."""
    if isinstance(padding, list):
        padding = tuple(padding)
    elif padding.__class__ is not int and not isinstance(padding, (str, tuple, numbers.Integral)):
        raise TypeError(_wrong_padding(op, padding))
    return _resolve(op, size, window, stride, padding, dilation)


@lru_cache(maxsize=1024)
def _resolve(op, size, window, stride, padding, dilation):
    spans = tuple((w - 1) * d + 1 for w, d in zip(window, dilation))
    if padding == "valid":
        pads = (0, 0, 0, 0)
    elif padding == "same":
        pads = sum((_same(*axis) for axis in zip(size, spans, stride)), ())
    else:
        pads = _explicit(op, padding)
    totals = pads[0] + pads[1], pads[2] + pads[3]
    return tuple(_windows(op, "image", *axis) for axis in zip("HW", size, spans, stride, totals)), pads


def _windows(op, what, axis, size, span, stride, total):
    """How many windows there are along an axis with so much padding in all."""
    if size + total < span:
        raise ValueError(
            f"{op}: the window spans {span} along {axis}, more than the {what}'s {size} with {total} of padding; "
            f'use a smaller window or more padding (padding="same")'
        )
    return (size + total - span) // stride + 1


def _same(size, span, stride):
    """The padding before and after that gives ceil(size / stride) windows, the odd element after."""
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def _explicit(op, padding):
    if isinstance(padding, str):
        check.choice(op, "padding", padding, ("valid", "same"))
    if isinstance(padding, numbers.Integral) or len(padding) == 2:
        vertical, horizontal = pair(op, "padding", padding, low=0)
        return vertical, vertical, horizontal, horizontal
    if len(padding) != 4:
        raise TypeError(_wrong_padding(op, padding))
    for one in padding:
        check.whole(op, "padding", one)
    return tuple(int(one) for one in padding)


def resolve_1d(op, length, window, stride, padding, dilation=1):
    """(P, (left, right)) for sequences of `length` elements.

    `padding` is a number, a pair (left, right), "valid", "same" or "causal": all on the left, so that output p is made
    of inputs up to p * stride.
    """
    if isinstance(padding, list):
        padding = tuple(padding)
    elif padding.__class__ is not int and not isinstance(padding, (str, tuple, numbers.Integral)):
        raise TypeError(_wrong_padding_1d(op, padding))
    return _resolve_1d(op, length, window, stride, padding, dilation)


@lru_cache(maxsize=1024)
def _resolve_1d(op, length, window, stride, padding, dilation):
    span = (window - 1) * dilation + 1
    if isinstance(padding, str):
        check.choice(op, "padding", padding, ("valid", "same", "causal"))
        pads = {"valid": (0, 0), "same": _same(length, span, stride), "causal": (span - 1, 0)}[padding]
    elif isinstance(padding, tuple) and len(padding) != 2:
        raise TypeError(_wrong_padding_1d(op, padding))
    else:
        pads = pair(op, "padding", padding, low=0)
    return _windows(op, "sequence", "L", length, span, stride, sum(pads)), pads


def transposed(op, size, window, stride, padding, output_padding=None, dilation=(1, 1)):
    """((P, Q), (top, bottom, left, right)) of the convolution from images (P, Q) to `size` (H, W), for its transpose.

    P = (H - 1) stride + span - top - bottom + output_padding, where the window spans span = (R - 1) dilation + 1. As in
    Keras "same" is P = H stride, or (H - 1) stride + span % 2 + output_padding if that is given, and the padding that
    fits; "valid" is none, and P = (H - 1) stride + max(span, stride) unless output_padding is given.
    """
    padding = tuple(padding) if isinstance(padding, list) else padding
    if padding.__class__ is not int and not isinstance(padding, (str, tuple, numbers.Integral)):
        raise TypeError(_wrong_padding(op, padding))
    if output_padding.__class__ is list:
        output_padding = tuple(output_padding)
    return _transposed(op, size, window, stride, padding, output_padding, dilation)


@lru_cache(maxsize=1024)
def _transposed(op, size, window, stride, padding, output_padding, dilation):
    if min(size) == 0:
        raise ValueError(f"{op}: the images have size {size}, expected at least one row and one column")
    spans = tuple((w - 1) * d + 1 for w, d in zip(window, dilation))
    if output_padding is None:
        added = tuple(max(s - span, 0) for s, span in zip(stride, spans)) if padding == "valid" else (0, 0)
    else:
        added = pair(op, "output_padding", output_padding, low=0)
        if added[0] >= stride[0] or added[1] >= stride[1]:
            raise ValueError(
                f"{op}: output_padding is {output_padding}, expected less than the stride {stride} because the "
                f"convolution of an image so much larger has more outputs"
            )
    if padding == "same":
        outputs, pads = (), ()
        for n, span, s, more in zip(size, spans, stride, added):
            P = n * s if output_padding is None else (n - 1) * s + span % 2 + more
            total = max((n - 1) * s + span - P, 0)
            outputs, pads = (*outputs, P), (*pads, total // 2, total - total // 2)
    else:
        pads = (0, 0, 0, 0) if padding == "valid" else _explicit(op, padding)
        totals = pads[0] + pads[1], pads[2] + pads[3]
        outputs = tuple(
            (n - 1) * s + span - total + more for n, s, span, total, more in zip(size, stride, spans, totals, added)
        )
    for axis, n, P in zip("HW", size, outputs):
        if P < 1:
            raise ValueError(
                f"{op}: {n} elements along {axis} would become {P} with padding {padding!r}; use less padding, more "
                f"output_padding or a larger window"
            )
    return outputs, pads


def pooling(op, size, window, stride, padding):
    """((R, S), (down, right), (P, Q), pads) of windows over images of size (H, W); a stride of None is the window."""
    try:
        return _pooling(op, size, window, stride, padding)
    except TypeError:  # lists are no keys of a cache; whatever else was wrong fails again
        return _pooling.__wrapped__(op, size, window, stride, tuple(padding) if type(padding) is list else padding)


@lru_cache(maxsize=1024, typed=True)
def _pooling(op, size, window, stride, padding):
    if min(size) == 0:
        raise ValueError(f"{op}: the images have size {size}, expected at least one row and one column")
    window = pair(op, "window", window)
    stride = window if stride is None else pair(op, "stride", stride)
    outputs, pads = resolve(op, size, window, stride, padding)
    if max(pads[:2]) >= window[0] or max(pads[2:]) >= window[1]:
        raise ValueError(
            f"{op}: padding is {padding!r}, expected less than the window {window} on every side "
            f"because a window outside the image holds no value"
        )
    return window, stride, outputs, pads


def _wrong_padding(op, padding):
    return f'{op}: padding is {padding!r}, expected "valid", "same", an integer, a pair or four integers'


def _wrong_padding_1d(op, padding):
    return f'{op}: padding is {padding!r}, expected "valid", "same", "causal", an integer or a pair of them'
