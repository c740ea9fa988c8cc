"""The kernels that a computation calls, written down once and called again without the Python between them.

    with Recording() as recording:
        y = step(x)          # runs as it always does
    recording.refused        # None, or why it cannot be repeated
    x[...] = other
    recording.replay()       # y holds step(other): the same kernels on the same arrays

A replay does what kernels do and nothing else. Arrays keep their places, which the recording holds; numbers keep their
values, but for those that say how they change (../_varying.py). What NumPy computed between two kernels is not done
again. So a recording is believed when a second one `matches` it, in which kernels read no array that neither was given
nor came from the pool (memory.py) nor is the same one both times, and when a replay has given what Python gave. Where
Python chooses by values of arrays, or keeps something from call to call, it says so with `refuse`: two batches could
not tell.
"""

import functools
import itertools
import threading

import numpy as np

from .. import _varying
from .._varying import Changed, following, is_varying
from . import jit


class Recording:
    """The calls of kernels within `with`, of the thread that enters.

    One may be open at a time: who has `turn` may open one.
    """

    turn = threading.Lock()

    def __init__(self):
        self._calls = []  # (function, arguments, result)
        self._varying = []  # (call, place of the argument, number)
        self._own = {}  # {id of an array that owns memory: the array}, of those that were given or made
        self._counted = []
        self._held = []
        self._results = {}  # {id: (number, what reads it anew)}
        self._why = None
        self.thread = threading.get_ident()

    def __enter__(self):
        if _varying.recording is not None:
            raise RuntimeError("Recording: another recording is open; close it first")
        try:
            _varying.recording = self
            for dispatcher in jit.kernels:
                dispatcher.__class__ = _noting(_plain(dispatcher))
        except BaseException:  # the user's signals raise anywhere
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        _varying.recording = None
        for dispatcher in jit.kernels:  # perhaps more of them: another thread may have called for the first time
            dispatcher.__class__ = _plain(dispatcher)

    def refuse(self, why):
        """Note that a replay would not do what was done."""
        self._why = self._why or why

    def keep(self, number, read):
        """Know how to read a number anew that Python made of what a kernel returned."""
        self._results[id(number)] = number, read

    def reader(self, number):
        """What gives this number, a result of what was recorded, after every replay; None where that is not known."""
        return self._results.get(id(number), (None, None))[1]

    @property
    def can_fail(self):
        """Whether a replay may raise Changed."""
        return any(result.__class__ is int for _, _, result in self._calls)

    @property
    def refused(self):
        """Why this cannot be repeated, or None."""
        return self._why or (None if self._calls else "no kernel was called")

    def made(self, *arrays):
        """Know arrays that are filled anew by whoever replays, or by kernels and what is `noted` before it is read."""
        for x in map(_owner, arrays):
            self._own[id(x)] = x

    def hold(self, parts, table):
        """Keep arrays, and lists of them, whose addresses a table has."""
        arrays = [x for part in parts for x in (part if isinstance(part, tuple) else [part])]
        self._held.append(arrays)
        self.made(table)

    def nbytes(self):
        """The memory that replays keep: all arrays that kernels were called with."""
        return sum({id(x): x.nbytes for x in map(_owner, self._arrays())}.values())

    def matches(self, other):
        """Whether another recording has the same calls, but for varying numbers and for where arrays lie."""
        return self._constants() == other._constants() and all(
            one is two or id(one) in self._own and id(two) in other._own
            for one, two in zip(map(_owner, self._arrays()), map(_owner, other._arrays()))
        )

    def replay(self, like=None):
        """Call the kernels again, with the next values of varying numbers, or those of the recording `like`.

        Raises Changed, before any further kernel, where one returns another number than it did.
        """
        calls, known = self._calls, {}
        if like is None:
            for number in self._counted:
                number.next(known)
        for call, place, number in self._varying:
            function, arguments, result = calls[call]
            value = number.next(known) if like is None else like._calls[call][1][place]
            calls[call] = function, (*arguments[:place], value, *arguments[place + 1 :]), result
        for function, arguments, result in calls:
            found = function(*arguments)
            if found is not result and found != result:
                raise Changed(f"{found} where it was {result}")

    def counted(self, number):
        """A varying number that every replay asks for, whether or not a kernel has it."""
        self._counted.append(number)
        return number

    def also(self, function, arguments, result):
        """Note what NumPy did; the result is None or one of the arguments."""
        self._calls.append((function, arguments, result))

    def note(self, plain, dispatcher, arguments):
        """Do a call and note it; for the dispatchers."""
        if dispatcher in _once:
            return plain(dispatcher, *arguments)
        places = [place for place, x in enumerate(arguments) if is_varying(x)]
        self._varying += [(len(self._calls), place, arguments[place]) for place in places]
        arguments = tuple([x.plain() if is_varying(x) else x for x in arguments])
        result = plain(dispatcher, *arguments)
        function = _entry(dispatcher, arguments)
        if type(result) is float:
            function = _Keeping(function, result)
            self._calls.append((function, arguments, None))
            return following(result, function.latest)
        if not (result is None or isinstance(result, int)):
            self.refuse("a kernel returns more than a number")
        self._calls.append((function, arguments, result))
        return result

    def _arrays(self):
        """All arrays that kernels and NumPy were given, in order."""
        yield from itertools.chain(*self._held)
        for _, arguments, _ in self._calls:
            yield from _arrays(arguments)

    def _constants(self):
        varying = {(call, place) for call, place, _ in self._varying}
        return [
            (function, _said(result), [_said(x) for place, x in enumerate(arguments) if (call, place) not in varying])
            for call, (function, arguments, result) in enumerate(self._calls)
        ]


class _Keeping:
    """A kernel's function that keeps its result, a sum, for whoever follows it."""

    def __init__(self, function, result):
        self._function, self._result = function, result

    def __call__(self, *arguments):
        self._result = self._function(*arguments)

    def __eq__(self, other):
        return isinstance(other, _Keeping) and self._function == other._function

    def latest(self):
        return self._result


_once = set()


def once(dispatcher):
    """A kernel whose result stays as it was recorded: it finds out where arrays lie, and recordings `hold` them."""
    _once.add(dispatcher)
    return dispatcher


@functools.cache
def _noting(kind):
    """The class of dispatchers, with calls that the open recording notes."""

    class Noting(kind):
        plain = kind

        def __call__(self, *arguments):
            found = _varying.here()
            return kind.__call__(self, *arguments) if found is None else found.note(kind.__call__, self, arguments)

    return Noting


def _plain(dispatcher):
    """A dispatcher's class outside of recordings."""
    return getattr(type(dispatcher), "plain", type(dispatcher))


_entries = {}


def _entry(dispatcher, arguments):
    """The compiled function for these arguments, which looks at no types; the dispatcher where it is not found."""
    key = dispatcher, tuple(map(_kind, arguments))
    if key not in _entries:
        compiled = dispatcher.overloads.get(tuple(map(dispatcher.typeof_pyval, arguments)))
        _entries[key] = dispatcher if compiled is None else compiled.entry_point
    return _entries[key]


def _kind(x):
    """What makes arguments of one type: Numba's own way to tell takes longer than most kernels."""
    if isinstance(x, np.ndarray):
        flags = x.flags
        return x.dtype, x.ndim, flags.c_contiguous, flags.f_contiguous, flags.aligned, flags.writeable
    return (*map(_kind, x), type(x)) if isinstance(x, tuple) else type(x)


def _owner(x):
    """The array that owns the memory of x."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def _arrays(arguments):
    for x in arguments:
        if isinstance(x, np.ndarray):
            if x.size:
                yield x
        elif isinstance(x, tuple):
            yield from _arrays(x)


def _said(x):
    """An argument without where it lies."""
    if isinstance(x, np.ndarray):
        return x.shape, x.strides, x.dtype
    return tuple(map(_said, x)) if isinstance(x, tuple) else repr(x)
