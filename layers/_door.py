"""The door: what users hand over becomes, once, the arrays that kernels take."""

import re

import numpy as np

from ._device import adopted, on_device, to_device, to_host

_NUMBERS = "fiub"
_LABELS = ("y", "target", "validation_data[1]")


def as_array(op, name, x, dtype=None):
    """Real numbers in any array-like as an array in C order, of `dtype` if given; without a copy where it is one.

    An array on a device stays there; where it has to be converted it makes a way by the CPU. Raises TypeError for
    objects, strings and complex numbers, ValueError for ragged lists.
    """
    if on_device(x):
        x = adopted(x)
        fits = (dtype is None or x.dtype == dtype) and x.is_c_contiguous()
        return x if fits else to_device(as_array(op, name, to_host(x), dtype))
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{op}: {name} cannot be made an array, expected rows of one length ({error})") from None
    if array.dtype.kind not in _NUMBERS:
        raise TypeError(f"{op}: {name} is {array.dtype}, expected real numbers; {_remedy(array.dtype.kind, name)}")
    return np.asarray(array, dtype, order="C")


def writeable(x):
    """The array, or a copy of a read-only one: kernels are compiled anew for arrays that cannot be written to."""
    return x if on_device(x) or x.flags.writeable else x.copy()


def expect_name(op, name):
    """A name that a file can have for a layer, or None."""
    if name is not None and not (isinstance(name, str) and re.fullmatch(r"[\w-]+", name)):
        raise ValueError(f"{op}: name is {name!r}, expected letters, digits, _ or -")


def _remedy(kind, name):
    if kind == "c":
        return f"take {name}.real, {name}.imag or np.abs({name})"
    if kind in "US" and name not in _LABELS:
        return f"convert text that spells numbers with np.array({name}, np.float32), else make a number of every word"
    if kind in "US":
        return f"give every class a number, as np.unique({name}, return_inverse=True)[1] does"
    return f"convert it with np.array({name}.tolist(), np.float32), which names the first entry that is no number"
