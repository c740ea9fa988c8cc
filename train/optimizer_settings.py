"""What is set on an optimizer: its learning rate, and that an attribute is one that it has.

A step sets attributes past all that, by `keep`: looking at their names would cost it a part of its time.
"""

import functools
import inspect
import math

import numpy as np

from ..kernels import _check as check
from ..kernels._names import nearest
from ..kernels.optim import Treatment
from ..kernels.optim._treatment import expect_clips
from .callbacks.base import takes
from .schedule import FunctionRate, LearningRateSchedule

keep = object.__setattr__
_CLIPS = ("clipvalue", "clipnorm", "global_clipnorm")
_OF_ARRAYS = ("use_ema", "amsgrad", "centered")  # say which arrays are kept
_LIBRARY = __name__.partition(".")[0]


class Adjustable:
    """The part of an optimizer that is told its learning rate, and whose attributes are looked at when they are set."""

    schedule = None  # of the learning rate
    iterations = accumulated = 0  # changes of the weights, and batches whose gradients wait for the next

    @property
    def learning_rate(self):
        """The length of the next step, a finite number from 0; it may be set at any time, but not under a schedule."""
        return self._learning_rate if self.schedule is None else self.schedule(int(self.iterations))

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        op = type(self).__name__
        if schedule := _schedule_of(op, learning_rate):
            self.schedule = schedule
            return
        check.number(op, "learning_rate", learning_rate, 0)
        if not math.isfinite(learning_rate):
            raise ValueError(f"{op}: learning_rate is {learning_rate}, expected a finite number")
        if self.schedule is not None:
            raise TypeError(
                f"{op}: learning_rate is set to {learning_rate}, but {self.schedule!r} gives it; construct the "
                f"optimizer with a number if it shall be set"
            )
        # NumPy's float32 would make float32 of the numbers that are computed from it, but not in a recorded step
        keep(self, "_learning_rate", learning_rate.item() if isinstance(learning_rate, np.generic) else learning_rate)

    @property
    def lr(self):
        """The same as `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, learning_rate):
        self.learning_rate = learning_rate

    @property
    def param_groups(self):
        """PyTorch's; there are none, and one learning rate."""
        raise AttributeError(
            f"{type(self).__name__} has no param_groups; set optimizer.learning_rate, and for rates of their own let "
            f"each optimizer have some of model.parameters()"
        )

    @property
    def gradient_accumulation_steps(self):
        """How many calls of `step` make one change of the weights; None for every one. It may be set at any time."""
        return self._every

    @gradient_accumulation_steps.setter
    def gradient_accumulation_steps(self, steps):
        if steps is not None:
            check.whole(type(self).__name__, "gradient_accumulation_steps", steps, 2)
        self._every = steps

    def __setattr__(self, name, value):
        """AttributeError for what an optimizer of the library has not, and so would never look at."""
        cls = type(self)
        known = hasattr(cls, name) or name in vars(self) or name in _arguments(cls)
        if not known and not name.startswith("_") and cls.__module__.partition(".")[0] == _LIBRARY:
            settings = sorted({"learning_rate", *_arguments(cls)} - {"parameters"})
            hint = nearest(name, settings) or f"; it has {', '.join(settings)}"
            raise AttributeError(f"{cls.__name__} has no {name} that could be set{hint}")
        if name in _OF_ARRAYS and vars(self).get(name, value) != value and self._slots:
            raise AttributeError(
                f"{cls.__name__}: {name} is set to {value}, and what it keeps of the weights is there already; "
                f"construct another one, {cls.__name__}({name}={value})"
            )
        if name in _CLIPS and name in vars(self):
            clips = {clip: value if clip == name else getattr(self, clip) for clip in _CLIPS}
            keep(self, "_treatment", treatment_of(cls.__name__, **clips))
        keep(self, name, value)


def treatment_of(op, **clips):
    """What is done to gradients before they are used, or None."""
    expect_clips(op, **clips)
    return Treatment(**clips) if any(limit is not None for limit in clips.values()) else None


def _schedule_of(op, rate):
    """A schedule from what gives a rate for a step; None for numbers."""
    if isinstance(rate, LearningRateSchedule):
        return rate
    if not isinstance(rate, type) and (callable(rate) or callable(getattr(rate, "rate", None))):
        if not takes(getattr(rate, "rate", rate), 1):
            raise TypeError(
                f"{op}: learning_rate is {rate!r}, which takes no step, expected a number, a schedule, an object with "
                f"rate(step), or a function of the step"
            )
        return FunctionRate(rate)
    try:
        check.number(op, "learning_rate", rate)
    except TypeError as error:
        made = f"; make one, {rate.__name__}(...)" if isinstance(rate, type) else ""
        raise TypeError(f"{error}, or a schedule: an object with rate(step), or a function of the step{made}") from None
    return None


@functools.cache
def _arguments(cls):
    """The names of what a class is constructed with."""
    return frozenset(inspect.signature(cls).parameters)
