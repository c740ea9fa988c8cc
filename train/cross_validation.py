"""Cross-validation: a new model for every fold, trained on the others and measured on it."""

import copy
import itertools

import numpy as np

from ..kernels import _check as check
from ..layers._random import set_seed
from .data import cut_out
from .forms import each, listed, pieces
from .preprocess_split import KFold, StratifiedKFold


def cross_validate(
    make_model, x, y, folds=5, *, stratify=None, scaler=None, random_state=None, sample_weight=None, batch_size=32,
    epochs=1, verbose=0, **fit_options,
):  # fmt: skip
    """Train and measure a model on every fold; returns a `CrossValidation`, which prints as a table.

    make_model    a function without arguments that returns a new, compiled model
    x, y          array-likes of samples and targets, as for `fit`; lists or dictionaries of them for several inputs or
                  outputs
    folds         how many, at least 2; or something with `split(x, y)`, such as KFold or scikit-learn's splitters
    stratify      whether every fold gets the same share of every class; None: if y are labels, integers (N,)
    scaler        such as StandardScaler(): a copy of it is fitted to the training part of every fold, and used on both
    random_state  a seed, for the same folds and weights again; by itself the random numbers of `tw.set_seed` go on
    sample_weight in the forms of `fit`; every fold is trained and measured with its part
    batch_size, epochs, verbose, fit_options   as for `fit`

    Raises TypeError if make_model gives no compiled model, or the same one twice: it would have seen the test part.
    """
    op = "cross_validate"
    x, y = _arrays(x, y)
    w = None if sample_weight is None else _arrays(x, sample_weight)[1]
    if not callable(make_model) or hasattr(make_model, "fit"):
        raise TypeError(f"{op}: make_model is {make_model!r}, expected a function that returns a new, compiled model")
    if random_state is not None:
        set_seed(random_state)
    if not hasattr(folds, "split"):
        check.whole(op, "folds", folds, 2)
        if stratify is None:
            stratify = isinstance(y, np.ndarray) and y.dtype.kind in "iub" and y.size == len(y)
        folds = (StratifiedKFold if stratify else KFold)(folds, shuffle=True)
    if isinstance(scaler, type) or scaler is not None and not hasattr(scaler, "fit"):
        made = f"; make one, {scaler.__name__}()" if isinstance(scaler, type) else ""
        raise TypeError(
            f"{op}: scaler is {scaler!r}, expected one with fit and transform, such as StandardScaler(){made}"
        )
    if scaler is not None and not isinstance(x, np.ndarray):
        raise TypeError(f"{op}: scaler is given and x is several arrays, expected one")
    values, histories, models = [], [], []
    for train, test in folds.split(*(listed(part)[0] for part in (x, y))):
        model = make_model()
        if any(model is before for before in models):
            raise TypeError(f"{op}: make_model returned one model twice, expected a new one for every fold")
        if getattr(model, "_trainer", None) is None:
            raise TypeError(f"{op}: make_model returned {type(model).__name__}, expected a model that is compiled")
        x_train, x_test = cut_out(x, train), cut_out(x, test)
        if scaler is not None:
            own = copy.deepcopy(scaler).fit(x_train)
            x_train, x_test = own.transform(x_train), own.transform(x_test)
        history = model.fit(
            x_train, cut_out(y, train), batch_size, epochs, verbose, sample_weight=cut_out(w, train), **fit_options
        )
        measured = {"batch_size": batch_size, "verbose": 0, "sample_weight": cut_out(w, test), "return_dict": True}
        values.append(model.evaluate(x_test, cut_out(y, test), **measured))
        histories.append(history)
        models.append(model)
    scores = {name: np.array([found[name] for found in values]) for name in values[0]}
    return CrossValidation(scores, histories, models)


def _arrays(x, y):
    """Both, each as an array, or a list or a dictionary of arrays: in the forms in which they are of one length."""
    for several in itertools.product(*map(_forms, (x, y))):
        lengths = [len(pieces(part)[0]) if one else len(part) for part, one in zip((x, y), several)]
        if lengths[0] == lengths[1]:
            return [each(np.asarray, part) if one else np.asarray(part) for part, one in zip((x, y), several)]
    raise ValueError(f"cross_validate: x has {lengths[0]} samples and y has {lengths[1]}, expected as many")


def _forms(part):
    """Whether it may be several arrays: what is tried one after the other."""
    if isinstance(part, dict):
        return (True,)
    are_arrays = isinstance(part, (list, tuple)) and all(one is None or getattr(one, "shape", ()) for one in part)
    return (False, True) if are_arrays else (False,)


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
