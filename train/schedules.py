"""Learning-rate schedules. Names, arguments and formulas are Keras's where Keras has them, else PyTorch's.

What all share: schedule.py.
"""

import bisect
import math

from ..kernels import _check as check
from .schedule import LearningRateSchedule, expect_rate, keep_factors, keep_rates, keep_steps


class ConstantRate(LearningRateSchedule):
    """The same rate always.

    >>> ConstantRate(0.1)(1000)
    0.1
    """

    def __init__(self, learning_rate):
        keep_rates(self, learning_rate=learning_rate)

    def rate(self, step):
        return self.learning_rate


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and with step boundaries[0], values[1] up to and with boundaries[1], the last one after all.

    >>> [PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1])(step) for step in (10, 11, 21)]
    [1.0, 0.5, 0.1]
    """

    def __init__(self, boundaries, values):
        op = type(self).__name__
        self.boundaries, self.values = list(boundaries), list(values)
        for boundary in self.boundaries:
            check.whole(op, "boundaries", boundary)
        if sorted(set(self.boundaries)) != self.boundaries:
            raise ValueError(f"{op}: boundaries is {self.boundaries}, expected rising steps")
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"{op}: there are {len(self.boundaries)} boundaries and {len(self.values)} values, expected "
                f"{len(self.boundaries) + 1} values, one before, between and after the boundaries"
            )
        for value in self.values:
            expect_rate(op, "values", value)

    def rate(self, step):
        return self.values[bisect.bisect_left(self.boundaries, step)]


class StepDecay(LearningRateSchedule):
    """initial_learning_rate * gamma^floor(step / step_size), as PyTorch's StepLR.

    >>> [StepDecay(1.0, step_size=10, gamma=0.5)(step) for step in (9, 10, 20)]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, initial_learning_rate, step_size, gamma=0.1):
        keep_rates(self, initial_learning_rate=initial_learning_rate)
        keep_steps(self, step_size=step_size)
        keep_factors(self, gamma=gamma)

    def rate(self, step):
        return self.initial_learning_rate * self.gamma ** (step // self.step_size)


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate^(step / decay_steps), the power rounded down if `staircase`.

    >>> ExponentialDecay(1.0, decay_steps=100, decay_rate=0.25)(50)
    0.5
    """

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False):
        keep_rates(self, initial_learning_rate=initial_learning_rate)
        keep_steps(self, decay_steps=decay_steps)
        keep_factors(self, decay_rate=decay_rate)
        self.staircase = bool(staircase)

    def rate(self, step):
        return self.initial_learning_rate * self.decay_rate ** _part(self, step)


class InverseTimeDecay(ExponentialDecay):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps), the quotient rounded down if `staircase`.

    >>> InverseTimeDecay(1.0, decay_steps=10, decay_rate=0.5)(20)
    0.5
    """

    def rate(self, step):
        return self.initial_learning_rate / (1 + self.decay_rate * _part(self, step))


class PolynomialDecay(LearningRateSchedule):
    """From initial_learning_rate to end_learning_rate by (1 - step / decay_steps)^power, which stays 0 at the end.

    cycle  begin anew from a lower rate: decay_steps is taken as often as it takes to reach the step

    >>> PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.5)(5)
    0.75
    """

    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False):
        keep_rates(self, initial_learning_rate=initial_learning_rate, end_learning_rate=end_learning_rate)
        keep_steps(self, decay_steps=decay_steps)
        keep_factors(self, power=power)
        self.cycle = bool(cycle)

    def rate(self, step):
        if self.cycle:
            steps = self.decay_steps * max(math.ceil(step / self.decay_steps), 1)
        else:
            steps = self.decay_steps
            step = min(step, steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (1 - step / steps) ** self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine from initial_learning_rate to alpha times it in decay_steps; Loshchilov, Hutter 2016,
    arXiv:1608.03983.

    warmup_target  rise on a line from initial_learning_rate to it in `warmup_steps` first, and fall from there

    >>> CosineDecay(0.0, decay_steps=100, warmup_target=1.0, warmup_steps=10)(60)
    0.5
    """

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0):
        op = type(self).__name__
        keep_rates(self, initial_learning_rate=initial_learning_rate)
        keep_steps(self, decay_steps=decay_steps)
        keep_factors(self, alpha=alpha)
        if warmup_target is not None:
            expect_rate(op, "warmup_target", warmup_target)
            check.whole(op, "warmup_steps", warmup_steps)
        elif warmup_steps:
            raise ValueError(f"{op}: warmup_steps is {warmup_steps}, expected a warmup_target to rise to in them")
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def rate(self, step):
        start = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return start + (self.warmup_target - start) * step / self.warmup_steps
            start, step = self.warmup_target, step - self.warmup_steps
        return start * _fallen(min(step, self.decay_steps) / self.decay_steps, self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines from initial_learning_rate to alpha times it, begun anew again and again: SGDR, arXiv:1608.03983.

    first_decay_steps  steps of the first one
    t_mul              each one takes t_mul times the steps of the one before, at least 1
    m_mul              each one begins from m_mul times the rate of the one before

    >>> [CosineDecayRestarts(1.0, first_decay_steps=10)(step) for step in (0, 5, 10, 20)]
    [1.0, 0.5, 1.0, 0.5]
    """

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0):
        keep_rates(self, initial_learning_rate=initial_learning_rate)
        keep_steps(self, first_decay_steps=first_decay_steps)
        keep_factors(self, t_mul=t_mul, m_mul=m_mul, alpha=alpha)
        if t_mul < 1:
            raise ValueError(f"{type(self).__name__}: t_mul is {t_mul}, expected at least 1")

    def rate(self, step):
        done = step / self.first_decay_steps  # in lengths of the first one
        if self.t_mul == 1:
            restarts, share = math.floor(done), done % 1
        else:
            restarts, length = 0, 1.0
            while done >= length:  # adding up is exact where a logarithm rounds to the wrong side of a restart
                done, length, restarts = done - length, length * self.t_mul, restarts + 1
            share = done / length
        return self.initial_learning_rate * self.m_mul**restarts * _fallen(share, self.alpha)


class OneCycle(LearningRateSchedule):
    """Up from max_learning_rate / div_factor to max_learning_rate, and down to a final_div_factor-th of the start;
    Smith, Topin 2017, arXiv:1708.07120, as PyTorch's OneCycleLR.

    total_steps      steps of the whole cycle; the last rate stays after it
    pct_start        share of the cycle that goes up, above 0 and below 1
    anneal_strategy  "cos" or "linear"

    >>> schedule = OneCycle(1.0, total_steps=20, pct_start=0.25, div_factor=10, final_div_factor=10)
    >>> [round(schedule(step), 6) for step in (0, 2, 4, 19)]
    [0.1, 0.55, 1.0, 0.01]
    """

    def __init__(
        self, max_learning_rate, total_steps, pct_start=0.3, anneal_strategy="cos", div_factor=25.0,
        final_div_factor=1e4,
    ):  # fmt: skip
        op = type(self).__name__
        keep_rates(self, max_learning_rate=max_learning_rate)
        check.whole(op, "total_steps", total_steps, 2)
        check.number(op, "pct_start", pct_start, 0, 1)
        if not 0 < pct_start < 1:
            raise ValueError(f"{op}: pct_start is {pct_start}, expected more than 0 and less than 1")
        check.choice(op, "anneal_strategy", anneal_strategy, ("cos", "linear"))
        check.positive(op, "div_factor", div_factor)
        check.positive(op, "final_div_factor", final_div_factor)
        self.total_steps, self.pct_start, self.anneal_strategy = total_steps, pct_start, anneal_strategy
        self.div_factor, self.final_div_factor = div_factor, final_div_factor

    def rate(self, step):
        first, last = self.max_learning_rate / self.div_factor, self.total_steps - 1
        top = self.pct_start * self.total_steps - 1
        if step <= top > 0:
            return self._between(first, self.max_learning_rate, step / top)
        share = min((step - top) / (last - top), 1)
        return self._between(self.max_learning_rate, first / self.final_div_factor, share)

    def _between(self, start, end, share):
        if self.anneal_strategy == "linear":
            return start + (end - start) * share
        return end + (start - end) * _fallen(share, 0.0)


SCHEDULES = {
    c.__name__: c
    for c in (
        ConstantRate,
        PiecewiseConstantDecay,
        StepDecay,
        ExponentialDecay,
        InverseTimeDecay,
        PolynomialDecay,
        CosineDecay,
        CosineDecayRestarts,
        OneCycle,
    )
}


def _fallen(share, alpha):
    """What is left of the rate after a share of half a cosine from 1 to alpha."""
    return (1 - alpha) * 0.5 * (1 + math.cos(math.pi * share)) + alpha


def _part(schedule, step):
    done = step / schedule.decay_steps
    return math.floor(done) if schedule.staircase else done
