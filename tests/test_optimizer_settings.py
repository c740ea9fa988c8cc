"""What is set on an optimizer has an effect or is refused, and anything that gives a rate for a step is a schedule."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import SGD, Adam, CosineDecay, LearningRateSchedule, Muon, Optimizer

X = np.random.default_rng(0).standard_normal((32, 3)).astype(np.float32)
T = X.sum(1)


class Half:
    def rate(self, step):
        return 0.5 / (step + 1)


class Called:
    def __call__(self, step):
        return 0.5 / (step + 1)


def halving(step):
    return 0.5 / (step + 1)


def compiled(optimizer):
    tw.set_seed(0)
    model = tw.Sequential([Dense(1, input_shape=(3,))])
    model.compile(optimizer, "mse")
    return model


def test_lr_is_the_learning_rate():
    optimizer = SGD(learning_rate=0.1)
    optimizer.lr = 0.5
    assert optimizer.learning_rate == optimizer.lr == 0.5 and optimizer.config() == SGD(learning_rate=0.5).config()
    with pytest.raises(ValueError, match="SGD: learning_rate is -1"):
        optimizer.lr = -1
    with pytest.raises(TypeError, match="learning_rate is set to 0.1, but CosineDecay"):
        SGD(learning_rate=CosineDecay(0.1, 10)).lr = 0.1


@pytest.mark.parametrize(
    ("optimizer", "name", "hint"),
    [
        (SGD(), "learning_rte", "SGD has no learning_rte that could be set; did you mean 'learning_rate'"),
        (SGD(), "LearningRate", "did you mean 'learning_rate'"),
        (Adam(), "nesterov", "Adam has no nesterov that could be set; it has amsgrad, beta_1, beta_2"),
        (Adam(), "beta1", "did you mean 'beta_"),
        (Adam(), "momentum", "Adam has no momentum"),
    ],
)
def test_what_an_optimizer_has_not_cannot_be_set(optimizer, name, hint):
    with pytest.raises(AttributeError, match=hint):
        setattr(optimizer, name, 0.5)
    assert not hasattr(optimizer, name)


def test_what_an_optimizer_has_can_be_set():
    for kind in (SGD, Adam, Muon):
        optimizer = kind()
        for name, value in {**vars(optimizer), **optimizer.config()}.items():
            setattr(optimizer, name, value)

    class Own(Optimizer):
        def __init__(self, parameters=None, lr=0.1):
            self.lr, self.anything = lr, 1
            super().__init__(parameters, lr)

    own = Own()
    own.more = 2
    assert own.learning_rate == 0.1


def test_groups_of_parameters_say_what_there_is_instead():
    with pytest.raises(AttributeError, match="SGD has no param_groups; set optimizer.learning_rate"):
        SGD().param_groups  # noqa: B018
    assert not hasattr(SGD(), "param_groups")
    with pytest.raises(TypeError, match=r"Adam: parameters is a Sequential, expected its model.parameters\(\)"):
        Adam(compiled("sgd"))


def test_clipping_that_is_set_later_clips():
    now, later = compiled(SGD(clipnorm=1e-3)), compiled(SGD())
    later.optimizer.clipnorm = 1e-3
    for model in (now, later):
        model.fit(X, T, verbose=0, shuffle=False)
    assert all(map(np.array_equal, now.get_weights(), later.get_weights()))
    with pytest.raises(ValueError, match="SGD"):
        later.optimizer.clipvalue = 1.0  # beside clipnorm
    assert later.optimizer.clipvalue is None
    later.optimizer.clipnorm = None
    assert later.optimizer._treatment is None


def test_what_says_which_arrays_are_kept_is_said_once():
    model = compiled(Adam())
    model.optimizer.amsgrad = True
    model.optimizer.amsgrad = False
    model.fit(X, T, verbose=0)
    for name in ("amsgrad", "use_ema"):
        with pytest.raises(AttributeError, match=rf"Adam: {name} is set .* construct another one, Adam\({name}=True\)"):
            setattr(model.optimizer, name, True)


@pytest.mark.parametrize("rate", [Half(), Called(), halving, lambda step: 0.5 / (step + 1)])
def test_whatever_gives_a_rate_is_a_schedule(rate):
    class Derived(LearningRateSchedule):
        rate = Half.rate

    models = [compiled(SGD(learning_rate=one)) for one in (rate, Derived())]
    histories = [model.fit(X, T, batch_size=8, epochs=4, verbose=0, shuffle=False).history for model in models]
    assert histories[0] == histories[1] and histories[0]["learning_rate"][0] == 0.5 / 4
    assert models[0].optimizer.learning_rate == 0.5 / 17


def test_a_schedule_of_a_function_is_kept_in_a_file(tmp_path):
    model = compiled(SGD(learning_rate=halving))
    model.fit(X, T, verbose=0)
    model.save(tmp_path / "m")
    again = tw.load(tmp_path / "m", custom_objects={"halving": halving})
    assert again.optimizer.learning_rate == model.optimizer.learning_rate == 0.25


@pytest.mark.parametrize(
    ("rate", "error", "message"),
    [
        ("fast", TypeError, "SGD: learning_rate is 'fast', expected a number.* object with rate.step., or a function"),
        (None, TypeError, "a function of the step"),
        (CosineDecay, TypeError, r"make one, CosineDecay\(\.\.\.\)"),
        (lambda: 0.1, TypeError, "SGD: learning_rate is .*which takes no step, expected .*a function of the step"),
        (lambda step: -1.0, ValueError, r"learning_rate: .*\(0\) is -1.0, expected"),
        (lambda step: None, TypeError, r"learning_rate: .*\(0\) is None, expected a number"),
    ],
)
def test_what_gives_no_rate(rate, error, message):
    with pytest.raises(error, match=message):
        SGD(learning_rate=rate).learning_rate  # noqa: B018
