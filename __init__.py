"""Tilewright: compute kernels for neural networks, written in Python with Numba, and thin layers to train with them."""

import importlib

from . import kernels, layers, train
from .kernels import _names
from .kernels._device import to_device, to_host
from .layers import (
    Input,
    Parameter,
    Tensor,
    average_pool2d,
    celu,
    concatenate,
    dropout,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_softmax,
    max_pool2d,
    mish,
    no_grad,
    relu,
    relu6,
    selu,
    set_seed,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    stack,
    swiglu,
    tanh,
    use,
    where,
)
from .train import Model, Sequential, load

__all__ = [
    "Input",
    "Model",
    "Parameter",
    "Sequential",
    "Tensor",
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
    "kernels",
    "layers",
    "leaky_relu",
    "load",
    "log_softmax",
    "max_pool2d",
    "mish",
    "no_grad",
    "plot",
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
    "to_device",
    "to_host",
    "train",
    "use",
    "where",
]


def __getattr__(name):
    if name == "plot":  # few programs draw
        return importlib.import_module(".plot", __name__)
    if name == "__version__":  # looked up when it is asked for: the import of importlib.metadata takes its time
        from importlib.metadata import version

        return version("tilewright")
    from .layers._other_names import ours

    if hint := ours(name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}", name=name)
    raise _names.missing(__name__, name, [*__all__, "__version__"], (layers, train, kernels))
