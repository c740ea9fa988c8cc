"""Optimizers, over kernels/optim. They change parameters in place; formulas: kernels/optim/reference.py.

Keras's way: `compile(optimizer=Adam(learning_rate=0.01))`. PyTorch's way: `Adam(model.parameters())`, then
`zero_grad()` and `step()` around `loss.backward()`.
"""

import math
import numbers

import numpy as np

from ..kernels import _check as check
from ..kernels._varying import varying
from ..kernels.optim import adam_update, sgd_update
from ..layers._device import beside, on_device, zeros_like
from ..layers._layer import config
from ..layers._tape import Parameter

PACKED = 1 << 13  # elements; a call costs 2.3 us, about as much as to gather so many gradients


class Optimizer:
    """Base of all optimizers: parameters, and what is kept for each of them.

    A subclass has `slots(value)`, the arrays kept for a parameter (or None), and `update(value, gradient, *slots)`,
    which changes value and slots element by element. Small parameters are updated in one call: see `_Pack`. On a CUDA
    device `update` gets lists, of all parameters at once, if the class says that it takes them.
    """

    takes_lists = False

    def __init__(self, parameters, learning_rate):
        op = type(self).__name__
        self.learning_rate = learning_rate
        self.iterations = 0
        self._parameters = []
        self._slots = {}
        self._packs, self._apart = [], []
        if parameters is not None:
            if isinstance(parameters, numbers.Real):
                raise TypeError(
                    f"{op}: parameters is {parameters}, expected parameters; "
                    f"a rate is given by name, {op}(learning_rate={parameters})"
                )
            self.attach(parameters)

    @property
    def learning_rate(self):
        """The length of a step, a finite number from 0; it may be set at any time."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        op = type(self).__name__
        check.number(op, "learning_rate", learning_rate, 0)
        if not math.isfinite(learning_rate):
            raise ValueError(f"{op}: learning_rate is {learning_rate}, expected a finite number")
        self._learning_rate = learning_rate

    def attach(self, parameters):
        """Work on these parameters from now on; what is kept for those known already stays."""
        op = type(self).__name__
        parameters = list(parameters)
        if not parameters:
            raise ValueError(f"{op}: there are no parameters; build the model first, with model.build(input_shape)")
        for p in parameters:
            if not isinstance(p, Parameter):
                raise TypeError(f"{op}: parameters holds a {type(p).__name__}, expected those of model.parameters()")
        if parameters == self._parameters:
            return
        self._parameters = parameters
        self._slots = {p: self._slots.get(p) or self.slots(p.value) for p in parameters}
        self._pack()

    def zero_grad(self):
        """Forget all gradients."""
        for p in self._parameters:
            p.grad = None

    def step(self):
        """Change every parameter that has a gradient. Raises RuntimeError if none has."""
        if self._parameters and on_device(self._parameters[0].value):
            return self._step_on_device()
        together, apart = [], self._apart
        for pack in self._packs:
            gradient = pack.gradient()
            if gradient is None:
                apart = apart + pack.parameters
            else:
                together.append((pack.value, gradient, *pack.slots))
        if apart:
            together += [(p.value, p.grad, *self._kept(p)) for p in apart if p.grad is not None]
        if not together:
            raise _no_gradient()
        self.iterations += 1
        for arrays in together:
            self.update(*arrays)

    def rate(self, value):
        """The learning rate for an array or a list of them; on a device, one that a recorded step reads anew."""
        return self.learning_rate if value.__class__ is np.ndarray else varying(lambda: self.learning_rate)

    def _step_on_device(self):
        if not self.takes_lists:
            raise NotImplementedError(
                f"step: {type(self).__name__} computes on NumPy arrays, and the weights are on a CUDA device; move the "
                f"model with model.to('cpu'), or use SGD or Adam"
            )
        ready = [p for p in self._parameters if p.grad is not None]
        if not ready:
            raise _no_gradient()
        self.iterations = varying(self._count)
        slots = (None if column[0] is None else list(column) for column in zip(*map(self._kept, ready)))
        self.update([p.value for p in ready], [p.grad for p in ready], *slots)

    def _count(self):
        self.iterations = int(self.iterations) + 1
        return self.iterations

    def _kept(self, p):
        """What is kept for a parameter, where its value lies now."""
        slots = self._slots[p]
        if any(slot is not None and on_device(slot) != on_device(p.value) for slot in slots):
            slots = self._slots[p] = tuple(None if slot is None else beside(slot, p.value) for slot in slots)
        return slots

    def config(self):
        """The constructor's arguments but the parameters."""
        return config(self, leave_out=("parameters",))

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.config().items())})"

    def __getstate__(self):
        """A copy's arrays are no views of each other any more, so that it packs its parameters anew."""
        return {name: value for name, value in vars(self).items() if name not in ("_packs", "_apart")}

    def __setstate__(self, state):
        vars(self).update(state)
        self._pack()

    def _pack(self):
        """Put the small parameters of a dtype together."""
        together, self._apart = {}, []
        for p in self._parameters:
            if p.value.size <= PACKED and not on_device(p.value):
                together.setdefault(p.value.dtype, []).append(p)
            else:
                self._apart.append(p)
        self._packs = [_Pack(parameters, self._slots) for parameters in together.values()]


class _Pack:
    """Parameters whose values lie one after another in one array, and what is kept for them likewise.

    Every parameter's `value` becomes a view of its part, so that all are updated in one call; a small model's step
    would else be mostly calls.
    """

    def __init__(self, parameters, slots):
        self.parameters = parameters
        self.value, views = self._joined([p.value for p in parameters])
        columns = [self._joined(column) for column in zip(*(slots[p] for p in parameters))]
        self.slots = [joined for joined, _ in columns]
        for i, p in enumerate(parameters):
            p.value = views[i]
            slots[p] = tuple(parts[i] for _, parts in columns)
        self._views = list(zip(parameters, views))
        self._gradient = np.empty_like(self.value)

    def gradient(self):
        """All gradients, gathered. None if one is missing, or if a value is no longer the view: then the parameters
        are updated one by one, so that one without gradient, or one that was given another value, is not missed."""
        gradients = []
        for p, view in self._views:
            if p.grad is None or p.value is not view:
                return None
            gradients.append(p.grad)
        return np.concatenate(gradients, axis=None, out=self._gradient)

    def _joined(self, arrays):
        """(one array of them all, its parts in their shapes); (None, Nones) of Nones."""
        if arrays[0] is None:
            return None, arrays
        joined = np.concatenate([array.reshape(-1) for array in arrays])
        ends = np.cumsum([array.size for array in arrays])
        return joined, [
            joined[end - array.size : end].reshape(array.shape) for array, end in zip(arrays, ends.tolist())
        ]


def _no_gradient():
    return RuntimeError(
        "step: no parameter has a gradient; call loss.backward() first, "
        "and construct the optimizer with the model's own parameters"
    )


class SGD(Optimizer):
    """Gradient descent: w -= learning_rate * dw; with momentum v = momentum * v - learning_rate * dw, w += v.

    parameters     those of `model.parameters()`; left out for `compile`
    learning_rate  a finite number from 0
    momentum       from 0 to 1
    nesterov       w += momentum * v - learning_rate * dw instead; needs momentum
    """

    takes_lists = True

    def __init__(self, parameters=None, learning_rate=0.01, momentum=0.0, nesterov=False):
        check.number("SGD", "momentum", momentum, 0, 1)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov is True, expected momentum above 0 because it looks ahead along that")
        self.momentum, self.nesterov = momentum, bool(nesterov)
        super().__init__(parameters, learning_rate)

    def slots(self, value):
        return (zeros_like(value) if self.momentum else None,)

    def update(self, value, gradient, velocity):
        sgd_update(
            value,
            gradient,
            velocity,
            learning_rate=self.rate(value),
            momentum=self.momentum,
            nesterov=self.nesterov,
        )


class Adam(Optimizer):
    """Adaptive moments, Kingma, Ba 2014, arXiv:1412.6980, as Keras writes it.

    parameters     those of `model.parameters()`; left out for `compile`
    learning_rate  a finite number from 0
    beta_1 beta_2  from 0 to below 1: how much of the running means of dw and dw^2 a step keeps
    epsilon        added to the root of the mean of dw^2
    """

    takes_lists = True

    def __init__(self, parameters=None, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        for name, value in (("beta_1", beta_1), ("beta_2", beta_2)):
            check.number("Adam", name, value, 0, 1)
            if value == 1:
                raise ValueError(f"Adam: {name} is 1, expected less")
        check.number("Adam", "epsilon", epsilon, 0)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(parameters, learning_rate)

    def slots(self, value):
        return zeros_like(value), zeros_like(value)

    def update(self, value, gradient, m, v):
        adam_update(
            value,
            gradient,
            m,
            v,
            learning_rate=self.rate(value),
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=self.iterations,
        )


OPTIMIZERS = {"sgd": SGD, "adam": Adam}


def get_optimizer(optimizer):
    """An optimizer from its name; an optimizer as it is."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        return optimizer()
    name = optimizer.lower() if isinstance(optimizer, str) else optimizer
    check.choice("compile", "optimizer", name, tuple(OPTIMIZERS))
    return OPTIMIZERS[name]()
