"""Data made ready: columns brought to a scale that is learned from training data, labels to rows.

x (N, ..., D), one scale for each of the D columns of the last axis (for images N, H, W, C: for each channel)
"""

import numpy as np

from ..kernels import _check as check
from ..layers._door import as_array
from .keywords import named_arguments
from .metrics.base import Moments
from .readers.files import damaged, read_json, write_json

_ROWS = 1 << 16  # numbers in float64 at a time: arrays may be mapped from disk and larger than memory


class _Scaler:
    """y = (x - shift) / scale by column; `fit` learns shift and scale, `transform` uses them."""

    shift = scale = None

    def fit(self, x):
        """Learn from x (N, ..., D), which must be finite; returns the scaler."""
        op = type(self).__name__
        x = _samples(op, x)
        self._begin(x.shape[-1])
        step = max(1, _ROWS // max(x[0].size, 1))
        for start in range(0, len(x), step):
            rows = np.asarray(x[start : start + step], np.float64).reshape(-1, x.shape[-1])
            if not (finite := np.isfinite(rows)).all():
                place = np.argwhere(~np.isfinite(x[start : start + step]))[0].tolist()
                place[0] += start
                raise ValueError(
                    f"{op}: x{place} is {rows[~finite][0]}, expected finite numbers; leave such samples out, "
                    f"or put a number there"
                )
            self._learn(rows)
        self._finish()
        return self

    def transform(self, x):
        """x on the learned scale, a new array: of its dtype if that is of floats, else float32."""
        return self._result("transform", x, self._scaled)

    def inverse_transform(self, x):
        """What `transform` would make x of."""
        return self._result("inverse_transform", x, self._unscaled)

    def fit_transform(self, x):
        """`fit` and `transform`: for training data alone."""
        return self.fit(x).transform(x)

    def save(self, path):
        """Write what was learned as JSON, at once or not at all."""
        self._expect_fitted("save")
        document = {"format": f"tilewright {type(self).__name__}", **self._options()}
        write_json(path, {**document, "shift": self.shift.tolist(), "scale": self.scale.tolist()})

    @classmethod
    def load(cls, path):
        """The scaler that `save` wrote, with the same bits. ValueError names a file that is damaged."""
        op = f"{cls.__name__}.load"
        document = read_json(op, path, f"tilewright {cls.__name__}")
        try:
            scaler = cls(**{name: document[name] for name in cls._names})
            shift, scale = (np.array(document[name], np.float64) for name in ("shift", "scale"))
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(op, path, f"it holds no scaler ({type(error).__name__}: {error})") from None
        if shift.ndim != 1 or shift.shape != scale.shape or not np.isfinite([shift, scale]).all() or (scale == 0).any():
            raise damaged(op, path, "shift and scale are no finite numbers, one of each a column, or a scale is 0")
        scaler.shift, scaler.scale = shift, scale
        return scaler

    def _scaled(self, rows):
        return (rows - self.shift) / self.scale

    def _unscaled(self, rows):
        return rows * self.scale + self.shift

    def _options(self):
        return {name: getattr(self, name) for name in self._names}

    def _expect_fitted(self, op):
        if self.scale is None:
            raise RuntimeError(f"{type(self).__name__}: it has learned nothing yet; call fit(x_train) before {op}")

    def _result(self, op, x, function):
        self._expect_fitted(op)
        x = _samples(type(self).__name__, x)
        if x.shape[-1] != len(self.scale):
            raise ValueError(
                f"{type(self).__name__}: x has {x.shape[-1]} columns (shape {x.shape}), expected {len(self.scale)} "
                f"because that is what fit saw"
            )
        y = np.empty(x.shape, x.dtype if x.dtype.kind == "f" else np.float32)
        step = max(1, _ROWS // max(x[:1].size, 1))
        for start in range(0, len(x), step):
            y[start : start + step] = function(np.asarray(x[start : start + step], np.float64))
        return y


class StandardScaler(_Scaler):
    """Every column with mean 0 and standard deviation 1; a column of equal values becomes 0.

    >>> StandardScaler().fit_transform([[1.0, 5.0], [3.0, 5.0]]).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    _names = ()

    def _begin(self, columns):
        self._moments = Moments()

    def _learn(self, rows):
        self._moments.add(rows)

    def _finish(self):
        moments = self.__dict__.pop("_moments")
        deviation = np.sqrt(moments.squares / moments.weight)
        # Equal values may seem to differ by the rounding of their mean.
        rounding = 10 * np.finfo(np.float64).eps * np.abs(moments.mean)
        self.shift, self.scale = moments.mean, np.where(deviation > rounding, deviation, 1.0)


@named_arguments
class MinMaxScaler(_Scaler):
    """Every column from feature_range[0] to feature_range[1]; of equal values, at its beginning.

    clip  cut what lies outside, which data that `fit` did not see may

    >>> MinMaxScaler().fit([[0.0], [4.0]]).transform([[1.0], [6.0]]).tolist()
    [[0.25], [1.5]]
    """

    _names = ("feature_range", "clip")

    def __init__(self, feature_range=(0, 1), clip=False):
        low, high = feature_range
        check.number("MinMaxScaler", "feature_range[0]", low)
        check.number("MinMaxScaler", "feature_range[1]", high)
        if not -np.inf < low < high < np.inf:
            raise ValueError(f"MinMaxScaler: feature_range is {feature_range}, expected a low number, then a high one")
        self.feature_range, self.clip = (low, high), bool(clip)

    def transform(self, x):
        """x on the learned scale, a new array: of its dtype if that is of floats, else float32."""
        y = super().transform(x)
        return np.clip(y, *self.feature_range, out=y) if self.clip else y

    def _begin(self, columns):
        self._low, self._high = np.full(columns, np.inf), np.full(columns, -np.inf)

    def _learn(self, rows):
        np.minimum(self._low, rows.min(0), out=self._low)
        np.maximum(self._high, rows.max(0), out=self._high)

    def _finish(self):
        low, high = self.__dict__.pop("_low"), self.__dict__.pop("_high")
        self.shift, self.scale = low, np.where(high > low, high - low, 1.0)

    def _scaled(self, rows):
        """Scaled to 0 and 1 first, which both ends meet without rounding."""
        first, last = self.feature_range
        return super()._scaled(rows) * (last - first) + first

    def _unscaled(self, rows):
        first, last = self.feature_range
        return super()._unscaled((rows - first) / (last - first))


def one_hot(labels, num_classes=None, dtype=np.float32):
    """Rows with a 1 in the column of their label: (N, ...) -> (N, ..., num_classes).

    labels       whole numbers from 0
    num_classes  as many columns; without it, as many as the largest label needs

    >>> one_hot([0, 2]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = as_array("one_hot", "labels", labels)
    whole = labels.astype(np.int64) if labels.dtype.kind != "f" or np.isfinite(labels).all() else None
    if whole is None or (labels != whole).any():
        bad = labels[~np.isfinite(labels)] if whole is None else labels[labels != whole]
        raise ValueError(f"one_hot: labels holds {bad[0]}, expected whole numbers, a class each")
    if num_classes is None:
        num_classes = int(whole.max()) + 1 if whole.size else 0
    check.whole("one_hot", "num_classes", num_classes)
    if whole.size and (whole.min() < 0 or whole.max() >= num_classes):
        bad = whole[(whole < 0) | (whole >= num_classes)][0]
        raise ValueError(f"one_hot: labels holds {bad}, expected 0 to {num_classes - 1}; labels count from 0")
    rows = np.zeros((*whole.shape, num_classes), dtype)
    np.put_along_axis(rows, whole[..., None], 1, -1)
    return rows


def _samples(op, x):
    x = as_array(op, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{op}: x has shape {x.shape}, expected (N, ..., D); one column is x.reshape(-1, 1)")
    if not x.size:
        raise ValueError(f"{op}: x has shape {x.shape}, there are no samples")
    return x
