"""Sizes left open: None in shapes, what is declared and what is not, in all kinds of models."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Activation, Conv1D, Conv2D, Dense, Embedding, Flatten, PositionEmbedding


def test_layers_that_take_few_steps_or_many_follow_an_open_size():
    for longest in (32, 5, 2):
        x = tw.Input((None,))
        words = Embedding(9, 4)(x)
        y = words + PositionEmbedding(longest)(words)
        assert y.shape == (None, None, 4) and x.shape == (None, None)
        assert tw.Model(x, Dense(2)(y)).predict(np.ones((3, longest - 1), int)).shape == (3, longest - 1, 2)
    assert Conv1D(3, 100)(tw.Input((None, 2))).shape == (None, None, 3)


def test_what_is_beside_runs_on_the_same_sizes():
    x = tw.Input((None,))
    words = Embedding(9, 4)(x)
    beside = Dense(4)(words)
    y = beside + PositionEmbedding(7)(words)
    assert tw.Model(x, y).predict(np.ones((1, 6), int)).shape == (1, 6, 4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Dense(2)(Flatten()(tw.Input((None, 3)))), r"Flatten: x has shape \(None, None, 3\), .* known sizes"),
        (lambda: Dense(2)(Activation("relu")(Flatten()(tw.Input((None, 3))))), "Flatten: x .* because Dense comes"),
        (lambda: tw.Sequential([Dense(2)])(Flatten()(tw.Input((None, 3)))), "Flatten: x .* because Sequential comes"),
        (lambda: Dense(2)(tw.Input((None,))), r"Dense: x has shape \(None, None\), expected known sizes"),
        (lambda: Conv2D(3, 3)(tw.Input((None, None))), "Conv2D: .* expected 4 axes .* add the channel axis"),
    ],
)
def test_an_open_size_where_a_known_one_is_needed(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
