"""The tape: a tensor remembers how it was made, so that `loss.backward()` finds the way back.

A recorded tensor holds its parents and a closure. With one parent it is `backward(dy) -> dx`; where the parent wants
no gradient but the closure's own parameters do, it is called as `backward(dy, need_dx=False)`. With several parents
it is `backward(dy) -> (da, db, ...)`, None where none is wanted.

Ownership: a closure may change its `dy`, and gives away what it returns. It never returns an array that it keeps or
returns twice, so gradients are added up in place.
"""

import contextlib
import threading

import numpy as np

from ._device import add_into, adopted, beside, on_device, to_host
from ._other_names import OtherNames
from ._own import changed_in_place, expect_need_dx, expect_real, maker, no_gradient
from ._tensor_arithmetic import Arithmetic
from ._tensor_axes import Axes
from ._tensor_numpy import of_function, of_ufunc

_ndarray = np.ndarray


class _Tape(threading.local):
    recording = True


tape = _Tape()


@contextlib.contextmanager
def no_grad():
    """Within it nothing is recorded: for evaluation, it keeps no intermediate results. Per thread; also a decorator.

    >>> with no_grad():
    ...     (Tensor([1.0], requires_grad=True) * 2).requires_grad
    False
    """
    before, tape.recording = tape.recording, False
    try:
        yield
    finally:
        tape.recording = before


@contextlib.contextmanager
def recording():
    """Within it everything is recorded, under `no_grad` too."""
    before, tape.recording = tape.recording, True
    try:
        yield
    finally:
        tape.recording = before


def record(value, backward, *parents):
    """The tensor of an op's result, on the tape if one of its parents is."""
    if tape.recording:
        for parent in parents:
            if parent.requires_grad:
                return Tensor(value, True, backward, parents)
    return Tensor(value)


class Tensor(Arithmetic, Axes, OtherNames):
    """An array on the tape.

    `value` is the NumPy array, or the array on a CUDA device, taken as it is (anything else is made a NumPy array). A
    leaf made with `requires_grad=True` has the gradient of what `backward()` was called on in `grad`, an array of the
    value's shape beside it, added up over calls; whole numbers, which can have none, raise TypeError. `mask` is None,
    or for sequences a bool array (N, T), True where a step is real; layers hand it on.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("value", "grad", "requires_grad", "mask", "_backward", "_parents")
    _record = staticmethod(record)

    def __init__(self, value, requires_grad=False, backward=None, parents=()):
        if value.__class__ is not _ndarray and not isinstance(value, np.generic):
            value = adopted(value) if on_device(value) else np.asarray(value)
        if requires_grad and not parents:
            expect_real(type(self).__name__, value.dtype)
        self.value = value
        self.grad = self.mask = None
        self.requires_grad = requires_grad
        self._backward = backward
        self._parents = parents

    def backward(self, dy=None):
        """Add the gradient of this tensor to every leaf and parameter that it was made from; then free the graph.

        dy has this tensor's shape; a scalar's may be left out and is 1. Raises RuntimeError if nothing was recorded
        or the graph is freed already, ValueError if dy is missing or of another shape; nothing is added then.
        """
        waiting = self._consumers()
        self.grad = self._first_gradient(dy)
        ready = [self]
        while ready:
            tensor = ready.pop()
            backward = tensor._backward
            if backward is None:
                continue  # a leaf keeps its gradient
            dy, parents = tensor.grad, tensor._parents
            tensor.grad, tensor._backward, tensor._parents = None, _freed, ()
            if dy is None:  # a closure said so
                gradients = (None,) * len(parents)
            elif len(parents) > 1:
                gradients = backward(dy)
            elif parents[0].requires_grad:
                gradients = (backward(dy),)
                if gradients[0] is None:
                    raise no_gradient(f"{maker(backward)} gave no gradient for its input")
            else:
                try:
                    backward(dy, need_dx=False)
                except TypeError as error:
                    expect_need_dx(backward, error)
                    raise
                continue
            for parent, gradient in zip(parents, gradients):
                if parent.requires_grad:
                    if gradient is not None:
                        parent.accumulate(gradient)
                    waiting[parent] -= 1
                    if not waiting[parent]:
                        ready.append(parent)

    def accumulate(self, gradient):
        """Take a gradient over, or add it in place to the one that is there."""
        if self.grad is None:
            self.grad = gradient
        else:
            self.grad = add_into(self.grad, gradient)

    def _consumers(self):
        """How many gradients every tensor on the way back is going to get."""
        if self._backward is None and not self._parents:
            raise RuntimeError(
                "backward: nothing was recorded for this tensor; it was made under no_grad(), or from data and frozen "
                "layers alone"
            )
        counts, stack = {}, [self]
        while stack:
            tensor = stack.pop()
            if tensor._backward is _freed:
                raise RuntimeError(
                    "backward: this graph was freed by an earlier backward(); compute the loss again for another one"
                )
            if tensor._backward is None and tensor._parents:
                raise no_gradient("the forward of a layer returned (y, None)")
            for parent in tensor._parents:
                if parent.requires_grad:
                    if parent in counts:
                        counts[parent] += 1
                    else:
                        counts[parent] = 1
                        stack.append(parent)
        return counts

    def _first_gradient(self, dy):
        value = self.value
        if dy is None:
            if value.size != 1:
                raise ValueError(
                    f"backward: dy is None, expected an array of shape {value.shape}; only a scalar has a "
                    f"gradient of its own: take .mean() or .sum()"
                )
            one = value.dtype.type(1)
            return one if value.ndim == 0 else beside(np.full(value.shape, one), value)
        dy = beside(dy, value) if on_device(dy) else beside(np.array(dy, value.dtype, order="C"), value)
        if dy.shape != value.shape:
            raise ValueError(f"backward: dy has shape {dy.shape}, expected {value.shape}, the tensor's")
        return dy

    @property
    def shape(self):
        return self.value.shape

    @property
    def dtype(self):
        return self.value.dtype

    @property
    def ndim(self):
        return self.value.ndim

    def numpy(self):
        """The value as a NumPy array: not copied, unless it lies on a device."""
        return to_host(self.value)

    def item(self):
        """The value of a tensor of one element, as a Python number."""
        return to_host(self.value).item()

    def _expect_result(self, sign):
        """This is what an operation gave, or data, but no leaf."""
        if self.requires_grad and self._backward is None and not self._parents:
            raise changed_in_place(self, sign)

    def __len__(self):
        return len(self.value)

    def __float__(self):
        return float(to_host(self.value))

    def __bool__(self):
        return bool(to_host(self.value))

    def __array__(self, dtype=None, copy=None):
        value = np.asarray(to_host(self.value), dtype)
        return value.copy() if copy and value is self.value else value

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return of_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function, types, inputs, options):
        return of_function(function, inputs, options)

    def __repr__(self):
        where = ", on the device" if on_device(self.value) else ""
        return f"{type(self).__name__}({to_host(self.value)!r}{where})"


class Parameter(Tensor):
    """A leaf that an optimizer changes: `value`, `grad` (None or an array of its shape), `name`, `trainable`.

    `regularizer` is None or an object of layers/regularizers.py, whose penalty training adds to the loss.
    """

    __slots__ = ("name", "regularizer")
    _has_gradient = True

    def __init__(self, value, name=None, regularizer=None):
        super().__init__(value, requires_grad=self._has_gradient)
        self.name, self.regularizer = name, regularizer

    def _expect_result(self, sign):
        raise changed_in_place(self, sign)

    def accumulate(self, gradient):
        if self.requires_grad:
            super().accumulate(gradient)

    def __reduce__(self):
        """In files weights lie on the CPU, and gradients stay behind."""
        return _parameter, (type(self), np.array(to_host(self.value)), self.name, self.regularizer, self.requires_grad)

    def __deepcopy__(self, memo):
        value = beside(np.array(to_host(self.value)), self.value)
        memo[id(self)] = copy = _parameter(type(self), value, self.name, self.regularizer, self.requires_grad)
        return copy

    @property
    def trainable(self):
        """Whether gradients are kept, and so whether an optimizer changes the value."""
        return self.requires_grad

    @trainable.setter
    def trainable(self, trainable):
        self.requires_grad = bool(trainable)


class Buffer(Parameter):
    """What a layer keeps and changes by itself, like a moving mean: in files and counts, without gradient."""

    __slots__ = ()
    _has_gradient = False

    @property
    def trainable(self):
        """False, whatever it is set to."""
        return False

    @trainable.setter
    def trainable(self, trainable):
        pass


def _parameter(kind, value, name, regularizer, trainable):
    parameter = kind(value, name, regularizer)
    parameter.trainable = trainable
    return parameter


def _freed(dy, need_dx=True):
    raise AssertionError("a freed closure was called")
