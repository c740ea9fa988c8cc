"""Callbacks: what `fit` tells others while it runs. Names, arguments and defaults are Keras's."""

from .base import Callback, History, LambdaCallback, hooks
from .rate import LearningRateScheduler, ReduceLROnPlateau
from .stopping import EarlyStopping

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ReduceLROnPlateau",
    "hooks",
]
