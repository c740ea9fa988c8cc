"""Optimizer steps: they change the parameters and what is kept for them in place.

They take the arrays of one parameter, or lists or tuples of the arrays of many, which are updated in one call; on a
CUDA device a step of all is one launch. Arrays of different parameters do not overlap. All raise TypeError or
ValueError before anything is changed, and all have these options:

weight_decay  decoupled: w -= learning_rate * weight_decay * w before the step, whose gradient does not know of it.
              Loshchilov, Hutter 2017, arXiv:1711.05101; as Keras and PyTorch's AdamW have it.
treatment     penalties and clipping of the gradient, a `Treatment`; None leaves it as it is
"""

from ._treatment import Treatment
from .adaptive import adadelta_update, adagrad_update, adam_update, rmsprop_update
from .descent import clip_by_global_norm, ema_update, lion_update, sgd_update
from .layerwise import lamb_update, muon_update

__all__ = [
    "Treatment",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "clip_by_global_norm",
    "ema_update",
    "lamb_update",
    "lion_update",
    "muon_update",
    "rmsprop_update",
    "sgd_update",
]
