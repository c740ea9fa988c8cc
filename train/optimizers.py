"""Optimizers, over kernels/optim. They change parameters in place; formulas: kernels/optim/reference.py.

Keras's way: `compile(optimizer=Adam(learning_rate=0.01))`. PyTorch's way: `Adam(model.parameters())`, then
`zero_grad()` and `step()` around `loss.backward()`. Defaults are Keras's; the kernels say
where PyTorch differs. All take the arguments of `Optimizer` besides their own.
"""

import numpy as np

from ..kernels import _check as check
from ..kernels.optim import (
    adadelta_update,
    adagrad_update,
    adam_update,
    clip_by_global_norm,
    lamb_update,
    lion_update,
    muon_update,
    rmsprop_update,
    sgd_update,
)
from ..layers._device import beside, zeros_like
from .optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent: w -= learning_rate * dw; with momentum v = momentum * v - learning_rate * dw, w += v.

    momentum  from 0 to 1
    nesterov  w += momentum * v - learning_rate * dw instead; needs momentum
    """

    takes_lists = on_cuda = True

    def __init__(self, parameters=None, learning_rate=0.01, momentum=0.0, nesterov=False, **common):
        check.number("SGD", "momentum", momentum, 0, 1)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov is True, expected momentum above 0 because it looks ahead along that")
        self.momentum, self.nesterov = momentum, bool(nesterov)
        super().__init__(parameters, learning_rate, **common)

    def slots(self, value):
        return (zeros_like(value) if self.momentum else None,)

    def update(self, value, gradient, velocity):
        options = self.common(value)
        sgd_update(value, gradient, velocity, momentum=self.momentum, nesterov=self.nesterov, **options)


class Adam(Optimizer):
    """Adaptive moments, Kingma, Ba 2014, arXiv:1412.6980, as Keras writes it.

    beta_1 beta_2  from 0 to below 1: how much of the running means of dw and dw^2 a step keeps
    epsilon        added to the root of the mean of dw^2
    amsgrad        divide by the largest such mean so far; Reddi, Kale, Kumar 2018, arXiv:1904.09237
    """

    takes_lists = on_cuda = True

    def __init__(
        self, parameters=None, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, **common
    ):
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, bool(amsgrad)
        _below_one(self, "beta_1", "beta_2")
        check.number(type(self).__name__, "epsilon", epsilon, 0)
        super().__init__(parameters, learning_rate, **common)

    def slots(self, value):
        return zeros_like(value), zeros_like(value), zeros_like(value) if self.amsgrad else None

    def update(self, value, gradient, m, v, v_hat):
        adam_update(
            value, gradient, m, v, v_hat,
            beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, step=self.iterations, **self.common(value),
        )  # fmt: skip


class AdamW(Adam):
    """Adam with decoupled weight decay, Loshchilov, Hutter 2017, arXiv:1711.05101; arguments as Adam's."""

    def __init__(
        self, parameters=None, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False,
        weight_decay=0.004, **common,
    ):  # fmt: skip
        adams = (parameters, learning_rate, beta_1, beta_2, epsilon, amsgrad)
        super().__init__(*adams, weight_decay=weight_decay, **common)


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of dw^2, Hinton 2012, lecture 6e.

    rho       from 0 to 1: how much of the running means a step keeps
    momentum  from 0 to 1: how much of the last step goes into the next one
    epsilon   added to the mean of dw^2
    centered  take the square of the running mean of dw off it: Graves 2013, arXiv:1308.0850
    """

    takes_lists = True

    def __init__(
        self, parameters=None, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, **common
    ):
        check.number("RMSprop", "rho", rho, 0, 1)
        check.number("RMSprop", "momentum", momentum, 0, 1)
        check.number("RMSprop", "epsilon", epsilon, 0)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, bool(centered)
        super().__init__(parameters, learning_rate, **common)

    def slots(self, value):
        mean, velocity = (zeros_like(value) if kept else None for kept in (self.centered, self.momentum))
        return zeros_like(value), mean, velocity

    def update(self, value, gradient, v, mean, velocity):
        options = self.common(value)
        rmsprop_update(
            value, gradient, v, mean, velocity, rho=self.rho, momentum=self.momentum, epsilon=self.epsilon, **options
        )


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of dw^2, Duchi, Hazan, Singer 2011, JMLR 12.

    initial_accumulator_value  what the sum starts from, at least 0
    epsilon                    added to the sum
    """

    takes_lists = True

    def __init__(self, parameters=None, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, **common):
        check.number("Adagrad", "initial_accumulator_value", initial_accumulator_value, 0)
        check.number("Adagrad", "epsilon", epsilon, 0)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(parameters, learning_rate, **common)

    def slots(self, value):
        return (beside(np.full(value.shape, self.initial_accumulator_value, value.dtype), value),)

    def update(self, value, gradient, total):
        adagrad_update(value, gradient, total, epsilon=self.epsilon, **self.common(value))


class Adadelta(Optimizer):
    """Steps as long as the last ones, by the roots of running means, Zeiler 2012, arXiv:1212.5701, whose rate is 1.

    rho      from 0 to 1: how much of the running means a step keeps
    epsilon  added to the means
    """

    takes_lists = True

    def __init__(self, parameters=None, learning_rate=0.001, rho=0.95, epsilon=1e-7, **common):
        check.number("Adadelta", "rho", rho, 0, 1)
        check.number("Adadelta", "epsilon", epsilon, 0)
        self.rho, self.epsilon = rho, epsilon
        super().__init__(parameters, learning_rate, **common)

    def slots(self, value):
        return zeros_like(value), zeros_like(value)

    def update(self, value, gradient, v, u):
        adadelta_update(value, gradient, v, u, rho=self.rho, epsilon=self.epsilon, **self.common(value))


class Lion(Optimizer):
    """Steps of one length along the sign of the momentum, Chen et al. 2023, arXiv:2302.06675.

    beta_1 beta_2  from 0 to 1: how much of the momentum goes into a step, and how much of it a step keeps
    """

    takes_lists = True

    def __init__(self, parameters=None, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **common):
        check.number("Lion", "beta_1", beta_1, 0, 1)
        check.number("Lion", "beta_2", beta_2, 0, 1)
        self.beta_1, self.beta_2 = beta_1, beta_2
        super().__init__(parameters, learning_rate, **common)

    def slots(self, value):
        return (zeros_like(value),)

    def update(self, value, gradient, m):
        lion_update(value, gradient, m, beta_1=self.beta_1, beta_2=self.beta_2, **self.common(value))


class LAMB(Optimizer):
    """Adam's steps, each parameter's scaled by the norm of its weights, You et al. 2019, arXiv:1904.00962.

    beta_1 beta_2  from 0 to below 1: how much of the running means of dw and dw^2 a step keeps
    epsilon        added to the root of the mean of dw^2
    """

    takes_lists = True

    def __init__(self, parameters=None, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **common):
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        _below_one(self, "beta_1", "beta_2")
        check.number("LAMB", "epsilon", epsilon, 0)
        super().__init__(parameters, learning_rate, **common)

    def slots(self, value):
        return zeros_like(value), zeros_like(value)

    def update(self, value, gradient, m, v):
        lamb_update(
            value, gradient, m, v,
            beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, step=self.iterations, **self.common(value),
        )  # fmt: skip


class Muon(Optimizer):
    """Matrices along their momentum, made orthogonal, and all other parameters by Adam; Jordan 2024.

    adam_beta_1 adam_beta_2 epsilon  as Adam's
    adam_lr_ratio                    Adam's learning rate is so many times Muon's, above 0
    momentum                         from 0 to 1: how much of the momentum a step keeps
    ns_steps                         iterations of Newton and Schulz
    nesterov                         look ahead along the momentum

    A matrix is a parameter of two axes. Its author has the first and the last layer's go by Adam too: construct
    `Muon(hidden)` and `AdamW(others)` on lists of parameters, and step both. With global_clipnorm the gradients
    themselves are scaled. https://kellerjordan.github.io/posts/muon
    """

    takes_lists = True

    def __init__(
        self, parameters=None, learning_rate=0.001, adam_beta_1=0.9, adam_beta_2=0.999, epsilon=1e-7, weight_decay=0.1,
        adam_lr_ratio=0.1, momentum=0.95, ns_steps=6, nesterov=True, **common,
    ):  # fmt: skip
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_lr_ratio, self.momentum, self.ns_steps, self.nesterov = adam_lr_ratio, momentum, ns_steps, nesterov
        _below_one(self, "adam_beta_1", "adam_beta_2")
        check.number("Muon", "epsilon", epsilon, 0)
        check.number("Muon", "momentum", momentum, 0, 1)
        check.whole("Muon", "ns_steps", ns_steps)
        check.number("Muon", "adam_lr_ratio", adam_lr_ratio, 0)
        if not adam_lr_ratio:
            raise ValueError(f"Muon: adam_lr_ratio is {adam_lr_ratio}, expected more")
        super().__init__(parameters, learning_rate, weight_decay, **common)

    def slots(self, value):
        return zeros_like(value), None if value.ndim == 2 else zeros_like(value)

    def update(self, values, gradients, m, v):
        options = self.common(values)
        if self.global_clipnorm is not None:  # of both kinds together
            clip_by_global_norm(gradients, max_norm=self.global_clipnorm)
            del options["treatment"]
        rows = list(zip(values, gradients, m, v or [None] * len(m)))
        matrices = [row[:3] for row in rows if row[3] is None]
        others = [row for row in rows if row[3] is not None]
        if matrices:
            muon = {"momentum": self.momentum, "nesterov": self.nesterov, "ns_steps": self.ns_steps}
            muon_update(*map(list, zip(*matrices)), **muon, **options)
        if others:
            options["learning_rate"] *= self.adam_lr_ratio
            if self.weight_decay:
                options["weight_decay"] /= self.adam_lr_ratio  # as strong as that of matrices, as in Keras
            adam = {"beta_1": self.adam_beta_1, "beta_2": self.adam_beta_2, "epsilon": self.epsilon}
            adam_update(*map(list, zip(*others)), **adam, step=self.iterations, **options)


def _below_one(optimizer, *names):
    op = type(optimizer).__name__
    for name in names:
        value = getattr(optimizer, name)
        check.number(op, name, value, 0, 1)
        if value == 1:
            raise ValueError(f"{op}: {name} is {value}, expected less")


OPTIMIZERS = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "lion": Lion,
    "lamb": LAMB,
    "muon": Muon,
}


def get_optimizer(optimizer):
    """An optimizer from its name; an optimizer as it is."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        return optimizer()
    name = optimizer.lower() if isinstance(optimizer, str) else optimizer
    check.choice("compile", "optimizer", name, tuple(OPTIMIZERS))
    return OPTIMIZERS[name]()
