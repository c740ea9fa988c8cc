"""Pure functions on arrays: `<op>_forward`, `<op>_backward`; this page lists them all."""

from .activation import relu_backward, relu_forward
from .conv import conv2d_backward, conv2d_forward
from .dropout import dropout_backward, dropout_forward
from .matmul import linear_backward, linear_forward, matmul_backward, matmul_forward
from .optim import adam_update, sgd_update
from .pool import average_pool2d_backward, average_pool2d_forward, max_pool2d_backward, max_pool2d_forward

__all__ = [
    "adam_update",
    "average_pool2d_backward",
    "average_pool2d_forward",
    "conv2d_backward",
    "conv2d_forward",
    "dropout_backward",
    "dropout_forward",
    "linear_backward",
    "linear_forward",
    "matmul_backward",
    "matmul_forward",
    "max_pool2d_backward",
    "max_pool2d_forward",
    "relu_backward",
    "relu_forward",
    "sgd_update",
]
