"""Training: models, losses, optimizers, metrics, callbacks, data, files."""

from .callbacks import Callback, EarlyStopping, History
from .data import DataLoader
from .losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from .metrics import AUC, Accuracy, F1Score, Metric, Precision, Recall
from .model import Model
from .optimizers import SGD, Adam, Optimizer
from .progress import ProgressBar
from .saving import load
from .sequential import Sequential
from .tensorboard import SummaryWriter

__all__ = [
    "AUC",
    "Accuracy",
    "Adam",
    "BinaryCrossentropy",
    "Callback",
    "CategoricalCrossentropy",
    "DataLoader",
    "EarlyStopping",
    "F1Score",
    "History",
    "Loss",
    "MeanSquaredError",
    "Metric",
    "Model",
    "Optimizer",
    "Precision",
    "ProgressBar",
    "Recall",
    "SGD",
    "Sequential",
    "SparseCategoricalCrossentropy",
    "SummaryWriter",
    "load",
]
