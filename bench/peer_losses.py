"""Losses in PyTorch and JAX, for bench/peers.py: means without weights and smoothing.

PyTorch's own where it has them, else, as in JAX, written as the formula reads (kernels/loss/reference.py); PyTorch has
no log-cosh, no hinge of signs, no focal losses, and of classes none from probabilities.
"""

import math

from .peer_calls import jax_peers, torch_peers

EPSILON = 1e-7  # to which probabilities are clipped


def _torch_elements(name):
    return lambda t, options: getattr(t.nn.functional, name)


def _torch_binary(t, options):
    f = t.nn.functional
    return f.binary_cross_entropy_with_logits if options.get("from_logits") else f.binary_cross_entropy


def _torch_binary_focal(t, options):
    f, power, logits = t.nn.functional, options.get("gamma", 2.0), options.get("from_logits")
    loss = f.binary_cross_entropy_with_logits if logits else f.binary_cross_entropy

    def focal(y, target):
        p = y.sigmoid() if logits else y
        wrong = target * (1 - p) + (1 - target) * p
        return (wrong**power * loss(y, target, reduction="none")).mean()

    return focal


def _torch_log_p(t, options):
    """Logarithms of the classes' chances."""
    if options.get("from_logits"):
        return lambda y: y.log_softmax(1)
    return lambda y: (y / y.sum(1, keepdim=True)).clamp(EPSILON, 1 - EPSILON).log()


def _torch_classes(t, options):
    f, log_p = t.nn.functional, _torch_log_p(t, options)
    if options.get("from_logits"):
        return f.cross_entropy
    return lambda y, target: -(target * log_p(y)).sum(1).mean()


def _torch_labels(t, options):
    f, log_p = t.nn.functional, _torch_log_p(t, options)
    if options.get("from_logits"):
        return f.cross_entropy
    return lambda y, target: f.nll_loss(log_p(y), target)


def _torch_focal(t, options):
    alpha, power, log_p = options.get("alpha", 0.25), options.get("gamma", 2.0), _torch_log_p(t, options)

    def focal(y, target):
        of = log_p(y)
        return -alpha * (target * (1 - of.exp()) ** power * of).sum(1).mean()

    return focal


def _torch_focal_labels(t, options):
    alpha, power, log_p = options.get("alpha", 0.25), options.get("gamma", 2.0), _torch_log_p(t, options)

    def focal(y, target):
        of = log_p(y).gather(1, target[:, None])
        return -alpha * ((1 - of.exp()) ** power * of).mean()

    return focal


def _torch_kl(t, options):
    def divergence(y, target):
        p, s = y.clamp(EPSILON, 1), target.clamp(EPSILON, 1)
        return t.nn.functional.kl_div(p.log(), s, reduction="batchmean")

    return divergence


def _torch_triplet(t, options):
    margin = options.get("margin", 1.0)
    return lambda *arrays: t.nn.functional.triplet_margin_loss(*arrays, margin=margin, eps=0.0)


def _torch_log_cosh(t, options):
    def loss(y, target):
        d = (y - target).abs()
        return (d + t.nn.functional.softplus(-2 * d)).mean() - math.log(2)

    return loss


TORCH = torch_peers(
    {
        "mse": _torch_elements("mse_loss"),
        "mae": _torch_elements("l1_loss"),
        "huber": lambda t, options: lambda y, u: t.nn.functional.huber_loss(y, u, delta=options.get("delta", 1.0)),
        "log_cosh": _torch_log_cosh,
        "hinge": lambda t, options: lambda y, u: (1 - u * y).relu().mean(),
        "squared_hinge": lambda t, options: lambda y, u: (1 - u * y).relu().square().mean(),
        "binary_crossentropy": _torch_binary,
        "binary_focal_crossentropy": _torch_binary_focal,
        "categorical_crossentropy": _torch_classes,
        "sparse_categorical_crossentropy": _torch_labels,
        "categorical_focal_crossentropy": _torch_focal,
        "sparse_categorical_focal_crossentropy": _torch_focal_labels,
        "kl_divergence": _torch_kl,
        "cosine_similarity": lambda t, options: lambda y, u: -t.nn.functional.cosine_similarity(y, u, eps=1e-6).mean(),
        "triplet": _torch_triplet,
    }
)


def _jax_huber(j, options):
    delta = options.get("delta", 1.0)

    def huber(y, t):
        d = y - t
        near = j.numpy.clip(d, -delta, delta)
        return (near * (d - near / 2)).mean()

    return huber


def _jax_log_cosh(j, options):
    def loss(y, t):
        d = abs(y - t)
        return (d + j.numpy.log1p(j.numpy.exp(-2 * d))).mean() - math.log(2)

    return loss


def _jax_binary_loss(j, options):
    np = j.numpy
    if options.get("from_logits"):
        return lambda y, t: np.maximum(y, 0) - y * t + np.log1p(np.exp(-abs(y)))

    def loss(y, t):
        p = np.clip(y, EPSILON, 1 - EPSILON)
        return -t * np.log(p) - (1 - t) * np.log(1 - p)

    return loss


def _jax_binary(j, options):
    loss = _jax_binary_loss(j, options)
    return lambda y, t: loss(y, t).mean()


def _jax_binary_focal(j, options):
    power, loss = options.get("gamma", 2.0), _jax_binary_loss(j, options)

    def focal(y, t):
        p = j.nn.sigmoid(y) if options.get("from_logits") else y
        return ((t * (1 - p) + (1 - t) * p) ** power * loss(y, t)).mean()

    return focal


def _jax_classes(labels=False, focal=False):
    def make(j, options):
        np, alpha, power = j.numpy, options.get("alpha", 0.25), options.get("gamma", 2.0)

        def loss(y, t):
            if options.get("from_logits"):
                log_p = j.nn.log_softmax(y)
            else:
                log_p = np.log(np.clip(y / y.sum(1, keepdims=True), EPSILON, 1 - EPSILON))
            if labels:
                log_p = np.take_along_axis(log_p, t[:, None], 1)
            losses = -alpha * (1 - np.exp(log_p)) ** power * log_p if focal else -log_p
            return (losses if labels else t * losses).sum(1).mean()

        return loss

    return make


def _jax_kl(j, options):
    def divergence(y, t):
        p, s = (j.numpy.clip(x, EPSILON, 1) for x in (y, t))
        return (s * j.numpy.log(s / p)).sum(1).mean()

    return divergence


def _jax_cosine(j, options):
    def unit(x):
        return x * j.lax.rsqrt(j.numpy.maximum((x * x).sum(1, keepdims=True), 1e-12))

    return lambda y, t: -(unit(y) * unit(t)).sum(1).mean()


def _jax_triplet(j, options):
    def loss(anchor, positive, negative):
        near, far = (j.numpy.sqrt(j.numpy.square(anchor - x).sum(1)) for x in (positive, negative))
        return j.nn.relu(near - far + options.get("margin", 1.0)).mean()

    return loss


JAX = jax_peers(
    {
        "mse": lambda j, options: lambda y, t: j.numpy.square(y - t).mean(),
        "mae": lambda j, options: lambda y, t: abs(y - t).mean(),
        "huber": _jax_huber,
        "log_cosh": _jax_log_cosh,
        "hinge": lambda j, options: lambda y, t: j.nn.relu(1 - t * y).mean(),
        "squared_hinge": lambda j, options: lambda y, t: j.numpy.square(j.nn.relu(1 - t * y)).mean(),
        "binary_crossentropy": _jax_binary,
        "binary_focal_crossentropy": _jax_binary_focal,
        "categorical_crossentropy": _jax_classes(),
        "sparse_categorical_crossentropy": _jax_classes(labels=True),
        "categorical_focal_crossentropy": _jax_classes(focal=True),
        "sparse_categorical_focal_crossentropy": _jax_classes(labels=True, focal=True),
        "kl_divergence": _jax_kl,
        "cosine_similarity": _jax_cosine,
        "triplet": _jax_triplet,
    }
)
