"""One file from which training goes on as if nothing had happened.

It holds weights, optimizer, random numbers, the counters of layers such as Dropout, and whatever else is given, in the
format of archive.py: checksums over everything, no pickle. A file is written under another name, flushed, and takes
its name in one step; the one that was there is kept beside it. So there is a whole checkpoint at every moment from
the first one on, whenever the process dies.
"""

import os
import warnings

from ..kernels import _check as check
from ..layers._device import assign, to_host
from ..layers._random import generator
from .archive import Archive, Misfit, atomically, put, remove
from .keywords import named_arguments
from .standing import expect_standing, set_standing, set_states_between, standing, states_between
from .state import pack, unpack


class Damaged(ValueError):
    """The file is cut off, or not what was written."""


@named_arguments
class Checkpoint:
    """What a training with this model has become, kept in one file and taken back from it, bit by bit.

    path       the file; the one before it is kept as `path` + ".before"
    optimizer  of a loop of your own; left out for a model that `compile` gave one
    on_error   what a failed save does, on a full disk say: "raise" an OSError, or "warn" and return False. The file
               that was there is whole in both cases.

    >>> import os, tempfile, tilewright as tw
    >>> model = tw.Sequential([tw.layers.Dense(2, input_shape=(3,))])
    >>> checkpoint = Checkpoint(os.path.join(tempfile.mkdtemp(), "run"), model, tw.train.SGD(model.parameters()))
    >>> checkpoint.restore() is None
    True
    >>> checkpoint.save(epoch=3)
    True
    >>> checkpoint.restore()
    {'epoch': 3}
    """

    def __init__(self, path, model, optimizer=None, on_error="raise", keep_before=True):
        check.choice("Checkpoint", "on_error", on_error, ("raise", "warn"))
        self.path, self.model, self.on_error, self.keep_before = os.fspath(path), model, on_error, keep_before
        self._optimizer = optimizer
        self._passed_over = False  # whether the last file is damaged, and so nothing to keep

    @property
    def before(self):
        """The name of the checkpoint before the last one."""
        return f"{os.path.realpath(self.path)}.before"

    @property
    def optimizer(self):
        """The optimizer whose state is kept, None where there is none."""
        return self._optimizer or self.model._trainer and self.model._trainer.optimizer

    def save(self, **more):
        """Write everything as it is now, and `more`: numbers, strings and arrays in lists, tuples and dictionaries.

        Returns whether it was written. Raises TypeError for what a file cannot say, OSError as `on_error` says.
        """
        self.model._expect_built("save")
        document, arrays = _state(self.model, self.optimizer, more)
        path = os.path.realpath(self.path)
        before = self.before if self.keep_before and not self._passed_over else None
        try:
            # one name, so that writers that were killed leave one file and not many
            with atomically(self.path, f"{path}.new", before) as file:
                put(file, document, arrays)
        except OSError as error:
            if self.on_error == "raise":
                raise
            there = "the one before is as it was" if os.path.exists(path) else "there is none yet"
            warnings.warn(
                f"Checkpoint: {self.path} could not be written ({error.strerror or error}); {there}, training goes on",
                RuntimeWarning,
                stacklevel=2,
            )
            return False
        self._passed_over = False
        return True

    def restore(self):
        """Go back to the last checkpoint; returns what `save` was given besides, None if there is no checkpoint.

        One that is cut off or damaged is passed over with a RuntimeWarning for the one before it; ValueError if that
        is no better. ValueError that names what differs, before anything is changed, if it is another model's.
        """
        reasons = []
        for path in (self.path, self.before):
            try:
                more = _set_state(path, self.model, self.optimizer)
            except FileNotFoundError:
                continue
            except Damaged as damaged:
                reasons.append(str(damaged))
                continue
            self._passed_over = bool(reasons)
            if reasons:
                warnings.warn(f"{reasons[0]}; went back to the one before it, {path}", RuntimeWarning, stacklevel=2)
            return more
        if reasons:
            raise ValueError(f"{reasons[0]}; there is none before it that could be used; remove it to begin anew")
        return None

    def delete(self):
        """Remove the checkpoint and the one before it."""
        path = os.path.realpath(self.path)
        remove(*(f"{path}{ending}" for ending in ("", ".before", ".new", ".before.new")))


class _Another(Misfit):
    """The file is sound, and not of this model."""


class _CheckpointFile(Archive):
    """A checkpoint opened for reading."""

    what = "a checkpoint"
    largest_document = 1 << 28  # the history of a long training is in it

    def _explain(self, error):
        if isinstance(error, _Another):
            raise ValueError(f"{self._op}: {self._path} does not fit: {error}") from error
        try:
            super()._explain(error)
        except ValueError as damaged:
            raise Damaged(str(damaged)) from error


def _state(model, optimizer, more):
    """(document, arrays) of everything."""
    parameters = model.named_parameters()
    arrays = {path: to_host(p.value) for path, p in parameters.items()}
    tree = {
        **standing(model),
        "states": states_between(model),
        "optimizer": optimizer and {"class": type(optimizer).__name__, "state": optimizer.state(parameters)},
        "random": generator().bit_generator.state,
        "more": more,
    }
    others = {}
    document = {
        "checkpoint": pack(tree, others),
        "weights": {path: [a.dtype.name, list(a.shape)] for path, a in arrays.items()},
    }
    return document, {**arrays, **others}


def _set_state(path, model, optimizer):
    """Take everything over from the file, or nothing; what was given besides."""
    with _CheckpointFile(path, "restore") as archive:
        if "checkpoint" not in archive.document:
            raise _Another("it holds a model and no checkpoint; use tw.load or load_weights")
        tree = unpack(archive.document["checkpoint"], archive.array)
        parameters = model.named_parameters()
        _expect_same_model(archive.document["weights"], parameters)
        values = {name: archive.array(name, p.value.shape, p.value.dtype) for name, p in parameters.items()}
        archive.expect_no_more()
        try:
            expect_standing(model, tree)
        except Misfit as misfit:
            raise _Another(f"it is another model's: {misfit}") from None
        _expect_same_optimizer(tree["optimizer"], optimizer)
    if optimizer is not None:
        optimizer.load_state(tree["optimizer"]["state"], parameters)
    for name, p in parameters.items():
        assign(p.value, values[name])
    set_standing(model, tree)
    set_states_between(model, tree.get("states", {}))
    generator().bit_generator.state = tree["random"]
    return tree["more"]


def _expect_same_model(found, parameters):
    wrong = [f"it has no weight {name}" for name in parameters if name not in found]
    wrong += [f"it has {name}, which the model has not" for name in found if name not in parameters]
    for name, p in parameters.items():
        now = [p.value.dtype.name, list(p.value.shape)]
        if found.get(name, now) != now:
            (dtype, shape), value = found[name], p.value
            wrong.append(f"{name} is {dtype} of shape {tuple(shape)}, expected {value.dtype} of shape {value.shape}")
    if wrong:
        raise _Another(f"it is another model's: {'; '.join(wrong)}")


def _expect_same_optimizer(kept, optimizer):
    then, now = kept and kept["class"], optimizer and type(optimizer).__name__
    if then != now:
        raise _Another(f"it was made with the optimizer {then}, and this one is {now}")
