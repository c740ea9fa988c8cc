"""A keyword that nobody has is answered with the one that was meant, by the name of who was called."""

import inspect

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import (
    AUC,
    BinaryCrossentropy,
    Callback,
    Checkpoint,
    CosineDecay,
    DataLoader,
    EarlyStopping,
    KFold,
    MinMaxScaler,
    ModelCheckpoint,
    RandomFlip,
    Tokenizer,
    train_test_split,
)

X = np.ones((4, 3), np.float32)


def model():
    made = tw.Sequential([Dense(1, input_shape=(3,))])
    made.compile("sgd", "mse")
    return made


class Mine(Callback):
    def __init__(self, often=1):
        self.often = often


CALLS = [
    (lambda: model().fit(X, X[:, 0], epoch=1), "fit", "epoch", "epochs"),
    (lambda: model().compile("sgd", "mse", metric=["mae"]), "compile", "metric", "metrics"),
    (lambda: model().evaluate(X, X[:, 0], batchsize=1), "evaluate", "batchsize", "batch_size"),
    (lambda: model().predict(X, batchsize=1), "predict", "batchsize", "batch_size"),
    (lambda: EarlyStopping(monitr="loss"), "EarlyStopping", "monitr", "monitor"),
    (lambda: ModelCheckpoint("a", save_best=True), "ModelCheckpoint", "save_best", "save_best_only"),
    (lambda: Mine(oftn=2), "Mine", "oftn", "often"),
    (lambda: DataLoader(X, num_workers=2), "DataLoader", "num_workers", "workers"),
    (lambda: BinaryCrossentropy(from_logit=True), "BinaryCrossentropy", "from_logit", "from_logits"),
    (lambda: AUC(nam="x"), "AUC", "nam", "name"),
    (lambda: CosineDecay(0.1, 10, alph=1), "CosineDecay", "alph", "alpha"),
    (lambda: RandomFlip(modes="horizontal"), "RandomFlip", "modes", "mode"),
    (lambda: KFold(n_split=3), "KFold", "n_split", "n_splits"),
    (lambda: MinMaxScaler(clipp=True), "MinMaxScaler", "clipp", "clip"),
    (lambda: Tokenizer(max_token=3), "Tokenizer", "max_token", "max_tokens"),
    (lambda: Checkpoint("a", None, keep_befor=True), "Checkpoint", "keep_befor", "keep_before"),
    (lambda: train_test_split(X, testsize=0.2), "train_test_split", "testsize", "test_size"),
    (lambda: tw.load("a", custom_object={}), "load", "custom_object", "custom_objects"),
]


@pytest.mark.parametrize(("call", "op", "name", "meant"), CALLS, ids=[f"{op} {name}" for _, op, name, _ in CALLS])
def test_a_keyword_that_nobody_has(call, op, name, meant):
    with pytest.raises(TypeError, match=f"^{op}: unexpected keyword argument '{name}'; did you mean '{meant}'"):
        call()


def test_signatures_are_still_those_of_the_functions():
    assert list(inspect.signature(tw.Model.compile).parameters)[:4] == ["self", "optimizer", "loss", "metrics"]
    assert list(inspect.signature(EarlyStopping).parameters)[0] == "monitor"
    assert tw.Model.fit.__doc__.startswith("Train until")
