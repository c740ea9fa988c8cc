"""Optimizer steps in NumPy, as their formulas read. They change their arrays, or those of their lists, in place."""
# ruff: noqa: B020 - a step's loop over lists calls each parameter's arrays by the names that the formulas have

import numpy as np


def sgd_update(w, dw, velocity, *, learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=0.0, treatment=None):
    for w, g, velocity in _each(w, dw, treatment, velocity):
        w *= 1 - learning_rate * weight_decay
        if momentum == 0:
            w -= learning_rate * g
            continue
        velocity[...] = momentum * velocity - learning_rate * g
        w += momentum * velocity - learning_rate * g if nesterov else velocity


def adam_update(
    w, dw, m, v, v_hat=None, *,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step, weight_decay=0.0, treatment=None,
):  # fmt: skip
    alpha = learning_rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    for w, g, m, v, v_hat in _each(w, dw, treatment, m, v, v_hat):
        w *= 1 - learning_rate * weight_decay
        m += (1 - beta_1) * (g - m)
        v += (1 - beta_2) * (g * g - v)
        if v_hat is not None:
            np.maximum(v_hat, v, out=v_hat)
        w -= alpha * m / (np.sqrt(v if v_hat is None else v_hat) + epsilon)


def rmsprop_update(
    w, dw, v, mean=None, velocity=None, *,
    learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, weight_decay=0.0, treatment=None,
):  # fmt: skip
    for w, g, v, mean, velocity in _each(w, dw, treatment, v, mean, velocity):
        w *= 1 - learning_rate * weight_decay
        v[...] = rho * v + (1 - rho) * g * g
        variance = v
        if mean is not None:
            mean[...] = rho * mean + (1 - rho) * g
            variance = v - mean * mean
        step = learning_rate * g / np.sqrt(variance + epsilon)
        if momentum:
            velocity[...] = step = momentum * velocity + step
        w -= step


def adagrad_update(w, dw, total, *, learning_rate=0.001, epsilon=1e-7, weight_decay=0.0, treatment=None):
    for w, g, total in _each(w, dw, treatment, total):
        w *= 1 - learning_rate * weight_decay
        total += g * g
        w -= learning_rate * g / np.sqrt(total + epsilon)


def adadelta_update(w, dw, v, u, *, learning_rate=0.001, rho=0.95, epsilon=1e-7, weight_decay=0.0, treatment=None):
    for w, g, v, u in _each(w, dw, treatment, v, u):
        w *= 1 - learning_rate * weight_decay
        v[...] = rho * v + (1 - rho) * g * g
        step = np.sqrt(u + epsilon) * g / np.sqrt(v + epsilon)
        u[...] = rho * u + (1 - rho) * step * step
        w -= learning_rate * step


def lion_update(w, dw, m, *, learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=0.0, treatment=None):
    for w, g, m in _each(w, dw, treatment, m):
        w *= 1 - learning_rate * weight_decay
        w -= learning_rate * np.sign(beta_1 * m + (1 - beta_1) * g)
        m[...] = beta_2 * m + (1 - beta_2) * g


def lamb_update(
    w, dw, m, v, *,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step, weight_decay=0.0, treatment=None,
):  # fmt: skip
    for w, g, m, v in _each(w, dw, treatment, m, v):
        w *= 1 - learning_rate * weight_decay
        m += (1 - beta_1) * (g - m)
        v += (1 - beta_2) * (g * g - v)
        update = m / (1 - beta_1**step) / (np.sqrt(v / (1 - beta_2**step)) + epsilon)
        w_norm, norm = _norm(w), _norm(update)
        w -= learning_rate * (w_norm / norm if w_norm > 0 and norm > 0 else 1) * update


def muon_update(
    w, dw, m, *, learning_rate=0.001, momentum=0.95, nesterov=True, ns_steps=6, weight_decay=0.0, treatment=None
):
    for w, g, m in _each(w, dw, treatment, m):
        if not w.size:
            continue
        w *= 1 - learning_rate * weight_decay
        m[...] = momentum * m + g
        x = orthogonal(g + momentum * m if nesterov else m, ns_steps)
        w -= learning_rate * max(1, w.shape[0] / w.shape[1]) ** 0.5 * x


def orthogonal(x, steps):
    """About U V^T of x = U S V^T."""
    if x.shape[0] > x.shape[1]:
        return orthogonal(x.T, steps).T
    x = x / (_norm(x) + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


def ema_update(average, w, *, momentum=0.99):
    for average, w in _each(average, w, None):
        average[...] = momentum * average + (1 - momentum) * w


def clip_by_global_norm(dw, *, max_norm):
    arrays = _listed(dw)
    norm = sum(_norm(x) ** 2 for x in arrays) ** 0.5
    for x in arrays:
        x *= _factor(norm, max_norm) if np.isfinite(norm) else np.nan
    return norm


def _each(w, dw, treatment, *kept):
    """(w, its gradient as treated, *kept) for every parameter, of one or of lists of them."""
    w, dw = _listed(w), _listed(dw)
    kept = [[None] * len(w) if x is None else _listed(x) for x in kept]
    return zip(w, _treated(w, dw, treatment), *kept)


def _listed(x):
    return x if isinstance(x, (list, tuple)) else [x]


def _treated(w, dw, treatment):
    """The gradients, penalised and clipped."""
    if treatment is None:
        return dw
    l1, l2, clipvalue, clipnorm, global_clipnorm = treatment
    if l1 or l2:
        dw = [g + l1 * np.sign(x) + 2 * l2 * x for g, x in zip(dw, w)]
    if clipvalue is not None:
        dw = [np.clip(g, -clipvalue, clipvalue) for g in dw]
    if clipnorm is not None:
        dw = [g * _factor(_norm(g), clipnorm) for g in dw]
    if global_clipnorm is not None:
        norm = sum(_norm(g) ** 2 for g in dw) ** 0.5
        dw = [g * (_factor(norm, global_clipnorm) if np.isfinite(norm) else np.nan) for g in dw]
    return dw


def _factor(norm, limit):
    return limit / norm if norm > limit else 1.0 if norm <= limit else np.nan


def _norm(x):
    return float(np.sqrt(np.sum(np.square(x))))
