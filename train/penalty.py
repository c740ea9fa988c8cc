"""L1 and L2 penalties on weights: `Parameter.regularizer`, added to the loss and to the gradients."""

from ..layers._device import on_device
from ..layers._tape import Buffer, Tensor


def penalised(parameters):
    """The parameters that have a regularizer, which counts while they are trained. Raises NotImplementedError for those
    that are, on a device."""
    found = [p for p in parameters if p.regularizer is not None and not isinstance(p, Buffer)]
    if any(on_device(p.value) and p.trainable for p in found):
        raise NotImplementedError(
            "fit: a regularizer computes on NumPy arrays, and the weights are on a CUDA device; leave it out, or move "
            "the model with model.to('cpu')"
        )
    return found


def penalty(model):
    """The sum of the penalties of a model's trainable weights, a scalar tensor to add to a loss by hand; 0 for none.

    >>> import tilewright as tw
    >>> dense = tw.layers.Dense(1, kernel_regularizer="l2", kernel_initializer="ones", input_shape=(3,))
    >>> model = tw.Sequential([dense])
    >>> round(penalty(model).item(), 6)
    0.03
    """
    total = None
    for p in penalised(model.parameters()):
        if p.trainable:
            one = p.regularizer(p)
            total = one if total is None else total + one
    return Tensor(model.dtype.type(0)) if total is None else total


def add_gradients(parameters):
    """Add the gradients of the penalties of `penalised` parameters to theirs."""
    for p in parameters:
        if p.trainable:
            p.accumulate(p.regularizer.gradient(p.value))


def value_of(parameters):
    """The sum of the penalties, a float."""
    return sum(float(p.regularizer(Tensor(p.value)).value) for p in parameters if p.trainable)
