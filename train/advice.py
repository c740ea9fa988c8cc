"""Warnings of what is certainly not meant: a loss on probabilities behind a layer that gives none, or the reverse.

The last layer says it where it is one of the library's: dense, a convolution, an activation, behind which nothing but
the shape is changed. Of other models the numbers do, as far as they cannot be probabilities.
"""

import sys
import warnings

import numpy as np

from .. import layers
from ..layers._affine import Affine
from ..layers.activation import ACTIVATIONS
from .forms import listed
from .walking import every_layer

_SHARES = ("sigmoid", "hard_sigmoid", "softmax")  # the activations that give numbers from 0 to 1
_SLACK = 1e-3  # below 0 and above 1, for rounding
_MOVING = (layers.Flatten, layers.Permute, layers.Reshape)  # which change no number


def caution(message):
    """A RuntimeWarning at the line of the user's that led here."""
    library, level, frame = __name__.partition(".")[0], 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == library:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)


def look_at_outputs(op, model, loss, output):
    """Warn where the outputs of a model, here those for one sample, are not of the kind that the loss takes."""
    for i, (one, y) in enumerate(zip(getattr(loss, "losses", [loss]), listed(output))):
        if getattr(one, "probabilities_by", None):
            layer = _last(model, i)
            activation = _activation_of(layer)
            if activation:
                path = next((path for path, known in every_layer(model).items() if known is layer), "the last layer")
                _look_at_activation(op, one, activation, f"{path} ({type(layer).__name__})")
            else:
                look_at_numbers(op, one, y)


def look_at_order(op, model, x, shuffle):
    """Warn where batches are shuffled, and layers begin each with the states that the one before it ended with."""
    stateful = [path for path, layer in every_layer(model).items() if getattr(layer, "stateful", False)]
    if not stateful:
        return
    from .feeds import is_stream  # which imports callbacks, and those this

    batches = is_stream(x)
    if getattr(x, "shuffle", None) is True if batches else shuffle:
        caution(
            f"{op}: {stateful[0]} is stateful and begins with the states that the batch before ended with, sample by "
            f"sample, but shuffle=True{' of x' if batches else ''} puts other samples there; say shuffle=False"
        )


def why_none(model):
    """Why a model has nothing to train: the end of a sentence."""
    if model.parameters():
        return ", all of them are frozen; set trainable = True"
    if every_layer(model):
        return ""
    return ", and no layers; make them in its __init__, self.hidden = Dense(8), not in forward"


def look_at_numbers(op, loss, y):
    """Warn where numbers that a loss takes for probabilities are below 0 or above 1."""
    if loss.from_logits or not isinstance(y, np.ndarray) or not y.size:
        return
    low, high = y.min(), y.max()
    if low < -_SLACK or high > 1 + _SLACK:
        caution(
            f"{op}: the model's output has numbers from {low:.3g} to {high:.3g}, and {_name(loss)} takes "
            f"probabilities; end the model with {loss.probabilities_by}{_or_logits(loss)}"
        )


def _look_at_activation(op, loss, activation, where):
    if loss.from_logits and activation in _SHARES:
        caution(
            f"{op}: {where} ends with {activation}, whose results are probabilities, and {_name(loss)} takes logits; "
            f"take the activation away, or from_logits=True"
        )
    elif not loss.from_logits and activation not in _SHARES:
        has = "has no activation" if activation == "linear" else f"ends with {activation}"
        caution(
            f"{op}: {where} {has}, and {_name(loss)} takes probabilities; give it activation={loss.probabilities_by!r}"
            f"{_or_logits(loss)}"
        )


def _name(loss):
    return f"{type(loss).__name__}({'from_logits=True' if loss.from_logits else ''})"


def _or_logits(loss):
    return f", or say {type(loss).__name__}(from_logits=True)" if "from_logits" in loss.config() else ""


def _last(thing, i=0):
    """The layer that result i of a model or a layer comes from; None where that is not known."""
    from .functional import Functional  # which imports what trains models, and that this
    from .sequential import Sequential

    if type(thing) is Sequential:
        last = next((layer for layer in reversed(thing.layers) if not isinstance(layer, _MOVING)), None)
        return _last(last)
    if type(thing) is Functional:
        symbol = thing.outputs[i]
        while symbol.call is not None and isinstance(symbol.call.thing, _MOVING):
            symbol = symbol.call.inputs[0]
        call = symbol.call
        return None if call is None else _last(call.thing, next(i for i, y in enumerate(call.results) if y is symbol))
    return _last(thing.layer) if isinstance(thing, layers.TimeDistributed) else thing


def _activation_of(layer):
    """The name of the activation that a layer of the library ends with, "linear" for none; None where not known."""
    if getattr(layers, type(layer).__name__, None) is not type(layer):
        return None
    known = isinstance(layer, (Affine, layers.Activation))
    found = layer.activation or "linear" if known else getattr(layer, "kernel", None)
    return found if isinstance(found, str) and found in ACTIVATIONS else None
