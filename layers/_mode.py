"""Training and evaluation mode for a while, and runs that only look at shapes."""

import contextlib
import threading

from ._tape import Parameter


class _Trial(threading.local):
    running = False


trial = _Trial()


@contextlib.contextmanager
def mode(thing, training):
    """Training or evaluation mode of a layer or a model within it, then the one before; None: as it is."""
    before = thing.training
    if training is None or before is training:
        yield
        return
    modes = [(one, one.training) for one in _below(thing)]
    thing.train(training)
    try:
        yield
    finally:
        thing.train(before)
        for one, was in modes:
            if one.training is not was:
                one.training = was


@contextlib.contextmanager
def trying(thing):
    """Evaluation mode, for a run on stand-ins: nothing random is drawn, no moving mean moves, and by `trial.running`
    layers know that what they keep from call to call stays as it is."""
    before, trial.running = trial.running, True
    try:
        with mode(thing, False):
            yield
    finally:
        trial.running = before


def _below(thing):
    """The layers and models that a model, or a layer of layers, is made of."""
    if hasattr(thing, "children"):
        for _, child in thing.children():
            if not isinstance(child, Parameter):
                yield child
                yield from _below(child)
