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


def test_fit_takes_batches():
    """Batches of a loader give the training that its arrays give, one by one converted as they are all together."""
    trained = []
    for data in ((X, Y), (DataLoader(X, Y, batch_size=4, shuffle=True),), (DataLoader(X, Y, 4, True, workers=2),)):
        tw.set_seed(0)
        model = tw.Sequential([Dense(1, input_shape=(2,))])
        model.compile("adam", "mse", ["mae"])
        history = model.fit(*data, batch_size=4, epochs=3, verbose=0).history
        trained.append((history, model.get_weights()[0].tobytes()))
    assert trained[0] == trained[1] == trained[2]


def test_workers_change_no_bit():
    def batches(workers, prefetch=2):
        tw.set_seed(0)
        noise = lambda x, y, rng: (x + rng.standard_normal(x.shape), y)  # noqa: E731
        loader = DataLoader(X, Y, 3, True, transform=noise, workers=workers, prefetch=prefetch)
        return [(x.tolist(), y.tolist()) for _ in range(2) for x, y in loader]

    expected = batches(0)
    assert expected[:4] != expected[4:]
    for workers, prefetch in ((1, 1), (2, 3), (7, 2)):
        assert batches(workers, prefetch) == expected


def test_workers_read_no_more_than_is_at_hand(tmp_path):
    """Also arrays that are larger than memory: the threads are a few batches ahead, and no further."""
    x = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(1000, 4))
    x[:] = np.arange(1000)[:, None] % 251
    seen = []

    def note(x, y, rng):
        seen.append(int(y[0]))
        return x, y

    loader = DataLoader(x, np.arange(1000), batch_size=10, transform=note, workers=2, prefetch=2)
    assert isinstance(loader.x.base, np.memmap) or isinstance(loader.x, np.memmap)
    batches = iter(loader)
    batch, y = next(batches)
    np.testing.assert_array_equal(batch, x[:10])
    batches.close()
    assert len(seen) <= 6


def test_an_error_in_a_worker_is_raised_at_its_batch():
    def broken(x, y, rng):
        if y[0] == 6:
            raise OSError("no such file")
        return x, y

    for workers in (0, 2):
        batches = iter(DataLoader(X, Y, 3, transform=broken, workers=workers))
        assert [next(batches)[1][0] for _ in range(2)] == [0, 3]
        with pytest.raises(OSError, match="no such file"):
            next(batches)


def test_batches_in_other_forms():
    x, y, w = next(iter(DataLoader({"a": X, "b": Y}, Y, 4, sample_weight=Y / 10)))
    assert set(x) == {"a", "b"} and len(x["b"]) == len(y) == len(w) == 4
    (a, b), _ = next(iter(DataLoader([X, X + 1], Y, 4)))
    np.testing.assert_array_equal(a + 1, b)


class Samples:
    """A data set as PyTorch has them: samples by their numbers."""

    def __init__(self, make):
        self.make = make

    def __len__(self):
        return 10

    def __getitem__(self, i):
        return self.make(i)


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "workers": 2}, {"sample_weight": np.arange(10.0)}])
def test_data_sets_of_samples(options):
    batches = []
    for data in ((X, Y), (Samples(lambda i: (X[i], Y[i])),)):
        tw.set_seed(0)
        batches.append(list(DataLoader(*data, batch_size=4, **options)))
    for given, expected in zip(*batches, strict=True):
        for one, other in zip(given, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    assert [x.tolist() for x in DataLoader(Samples(lambda i: X[i, 0]), batch_size=8)] == [X[:8, 0].tolist(), [16, 18]]
    x, y = next(iter(DataLoader(Samples(lambda i: ({"a": X[i]}, [Y[i], X[i]])), batch_size=3)))
    np.testing.assert_array_equal(x["a"], X[:3])
    np.testing.assert_array_equal(y[1], X[:3])
    np.testing.assert_array_equal(next(iter(DataLoader(Samples(lambda i: (X[i], i)), transform=plus_one)))[0], X + 1)


def plus_one(x, y, rng):
    return x + 1, y


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda i: X[: i + 1], r"samples of one batch have the shapes \(1, 2\) and \(2, 2\) in x, expected one shape"),
        (lambda i: (X[i], Y[i], 1.0), r"x gave a sample of 3 items, expected x or \(x, y\)"),
    ],
)
def test_samples_that_make_no_batch(make, message):
    with pytest.raises(ValueError, match=f"DataLoader: {message}"):
        next(iter(DataLoader(Samples(make))))


def test_samples_are_no_batches():
    model = tw.Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="fit: x gave one sample, with the target 0, .*DataLoader"):
        model.fit(Samples(lambda i: (X[i], Y[i])), verbose=0)
    with pytest.raises(ValueError, match="DataLoader: x is empty, there are no samples"):
        DataLoader(type("Empty", (Samples,), {"__len__": lambda self: 0})(None))


def test_a_list_of_pairs_is_a_data_set():
    for pairs in (list(zip(X, Y)), [(x.tolist(), int(y)) for x, y in zip(X, Y)], [[x, y] for x, y in zip(X, Y)]):
        found = list(DataLoader(pairs, batch_size=4))
        for (x, y), (x_expected, y_expected) in zip(found, DataLoader(X, Y, batch_size=4), strict=True):
            np.testing.assert_array_equal(x, x_expected)
            np.testing.assert_array_equal(y, y_expected)
    x, y = next(iter(DataLoader([(one, 2 * one) for one in X], batch_size=3)))
    np.testing.assert_array_equal(y, 2 * X[:3])
    model = tw.Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    model.fit(DataLoader(list(zip(X, Y)), batch_size=4), verbose=0)


def test_rows_of_two_numbers_are_samples():
    for rows in ([(1, 2), (3, 4), (5, 6)], [[1, 2], [3, 4], [5, 6]], [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]):
        np.testing.assert_array_equal(next(iter(DataLoader(rows))), rows)


@pytest.mark.parametrize(
    ("transform", "options", "error", "message"),
    [
        (lambda x, y, rng: x, {}, TypeError, r"transform returned ndarray alone, expected a pair, \(x, y\)"),
        (lambda x, y, rng: (x, y, y), {}, TypeError, "transform returned 3 items, expected a pair"),
        (
            lambda x, y, rng: (x[:3], y),
            {},
            ValueError,
            "transform returned x of 3 and y of 4 samples, expected as many in",
        ),
        (
            lambda x, y, rng: (x[:3], y[:3]),
            {"sample_weight": np.ones(10)},
            ValueError,
            ".* as many, 4, because",
        ),
    ],
)
def test_what_a_transform_returns(transform, options, error, message):
    for workers in (0, 2):
        with pytest.raises(error, match=f"DataLoader: {message}"):
            next(iter(DataLoader(X, Y, batch_size=4, transform=transform, workers=workers, **options)))


def test_a_transform_may_leave_samples_out():
    batch = next(iter(DataLoader(X, Y, batch_size=4, transform=lambda x, y, rng: (x[:2], y[:2]))))
    assert [len(part) for part in batch] == [2, 2]


def test_a_function_is_not_data():
    model = tw.Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    with pytest.raises(
        TypeError, match="fit: x is <function plus_one .*, expected an array .*; call it, if it gives them"
    ):
        model.fit(plus_one)
