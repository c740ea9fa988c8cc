"""Numbers that change from step to step, such as Adam's count of steps, where a step is recorded once and replayed.

A varying number is an ordinary int or float that knows how to get its next value. A kernel's CPU face takes it for
what it is; a CUDA graph that has recorded a kernel with it does its first replay, which is the recorded call itself,
with the value that it had then, and asks for the next value before every further one.
"""


class _Varying:
    _next = None

    def next(self, known):
        """The value for a further replay; asked for once in each, `known` ({id: value}) keeps the answers."""
        if id(self) not in known:
            known[id(self)] = self._next(known)
        return known[id(self)]


class _Int(_Varying, int):
    def __reduce__(self):  # a copy, also in a file, is the number as it is now
        return int, (int(self),)


class _Float(_Varying, float):
    def __reduce__(self):
        return float, (float(self),)


def varying(read):
    """The number that `read()` gives now; for every replay but the first it is called once more.

    >>> import itertools
    >>> step = varying(itertools.count(1).__next__)
    >>> step, step.next({}), step.next({})
    (1, 2, 3)
    """
    return _made(read(), lambda known: read())


def derived(f, *numbers):
    """f(*numbers), a number that varies if one of those does."""
    value = f(*numbers)
    if not any(isinstance(number, _Varying) for number in numbers):
        return value
    return _made(value, lambda known: f(*(n.next(known) if isinstance(n, _Varying) else n for n in numbers)))


def is_varying(number):
    """Whether a number has a next value."""
    return isinstance(number, _Varying)


def _made(value, following):
    number = (_Int if isinstance(value, int) else _Float)(value)
    number._next = following
    return number
