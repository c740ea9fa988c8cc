"""What an optimizer has kept, as a plain dictionary for files, and back.

{"iterations": steps so far, "learning_rate": a number, or None under a schedule, "accumulated": batches whose
gradients wait, "<path>.<slot>": array, "<path>.gradient": array that waits}. A slot is named as `update` names it,
the average of the weights is "average". Slots that an optimizer does not need stay out.
"""

import inspect

import numpy as np

from ..kernels import _check as check
from ..layers._device import beside, to_host

NUMBERS = ("iterations", "learning_rate", "accumulated")


def state_of(optimizer, parameters):
    """The state of an optimizer, arrays copied, for {path: parameter} as a model names them."""
    if parameters and not optimizer._parameters:
        optimizer.attach(parameters.values())  # as the first step would
    state = {
        "iterations": int(optimizer.iterations),
        "learning_rate": None if optimizer.schedule is not None else float(optimizer.learning_rate),
        "accumulated": optimizer.accumulated,
    }
    names = _slot_names(optimizer)
    for path, p in parameters.items():
        for name, slot in zip(names, optimizer._slots.get(p, ())):
            if slot is not None:
                state[f"{path}.{name}"] = np.array(to_host(slot))
        if optimizer.accumulated and p.grad is not None:
            state[f"{path}.gradient"] = np.array(to_host(p.grad))
    return state


def set_state(optimizer, state, parameters):
    """The counterpart of `state_of`; everything is checked before the first value is set."""
    op = f"{type(optimizer).__name__}.load_state"
    missing = [name for name in NUMBERS if name not in state]
    if missing:
        raise ValueError(f"{op}: the state has no {', '.join(missing)}, expected what state() gave")
    for name in ("iterations", "accumulated"):
        check.whole(op, name, state[name])
    if not optimizer._parameters:
        optimizer.attach(parameters.values())
    names = _slot_names(optimizer)
    given, slots, gradients = set(NUMBERS), {}, {}
    for path, p in parameters.items():
        kept = optimizer._slots.get(p)
        if kept is None:
            continue
        slots[p] = tuple(
            None if slot is None else _array(op, state, f"{path}.{name}", slot, given)
            for name, slot in zip(names, kept)
        )
        if f"{path}.gradient" in state:
            gradients[p] = _array(op, state, f"{path}.gradient", p.value, given)
    if unknown := sorted(set(state) - given):
        raise ValueError(
            f"{op}: the state has {', '.join(unknown)}, which this model and optimizer have no place for; "
            f"expected the state of the same optimizer with the same options on a model of the same weights"
        )
    if optimizer.schedule is None and state["learning_rate"] is not None:
        optimizer.learning_rate = state["learning_rate"]
    optimizer.iterations, optimizer.accumulated = int(state["iterations"]), int(state["accumulated"])
    optimizer._slots, optimizer._columns = slots, None
    for p in slots:
        p.grad = gradients.get(p)


def _array(op, state, name, like, given):
    """A fresh array of the state, beside `like` and of its shape."""
    if name not in state:
        raise ValueError(f"{op}: the state has no {name}, expected an array of shape {like.shape}")
    value = np.array(state[name], like.dtype)
    if value.shape != tuple(like.shape):
        raise ValueError(f"{op}: {name} has shape {value.shape}, expected {tuple(like.shape)}")
    given.add(name)
    return beside(value, like)


def _slot_names(optimizer):
    """The names of all slots; numbers where `update` does not name them."""
    named = [p for p in inspect.signature(optimizer.update).parameters.values()][2:]
    kept = max((len(slots) for slots in optimizer._slots.values()), default=0) - bool(optimizer.use_ema)
    plain = len(named) >= kept and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in named)
    names = [p.name for p in named[:kept]] if plain else [f"slot{i}" for i in range(kept)]
    return [*names, "average"] if optimizer.use_ema else names
