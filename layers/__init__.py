"""Layers: thin classes of parameters that name the kernel to call, and the tape that links them."""

from ..kernels import _names
from ._block import Block
from ._device import use
from ._layer import Layer
from ._random import set_seed
from ._tape import Buffer, Parameter, Tensor, no_grad
from .activation import (
    Activation,
    ReLU,
    Softmax,
    elu,
    gelu,
    leaky_relu,
    mish,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from .conv import Conv2D
from .dropout import Dropout, dropout
from .global_pool import GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D, GlobalMaxPooling2D
from .matmul import Dense
from .merge import Add, Average, Concatenate, Maximum, Minimum, Multiply, Subtract
from .pool import AveragePooling2D, MaxPooling2D, average_pool2d, max_pool2d
from .shape import Flatten

__all__ = [
    "Activation",
    "Add",
    "Average",
    "AveragePooling2D",
    "Block",
    "Buffer",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Layer",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Parameter",
    "ReLU",
    "Softmax",
    "Subtract",
    "Tensor",
    "average_pool2d",
    "dropout",
    "elu",
    "gelu",
    "leaky_relu",
    "max_pool2d",
    "mish",
    "no_grad",
    "relu",
    "selu",
    "set_seed",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
    "use",
]


def __getattr__(name):
    raise _names.missing(__name__, name, __all__)
