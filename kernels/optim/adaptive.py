"""Steps whose length is found for every element, from the squares of its gradients so far."""

from .. import _check as check
from ._arrays import options, placed


def adam_update(
    w, dw, m, v, v_hat=None, *,
    learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step, weight_decay=0.0, treatment=None,
):  # fmt: skip
    """One step of Adam, as in Keras, where `step` counts from 1; of AdamW with weight_decay, of AMSGrad with v_hat.

    m += (1 - beta_1) (dw - m), v += (1 - beta_2) (dw^2 - v), and
    w -= learning_rate * sqrt(1 - beta_2^step) / (1 - beta_1^step) * m / (sqrt(v) + epsilon);
    AMSGrad sets v_hat to the larger of v_hat and v and divides by its root. w, dw, m, v, v_hat (...) of one shape,
    float32 or float64, or lists of such; w, m, v and v_hat are changed, and all but w start from zeros. Raises
    TypeError or ValueError before anything is changed. Kingma, Ba 2014, arXiv:1412.6980, the last lines of section 2;
    Reddi, Kale, Kumar 2018, arXiv:1904.09237, algorithm 2. PyTorch adds epsilon, of 1e-8, to
    sqrt(v / (1 - beta_2^step)).

    >>> import numpy as np
    >>> w, m, v = np.array([1.0, 2.0]), np.zeros(2), np.zeros(2)
    >>> adam_update(w, np.array([10.0, -0.1]), m, v, step=1)
    >>> w.round(6)
    array([0.999, 2.001])
    """
    op = "adam_update"
    check.fraction(op, "beta_1", beta_1)
    check.fraction(op, "beta_2", beta_2)
    check.number(op, "epsilon", epsilon, 0)
    check.whole(op, "step", step, 1)
    options(op, learning_rate, weight_decay, treatment)
    face, (w, dw, m, v, v_hat) = placed(op, ("w", "dw", "m", "v", "v_hat"), w, dw, m, v, v_hat)
    face.adam_update(
        w, dw, m, v, v_hat,
        learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, step=step,
        weight_decay=weight_decay, treatment=treatment,
    )  # fmt: skip


def rmsprop_update(
    w, dw, v, mean=None, velocity=None, *,
    learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, weight_decay=0.0, treatment=None,
):  # fmt: skip
    """One step of RMSprop, as in Keras: v = rho v + (1 - rho) dw^2, w -= learning_rate * dw / sqrt(v + epsilon).

    Centered, with mean: mean = rho mean + (1 - rho) dw, and v - mean^2 instead of v. With momentum the step s is taken
    into velocity = momentum * velocity + s, and w -= velocity; else velocity may be None. w, dw, v, mean, velocity
    (...) of one shape, float32 or float64, or lists of such; all but dw are changed, and all but w start from zeros.
    Raises TypeError or ValueError before anything is changed. Hinton 2012, lecture 6e; centered: Graves 2013,
    arXiv:1308.0850, equations 38 to 41. PyTorch divides by sqrt(v) + epsilon, with rho (its alpha) of 0.99 and epsilon
    of 1e-8.

    >>> import numpy as np
    >>> w, v = np.array([1.0, 2.0]), np.zeros(2)
    >>> rmsprop_update(w, np.array([10.0, -1.0]), v, rho=0.75, learning_rate=0.1)
    >>> w.round(4), v
    (array([0.8, 2.2]), array([25.  ,  0.25]))
    """
    op = "rmsprop_update"
    check.number(op, "rho", rho, 0, 1)
    check.number(op, "momentum", momentum, 0, 1)
    check.number(op, "epsilon", epsilon, 0)
    options(op, learning_rate, weight_decay, treatment)
    if momentum:
        check.needed(op, "velocity", velocity, f"momentum is {momentum}", "start with np.zeros_like(w)")
    face, (w, dw, v, mean, velocity) = placed(op, ("w", "dw", "v", "mean", "velocity"), w, dw, v, mean, velocity)
    face.rmsprop_update(
        w, dw, v, mean, velocity,
        learning_rate=learning_rate, rho=rho, momentum=momentum, epsilon=epsilon,
        weight_decay=weight_decay, treatment=treatment,
    )  # fmt: skip


def adagrad_update(w, dw, total, *, learning_rate=0.001, epsilon=1e-7, weight_decay=0.0, treatment=None):
    """One step of Adagrad, as in Keras: total += dw^2, w -= learning_rate * dw / sqrt(total + epsilon).

    w, dw, total (...) of one shape, float32 or float64, or lists of such; w and total are changed, and total starts
    from 0.1. Raises TypeError or ValueError before anything is changed. Duchi, Hazan, Singer 2011, JMLR 12, section
    1.1. PyTorch starts from 0 with a rate of 0.01, and divides by sqrt(total) + epsilon, of 1e-10.

    >>> import numpy as np
    >>> w, total = np.array([1.0, 2.0]), np.zeros(2)
    >>> adagrad_update(w, np.array([10.0, -0.1]), total, learning_rate=0.1)
    >>> w.round(4)
    array([0.9, 2.1])
    """
    op = "adagrad_update"
    check.number(op, "epsilon", epsilon, 0)
    options(op, learning_rate, weight_decay, treatment)
    face, (w, dw, total) = placed(op, ("w", "dw", "total"), w, dw, total)
    face.adagrad_update(
        w, dw, total, learning_rate=learning_rate, epsilon=epsilon, weight_decay=weight_decay, treatment=treatment
    )


def adadelta_update(w, dw, v, u, *, learning_rate=0.001, rho=0.95, epsilon=1e-7, weight_decay=0.0, treatment=None):
    """One step of Adadelta, as in Keras: v = rho v + (1 - rho) dw^2, s = sqrt(u + epsilon) / sqrt(v + epsilon) * dw.

    Then u = rho u + (1 - rho) s^2 and w -= learning_rate * s. w, dw, v, u (...) of one shape, float32 or float64, or
    lists of such; w, v and u are changed, and v and u start from zeros. Raises TypeError or ValueError before anything
    is changed. Zeiler 2012, arXiv:1212.5701, algorithm 1, whose rate is 1; so is PyTorch's, with rho of 0.9 and epsilon
    of 1e-6.

    >>> import numpy as np
    >>> w, v, u = np.array([1.0, 2.0]), np.zeros(2), np.zeros(2)
    >>> adadelta_update(w, np.array([10.0, -1.0]), v, u, learning_rate=1.0, rho=0.75, epsilon=0.01)
    >>> w.round(4)
    array([0.8   , 2.1961])
    """
    op = "adadelta_update"
    check.number(op, "rho", rho, 0, 1)
    check.number(op, "epsilon", epsilon, 0)
    options(op, learning_rate, weight_decay, treatment)
    face, (w, dw, v, u) = placed(op, ("w", "dw", "v", "u"), w, dw, v, u)
    face.adadelta_update(
        w, dw, v, u,
        learning_rate=learning_rate, rho=rho, epsilon=epsilon, weight_decay=weight_decay, treatment=treatment,
    )  # fmt: skip
