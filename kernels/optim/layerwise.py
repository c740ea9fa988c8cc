"""Steps that look at a parameter as a whole: at its norm, or at its singular vectors."""

from .. import _check as check
from ._arrays import options, placed


def lamb_update(
    w, dw, m, v, *,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step, weight_decay=0.0, treatment=None,
):  # fmt: skip
    """One step of LAMB, as in Keras: one of Adam, scaled by the norm of w over its own, where `step` counts from 1.

    m += (1 - beta_1) (dw - m), v += (1 - beta_2) (dw^2 - v),
    s = m / (1 - beta_1^step) / (sqrt(v / (1 - beta_2^step)) + epsilon), w -= learning_rate * |w| / |s| * s,
    where a norm of 0 makes the ratio 1. w, dw, m, v (...) of one shape, float32 or float64, or lists of such, each with
    its own ratio; w, m and v are changed, and m and v start from zeros. Raises TypeError or ValueError before anything
    is changed. You et al. 2019, arXiv:1904.00962, algorithm 2, which takes weight_decay * w into s before the norms.

    >>> import numpy as np
    >>> w, m, v = np.array([3.0, 4.0]), np.zeros(2), np.zeros(2)
    >>> lamb_update(w, np.array([10.0, -0.1]), m, v, step=1, learning_rate=0.1)
    >>> w.round(4)
    array([2.6464, 4.3536])
    """
    op = "lamb_update"
    check.fraction(op, "beta_1", beta_1)
    check.fraction(op, "beta_2", beta_2)
    check.number(op, "epsilon", epsilon, 0)
    check.whole(op, "step", step, 1)
    options(op, learning_rate, weight_decay, treatment)
    face, (w, dw, m, v) = placed(op, ("w", "dw", "m", "v"), w, dw, m, v)
    face.lamb_update(
        w, dw, m, v,
        learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, step=step,
        weight_decay=weight_decay, treatment=treatment,
    )  # fmt: skip


def muon_update(
    w, dw, m, *, learning_rate=0.001, momentum=0.95, nesterov=True, ns_steps=6, weight_decay=0.0, treatment=None
):
    """One step of Muon on matrices: along the momentum, made orthogonal.

    m = momentum * m + dw, u = dw + momentum * m (m without Nesterov's), w -= learning_rate * sqrt(max(1, M / N)) * X,
    where X, about U V^T of u = U S V^T, comes from u / (|u| + 1e-7) by ns_steps of Newton and Schulz's iteration
    X = a X + (b X X^T + c (X X^T)^2) X, a = 3.4445, b = -4.7750, c = 2.0315. w, dw, m (M, N), float32 or float64, or
    lists of such; w and m are changed, and m starts from zeros. Raises TypeError or ValueError before anything is
    changed. Jordan 2024, https://kellerjordan.github.io/posts/muon, with Keras's 6 steps for his 5; PyTorch takes 5,
    in bfloat16, and keeps (1 - momentum) * m, which the normalisation makes the same.

    >>> import numpy as np
    >>> w, m = np.zeros((2, 2)), np.zeros((2, 2))
    >>> muon_update(w, np.array([[5.0, 0.0], [0.0, 5.0]]), m, learning_rate=0.1, momentum=0.0)
    >>> bool(0.06 < -w[0, 0] < 0.13), float(w[0, 1])
    (True, 0.0)
    """
    op = "muon_update"
    check.number(op, "momentum", momentum, 0, 1)
    check.whole(op, "ns_steps", ns_steps)
    options(op, learning_rate, weight_decay, treatment)
    face, (w, dw, m) = placed(op, ("w", "dw", "m"), w, dw, m)
    face.muon_update(
        w, dw, m,
        learning_rate=learning_rate, momentum=momentum, nesterov=nesterov, ns_steps=ns_steps,
        weight_decay=weight_decay, treatment=treatment,
    )  # fmt: skip
