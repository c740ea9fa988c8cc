"""Several results of one op on the tape."""

from functools import partial

import numpy as np

from ._tape import Tensor, tape

_NOTHING = np.empty(0)


def record_several(values, backward, *parents):
    """The tensors of an op's several results, on the tape if one of its parents is; `backward(dy, dz, ...)`."""
    if tape.recording and any(parent.requires_grad for parent in parents):
        return joined(values, backward, parents)
    return tuple(Tensor(value) for value in values)


def joined(values, backward, parents):
    """Recorded tensors of one closure: each hands its gradient to a joint, which calls the closure once."""
    joint = _Joint(len(values), backward, parents)
    return tuple(Tensor(value, True, partial(_of_result, i), (joint,)) for i, value in enumerate(values))


def _of_result(i, dy):
    return i, dy


class _Joint(Tensor):
    """The parent of several results; its gradient is the list of theirs, None where nothing was made of one."""

    __slots__ = ("_count",)

    def __init__(self, count, backward, parents):
        super().__init__(_NOTHING, True, lambda gradients, **options: backward(*gradients, **options), parents)
        self._count = count

    def accumulate(self, gradient):
        if self.grad is None:
            self.grad = [None] * self._count
        i, dy = gradient
        self.grad[i] = dy
