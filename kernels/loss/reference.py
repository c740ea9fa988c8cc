"""Losses in NumPy, as their formulas read.

y, t, dy (...) or, with classes, (M, N); sparse t (M,)    anchor, positive, negative (M, N)    loss, dloss numbers

There is a loss for every element, or for every row of (M, N). The mean is sum(w loss) / sum(w), w the weights, 1 where
none are given; the mean of nothing is 0. A weight of 0 makes loss and gradient 0, whatever the numbers are. A weight
for leading axes of y is that of all elements behind them.

Probabilities are clipped to [EPSILON, 1 - EPSILON] (so that the gradient is 0 outside), those of classes after each row
was divided by its sum, as in Keras.
"""

import numpy as np

EPSILON = 1e-7
LENGTH = 1e-12  # the least square of a length that a vector is divided by


def mse_forward(y, t, *, weights=None, reduction="mean"):
    return _reduced((y - t) ** 2, weights, reduction)


def mse_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _of_elements(dloss, weights, reduction, 2 * (y - t))


def mae_forward(y, t, *, weights=None, reduction="mean"):
    return _reduced(np.abs(y - t), weights, reduction)


def mae_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _of_elements(dloss, weights, reduction, np.sign(y - t))


def huber_forward(y, t, *, delta=1.0, weights=None, reduction="mean"):
    near = np.clip(y - t, -delta, delta)  # beyond delta the loss is delta (|d| - delta / 2)
    return _reduced(near * (y - t - near / 2), weights, reduction)


def huber_backward(dloss, y, t, *, delta=1.0, weights=None, reduction="mean"):
    return _of_elements(dloss, weights, reduction, np.clip(y - t, -delta, delta))


def log_cosh_forward(y, t, *, weights=None, reduction="mean"):
    d = np.abs(y - t)
    return _reduced(d + np.log1p(np.exp(-2 * d)) - np.log(2).astype(y.dtype), weights, reduction)


def log_cosh_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _of_elements(dloss, weights, reduction, np.tanh(y - t))


def hinge_forward(y, t, *, weights=None, reduction="mean"):
    return _reduced(np.maximum(1 - t * y, 0), weights, reduction)


def hinge_backward(dloss, y, t, *, weights=None, reduction="mean"):
    return _of_elements(dloss, weights, reduction, np.where(1 - t * y <= 0, np.zeros_like(y), -t))


def squared_hinge_forward(y, t, *, weights=None, reduction="mean"):
    return _reduced(np.maximum(1 - t * y, 0) ** 2, weights, reduction)


def squared_hinge_backward(dloss, y, t, *, weights=None, reduction="mean"):
    short = 1 - t * y
    return _of_elements(dloss, weights, reduction, np.where(short <= 0, np.zeros_like(y), -2 * t * short))


def binary_crossentropy_forward(y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"):
    return _reduced(_binary_loss(y, _smooth(t, label_smoothing, 2), from_logits), weights, reduction)


def binary_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    return _of_elements(dloss, weights, reduction, _binary_slope(y, _smooth(t, label_smoothing, 2), from_logits))


def binary_focal_crossentropy_forward(
    y, t, *, alpha=None, gamma=2.0, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    t = _smooth(t, label_smoothing, 2)
    p, rest, _ = _chances(y, from_logits)
    factor = _balance(t, alpha) * (t * rest + (1 - t) * p) ** gamma
    return _reduced(factor * _binary_loss(y, t, from_logits), weights, reduction)


def binary_focal_crossentropy_backward(
    dloss, y, t, *, alpha=None, gamma=2.0, from_logits=False, label_smoothing=0.0, weights=None, reduction="mean"
):
    t = _smooth(t, label_smoothing, 2)
    p, rest, outside = _chances(y, from_logits)
    wrong = t * rest + (1 - t) * p  # 1 - p_t of the paper
    dp = p * rest if from_logits else np.where(outside, np.zeros_like(y), np.ones_like(y))  # dp / dy
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(wrong == 0, 0, (1 - 2 * t) * dp / wrong)
    loss, slope = _binary_loss(y, t, from_logits), _binary_slope(y, t, from_logits)
    slope = _balance(t, alpha) * wrong**gamma * (gamma * growth * loss + slope)
    return _of_elements(dloss, weights, reduction, slope)


def categorical_crossentropy_forward(
    y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    losses = -(_smooth(t, label_smoothing, y.shape[1]) * _log_p(y, from_logits)).sum(1)
    return _reduced(losses, _row_weights(t, weights, class_weights), reduction)


def categorical_crossentropy_backward(
    dloss, y, t, *, from_logits=False, label_smoothing=0.0, weights=None, class_weights=None, reduction="mean"
):
    slope = _through_p(y, -_smooth(t, label_smoothing, y.shape[1]), from_logits)
    return _of_rows(dloss, _row_weights(t, weights, class_weights), reduction, slope)


def categorical_focal_crossentropy_forward(
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    reduction="mean",
):
    w = _row_weights(t, weights, class_weights)
    log_p = _log_p(y, from_logits)
    t = _smooth(t, label_smoothing, y.shape[1])
    return _reduced(-alpha * (t * _wrong(y, log_p, from_logits) ** gamma * log_p).sum(1), w, reduction)


def categorical_focal_crossentropy_backward(
    dloss,
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    reduction="mean",
):
    w = _row_weights(t, weights, class_weights)
    slope = alpha * _smooth(t, label_smoothing, y.shape[1]) * _focal_slope(y, gamma, from_logits)
    return _of_rows(dloss, w, reduction, _through_p(y, slope, from_logits))


def sparse_categorical_crossentropy_forward(
    y,
    t,
    *,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w, t = _of_labels(t, weights, class_weights, ignore_index)
    log_p = _log_p(y, from_logits)
    losses = -log_p[np.arange(len(t)), t]
    if label_smoothing:
        losses = (1 - label_smoothing) * losses - label_smoothing * log_p.mean(1)
    return _reduced(losses.astype(y.dtype), w, reduction)


def sparse_categorical_crossentropy_backward(
    dloss,
    y,
    t,
    *,
    from_logits=False,
    label_smoothing=0.0,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w, t = _of_labels(t, weights, class_weights, ignore_index)
    slope = -_smooth(_one_hot(y, t), label_smoothing, y.shape[1])
    return _of_rows(dloss, w, reduction, _through_p(y, slope, from_logits, None if label_smoothing else t))


def sparse_categorical_focal_crossentropy_forward(
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w, t = _of_labels(t, weights, class_weights, ignore_index)
    log_p = _log_p(y, from_logits)
    losses = -alpha * _wrong(y, log_p, from_logits) ** gamma * log_p
    return _reduced(losses[np.arange(len(t)), t], w, reduction)


def sparse_categorical_focal_crossentropy_backward(
    dloss,
    y,
    t,
    *,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    weights=None,
    class_weights=None,
    ignore_index=None,
    reduction="mean",
):
    w, t = _of_labels(t, weights, class_weights, ignore_index)
    slope = np.where(_one_hot(y, t), alpha * _focal_slope(y, gamma, from_logits), np.zeros_like(y))
    return _of_rows(dloss, w, reduction, _through_p(y, slope, from_logits, t))


def kl_divergence_forward(y, t, *, weights=None, reduction="mean"):
    p, s = (np.clip(x, x.dtype.type(EPSILON), x.dtype.type(1)) for x in (y, t))
    return _reduced((s * np.log(s / p)).sum(1), weights, reduction)


def kl_divergence_backward(dloss, y, t, *, weights=None, reduction="mean"):
    p, s = (np.clip(x, x.dtype.type(EPSILON), x.dtype.type(1)) for x in (y, t))
    outside = (y < y.dtype.type(EPSILON)) | (y > 1)
    return _of_rows(dloss, weights, reduction, np.where(outside, np.zeros_like(y), -s / p))


def cosine_similarity_forward(y, t, *, weights=None, reduction="mean"):
    return _reduced(-(_unit(y)[0] * _unit(t)[0]).sum(1), weights, reduction)


def cosine_similarity_backward(dloss, y, t, *, weights=None, reduction="mean"):
    (u, length, short), v = _unit(y), _unit(t)[0]
    turned = v - np.where(short, 0, (u * v).sum(1, keepdims=True)) * u
    return _of_rows(dloss, weights, reduction, -turned / length)


def triplet_forward(anchor, positive, negative, *, margin=1.0, weights=None, reduction="mean"):
    near, far = (np.sqrt(((anchor - x) ** 2).sum(1)) for x in (positive, negative))
    return _reduced(np.maximum(near - far + anchor.dtype.type(margin), 0), weights, reduction)


def triplet_backward(dloss, anchor, positive, negative, *, margin=1.0, weights=None, reduction="mean"):
    (u, near), (v, far) = (_direction(anchor - x) for x in (positive, negative))
    met = near - far + anchor.dtype.type(margin) <= 0
    slopes = (np.where(met[:, None], np.zeros_like(s), s) for s in (u - v, -u, v))
    return tuple(_of_rows(dloss, weights, reduction, s) for s in slopes)


def _reduced(losses, weights, reduction):
    w = _beside(losses, weights)
    losses = np.where(w == 0, np.zeros_like(losses), w * losses)
    if reduction == "none":
        return losses
    total = losses.sum()
    if reduction == "mean":
        total = total / (w.sum(dtype=np.float64) or 1)
    return losses.dtype.type(total)


def _of_elements(dloss, weights, reduction, slope):
    """dy from d loss / d y of every element."""
    return _spread(dloss, _beside(slope, weights), reduction, slope)


def _of_rows(dloss, weights, reduction, slope):
    """dy from d loss / d y of every row."""
    w = _beside(slope[:, 0], weights)
    return _spread(np.reshape(dloss, (-1, 1)) if np.ndim(dloss) else dloss, w[:, None], reduction, slope)


def _spread(dloss, w, reduction, slope):
    if reduction == "mean":
        dloss = dloss / (float(w.sum(dtype=np.float64)) or 1)
    return np.where(w == 0, np.zeros_like(slope), dloss * w * slope).astype(slope.dtype)


def _beside(losses, weights):
    """A weight for every loss."""
    if weights is None:
        return np.ones_like(losses)
    weights = weights.reshape(weights.shape + (1,) * (losses.ndim - weights.ndim)).astype(losses.dtype)
    return np.broadcast_to(weights, losses.shape)


def _smooth(t, smoothing, classes):
    """Shares of which a part goes to all classes alike: Szegedy et al. 2016, arXiv:1512.00567, section 7."""
    return t * (1 - smoothing) + smoothing / classes if smoothing else t


def _binary_loss(y, t, from_logits):
    if from_logits:  # -t log s(y) - (1 - t) log(1 - s(y)), s the sigmoid, without a number that overflows
        return np.maximum(y, 0) - y * t + np.log1p(np.exp(-np.abs(y)))
    p, _ = _clip(y)
    return -t * np.log(p) - (1 - t) * np.log(1 - p)


def _binary_slope(y, t, from_logits):
    p, rest, outside = _chances(y, from_logits)
    return p - t if from_logits else np.where(outside, np.zeros_like(y), (p - t) / (p * rest))


def _chances(y, from_logits):
    """(p, 1 - p, where p was clipped)."""
    if from_logits:
        e = np.exp(-np.abs(y))
        return np.where(y < 0, e, 1) / (1 + e), np.where(y < 0, 1, e) / (1 + e), None
    p, outside = _clip(y)
    return p, 1 - p, outside


def _balance(t, alpha):
    return 1 if alpha is None else t * alpha + (1 - t) * (1 - alpha)


def _row_weights(t, weights, class_weights):
    if class_weights is None:
        return weights
    w = t @ class_weights
    return w if weights is None else w * weights


def _of_labels(t, weights, class_weights, ignore_index):
    """(the rows' weights, the labels with 0 in place of those that are ignored)."""
    if ignore_index is not None:
        ignored = t == ignore_index
        t = np.where(ignored, 0, t)
    w = weights
    if class_weights is not None:
        w = class_weights[t] if w is None else class_weights[t] * w
    if ignore_index is not None:
        w = np.where(ignored, 0.0, 1.0 if w is None else w)
    return w, t


def _one_hot(y, t):
    return np.eye(y.shape[1], dtype=y.dtype)[t]


def _log_p(y, from_logits):
    return _log_softmax(y) if from_logits else np.log(_clip(y / y.sum(1, keepdims=True))[0])


def _wrong(y, log_p, from_logits):
    """1 - p."""
    return -np.expm1(log_p) if from_logits else 1 - _clip(y / y.sum(1, keepdims=True))[0]


def _focal_slope(y, gamma, from_logits):
    """d (-(1 - p)^gamma log p) / d log p."""
    log_p = _log_p(y, from_logits)
    wrong = _wrong(y, log_p, from_logits)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(wrong == 0, -1, np.exp(log_p) * log_p / wrong)
    return wrong**gamma * (gamma * growth - 1)


def _through_p(y, slope, from_logits, labels=None):
    """d loss / d y from `slope`, which is d loss / d log p; 0 but at the labels if they are given."""
    if from_logits:
        return slope - np.exp(_log_softmax(y)) * slope.sum(1, keepdims=True)
    q = y / y.sum(1, keepdims=True)
    p, outside = _clip(q)
    slope = np.where(outside, np.zeros_like(y), slope / p)
    if labels is not None:
        slope = np.where(_one_hot(y, labels), slope, np.zeros_like(y))
    change = np.where(slope == 0, np.zeros_like(y), slope * q).sum(1, keepdims=True)
    return (slope - change) / y.sum(1, keepdims=True)


def _clip(y):
    """y within [EPSILON, 1 - EPSILON], and where it was outside; NaN is neither."""
    low, high = y.dtype.type(EPSILON), y.dtype.type(1 - EPSILON)
    return np.clip(y, low, high), (y < low) | (y > high)


def _log_softmax(y):
    z = y - y.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def _unit(x):
    """(x / its length, the length, whether that was short) of every row."""
    square = (x * x).sum(1, keepdims=True)
    length = np.sqrt(np.maximum(square, x.dtype.type(LENGTH)))
    return x / length, length, square < LENGTH


def _direction(d):
    """(d / its length, the length) of every row; of a row of zeros 0."""
    length = np.sqrt((d * d).sum(1))
    return d / np.where(length == 0, np.ones_like(length), length)[:, None], length
