"""The base of all optimizers: parameters, what is kept for them, and steps of all of them at once."""

import inspect
import numbers

import numpy as np

from ..kernels import _check as check
from ..kernels import _varying
from ..kernels._varying import derived, refuse, varying
from ..kernels.optim import ema_update
from ..layers._device import assign, beside, on_device, to_host
from ..layers._layer import config
from ..layers._own import name_arguments
from ..layers._tape import Buffer, Parameter
from .optimizer_settings import Adjustable, keep, treatment_of
from .optimizer_state import set_state, state_of
from .schedule import LearningRateSchedule

# What no CUDA kernel knows yet.
_CPU_ONLY = (
    "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "amsgrad", "gradient_accumulation_steps",
)  # fmt: skip


class Optimizer(Adjustable):
    """Base of all optimizers: parameters, and what is kept for each of them.

    A subclass has `slots(value)`, the arrays kept for a parameter (or Nones), and `update(value, gradient, *slots)`,
    which changes value and slots. Where the class says that it takes lists, `update` gets lists or tuples, of all
    parameters at once, and that is one call of a kernel. All take these arguments, which are Keras's:

    parameters       those of `model.parameters()`; left out for `compile`
    learning_rate    a finite number from 0, or a schedule (schedules.py), whose rate every step looks up; any object
                     with rate(step) and any function of the step is one
    weight_decay     a step takes learning_rate * weight_decay of the weights away, apart from their gradient; or None
    clipnorm         every gradient whose norm is greater is scaled to it
    clipvalue        the elements of gradients are cut to [-clipvalue, clipvalue]
    global_clipnorm  all gradients are scaled by one factor, if the norm of all of them together is greater
    use_ema          keep averages of the weights, which `finalize_variable_values` puts in their place
    ema_momentum     how much of the averages a step keeps, from 0 to 1
    gradient_accumulation_steps  from 2: only every so many calls of `step` change the weights, by the mean of the
                     gradients since the last change; `zero_grad` keeps gradients that wait
    """

    takes_lists = False
    on_cuda = False  # whether the kernels run on a CUDA device, without any of the arguments that all take

    def __init__(
        self, parameters, learning_rate, weight_decay=None, clipnorm=None, clipvalue=None, global_clipnorm=None,
        use_ema=False, ema_momentum=0.99, gradient_accumulation_steps=None,
    ):  # fmt: skip
        op = type(self).__name__
        self.learning_rate = learning_rate
        self.gradient_accumulation_steps = gradient_accumulation_steps
        if weight_decay is not None:
            check.number(op, "weight_decay", weight_decay, 0)
        check.number(op, "ema_momentum", ema_momentum, 0, 1)
        self.weight_decay, self.use_ema, self.ema_momentum = weight_decay, bool(use_ema), ema_momentum
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        clips = {"clipvalue": clipvalue, "clipnorm": clipnorm, "global_clipnorm": global_clipnorm}
        self._treatment = treatment_of(op, **clips)
        self.iterations = self.accumulated = 0
        self._parameters = []
        self._slots = {}
        self._columns = None
        if parameters is not None:
            if isinstance(parameters, (numbers.Real, LearningRateSchedule)):
                raise TypeError(
                    f"{op}: parameters is {parameters!r}, expected parameters; "
                    f"a rate is given by name, {op}(learning_rate={parameters!r})"
                )
            self.attach(parameters)

    def __init_subclass__(cls, **options):
        """A constructor's `**common` stands for the arguments that all optimizers take; its signature has them all."""
        super().__init_subclass__(**options)
        name_arguments(cls)
        own = inspect.signature(cls.__init__).parameters
        if "common" in own:
            rest = [p.replace(kind=p.KEYWORD_ONLY) for name, p in _COMMON.items() if name not in own]
            cls.__signature__ = inspect.Signature([*(p for name, p in own.items() if name not in _UNNAMED), *rest])

    def attach(self, parameters):
        """Work on these parameters from now on; what is kept for those known already stays."""
        op = type(self).__name__
        if hasattr(parameters, "parameters"):
            raise TypeError(f"{op}: parameters is a {type(parameters).__name__}, expected its model.parameters()")
        parameters = list(parameters)
        if not parameters:
            raise ValueError(f"{op}: there are no parameters; build the model first, with model.build(input_shape)")
        for p in parameters:
            if not isinstance(p, Parameter):
                raise TypeError(f"{op}: parameters holds a {type(p).__name__}, expected those of model.parameters()")
        parameters = [p for p in parameters if not isinstance(p, Buffer)]
        if list(map(id, parameters)) == list(map(id, self._parameters)):
            return
        self._parameters = parameters
        self._slots = {p: self._slots.get(p) or self._fresh(p.value) for p in parameters}
        self._columns = None

    def zero_grad(self):
        """Forget all gradients, but those that wait for more under gradient accumulation."""
        if self.accumulated:
            return
        for p in self._parameters:
            p.grad = None

    def step(self):
        """Change every parameter that has a gradient. Raises RuntimeError if none has."""
        ready = self._parameters
        if ready and on_device(ready[0].value):
            return self._step_on_device()
        if self._every is not None and self._waits():
            return
        gradients = [p.grad for p in ready if p.grad is not None]
        if not gradients:
            raise _no_gradient()
        if len(gradients) < len(ready):
            ready = [p for p in ready if p.grad is not None]
        values, columns, averages = [p.value for p in ready], self._kept_together(ready), None
        if _varying.recording is None or (recording := _varying.here()) is None:
            keep(self, "iterations", int(self.iterations) + 1)  # a recorded one would keep all before it
        else:
            keep(self, "iterations", recording.counted(varying(self._count)))
        if self.use_ema:
            *columns, averages = columns
        if self.takes_lists:
            self.update(values, gradients, *columns)
        else:
            for arrays in zip(values, gradients, *(column or [None] * len(ready) for column in columns)):
                self.update(*arrays)
        if averages:  # the first step makes them the weights, as in Keras
            refuse("a momentum that grows")
            ema_update(averages, values, momentum=self.ema_momentum if self.iterations > 1 else 0.0)

    def kept(self):
        """All arrays that are kept for the parameters."""
        return [slot for slots in self._slots.values() for slot in slots if slot is not None]

    def _waits(self):
        """Whether more gradients are to come before the next change; at the last ones they are made their mean."""
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        if not gradients:
            raise _no_gradient()
        keep(self, "accumulated", self.accumulated + 1)
        if self.accumulated < self._every:
            return True
        for gradient in gradients:
            gradient /= self.accumulated
        keep(self, "accumulated", 0)
        return False

    def state(self, parameters):
        """What is kept, for a checkpoint: a plain dictionary of numbers and of copies of arrays.

        parameters  `model.named_parameters()`, whose paths name the arrays: "hidden.w.velocity"
        """
        return state_of(self, parameters)

    def load_state(self, state, parameters):
        """Go on from what `state` gave, bit by bit. Raises ValueError, and changes nothing, if it does not fit."""
        set_state(self, state, parameters)

    def finalize_variable_values(self):
        """Put the averages of the weights in their place, as Keras does at the end of `fit`; needs use_ema."""
        if not self.use_ema:
            raise RuntimeError(
                f"finalize_variable_values: {type(self).__name__} keeps no averages; construct it with use_ema=True"
            )
        if self.iterations:
            for p in self._parameters:
                if p.trainable:
                    assign(p.value, to_host(self._kept(p)[-1]))

    def rate(self, value):
        """The learning rate for an array or a list of them, one that a recorded step reads anew."""
        schedule = self.schedule
        if schedule is not None:
            return derived(lambda step: float(schedule.rate(step - 1)), self.iterations)
        first = value[0] if value.__class__ is list else value
        if first.__class__ is np.ndarray and (_varying.recording is None or _varying.here() is None):
            return self._learning_rate
        return varying(lambda: self._learning_rate)

    def common(self, value):
        """The options that all updates take, for an array or a list of them."""
        options = {"learning_rate": self.rate(value)}
        if self.weight_decay:
            options["weight_decay"] = self.weight_decay
        if self._treatment is not None:
            options["treatment"] = self._treatment
        return options

    def _step_on_device(self):
        if not (self.takes_lists and self.on_cuda):
            raise NotImplementedError(
                f"step: {type(self).__name__} computes on NumPy arrays, and the weights are on a CUDA device; move the "
                f"model with model.to('cpu'), or use SGD or Adam"
            )
        given = [name for name in _CPU_ONLY if getattr(self, name, None)]
        if given:
            raise NotImplementedError(
                f"step: {type(self).__name__} has no CUDA kernel for {' and '.join(given)} yet, and the weights are on "
                f"a CUDA device; leave that out, or move the model with model.to('cpu')"
            )
        ready = [p for p in self._parameters if p.grad is not None]
        if not ready:
            raise _no_gradient()
        keep(self, "_columns", None)
        keep(self, "iterations", varying(self._count))
        slots = (None if column[0] is None else list(column) for column in zip(*map(self._kept, ready)))
        self.update([p.value for p in ready], [p.grad for p in ready], *slots)

    def __getstate__(self):
        """In files and copies what is kept for the parameters lies on the CPU; the next step moves it."""
        host = {p: tuple(None if slot is None else to_host(slot) for slot in slots) for p, slots in self._slots.items()}
        return {**vars(self), "_slots": host, "_columns": None}

    def _count(self):
        keep(self, "iterations", int(self.iterations) + 1)
        return self.iterations

    def _fresh(self, value):
        """What is kept for a parameter from its first step on; the average comes last."""
        slots = tuple(self.slots(value))
        return (*slots, beside(np.array(to_host(value)), value)) if self.use_ema else slots

    def _kept_together(self, ready):
        """What is kept for parameters on the CPU, as tuples, or None where nothing is."""
        everything = len(ready) == len(self._parameters)
        if everything and self._columns is not None:
            return self._columns
        kept = list(zip(*map(self._kept, ready)))
        columns = [None if all(slot is None for slot in column) else column for column in kept]
        if everything:
            self._columns = columns
        return columns

    def _kept(self, p):
        """What is kept for a parameter, where its value lies now."""
        slots = self._slots[p]
        if any(slot is not None and on_device(slot) != on_device(p.value) for slot in slots):
            slots = self._slots[p] = tuple(None if slot is None else beside(slot, p.value) for slot in slots)
        return slots

    def config(self):
        """The constructor's arguments but the parameters, and but what all optimizers take and nobody changed."""
        given = config(self, leave_out=("parameters", "learning_rate"))
        given = {"learning_rate": self.schedule or self._learning_rate, **given}
        return {name: x for name, x in given.items() if name not in _COMMON or x != _COMMON[name].default}

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.config().items())})"


def _no_gradient():
    why = "call loss.backward() first, and construct the optimizer with the model's own parameters"
    return RuntimeError(f"step: no parameter has a gradient; {why}")


_UNNAMED = ("self", "common")
_COMMON = {
    name: p
    for name, p in inspect.signature(Optimizer).parameters.items()
    if name not in ("parameters", "learning_rate")
}
