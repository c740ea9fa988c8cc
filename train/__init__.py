"""Training: models, losses, optimizers, metrics, callbacks, data, files."""

from ..kernels import _names
from .callbacks import Callback, EarlyStopping, History
from .data import DataLoader
from .losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .metrics import AUC, Accuracy, F1Score, Metric, Precision, Recall
from .model import Model
from .optimizer import Optimizer
from .optimizers import LAMB, SGD, Adadelta, Adagrad, Adam, AdamW, Lion, Muon, RMSprop
from .progress import ProgressBar
from .saving import load
from .sequential import Sequential
from .tensorboard import SummaryWriter

__all__ = [
    "AUC",
    "Accuracy",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "Callback",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CosineSimilarity",
    "DataLoader",
    "EarlyStopping",
    "F1Score",
    "Hinge",
    "History",
    "Huber",
    "KLDivergence",
    "LAMB",
    "Lion",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Model",
    "Muon",
    "Optimizer",
    "Precision",
    "ProgressBar",
    "RMSprop",
    "Recall",
    "SGD",
    "Sequential",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "SummaryWriter",
    "load",
]


def __getattr__(name):
    raise _names.missing(__name__, name, __all__)
