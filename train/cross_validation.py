"""Cross-validation: a new model for every fold, trained on the others and measured on it."""

import copy

import numpy as np

from ..kernels import _check as check
from ..layers._random import set_seed
from .preprocess_split import KFold, StratifiedKFold


def cross_validate(
    make_model, x, y, folds=5, *, stratify=None, scaler=None, random_state=None, batch_size=32, epochs=1, verbose=0,
    **fit_options,
):  # fmt: skip
    """Train and measure a model on every fold; returns a `CrossValidation`, which prints as a table.

    make_model    a function without arguments that returns a new, compiled model
    x, y          array-likes of samples and targets, as for `fit`
    folds         how many, at least 2; or something with `split(x, y)`, such as KFold or scikit-learn's splitters
    stratify      whether every fold gets the same share of every class; None: if y are labels, integers (N,)
    scaler        such as StandardScaler(): a copy of it is fitted to the training part of every fold, and used on both
    random_state  a seed, for the same folds and weights again; by itself the random numbers of `tw.set_seed` go on
    batch_size, epochs, verbose, fit_options   as for `fit`

    Raises TypeError if make_model gives no compiled model, or the same one twice: it would have seen the test part.
    """
    op = "cross_validate"
    x, y = np.asarray(x), np.asarray(y)
    if not callable(make_model) or hasattr(make_model, "fit"):
        raise TypeError(f"{op}: make_model is {make_model!r}, expected a function that returns a new, compiled model")
    if random_state is not None:
        set_seed(random_state)
    if not hasattr(folds, "split"):
        check.whole(op, "folds", folds, 2)
        if stratify is None:
            stratify = y.dtype.kind in "iub" and y.size == len(y)
        folds = (StratifiedKFold if stratify else KFold)(folds, shuffle=True)
    values, histories, models = [], [], []
    for train, test in folds.split(x, y):
        model = make_model()
        if any(model is before for before in models):
            raise TypeError(f"{op}: make_model returned one model twice, expected a new one for every fold")
        if getattr(model, "_trainer", None) is None:
            raise TypeError(f"{op}: make_model returned {type(model).__name__}, expected a model that is compiled")
        x_train, x_test = x[train], x[test]
        if scaler is not None:
            own = copy.deepcopy(scaler).fit(x_train)
            x_train, x_test = own.transform(x_train), own.transform(x_test)
        history = model.fit(
            x_train, y[train], batch_size=batch_size, epochs=epochs, verbose=verbose, **fit_options
        )  # fmt: skip
        values.append(np.atleast_1d(model.evaluate(x_test, y[test], batch_size=batch_size, verbose=0)))
        histories.append(history)
        models.append(model)
    names = ["loss", *(metric.name for metric in models[0]._trainer.metrics)]
    return CrossValidation(dict(zip(names, np.array(values).T)), histories, models)


class CrossValidation:
    """What came of it: printed, a table with a row for every fold.

    scores     {"loss": …, metric: …}, an array (folds,) each, on the part that the fold's model never saw
    histories  the `History` of every fold
    models     the trained models
    """

    def __init__(self, scores, histories, models):
        self.scores, self.histories, self.models = scores, histories, models

    def __getitem__(self, name):
        return self.scores[name]

    def __len__(self):
        return len(self.models)

    @property
    def mean(self):
        """{name: mean over the folds}."""
        return {name: float(values.mean()) for name, values in self.scores.items()}

    @property
    def std(self):
        """{name: standard deviation between folds}, of a sample (divided by folds - 1)."""
        return {name: float(values.std(ddof=1)) for name, values in self.scores.items()}

    def __str__(self):
        width = [max(len(name), 8) for name in self.scores]
        rows = [("fold", [f"{name:>{w}}" for name, w in zip(self.scores, width)])]
        for label, numbers in [
            *((str(i + 1), values) for i, values in enumerate(zip(*self.scores.values()))),
            ("mean", self.mean.values()),
            ("std", self.std.values()),
        ]:
            rows.append((label, [f"{value:{w}.4f}" for value, w in zip(numbers, width)]))
        return "\n".join(f"{label:<4}  " + "  ".join(cells) for label, cells in rows)

    __repr__ = __str__
