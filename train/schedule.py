"""The base of all learning-rate schedules: the rate of every step, a function of the step's number alone.

`learning_rate=` of every optimizer takes one. A schedule keeps no state: what a checkpoint needs is the optimizer's
count of steps. Steps count from 0, and a step is a change of the weights: with gradient accumulation several batches.
"""

import math

from ..kernels import _check as check
from ..layers._layer import config
from ..layers._own import name_arguments


class LearningRateSchedule:
    """Base of all schedules. A subclass has `rate(step)`, the learning rate of the step of that number.

    An optimizer takes other objects with `rate(step)` too, and functions of the step.
    """

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        name_arguments(cls)

    def rate(self, step):
        """The learning rate, a float from 0, of step 0, 1, 2, ..."""
        raise NotImplementedError(f"{type(self).__name__} has no rate(self, step)")

    def __call__(self, step):
        """As `rate`, of a number that is checked."""
        check.whole(type(self).__name__, "step", step)
        return float(self.rate(int(step)))

    def config(self):
        """The constructor's arguments."""
        return config(self)

    def __eq__(self, other):
        return type(self) is type(other) and self.config() == other.config()

    __hash__ = object.__hash__

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.config().items())})"


class FunctionRate(LearningRateSchedule):
    """A function of the step as a schedule, or an object of another class with `rate(step)`."""

    def __init__(self, function):
        self.function = function
        self._rate = function.rate if hasattr(function, "rate") else function

    def rate(self, step):
        rate = self._rate(step)
        expect_rate("learning_rate", f"{getattr(self.function, '__name__', 'rate')}({step})", rate)
        return rate

    def __repr__(self):
        name = getattr(self.function, "__name__", None)
        return f"FunctionRate({name or repr(self.function)})"


def expect_rate(op, name, value):
    """A learning rate: a finite number from 0."""
    check.number(op, name, value, 0)
    if not math.isfinite(value):
        raise ValueError(f"{op}: {name} is {value}, expected a finite number")


def keep_rates(schedule, **values):
    """Attributes that are learning rates."""
    for name, value in values.items():
        expect_rate(type(schedule).__name__, name, value)
        setattr(schedule, name, value)


def keep_steps(schedule, **values):
    """Attributes that are numbers of steps, from 1."""
    for name, value in values.items():
        check.whole(type(schedule).__name__, name, value, 1)
        setattr(schedule, name, value)


def keep_factors(schedule, **values):
    """Attributes that are numbers from 0."""
    for name, value in values.items():
        check.number(type(schedule).__name__, name, value, 0)
        setattr(schedule, name, value)
