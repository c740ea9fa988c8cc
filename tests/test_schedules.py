"""Schedules: their rates step by step, in optimizers, in files."""

import math

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import (
    SGD,
    Adam,
    ConstantRate,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    StepDecay,
)

# Keras's documented formulas and PyTorch's, written down once more and apart.
RATES = [
    (ConstantRate(0.1), {0: 0.1, 10**9: 0.1}),
    (PiecewiseConstantDecay([100, 110], [1.0, 0.5, 0.1]), {0: 1, 100: 1, 101: 0.5, 110: 0.5, 111: 0.1, 9999: 0.1}),
    (StepDecay(0.1, 30), {0: 0.1, 29: 0.1, 30: 0.01, 89: 0.001, 90: 0.0001}),
    (ExponentialDecay(0.1, 10, 0.96), {0: 0.1, 5: 0.1 * 0.96**0.5, 10: 0.096}),
    (ExponentialDecay(0.1, 10, 0.96, staircase=True), {9: 0.1, 10: 0.096, 19: 0.096}),
    (InverseTimeDecay(0.1, 10, 0.5), {0: 0.1, 5: 0.1 / 1.25, 20: 0.05}),
    (InverseTimeDecay(0.1, 10, 0.5, staircase=True), {9: 0.1, 10: 0.1 / 1.5}),
    (PolynomialDecay(0.1, 10, 0.01, power=0.5), {0: 0.1, 5: 0.09 * 0.5**0.5 + 0.01, 10: 0.01, 99: 0.01}),
    (PolynomialDecay(0.1, 10, 0.01, cycle=True), {0: 0.1, 10: 0.01, 15: 0.09 * 0.25 + 0.01, 20: 0.01}),
    (CosineDecay(0.1, 100), {0: 0.1, 50: 0.05, 25: 0.05 * (1 + math.sqrt(0.5)), 100: 0, 500: 0}),
    (CosineDecay(0.1, 100, alpha=0.1), {50: 0.055, 100: 0.01, 101: 0.01}),
    (
        CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10),
        {0: 0, 5: 0.05, 10: 0.1, 60: 0.05, 110: 0, 200: 0},
    ),
    (CosineDecayRestarts(0.1, 10), {0: 0.1, 5: 0.05, 10: 0.1, 20: 0.05, 30: 0.1, 50: 0.05, 70: 0.1}),
    (CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5), {0: 0.1, 10: 0.05, 25: 0.0125, 30: 0.0125}),
    (CosineDecayRestarts(0.1, 10, m_mul=0.5, alpha=0.2), {5: 0.06, 10: 0.05, 20: 0.03}),
    (OneCycle(1.0, 11, pct_start=3 / 11, anneal_strategy="linear"), {0: 0.04, 1: 0.52, 2: 1, 10: 4e-6, 50: 4e-6}),
    (OneCycle(1.0, 20, pct_start=0.25), {0: 0.04, 2: 0.52, 4: 1, 19: 4e-6}),
]


@pytest.mark.parametrize("schedule, rates", RATES, ids=[repr(schedule) for schedule, _ in RATES])
def test_a_schedule_is_its_formula(schedule, rates):
    for step, rate in rates.items():
        assert schedule(step) == pytest.approx(rate, rel=1e-12, abs=1e-15), step
        assert type(schedule(step)) is float
    assert type(schedule)(**schedule.config()) == schedule


def test_an_optimizer_looks_the_rate_of_every_step_up():
    model = tw.Sequential([Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,))], dtype="float64")
    optimizer = SGD(model.parameters(), learning_rate=StepDecay(1.0, 2, gamma=0.5))
    weights, rates = [1.0], []
    for _ in range(5):
        rates.append(optimizer.learning_rate)
        optimizer.zero_grad()
        model(np.ones((1, 1))).sum().backward()
        optimizer.step()
        weights.append(model.get_weights()[0].item())
    assert rates == [1, 1, 0.5, 0.5, 0.25] and optimizer.learning_rate == 0.25
    np.testing.assert_allclose(-np.diff(weights), rates, rtol=1e-12)


def test_a_schedule_comes_back_from_a_file(tmp_path):
    model = tw.Sequential([Dense(1, input_shape=(3,))])
    schedule = CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)
    model.compile(Adam(learning_rate=schedule), "mse")
    model.save(tmp_path / "model.tw")
    optimizer = tw.load(tmp_path / "model.tw")._trainer.optimizer
    assert optimizer.schedule == schedule and "CosineDecay" in repr(optimizer)


class Halving(LearningRateSchedule):
    def rate(self, step):
        return 0.5**step


def test_a_schedule_of_ones_own():
    optimizer = Adam(learning_rate=Halving())
    optimizer.iterations = 3
    assert optimizer.learning_rate == 0.125


BAD = [
    (lambda: ConstantRate(-1), ValueError, "ConstantRate: learning_rate is -1, expected"),
    (lambda: CosineDecay(0.1, 0), ValueError, "CosineDecay: decay_steps is 0, expected"),
    (lambda: CosineDecay(0.1, 10, warmup_steps=5), ValueError, "warmup_steps is 5, expected a warmup_target"),
    (lambda: PiecewiseConstantDecay([1, 2], [1.0, 2.0]), ValueError, "2 boundaries and 2 values, expected 3 values"),
    (lambda: PiecewiseConstantDecay([2, 1], [1.0, 2.0, 3.0]), ValueError, r"boundaries is \[2, 1\], expected rising"),
    (lambda: CosineDecayRestarts(0.1, 10, t_mul=0.5), ValueError, "t_mul is 0.5, expected at least 1"),
    (lambda: OneCycle(0.1, 10, pct_start=1), ValueError, "pct_start is 1, expected more than 0 and less than 1"),
    (lambda: OneCycle(0.1, 10, anneal_strategy="sin"), ValueError, "OneCycle: anneal_strategy is 'sin', expected"),
    (lambda: ConstantRate(0.1)(-1), ValueError, "ConstantRate: step is -1, expected"),
    (lambda: ConstantRate(float("nan")), ValueError, "ConstantRate: learning_rate is nan, expected"),
    (
        lambda: setattr(Adam(learning_rate=ConstantRate(0.1)), "learning_rate", 0.2),
        TypeError,
        r"Adam: learning_rate is set to 0.2, but ConstantRate\(learning_rate=0.1\) gives it; construct",
    ),
    (lambda: Adam(gradient_accumulation_steps=1), ValueError, "Adam: gradient_accumulation_steps is 1, expected"),
]


@pytest.mark.parametrize("call, error, message", BAD, ids=[message[:50] for *_, message in BAD])
def test_bad_calls_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_history_has_the_rate_of_every_epochs_last_step(capsys, tmp_path):
    model = tw.Sequential([Dense(1, input_shape=(3,))])
    schedule, x = StepDecay(0.001, 4, gamma=0.01), np.ones((8, 3))
    log = tw.train.CSVLogger(tmp_path / "log")
    for every, rates in ((None, [0.001, 1e-5]), (2, [0.001, 0.001])):
        model.compile(SGD(learning_rate=schedule), "mse", gradient_accumulation_steps=every)
        found = model.fit(x, np.ones(8), batch_size=2, epochs=2, verbose=2, callbacks=[log]).history
        assert found["learning_rate"] == rates and list(found) == ["loss", "learning_rate"]
    assert "learning_rate 0.0010\n" in (said := capsys.readouterr().out) and "learning_rate 1.0000e-05\n" in said
    assert (tmp_path / "log").read_text().startswith("epoch,loss,learning_rate")
    model.compile(SGD(learning_rate=0.1), "mse")
    assert list(model.fit(x, np.ones(8), verbose=0).history) == ["loss"]
