"""Training: models, losses, optimizers, metrics, callbacks, data, files."""

import importlib

from ..kernels import _names
from .callbacks import Callback, EarlyStopping, History, LambdaCallback
from .loader import DataLoader
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
    SparseCategoricalFocalCrossentropy,
    SquaredHinge,
    TripletLoss,
)
from .metrics import (
    AUC,
    AbsoluteError,
    Accuracy,
    AveragePrecision,
    BinaryAccuracy,
    CategoricalAccuracy,
    ConfusionMatrix,
    F1Score,
    Metric,
    Precision,
    PrecisionRecallCurve,
    R2Score,
    Recall,
    ROCCurve,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    SquaredError,
    TopKCategoricalAccuracy,
)
from .model import Model
from .optimizer import Optimizer
from .optimizers import LAMB, SGD, Adadelta, Adagrad, Adam, AdamW, Lion, Muon, RMSprop
from .penalty import penalty
from .progress import ProgressBar
from .saving import load
from .schedules import (
    ConstantRate,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    StepDecay,
)
from .sequential import Sequential
from .tensorboard import SummaryWriter

# What few programs need is imported when it is first asked for: all at once would take a tenth of the import.
_LATE = {
    "callbacks": (
        "BackupAndRestore",
        "CSVLogger",
        "ExponentialMovingAverage",
        "LearningRateScheduler",
        "ModelCheckpoint",
        "ReduceLROnPlateau",
        "TensorBoard",
        "TerminateOnNaN",
    ),
    "checkpoint": ("Checkpoint",),
    "augment": (
        "Augment",
        "CutOut",
        "MixUp",
        "RandomBrightness",
        "RandomColorJitter",
        "RandomContrast",
        "RandomCrop",
        "RandomFlip",
        "RandomHue",
        "RandomNoise",
        "RandomRotation",
        "RandomSaturation",
        "RandomTranslation",
        "RandomZoom",
    ),
    "cross_validation": ("CrossValidation", "cross_validate"),
    "preprocess": ("MinMaxScaler", "StandardScaler", "one_hot"),
    "preprocess_split": ("KFold", "StratifiedKFold", "train_test_split"),
    "readers": (
        "Tokenizer",
        "read_cifar10",
        "read_cifar100",
        "read_csv",
        "read_idx",
        "read_images",
        "read_text",
        "write_idx",
    ),
}
_HOMES = {name: module for module, names in _LATE.items() for name in names}

__all__ = [
    "AUC",
    "AbsoluteError",
    "Accuracy",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "AveragePrecision",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "Callback",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "ConfusionMatrix",
    "ConstantRate",
    "CosineDecay",
    "CosineDecayRestarts",
    "CosineSimilarity",
    "DataLoader",
    "EarlyStopping",
    "ExponentialDecay",
    "F1Score",
    "Hinge",
    "History",
    "Huber",
    "InverseTimeDecay",
    "KLDivergence",
    "LAMB",
    "LambdaCallback",
    "LearningRateSchedule",
    "Lion",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Model",
    "Muon",
    "OneCycle",
    "Optimizer",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "Precision",
    "PrecisionRecallCurve",
    "ProgressBar",
    "R2Score",
    "RMSprop",
    "ROCCurve",
    "Recall",
    "RootMeanSquaredError",
    "SGD",
    "Sequential",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseCategoricalFocalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredError",
    "SquaredHinge",
    "StepDecay",
    "SummaryWriter",
    "TopKCategoricalAccuracy",
    "TripletLoss",
    "load",
    "penalty",
    *_HOMES,
]


def __getattr__(name):
    if name in _LATE:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOMES:
        value = globals()[name] = getattr(__getattr__(_HOMES[name]), name)
        return value
    raise _names.missing(__name__, name, __all__)


def __dir__():
    return sorted({*globals(), *__all__})
