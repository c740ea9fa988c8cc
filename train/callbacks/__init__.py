"""Callbacks: what `fit` tells others while it runs. Names, arguments and defaults are Keras's."""

import importlib

from ...kernels import _names
from .base import Callback, History, LambdaCallback, hooks
from .stopping import EarlyStopping

# Imported when they are first asked for.
_LATE = {
    "BackupAndRestore": "keep",
    "CSVLogger": "logs",
    "ExponentialMovingAverage": "average",
    "LearningRateScheduler": "rate",
    "ModelCheckpoint": "keep",
    "ReduceLROnPlateau": "rate",
    "TensorBoard": "tensorboard",
    "TerminateOnNaN": "finite",
}

__all__ = ["Callback", "EarlyStopping", "History", "LambdaCallback", "hooks", *_LATE]


def __getattr__(name):
    if name in _LATE:
        value = globals()[name] = getattr(importlib.import_module(f".{_LATE[name]}", __name__), name)
        return value
    raise _names.missing(__name__, name, __all__)
