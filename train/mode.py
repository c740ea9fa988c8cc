"""Training and evaluation mode for a while."""

import contextlib


@contextlib.contextmanager
def mode(model, training):
    """Training or evaluation mode within it, then the one before."""
    before = model.training
    if before is not training:
        model.train(training)
    try:
        yield
    finally:
        if model.training is not before:
            model.train(before)
