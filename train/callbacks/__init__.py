"""Callbacks: what `fit` tells others while it runs. Names, arguments and defaults are Keras's."""

from .average import ExponentialMovingAverage
from .base import Callback, History, LambdaCallback, hooks
from .finite import TerminateOnNaN
from .keep import BackupAndRestore, ModelCheckpoint
from .logs import CSVLogger
from .rate import LearningRateScheduler, ReduceLROnPlateau
from .stopping import EarlyStopping
from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "ExponentialMovingAverage",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
    "hooks",
]
