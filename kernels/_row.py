"""What a row of the catalog is made of: ops, cases, and recipes for their arrays.

A case gives every array argument as a recipe, so that a catalog costs nothing until someone asks for arrays:
`normal(4, 7)`, `labels(10, 32)`, … A face's backward is called by name: its parameters are looked up in the case's
arrays, in what the forward saved (`y` and the names in `saved`) and in the options.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Case:
    """Arrays and options of one call, and why it is there."""

    why: str
    arrays: dict[str, Callable]
    options: dict[str, object] = field(default_factory=dict)
    error: float = 2.0  # of float32, at most so many times NumPy's own
    spreads: bool = False  # an infinity makes neighbouring results NaN that are finite in the reference
    host: bool = False  # what it asks for has no CUDA kernel yet

    def make(self, dtype, seed=0):
        """The arrays, seeded; a fresh dict."""
        rng = np.random.default_rng(seed)
        return {name: recipe(rng, np.dtype(dtype)) for name, recipe in self.arrays.items()}


@dataclass(frozen=True)
class Bad:
    """A call that must fail: what to change in the first case, and the exact message."""

    change: dict[str, object]
    message: str


@dataclass(frozen=True)
class Op:
    """A row. `differentiable` names the arguments in the order of the backward's results; empty for updates."""

    name: str
    folder: str
    differentiable: tuple[str, ...]
    cases: tuple[Case, ...]
    bench: tuple[Case, ...] = ()
    saved: tuple[str, ...] = ()
    bad: tuple[Bad, ...] = ()
    optional: tuple[str, ...] = ()  # array arguments that may be None
    finite: tuple[str, ...] = ()  # array arguments that hold no NaN or infinity, labels as floats say
    updates: tuple[str, ...] = ()  # arrays that an update changes in place; its one function is named by the op
    flops: Callable | None = None  # f(arrays, options), of the forward
    bytes: Callable | None = None  # that the forward must move, f(arrays, options), if not all of them and of y once
    unread: tuple[str, ...] = ()  # array arguments of whose values the backward reads none
    note: Callable | None = None  # which way a case takes, in a word for the benchmark, f(arrays, options)
    float64: float = 1e-12  # largest error of a result, relative to its largest value

    def face(self, face):
        """The module of a face: "public", "reference" or "cpu"."""
        package = f"{__package__}.{self.folder}"
        return importlib.import_module(package if face == "public" else f"{package}.{face}")

    def forward(self, face, arrays, options):
        """(y, *saved) of the forward."""
        result = self.forward_call(face, arrays, options)()
        return result if isinstance(result, tuple) else (result,)

    def forward_call(self, face, arrays, options):
        """The forward of a face as a function without arguments."""
        function = getattr(self.face(face), self.name if self.updates else f"{self.name}_forward")
        return functools.partial(function, **arrays, **options)

    def backward(self, face, dy, arrays, options, results):
        """The gradients as a tuple, in the order of `differentiable`."""
        result = self.backward_call(face, dy, arrays, options, results)()
        return result if isinstance(result, tuple) else (result,)

    def backward_call(self, face, dy, arrays, options, results):
        """The backward of a face as a function without arguments, given what its forward returned."""
        function = getattr(self.face(face), f"{self.name}_backward")
        known = {**dict(zip(("y", *self.saved), results)), **arrays, **options}
        if "x" in arrays:
            known["input_shape"] = arrays["x"].shape
        if getattr(arrays.get("w"), "ndim", 0) == 2:
            known["rows"] = arrays["w"].shape[0]
        wanted = list(inspect.signature(function).parameters)[1:]
        return functools.partial(function, dy, **{name: known[name] for name in wanted if name in known})

    def forward_bytes(self, arrays, options, results):
        """Bytes that the forward must move, of arrays and of what it returned."""
        return self.bytes(arrays, options) if self.bytes else _size(list(arrays.values())) + _size(results)

    def backward_bytes(self, call, gradients):
        """Bytes that the backward must move, of `backward_call`'s function and of what that returned."""
        read = [x for name, x in call.keywords.items() if name not in self.unread]
        return _size(call.args) + _size(read) + _size(gradients)


def _size(x):
    """Bytes of an array, or of many."""
    return sum(map(_size, x)) if isinstance(x, (list, tuple)) else getattr(x, "nbytes", 0)


def normal(*shape, scale=1.0):
    """Standard normal numbers."""
    return lambda rng, dtype: (rng.standard_normal(shape) * scale).astype(dtype)


def uniform(*shape, low=0.0, high=1.0):
    """Uniform numbers in [low, high)."""
    return lambda rng, dtype: rng.uniform(low, high, shape).astype(dtype)


def away_from_zero(*shape, gap=0.1):
    """Normal numbers with a gap around 0, for functions with a kink there."""

    def recipe(rng, dtype):
        x = rng.standard_normal(shape)
        return (x + np.copysign(gap, x)).astype(dtype)

    return recipe


def distinct(*shape):
    """A shuffled range: no two values are close, so that a maximum does not move under a small step."""
    return lambda rng, dtype: (rng.permutation(int(np.prod(shape))).reshape(shape) / 7 - 3).astype(dtype)


def labels(classes, *shape):
    """Integers in [0, classes)."""
    return lambda rng, dtype: rng.integers(0, classes, shape)


def probabilities(*shape):
    """Rows that sum to 1, away from 0 and 1."""

    def recipe(rng, dtype):
        x = rng.uniform(0.2, 1, shape)
        return (x / x.sum(-1, keepdims=True)).astype(dtype)

    return recipe


def constant(value):
    """The same array or value in every call."""
    return lambda rng, dtype: np.array(value, dtype)


def read_only(x):
    """x, made read-only."""
    x.flags.writeable = False
    return x


def ragged(*others):
    """Shapes that break a kernel cut in whole blocks: 1, primes, a block and one more or less, and nothing."""
    shapes = {
        "one element": (1,),
        "primes": (7, 13),
        "a chunk less one": (8191,),
        "a chunk and one": (8193,),
        "several chunks, threads": (3, 11003),
        "no rows": (0, 5),
    }
    return tuple((why, shape + others) for why, shape in shapes.items())
