"""DataLoader."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import DataLoader

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)


def test_batches_in_order():
    loader = DataLoader(X, Y, batch_size=4)
    batches = list(loader)
    assert len(loader) == len(batches) == 3
    assert [len(x) for x, _ in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), Y)
    assert [x.tolist() for x in DataLoader([1, 2, 3], batch_size=2)] == [[1, 2], [3]]


def test_shuffled_batches_keep_pairs_and_can_be_kept():
    tw.set_seed(0)
    loader = DataLoader(X, Y, batch_size=4, shuffle=True)
    first, second = list(loader), list(loader)
    for batches in (first, second):
        assert sorted(np.concatenate([y for _, y in batches])) == Y.tolist()
        for x, y in batches:
            np.testing.assert_array_equal(x, X[y])
    order = np.concatenate([y for _, y in first]).tolist()
    assert order != np.concatenate([y for _, y in second]).tolist()
    tw.set_seed(0)
    assert np.concatenate([y for _, y in DataLoader(X, Y, batch_size=3, shuffle=True)]).tolist() == order


def test_drop_last():
    loader = DataLoader(X, Y, batch_size=4, drop_last=True)
    assert len(loader) == len(list(loader)) == 2
    assert len(DataLoader(X, Y, batch_size=5, drop_last=True)) == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(x=X, y=Y[:3]), "DataLoader: x has 10 samples and y has 3, expected as many"),
        (dict(x=[]), r"DataLoader: x has shape \(0,\), there are no samples"),
        (dict(x=X, batch_size=0), "DataLoader: batch_size is 0, expected at least 1"),
        (dict(x=[["a"]] * 10), "DataLoader: x is <U1, expected real numbers; convert text that spells numbers"),
        (dict(x=X, y=["a"] * 10), "DataLoader: y is <U1, expected real numbers"),
    ],
)
def test_bad_calls_say_what_is_wrong(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        DataLoader(**arguments)


def test_fit_takes_arrays():
    model = tw.Sequential([Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"fit: x is a DataLoader, .* pass its loader\.x and loader\.y"):
        model.fit(DataLoader(X, Y), None)
