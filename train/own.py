"""Losses and metrics of the user's own: what they give is looked at here, and functions are made to fit."""

import inspect

import numpy as np

from ..layers._device import to_host
from ..layers._door import as_array
from ..layers._tape import Tensor, tape
from .targets import expect_finite


def targets(loss, target, output, op, name):
    """The target in the output's dtype, (N,) for (N, 1); a loss of one's own says what it makes of other shapes."""
    t = as_array(op, name, target, output.dtype)
    if t.size and not np.isfinite(t).all():
        expect_finite(t, op, name)
    return t[..., None] if t.ndim == output.ndim - 1 and output.shape[-1] == 1 else t


def measure(loss, output, t, w=None):
    """A scalar tensor from what `loss(output, target)` gives: a scalar, or values a sample, weighted, their mean."""
    name = name_of(loss)
    found = loss(output, Tensor(t))
    if not isinstance(found, Tensor):
        raise TypeError(
            f"the loss {name} gave {type(found).__name__}, expected a tensor that is computed from output, with "
            f"operators, tensor methods and functions of tw; what comes from tensor.numpy() has no gradient"
        )
    if output.requires_grad and tape.recording and not found.requires_grad:
        raise ValueError(f"the loss {name} gave a tensor that does not depend on output; the order is {ORDER}")
    each = found.ndim > 0 and len(found) == len(output)
    if not each and found.value.size != 1:
        raise ValueError(
            f"the loss {name} gave shape {found.shape}, expected a scalar, or values a sample, ({len(output)}, ...)"
        )
    if not each:
        if w is not None:
            raise ValueError(
                f"the loss {name} gave one number for the batch, which sample_weight and class_weight cannot weigh; "
                f"expected values a sample, of shape ({len(output)},): take the mean over the other axes alone"
            )
        return found.reshape(()) if found.ndim else found
    mask, count = output.mask, found.value.size
    if mask is not None and mask.shape == found.shape[: mask.ndim]:
        count *= np.count_nonzero(mask) / mask.size
        mask = mask.astype(found.dtype)
        w = mask if w is None else w.reshape(w.shape + (1,) * (mask.ndim - w.ndim)) * mask
    if w is None:
        return found.mean()
    if w.shape != found.shape[: w.ndim]:
        raise ValueError(f"the loss {name} gave shape {found.shape} and the weights have {w.shape}, expected its first")
    w = np.asarray(w, found.dtype).reshape(w.shape + (1,) * (found.ndim - w.ndim))
    return (found * Tensor(np.broadcast_to(w, found.shape))).sum() * (1 / max(count, 1))


def name_of(thing):
    """The name of a function, or of what was made from one, or of the class."""
    thing = getattr(thing, "function", thing)
    return getattr(thing, "__name__", None) or type(thing).__name__


def expect_order(what, function):
    """Keras hands the target over first; its functions are not taken for ones of this order."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return
    if names[:1] == ["y_true"]:
        raise ValueError(
            f"compile: the {what} {name_of(function)} takes {', '.join(names)}, expected {ORDER}: the other way round "
            f"than in Keras; swap the arguments"
        )


def numbers_of(name, found, samples):
    """What a metric's function gave as an array: a number, or values a sample."""
    found = to_host(found.value if isinstance(found, Tensor) else found)
    try:
        found = np.asarray(found, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"the metric {name} gave {type(found).__name__}, expected a number") from None
    if found.size != 1 and found.shape[:1] != (samples,):
        raise ValueError(f"the metric {name} gave shape {found.shape}, expected a number")
    return found


ORDER = "(output, target)"
