"""What is said to those who write a layer of their own, or construct one, where something does not fit."""

import difflib
import functools
import inspect
import re

_KERAS = {"lr": "learning_rate", "input_dim": "input_shape", "decay": "weight_decay"}


class Unset:
    """An attribute that the constructor of the base sets: where it is missing, that was not called."""

    def __set_name__(self, owner, name):
        self._base = owner.__name__

    def __get__(self, thing, kind=None):
        if thing is None:
            return self
        raise AttributeError(
            f"{kind.__name__}: the constructor of {self._base} was not called; begin __init__ with super().__init__()"
        )

    def __repr__(self):
        return f"set by the constructor of {self._base}"


def expect_pair(layer, result):
    """A layer's forward gave (y, backward)."""
    name, wanted = type(layer).__name__, "expected (y, backward): an array and the function that makes dx of dy"
    if result.__class__ is not tuple or len(result) != 2:
        given = f"a tuple of {len(result)}" if isinstance(result, tuple) else f"{type(result).__name__} alone"
        raise TypeError(f"{name}: forward returned {given}, {wanted}")
    y, backward = result
    if not all(hasattr(one, "shape") for one in (y if y.__class__ is tuple else (y,))):
        raise TypeError(f"{name}: forward returned {type(y).__name__} for y, {wanted}")
    if not (callable(backward) or backward is None):
        raise TypeError(f"{name}: forward returned {type(backward).__name__} for backward, {wanted}")


def no_gradient(why):
    """The error where a closure gives no gradient and one is wanted."""
    return RuntimeError(
        f"backward: {why}, and weights before it need one; return a closure backward(dy) that gives dx, freeze what is "
        f"before it with trainable = False, or put it behind all that is trained"
    )


def expect_real(op, dtype):
    """The array of what wants a gradient has no whole numbers: theirs would be truncated."""
    if dtype.kind not in "fV":  # bfloat16 is V
        other = "make a Buffer of what is not trained" if op == "Parameter" else "leave requires_grad=True away"
        raise TypeError(
            f"{op}: the value is {dtype}, expected float32 or float64 because it wants a gradient; give it "
            f"value.astype(np.float32), or {other}"
        )


def changed_in_place(tensor, sign):
    """The error where `p -= step` is said of a parameter or a leaf, and would give a new tensor the name p."""
    return TypeError(
        f"{type(tensor).__name__}: x {sign} ... would leave it as it is, and make a new tensor named x; change the "
        f"array, as in x.value {sign} 0.1 * x.grad, or let an optimizer do it; for a new tensor write x = x "
        f"{sign[:-1]} ..."
    )


def expect_need_dx(backward, error):
    """An error that says that a closure has no such argument is said in words that help."""
    if "unexpected keyword argument 'need_dx'" in str(error):
        raise TypeError(
            f"{maker(backward)}: the closure that forward returned has no need_dx, expected backward(dy, "
            f"need_dx=True), as of every layer with parameters; where it is False nobody wants dx, and None will do"
        ) from error


def maker(backward):
    """The class or function whose closure it is."""
    name = getattr(backward, "__qualname__", type(backward).__name__).split(".<locals>")
    return (name[-2] if len(name) > 1 else name[0]).removesuffix(".forward").strip(".").split(".")[-1]


def name_arguments(cls):
    """Let the constructor that a class defines say which class has no such argument, and what may have been meant."""
    given = vars(cls).get("__init__")
    if given is None:
        return

    @functools.wraps(given)
    def __init__(self, *args, **options):
        try:
            given(self, *args, **options)
        except TypeError as error:
            unknown = re.search(r"got an unexpected keyword argument '(\w+)'", str(error))
            if not unknown or unknown[1] not in options or type(self).__init__ is not __init__:
                raise
            raise TypeError(_unknown_argument(type(self), unknown[1], options[unknown[1]])) from None

    cls.__init__ = __init__


def _unknown_argument(cls, name, value):
    names = set()
    for base in cls.__mro__:  # as far as the rest is handed on
        arguments = inspect.signature(base).parameters.values()
        names |= {p.name for p in arguments if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if all(p.kind is not p.VAR_KEYWORD for p in arguments):
            break
    meant = _KERAS.get(name)
    if meant in names:
        value = (value,) if meant == "input_shape" and isinstance(value, int) else value
        hint = f"; did you mean {meant}={value!r}?"
    else:
        near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.75)
        hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{cls.__name__}: unexpected keyword argument {name!r}{hint}"
