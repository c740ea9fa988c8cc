"""Layers: thin classes of parameters that name the kernel to call, and the tape that links them."""

from ..kernels import _names
from . import initializers, regularizers
from ._block import Block
from ._device import use
from ._layer import Layer
from ._random import set_seed
from ._symbol import Input
from ._tape import Buffer, Parameter, Tensor, no_grad
from ._tensor_joining import concatenate, stack, where
from .activation import (
    Activation,
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    swiglu,
    tanh,
)
from .activation_layers import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    SwiGLU,
    Tanh,
)
from .attention import MultiHeadAttention
from .batch_norm import BatchNormalization
from .conv import Conv1D, Conv2D, Conv2DTranspose, DepthwiseConv2D
from .dropout import Dropout, GaussianNoise, SpatialDropout1D, SpatialDropout2D, dropout
from .embedding import Embedding
from .function import Lambda
from .global_pool import GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalMaxPooling1D, GlobalMaxPooling2D
from .masking import Masking
from .matmul import Dense
from .merge import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from .norm import GroupNormalization, InstanceNormalization, LayerNormalization, RMSNormalization
from .pool import (
    AdaptiveAveragePooling2D,
    AdaptiveMaxPooling2D,
    AveragePooling1D,
    AveragePooling2D,
    MaxPooling1D,
    MaxPooling2D,
    average_pool2d,
    max_pool2d,
)
from .positions import PositionEmbedding, SinePositionEncoding, TokenAndPositionEmbedding
from .recurrent import GRU, LSTM, SimpleRNN
from .separable import SeparableConv2D
from .shape import Cropping1D, Cropping2D, Flatten, Permute, Reshape, UpSampling2D, ZeroPadding1D, ZeroPadding2D
from .transformer import Residual, TransformerDecoder, TransformerEncoder
from .wrappers import Bidirectional, TimeDistributed

__all__ = [
    "Activation",
    "AdaptiveAveragePooling2D",
    "AdaptiveMaxPooling2D",
    "Add",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "Block",
    "Buffer",
    "CELU",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "ELU",
    "Embedding",
    "Flatten",
    "GELU",
    "GLU",
    "GRU",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Input",
    "InstanceNormalization",
    "LSTM",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LogSoftmax",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Mish",
    "MultiHeadAttention",
    "Multiply",
    "PReLU",
    "Parameter",
    "Permute",
    "PositionEmbedding",
    "RMSNormalization",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "ReLU6",
    "Reshape",
    "Residual",
    "SELU",
    "SeparableConv2D",
    "SiLU",
    "Sigmoid",
    "SimpleRNN",
    "SinePositionEncoding",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "Subtract",
    "SwiGLU",
    "Tanh",
    "Tensor",
    "TimeDistributed",
    "TokenAndPositionEmbedding",
    "TransformerDecoder",
    "TransformerEncoder",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "average_pool2d",
    "celu",
    "concatenate",
    "dropout",
    "elu",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "initializers",
    "leaky_relu",
    "log_softmax",
    "max_pool2d",
    "mish",
    "no_grad",
    "regularizers",
    "relu",
    "relu6",
    "selu",
    "set_seed",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "stack",
    "swiglu",
    "tanh",
    "use",
    "where",
]


_LATE = ("RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom")  # few programs need them


def __getattr__(name):
    if name in _LATE:
        from . import augmentation

        value = globals()[name] = getattr(augmentation, name)
        return value
    raise _names.missing(__name__, name, __all__)


def __dir__():
    return sorted({*globals(), *__all__})
