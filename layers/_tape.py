"""The tape: a tensor remembers how it was made, so that `loss.backward()` finds the way back.

A recorded tensor holds its parents and a closure. With one parent it is `backward(dy) -> dx`; where the parent wants
no gradient but the closure's own parameters do, it is called as `backward(dy, need_dx=False)`. With several parents
it is `backward(dy) -> (da, db, ...)`, None where none is wanted.

Ownership: a closure may change its `dy`, and gives away what it returns. It never returns an array that it keeps or
returns twice, so gradients are added up in place.
"""

import contextlib
import operator
import threading

import numpy as np

from ..kernels import matmul as kernels
from ._broadcast import on_host, unbroadcast
from ._device import add_into, adopted, beside, on_device, to_host


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


class Tensor:
    """An array on the tape.

    `value` is the NumPy array, or the array on a CUDA device, taken as it is (anything else is made a NumPy array). A
    leaf made with `requires_grad=True` has the gradient of what `backward()` was called on in `grad`, an array of the
    value's shape beside it, added up over calls. `mask` is None, or for sequences a bool array (N, T), True where a
    step is real; layers hand it on.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("value", "grad", "requires_grad", "mask", "_backward", "_parents")

    def __init__(self, value, requires_grad=False, backward=None, parents=()):
        if value.__class__ is not np.ndarray and not isinstance(value, np.generic):
            value = adopted(value) if on_device(value) else np.asarray(value)
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
                    raise _no_gradient(f"{_maker(backward)} gave no gradient for its input")
            else:
                try:
                    backward(dy, need_dx=False)
                except TypeError as error:
                    _expect_need_dx(backward, error)
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
                raise _no_gradient("the forward of a layer returned (y, None)")
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
        dy = beside(dy, value) if on_device(dy) else beside(np.array(dy, value.dtype), value)
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

    def reshape(self, *shape):
        """The same elements in another shape; one size may be -1."""
        before = self.value.shape
        return record(self.value.reshape(*shape), lambda dy: dy.reshape(before), self)

    def sum(self, axis=None, keepdims=False):
        """Sum over an axis, several, or all."""
        x = on_host("sum", self.value)

        def backward(dy):
            if axis is not None and not keepdims:
                dy = np.expand_dims(dy, axis)
            return np.broadcast_to(dy, x.shape).copy()

        return record(x.sum(axis=axis, keepdims=keepdims), backward, self)

    def mean(self, axis=None, keepdims=False):
        """Mean over an axis, several, or all."""
        total = self.sum(axis, keepdims)
        return total * (total.value.size / max(self.value.size, 1))

    def __add__(self, other):
        return _binary(np.add, self, other, lambda dy, a, b: dy.copy(), lambda dy, a, b: dy.copy())

    def __sub__(self, other):
        return _binary(np.subtract, self, other, lambda dy, a, b: dy.copy(), lambda dy, a, b: -dy)

    def __mul__(self, other):
        return _binary(np.multiply, self, other, lambda dy, a, b: dy * b, lambda dy, a, b: dy * a)

    def __truediv__(self, other):
        return _binary(np.divide, self, other, lambda dy, a, b: dy / b, lambda dy, a, b: -dy * a / (b * b))

    def __matmul__(self, other):
        a, b = self, _operand(other, self)
        backward = lambda dy: kernels.matmul_backward(dy, a.value, b.value)  # noqa: E731
        return record(kernels.matmul_forward(a.value, b.value), backward, a, b)

    def __neg__(self):
        return record(-on_host("negative", self.value), lambda dy: -dy, self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other):
        return _operand(other, self) - self

    def __rtruediv__(self, other):
        return _operand(other, self) / self

    def __rmatmul__(self, other):
        return _operand(other, self) @ self

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
        """`array * tensor` and the like are the tensor's; TypeError for NumPy's other functions."""
        out = options.pop("out", inputs[:1])
        in_place = out[0] is inputs[0]  # `array *= tensor` gives a new tensor
        if method == "__call__" and ufunc in _OPERATORS and in_place and not options:
            return _OPERATORS[ufunc](_operand(inputs[0], self), inputs[1])
        remedy = f"use tw.{_OURS[ufunc]}(...), or " if ufunc in _OURS else ""
        raise TypeError(
            f"np.{ufunc.__name__} does not work on tensors; {remedy}take the array, which has no gradient, "
            f"with tensor.numpy()"
        )

    def __repr__(self):
        where = ", on the device" if on_device(self.value) else ""
        return f"{type(self).__name__}({to_host(self.value)!r}{where})"


_OPERATORS = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.matmul: operator.matmul,
}
_OURS = {np.tanh: "tanh", np.maximum: "relu"}


class Parameter(Tensor):
    """A leaf that an optimizer changes: `value`, `grad` (None or an array of its shape), `name`, `trainable`.

    `regularizer` is None or an object of layers/regularizers.py, whose penalty training adds to the loss.
    """

    __slots__ = ("name", "regularizer")

    def __init__(self, value, name=None, regularizer=None):
        super().__init__(value, requires_grad=True)
        self.name, self.regularizer = name, regularizer

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

    def __init__(self, value, name=None, regularizer=None):
        super().__init__(value, name, regularizer)
        self.requires_grad = False

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


def record(value, backward, *parents):
    """The tensor of an op's result, on the tape if one of its parents is."""
    if tape.recording:
        for parent in parents:
            if parent.requires_grad:
                return Tensor(value, True, backward, parents)
    return Tensor(value)


def _no_gradient(why):
    return RuntimeError(
        f"backward: {why}, and weights before it need one; return a closure backward(dy) that gives dx, freeze what is "
        f"before it with trainable = False, or put it behind all that is trained"
    )


def _expect_need_dx(backward, error):
    """An error that says that a closure has no such argument is said in words that help."""
    if "unexpected keyword argument 'need_dx'" in str(error):
        raise TypeError(
            f"{_maker(backward)}: the closure that forward returned has no need_dx, expected backward(dy, "
            f"need_dx=True), as of every layer with parameters; where it is False nobody wants dx, and None will do"
        ) from error


def _maker(backward):
    """The class or function whose closure it is."""
    name = getattr(backward, "__qualname__", type(backward).__name__).split(".<locals>")
    return (name[-2] if len(name) > 1 else name[0]).removesuffix(".forward").strip(".").split(".")[-1]


def _freed(dy, need_dx=True):
    raise AssertionError("a freed closure was called")


def _operand(x, like):
    """A number or an array as a tensor of the other operand's dtype."""
    return x if isinstance(x, Tensor) else Tensor(np.asarray(x, like.value.dtype))


def _binary(f, a, b, da, db):
    """y = f(a, b) with NumPy's broadcasting, which the gradients undo; da and db return fresh arrays."""
    b = _operand(b, a)
    on_host(f.__name__, a.value)

    def backward(dy):
        return tuple(
            unbroadcast(gradient(dy, a.value, b.value), x.value.shape) if x.requires_grad else None
            for x, gradient in ((a, da), (b, db))
        )

    return record(f(a.value, on_host(f.__name__, b.value)), backward, a, b)
