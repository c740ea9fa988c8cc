"""Sizes of sliding windows, shared by convolution and pooling.

Padding is 0, one number, a pair (height, width), four numbers (top, bottom, left, right), "valid" (none) or "same"
(P = ceil(H / stride), the odd row at the bottom, as in Keras).
"""

import numbers
from functools import lru_cache

from . import _check as check


def pair(op, name, value, low=1):
    """An integer or a pair of them, as a pair."""
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
    elif not isinstance(padding, (str, tuple, numbers.Integral)):
        raise TypeError(_wrong_padding(op, padding))
    return _resolve(op, size, window, stride, padding, dilation)


@lru_cache(maxsize=1024)
def _resolve(op, size, window, stride, padding, dilation):
    spans = tuple((w - 1) * d + 1 for w, d in zip(window, dilation))
    if padding == "valid":
        pads = (0, 0, 0, 0)
    elif padding == "same":
        totals = [max((-(-n // s) - 1) * s + span - n, 0) for n, s, span in zip(size, stride, spans)]
        pads = (totals[0] // 2, totals[0] - totals[0] // 2, totals[1] // 2, totals[1] - totals[1] // 2)
    else:
        pads = _explicit(op, padding)
    outputs = []
    for axis, n, span, s, total in zip("HW", size, spans, stride, (pads[0] + pads[1], pads[2] + pads[3])):
        if n + total < span:
            raise ValueError(
                f"{op}: the window spans {span} along {axis}, more than the image's {n} with {total} of padding; "
                f'use a smaller window or more padding (padding="same")'
            )
        outputs.append((n + total - span) // s + 1)
    return tuple(outputs), pads


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
