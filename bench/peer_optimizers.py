"""Optimizers' steps in PyTorch and JAX, for bench/peers.py: without penalties, clipping and averages beside them.

PyTorch's are its own classes, fused where they are, with the state that ours is given; they change the same arrays. It
has no Lion and no LAMB, and its Muon computes in bfloat16. Its epsilon stands beside the root in RMSprop and Adagrad,
ours under it. JAX's are compiled functions of the formulas, whose arrays are donated and stay on from step to step.
"""

import functools

from ..kernels.catalog import BY_NAME


def _sgd(t, w, kept, options):
    rate, momentum = options.get("learning_rate", 0.01), options.get("momentum", 0.0)
    optimizer = t.optim.SGD([w], rate, momentum=momentum, nesterov=options.get("nesterov", False), fused=True)
    if momentum:
        optimizer.state[w] = {"momentum_buffer": kept["velocity"] / -rate}  # PyTorch's has no rate in it
    return optimizer


def _adam(t, w, kept, options):
    betas = options.get("beta_1", 0.9), options.get("beta_2", 0.999)
    rate, epsilon = options.get("learning_rate", 0.001), options.get("epsilon", 1e-7)
    optimizer = t.optim.Adam([w], rate, betas, epsilon, fused=True)
    optimizer.state[w] = {"step": _steps(t, options["step"]), "exp_avg": kept["m"], "exp_avg_sq": kept["v"]}
    return optimizer


def _rmsprop(t, w, kept, options):
    rate, epsilon = options.get("learning_rate", 0.001), options.get("epsilon", 1e-7)
    optimizer = t.optim.RMSprop([w], rate, options.get("rho", 0.9), epsilon, foreach=True)
    optimizer.state[w] = {"step": _steps(t), "square_avg": kept["v"]}
    return optimizer


def _adagrad(t, w, kept, options):
    rate, epsilon = options.get("learning_rate", 0.001), options.get("epsilon", 1e-7)
    optimizer = t.optim.Adagrad([w], rate, eps=epsilon, fused=True)
    optimizer.state[w] = {"step": _steps(t), "sum": kept["total"]}
    return optimizer


def _adadelta(t, w, kept, options):
    rate, epsilon = options.get("learning_rate", 0.001), options.get("epsilon", 1e-7)
    optimizer = t.optim.Adadelta([w], rate, options.get("rho", 0.95), epsilon, foreach=True)
    optimizer.state[w] = {"step": _steps(t), "square_avg": kept["v"], "acc_delta": kept["u"]}
    return optimizer


def _steps(t, step=1):
    """The number of steps before this one."""
    return t.tensor(step - 1.0)


def _torch(make, t, arrays, options, dy):
    if not options.keys() <= {"learning_rate", "momentum", "nesterov", "velocity", "step", "rho", "epsilon", *BETAS}:
        return {}
    w = arrays["w"]
    w.grad = arrays["dw"]
    return {"torch": {"forward": make(t, w, arrays, options).step}}


def _torch_ema(t, arrays, options, dy):
    share = 1 - options.get("momentum", 0.99)
    return {"torch": {"forward": lambda: arrays["average"].lerp_(arrays["w"], share)}}


def _torch_clip(t, arrays, options, dy):
    w = t.zeros_like(arrays["dw"])
    w.grad, limit = arrays["dw"], options["max_norm"]
    return {"torch": {"forward": lambda: t.nn.utils.clip_grad_norm_([w], limit, foreach=True)}}


BETAS = ("beta_1", "beta_2")
_CLASSES = {
    "sgd_update": _sgd,
    "adam_update": _adam,
    "rmsprop_update": _rmsprop,
    "adagrad_update": _adagrad,
    "adadelta_update": _adadelta,
}
TORCH = {
    **{op: functools.partial(_torch, make) for op, make in _CLASSES.items()},
    "ema_update": _torch_ema,
    "clip_by_global_norm": _torch_clip,
}


def _jax(op, step, j, arrays, options, dy):
    """step(np, changed arrays, the others, options) -> the changed arrays, both by their names."""
    if not options.keys().isdisjoint({"treatment", "weight_decay"}):
        return {}
    changed = BY_NAME[op].updates
    state = {name: j.numpy.array(x, copy=True) for name, x in arrays.items() if name in changed}
    given = {name: j.numpy.array(x, copy=True) for name, x in arrays.items() if name not in changed}
    options = {name: value for name, value in options.items() if value is not None}
    compiled = j.jit(lambda state, given: step(j.numpy, **state, **given, **options), donate_argnums=0)

    def forward():
        nonlocal state
        state = j.block_until_ready(compiled(state, given))
        return state

    return {"jax": {"forward": forward}}


def _jax_sgd(np, w, dw, velocity=None, *, learning_rate=0.01, momentum=0.0, nesterov=False):
    if not momentum:
        return {"w": w - learning_rate * dw}
    velocity = momentum * velocity - learning_rate * dw
    return {"w": w + (momentum * velocity - learning_rate * dw if nesterov else velocity), "velocity": velocity}


def _jax_adam(np, w, dw, m, v, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step):
    m, v = m + (1 - beta_1) * (dw - m), v + (1 - beta_2) * (dw * dw - v)
    alpha = learning_rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    return {"w": w - alpha * m / (np.sqrt(v) + epsilon), "m": m, "v": v}


def _jax_rmsprop(np, w, dw, v, *, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    v = rho * v + (1 - rho) * dw * dw
    return {"w": w - learning_rate * dw / np.sqrt(v + epsilon), "v": v}


def _jax_adagrad(np, w, dw, total, *, learning_rate=0.001, epsilon=1e-7):
    total = total + dw * dw
    return {"w": w - learning_rate * dw / np.sqrt(total + epsilon), "total": total}


def _jax_adadelta(np, w, dw, v, u, *, learning_rate=0.001, rho=0.95, epsilon=1e-7):
    v = rho * v + (1 - rho) * dw * dw
    step = np.sqrt(u + epsilon) * dw / np.sqrt(v + epsilon)
    return {"w": w - learning_rate * step, "v": v, "u": rho * u + (1 - rho) * step * step}


def _jax_lion(np, w, dw, m, *, learning_rate=0.001, beta_1=0.9, beta_2=0.99):
    w = w - learning_rate * np.sign(beta_1 * m + (1 - beta_1) * dw)
    return {"w": w, "m": beta_2 * m + (1 - beta_2) * dw}


def _jax_lamb(np, w, dw, m, v, *, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step):
    m, v = m + (1 - beta_1) * (dw - m), v + (1 - beta_2) * (dw * dw - v)
    update = m / (1 - beta_1**step) / (np.sqrt(v / (1 - beta_2**step)) + epsilon)
    w_norm, norm = (np.sqrt(np.square(x).sum()) for x in (w, update))
    trust = np.where((w_norm > 0) & (norm > 0), w_norm / norm, 1)
    return {"w": w - learning_rate * trust * update, "m": m, "v": v}


def _jax_muon(np, w, dw, m, *, learning_rate=0.001, momentum=0.95, nesterov=True, ns_steps=6):
    m = momentum * m + dw
    x = dw + momentum * m if nesterov else m
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (np.sqrt(np.square(x).sum()) + 1e-7)
    for _ in range(ns_steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    rate = learning_rate * max(1, w.shape[0] / w.shape[1]) ** 0.5
    return {"w": w - rate * (x.T if tall else x), "m": m}


def _jax_ema(np, average, w, *, momentum=0.99):
    return {"average": momentum * average + (1 - momentum) * w}


def _jax_clip(np, dw, *, max_norm):
    norm = np.sqrt(np.square(dw).sum())
    return {"dw": dw * np.where(norm > max_norm, max_norm / norm, 1)}


def _jax_batch_norm(np, running_mean, running_var, mean, variance, *, momentum=0.99):
    running_mean = running_mean * momentum + mean * (1 - momentum)
    return {"running_mean": running_mean, "running_var": running_var * momentum + variance * (1 - momentum)}


_STEPS = {
    "sgd_update": _jax_sgd,
    "adam_update": _jax_adam,
    "rmsprop_update": _jax_rmsprop,
    "adagrad_update": _jax_adagrad,
    "adadelta_update": _jax_adadelta,
    "lion_update": _jax_lion,
    "lamb_update": _jax_lamb,
    "muon_update": _jax_muon,
    "ema_update": _jax_ema,
    "clip_by_global_norm": _jax_clip,
    "batch_norm_update": _jax_batch_norm,
}
JAX = {op: functools.partial(_jax, op, step) for op, step in _STEPS.items()}
