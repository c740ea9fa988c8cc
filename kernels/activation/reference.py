"""Activations in NumPy, as their formulas read. Where a formula would overflow, its argument is limited first."""

import numpy as np

FAR = 40  # beyond it gelu is 0 or x in float64 too
HUGE = 1e30  # x / (1 + |x|) is 1 from far below it on
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # section 3 of the paper and its appendix


def relu_forward(x, *, out=None):
    return np.maximum(x, 0)


def relu_backward(dy, y, *, out=None):
    return np.where(y > 0, dy, np.zeros_like(dy))


def relu6_forward(x, *, out=None):
    return np.clip(x, 0, 6)


def relu6_backward(dy, y, *, out=None):
    return np.where((y > 0) & (y < 6), dy, np.zeros_like(dy))


def leaky_relu_forward(x, *, negative_slope=0.3, out=None):
    return np.where(x >= 0, x, negative_slope * x)


def leaky_relu_backward(dy, y, *, negative_slope=0.3, out=None):
    return np.where(y > 0, dy, negative_slope * dy)


def elu_forward(x, *, alpha=1.0, out=None):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(dy, y, *, alpha=1.0, out=None):
    return np.where(y > 0, dy, dy * (y + alpha))


def selu_forward(x, *, out=None):
    return SELU_SCALE * elu_forward(x, alpha=SELU_ALPHA)


def selu_backward(dy, y, *, out=None):
    return np.where(y > 0, SELU_SCALE * dy, dy * (y + SELU_SCALE * SELU_ALPHA))


def celu_forward(x, *, alpha=1.0, out=None):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def celu_backward(dy, y, *, alpha=1.0, out=None):
    return np.where(y > 0, dy, dy * (1 + y / alpha))


def sigmoid_forward(x, *, out=None):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_backward(dy, y, *, out=None):
    return dy * y * (1 - y)


def hard_sigmoid_forward(x, *, out=None):
    return np.clip(x + 3, 0, 6) / 6


def hard_sigmoid_backward(dy, y, *, out=None):
    return np.where((y > 0) & (y < 1), dy / 6, np.zeros_like(dy))


def tanh_forward(x, *, out=None):
    return np.tanh(x)


def tanh_backward(dy, y, *, out=None):
    return dy * (1 - y * y)


def hard_tanh_forward(x, *, out=None):
    return np.clip(x, -1, 1)


def hard_tanh_backward(dy, y, *, out=None):
    return np.where((y > -1) & (y < 1), dy, np.zeros_like(dy))


def softplus_forward(x, *, out=None):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_backward(dy, y, *, out=None):
    return dy * -np.expm1(-y)


def softsign_forward(x, *, out=None):
    near = np.clip(x, -HUGE, HUGE)
    return near / (1 + np.abs(near))


def softsign_backward(dy, x, *, out=None):
    return dy / (1 + np.abs(x)) / (1 + np.abs(x))


def gelu_forward(x, *, approximate=False, out=None):
    return np.maximum(x, -FAR) * (tanh_cdf(x)[0] if approximate else normal_cdf(x))


def gelu_backward(dy, x, *, approximate=False, out=None):
    near = np.clip(x, -FAR, FAR)
    if approximate:
        cdf, density = tanh_cdf(x)
    else:
        cdf, density = normal_cdf(x), np.exp(-near * near / 2) / (2 * np.pi) ** 0.5
    return dy * (cdf + near * density)


def normal_cdf(x):
    """P(X <= x) of a standard normal X."""
    return (1 + erf(x / 2**0.5)) / 2


def erf(x):
    """2 / sqrt(pi) times the integral of e**(-t**2) from 0 to x, by Gauss's rule to 5e-15; it is 1 from 6 on."""
    nodes, weights = np.polynomial.legendre.leggauss(50)
    integral = sum(w * np.exp(-((np.clip(x, -6, 6) * s) ** 2)) for s, w in zip(nodes.tolist(), weights.tolist()))
    return np.where(np.abs(x) < 6, x * integral / np.pi**0.5, np.sign(x))


def tanh_cdf(x):
    """The approximation (1 + tanh u) / 2 of it, and its derivative."""
    near = np.clip(x, -FAR, FAR)
    scale, cubic = (2 / np.pi) ** 0.5, 0.044715
    t = np.tanh(scale * (near + cubic * near**3))
    return (1 + t) / 2, (1 - t * t) * scale * (1 + 3 * cubic * near**2) / 2
