"""Pure functions on arrays: `<op>_forward`, `<op>_backward`; this page lists them all."""

from .activation import (
    elu_backward,
    elu_forward,
    gelu_backward,
    gelu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from .attention import attention_backward, attention_forward, rotary_backward, rotary_forward, sinusoidal_positions
from .conv import conv2d_backward, conv2d_forward
from .conv1d import conv1d_backward, conv1d_forward
from .conv_transpose import conv2d_transpose_backward, conv2d_transpose_forward
from .dropout import dropout_backward, dropout_forward
from .loss import (
    binary_crossentropy_backward,
    binary_crossentropy_forward,
    categorical_crossentropy_backward,
    categorical_crossentropy_forward,
    mse_backward,
    mse_forward,
    sparse_categorical_crossentropy_backward,
    sparse_categorical_crossentropy_forward,
)
from .matmul import linear_backward, linear_forward, matmul_backward, matmul_forward
from .norm import layer_norm_backward, layer_norm_forward
from .optim import adam_update, sgd_update
from .pool import average_pool2d_backward, average_pool2d_forward, max_pool2d_backward, max_pool2d_forward
from .recurrent import (
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    simple_rnn_backward,
    simple_rnn_forward,
)
from .softmax import softmax_backward, softmax_forward

__all__ = [
    "adam_update",
    "attention_backward",
    "attention_forward",
    "average_pool2d_backward",
    "average_pool2d_forward",
    "binary_crossentropy_backward",
    "binary_crossentropy_forward",
    "categorical_crossentropy_backward",
    "categorical_crossentropy_forward",
    "conv1d_backward",
    "conv1d_forward",
    "conv2d_backward",
    "conv2d_forward",
    "conv2d_transpose_backward",
    "conv2d_transpose_forward",
    "dropout_backward",
    "dropout_forward",
    "elu_backward",
    "elu_forward",
    "gelu_backward",
    "gelu_forward",
    "gru_backward",
    "gru_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "linear_backward",
    "linear_forward",
    "lstm_backward",
    "lstm_forward",
    "matmul_backward",
    "matmul_forward",
    "max_pool2d_backward",
    "max_pool2d_forward",
    "mse_backward",
    "mse_forward",
    "relu_backward",
    "relu_forward",
    "rotary_backward",
    "rotary_forward",
    "sgd_update",
    "sigmoid_backward",
    "sigmoid_forward",
    "simple_rnn_backward",
    "simple_rnn_forward",
    "sinusoidal_positions",
    "softmax_backward",
    "softmax_forward",
    "sparse_categorical_crossentropy_backward",
    "sparse_categorical_crossentropy_forward",
    "tanh_backward",
    "tanh_forward",
]
