"""What a step that is recorded once and replayed has to know: numbers that change, and what cannot be repeated.

A varying number, such as Adam's count of steps, is an ordinary number that knows how to get its next value. A kernel
takes it for what it is; a recording that has a kernel with it asks for the next value before every replay (on CUDA
before every one but the first, which is the recorded call itself). Sums, products and powers of it vary too; what
float(), int() and functions of `math` make of it does not.
"""

import operator
import threading

import numpy as np

recording = None  # the one of the CPU's kernels that is open (_cpu/recording.py), in whichever thread


class Changed(RuntimeError):
    """A kernel of a replay found another number than it had found; the kernels after it have not run."""


def here():
    """The recording that is open in this thread, or None; other threads compute as they always do."""
    found = recording  # read once: the other thread may close it meanwhile
    return found if found is not None and found.thread == threading.get_ident() else None


def refuse(why):
    """Say that what happens now cannot be repeated by kernels alone: Python chooses by values, or keeps something."""
    if recording is not None and (found := here()):
        found.refuse(why)


def made(*arrays):
    """Say that these arrays are new, and filled by kernels or by what is `noted`."""
    if found := here():
        found.made(*arrays)


def noted(function, *arguments):
    """function(*arguments), which fills an array: NumPy's part of a step, which a replay does again."""
    result = function(*arguments)
    if recording is not None and (found := here()):
        found.also(function, arguments, result)
    return result


def copied(x, dtype=None, shape=None):
    """A copy of a NumPy array, perhaps of another dtype or repeated to a shape, which a replay makes again."""
    y = np.empty(x.shape if shape is None else shape, dtype or x.dtype)
    if recording is not None:
        made(y)
    noted(np.copyto, y, x)
    return y


class _Varying:
    _next = None

    def next(self, known):
        """The value for a further replay; asked for once in each, `known` ({id: value}) keeps the answers."""
        value = known.get(id(self))
        if value is None:
            value = known[id(self)] = self._next(known)
        return value

    def plain(self):
        """The number as it is now."""
        return self._plain(self)

    def __reduce__(self):  # a copy, also in a file, is the number as it is now
        return self._plain, (self.plain(),)

    def __neg__(self):
        return derived(operator.neg, self)


def _arithmetic(f):
    def forward(self, other):
        return derived(f, self, other)

    def backward(self, other):
        return forward(other, self)

    return forward, backward


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _side, _method in zip(("", "r"), _arithmetic(getattr(operator, _name))):
        setattr(_Varying, f"__{_side}{_name}__", _method)


class _Int(_Varying, int):
    _plain = int


class _Float(_Varying, float):
    _plain = float


def varying(read):
    """The number that `read()` gives now; for every replay but the first it is called once more.

    >>> import itertools
    >>> step = varying(itertools.count(1).__next__)
    >>> step, step.next({}), step.next({})
    (1, 2, 3)
    """
    return _made(read(), lambda known: read())


def following(value, read):
    """`value`, of which `read()` gives the next ones."""
    return _made(value, lambda known: read())


def derived(f, *numbers):
    """f(*numbers), a number that varies if one of those does."""
    for n in numbers:
        if isinstance(n, _Varying):
            value = f(*[n.plain() if isinstance(n, _Varying) else n for n in numbers])
            return _made(value, lambda known: f(*[n.next(known) if isinstance(n, _Varying) else n for n in numbers]))
    return f(*numbers)


def is_varying(number):
    """Whether a number has a next value."""
    return isinstance(number, _Varying)


def _made(value, following):
    number = (_Int if isinstance(value, int) else _Float)(value)
    number._next = following
    return number
