"""Where numbers stop being numbers."""

import math
import warnings

import numpy as np

from ...layers._device import assign, to_host
from ...layers._tape import Buffer, Tensor
from ..walking import every_layer
from ..watching import watched
from .base import Callback


class TerminateOnNaN(Callback):
    """End training at the first batch whose loss or gradients are NaN or infinite, and say where that began.

    The weights stay as they were before that batch, which is run again, layer by layer, to find the layer whose
    output or gradient went wrong first: `found` says it, and so does a RuntimeWarning. Every step looks at the loss and
    at all gradients. Where steps are recorded on a device there is no second run: the loss alone is looked at, after
    the step.
    """

    found = None

    def on_train_begin(self, logs=None):
        self.found, self._epoch = None, 0
        trainer = self.model._trainer
        self._buffers = [p for p in self.model.parameters() if isinstance(p, Buffer)]
        self._counting = [layer for layer in every_layer(self.model).values() if hasattr(layer, "_steps")]
        self._step, self._change = trainer.step, trainer.optimizer.step
        vars(trainer)["step"], vars(trainer.optimizer)["step"] = self._checked_step, self._checked_change

    def close(self):
        trainer = self.model._trainer
        vars(trainer).pop("step", None)
        vars(trainer.optimizer).pop("step", None)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_batch_end(self, batch, logs=None):
        if self.found is None and not math.isfinite(logs["loss"]):
            self._say(batch, f"the loss is {logs['loss']}")

    def _checked_step(self, *batch, **options):
        """A step of the trainer: if it does not come to an end the batch is run again, on the same weights."""
        counters = [(layer, layer._steps) for layer in self._counting]
        buffers = [np.array(to_host(p.value)) for p in self._buffers]
        self._wrong = False
        result = self._step(*batch, **options)
        loss = result[0]
        if self._wrong or not math.isfinite(loss):
            for layer, steps in counters:
                layer._steps = steps
            where = self._where(batch, options)
            for p, value in zip(self._buffers, buffers):
                assign(p.value, value)
            self._say(self.model._trainer.place.done, where or f"the loss is {loss}, and no layer's result is")
        return result

    def _checked_change(self, *arguments):
        """A change of the weights, left out if it would make them no numbers."""
        parameters = self.model._trainer.optimizer._parameters
        if all(p.grad is None or _finite(p.grad) for p in parameters):
            return self._change(*arguments)
        self._wrong = True

    def _where(self, batch, options):
        """Run the batch again and describe what is wrong first; None if nothing is."""
        first = []

        def note(what):
            if not first:
                first.append(what)

        def after_forward(path, layer, inputs, outputs):
            bad = next((y for y in outputs if not _finite(y)), None)
            if bad is None:
                return
            for x in inputs:
                if not _finite(x):
                    note(f"the input of layer {path} ({type(layer).__name__}) {_described(x)}")
            for p in layer.parameters():
                if not _finite(p.value):
                    note(f"the weight {p.name} of layer {path} ({type(layer).__name__}) {_described(p.value)}")
            note(f"the output of layer {path} ({type(layer).__name__}) {_described(bad)}, {_ranges(inputs, layer)}")

        def after_backward(path, layer, dy, gradients):
            name = f"layer {path} ({type(layer).__name__})"
            for one in dy:
                if one is not None and not _finite(one):
                    note(f"the gradient that comes to {name} from what is behind it, the loss say, {_described(one)}")
            for p in layer.parameters():
                if p.grad is not None and not _finite(p.grad):
                    note(f"the gradient of the weight {p.name} of {name} {_described(p.grad)}")
            for one in gradients:
                if one is not None and not _finite(one):
                    note(f"the gradient that leaves {name} {_described(one)}")

        optimizer = self.model._trainer.optimizer
        kept = [(p, p.grad) for p in optimizer._parameters]
        for p, _ in kept:
            p.grad = None
        vars(optimizer)["step"] = lambda *_: None
        try:
            with watched(self.model, after_forward, after_backward), np.errstate(all="ignore"):
                self._step(*batch, **options)
        finally:
            vars(optimizer)["step"] = self._checked_change
            for p, grad in kept:
                p.grad = grad
        return first[0] if first else None

    def _say(self, batch, what):
        self.found = f"batch {batch + 1} of epoch {self._epoch + 1}: {what}"
        self.model.stop_training = True
        self.model._trainer._warned = True  # which would say less
        warnings.warn(f"TerminateOnNaN: {self.found}; training ends", RuntimeWarning, stacklevel=2)


def _finite(x):
    x = to_host(x.value if isinstance(x, Tensor) else x)
    if x.dtype.kind != "f":
        return True
    return math.isfinite(np.vdot(x, x)) or bool(
        np.isfinite(x).all()
    )  # a sum of squares may overflow where no number has


def _described(x):
    """How many numbers are wrong, and the first of them."""
    x = to_host(x)
    wrong = np.argwhere(~np.isfinite(x))
    first = tuple(wrong[0].tolist())
    return f"has {len(wrong)} of {x.size} values that are NaN or infinite, the first is {x[first]} at {list(first)}"


def _ranges(inputs, layer):
    """Of what a wrong output was made."""
    parts = [("its input", x) for x in inputs] + [(f"its {p.name}", p.value) for p in layer.parameters()]
    return "; ".join(
        f"{name} is from {to_host(x).min():.3g} to {to_host(x).max():.3g}" for name, x in parts if to_host(x).size
    )
