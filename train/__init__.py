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
    "Callback",
    "CategoricalCrossentropy",
    "DataLoader",
    "EarlyStopping",
    "F1Score",
    "History",
    "LAMB",
    "Lion",
    "Loss",
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
    "SummaryWriter",
    "load",
]
