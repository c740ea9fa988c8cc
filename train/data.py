"""Arrays at the door of training: checks before anything is trained, splits."""

import math

import numpy as np

from ..kernels import _check as check
from ..layers._device import to_host
from ..layers._door import as_array
from .forms import each, listed


def inputs(op, name, x, dtype, input_shape=None):
    """The samples as an array (N, ...) of `dtype` in C order, as a model of `input_shape` (None, ...) takes them."""
    if hasattr(x, "toarray"):
        raise TypeError(f"{op}: {name} is a sparse matrix, expected an array; pass {name}.toarray()")
    x = as_array(op, name, x, dtype)
    if x.ndim == 0:
        raise ValueError(f"{op}: {name} is one number, expected an array of samples")
    if len(x) == 0:
        raise ValueError(f"{op}: {name} has shape {x.shape}, there are no samples")
    if input_shape is not None and x.ndim == 1 and input_shape[1:] == (1,):
        x = x[:, None]  # a column of a table
    if input_shape is not None and x.shape[1:] != input_shape[1:] and not _fits(x.shape[1:], input_shape[1:]):
        expected = ", ".join(["N", *map(str, input_shape[1:])])
        remedy = ""
        if _fits(x.shape, input_shape[1:]):
            remedy = f"; one sample is {name}[None]"
        elif input_shape[-1] == 1 and _fits(x.shape[1:], input_shape[1:-1]):
            remedy = f"; add the channel axis with {name}[..., None]"
        raise ValueError(
            f"{op}: {name} has shape {x.shape}, expected ({expected}) because the model was built for it{remedy}"
        )
    return x


def expect_apart(op, names, x, y):
    """x is something, and no pair of x and y, or a list of such pairs."""
    if x is None:
        raise TypeError(f"{op}: {names[0]} is None, expected an array of samples, or something that gives batches")
    if callable(x) and not hasattr(x, "shape") and not hasattr(x, "__array__"):
        raise TypeError(
            f"{op}: {names[0]} is {x!r}, expected an array of samples, or something that gives batches; call it, if it "
            f"gives them"
        )
    if y is None and isinstance(x, (list, tuple)) and x:
        kind, remedy = type(x).__name__, f"pass x and y separately, {op}(x, y)"
        if all(isinstance(one, (list, tuple)) and len(one) in (2, 3) and _are_arrays(one, 1) for one in x):
            raise TypeError(
                f"{op}: {names[0]} is a {kind} of {len(x)} pairs of arrays and {names[1]} is None; {remedy}, or give "
                f"the batches as a DataLoader or by a generator"
            )
        if len(x) in (2, 3) and _are_arrays(x, 1):
            raise TypeError(f"{op}: {names[0]} is a {kind} of {len(x)} arrays and {names[1]} is None; {remedy}")


def expect_finite(op, names, x):
    """Neither NaN nor infinity is in the samples, arrays in any form; what lies on the disk or a device is not read."""
    several = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else [(None, x)]
    for key, one in several:
        if not isinstance(one, np.ndarray) or one.dtype.kind != "f" or isinstance(one.base, np.memmap):
            continue
        with np.errstate(all="ignore"):
            if np.isfinite(one.sum()):  # one pass and no array, which all that is well ends with
                continue
        finite = np.isfinite(one)
        if not finite.all():
            first = np.unravel_index(finite.argmin(), one.shape)
            name = names[0] if key is None else f"{names[0]}[{key!r}]"
            rows = f".reshape(len({name}), -1).all(1)" if one.ndim > 1 else ""
            raise ValueError(
                f"{op}: {name} holds {np.count_nonzero(~finite)} values that are NaN or infinite, the first is "
                f"{name}{[int(i) for i in first]} = {one[first]}; leave those samples out of all: keep = "
                f"np.isfinite({name}){rows}; {name}[keep], {names[1]}[keep], or fill them in: np.nan_to_num({name})"
            )


def same_length(op, x_name, x, y_name, y):
    """As many targets as samples."""
    try:
        count = len(y)
    except TypeError:
        raise TypeError(f"{op}: {y_name} is {y!r}, expected a target for each sample of {x_name}") from None
    if count != len(x):
        raise ValueError(f"{op}: {x_name} has {len(x)} samples and {y_name} has {count}, expected as many")


def batch_size(op, size):
    """The batch size as an int of at least 1; None is 32, as in Keras."""
    if size is None:
        return 32
    check.whole(op, "batch_size", size, 1)
    return int(size)


def split(op, share, *parts):
    """(the parts for training, those for validation): of every part, arrays in any form, the last `share`."""
    check.number(op, "validation_split", share, 0, 1)
    samples = len(listed(parts[0])[0])
    cut = math.floor(samples * (1 - share))
    if not 0 < cut < samples:
        raise ValueError(
            f"{op}: validation_split is {share} of {samples} samples, which leaves {cut} for training and "
            f"{samples - cut} for validation; each needs at least one"
        )
    return [cut_out(part, slice(0, cut)) for part in parts], [cut_out(part, slice(cut, None)) for part in parts]


def cut_out(part, rows):
    """The rows of arrays in any form."""
    return each(lambda one: one[rows], part)


def copied(part):
    """Arrays in any form as arrays of their own."""
    return each(lambda one: one.copy(), part)


def _fits(shape, wanted):
    return len(shape) == len(wanted) and all(b is None or a == b for a, b in zip(shape, wanted))


def all_inputs(op, name, x, model):
    """The samples as the model takes them, of the shape declared for it: an array, or a list or a dict of arrays."""
    names = getattr(model, "input_names", None) or ()
    if len(names) > 1:
        wanted = zip(names, model.arranged(op, x), model.input_dtypes, model.input_shapes)
        x = [inputs(op, f"{name}[{n!r}]", one, dtype, shape) for n, one, dtype, shape in wanted]
    elif isinstance(x, dict) and names:
        return inputs(op, name, model.arranged(op, x)[0], model.input_dtype, model.declared_shape)
    elif isinstance(x, dict):
        x = {key: inputs(op, f"{name}[{key!r}]", one, _dtype_of(one, model)) for key, one in x.items()}
    elif isinstance(model.input_shape, list) or takes_a_list(model) and _are_arrays(x):
        x, shapes = list(x), model.declared_shape
        shapes = shapes if isinstance(shapes, list) and len(shapes) == len(x) else [None] * len(x)
        x = [inputs(op, f"{name}[{i}]", one, _dtype_of(one, model), shapes[i]) for i, one in enumerate(x)]
    else:
        return inputs(op, name, x, model.input_dtype, model.declared_shape)
    arrays = listed(x)
    for i, one in enumerate(arrays):
        if len(one) != len(arrays[0]):
            raise ValueError(
                f"{op}: {name}[0] has {len(arrays[0])} samples and {name}[{i}] has {len(one)}, expected as many"
            )
    return x


def takes_a_list(model):
    """Whether a list of arrays is one of inputs for the model's own forward; for others it is an array of samples."""
    return not type(model).__module__.startswith(f"{__package__}.")


def _are_arrays(x, axes=2):
    return (
        isinstance(x, (list, tuple))
        and len(x) > 1
        and all(hasattr(one, "shape") and len(one.shape) >= axes for one in x)
    )


def _dtype_of(x, model):
    """Fractions are brought to the model's dtype, whole numbers stay as they are."""
    return None if np.asarray(to_host(x)).dtype.kind in "iub" else model.dtype


def expect_steps(op, **steps):
    """Numbers of batches, at least 1, or None."""
    for name, count in steps.items():
        if count is not None:
            check.whole(op, name, count, 1)
