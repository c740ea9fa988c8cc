"""Arguments of a layer's constructor that are set later: they take effect, or an error says that they cannot.

An argument is kept in `vars(layer)`, as every attribute is: reading one costs nothing more, files and copies know it,
and replayed steps see that it is another one.
"""

from ..kernels import _check as check
from .initializers import check_initializer
from .regularizers import get_regularizer

_PLAIN = bool, int, float, str, tuple, type(None)


class Argument:
    """An argument that takes effect whenever it is set.

    look  `look(op, argument, value)` is what is kept of a value; it raises for one that will not do

    A layer that computes anything from such arguments does so in `_derive`, first at the end of its constructor.
    """

    def __init__(self, look=None):
        self._look = look

    def __set_name__(self, owner, name):
        self._name = name

    def __set__(self, layer, value):
        kept, name = vars(layer), self._name
        if self._look is not None:
            value = self._look(type(layer).__name__, name, value)
        if name not in kept:
            kept[name] = value
            return
        before = kept[name]
        self._expect_free(layer, before, value)
        kept[name] = value
        try:
            self._changed(layer, value)
        except BaseException:
            kept[name] = before
            raise

    def _expect_free(self, layer, before, value):
        """Whether it may be set at all."""

    def _changed(self, layer, value):
        if hasattr(layer, "_derive"):
            layer._derive()


class Fixed(Argument):
    """An argument that stays as it is once the layer is built.

    because  what is made by it then, and so what to do instead
    """

    SHAPES = "the shapes of its weights and results depend on it; make another layer"
    PARTS = "the layers in it are made by it; make another layer"
    DRAWN = "its weights are drawn; set them with layer.set_weights"

    def __init__(self, look=None, because=SHAPES):
        super().__init__(look)
        self._because = because

    def _expect_free(self, layer, before, value):
        if not layer.built or value is before or isinstance(value, _PLAIN) and value == before:
            return
        op, name, (what, remedy) = type(layer).__name__, self._name, self._because.split("; ")
        example = f", {op}(..., {name}={value!r})" if remedy == "make another layer" else ""
        raise AttributeError(
            f"{op}: {name} cannot be set to {value!r} any more, it is {before!r}: the layer is built, {what}; "
            f"{remedy}{example}"
        )


class RegularizerOf(Argument):
    """The regularizer of a parameter, also of the one that is made already."""

    def __init__(self, parameter):
        super().__init__(get_regularizer)
        self._parameter = parameter

    def _changed(self, layer, value):
        parameter = getattr(layer, self._parameter, None)
        if parameter is not None:
            parameter.regularizer = value


def activation():
    """An activation, by name or a function."""
    return Argument(_activation)


def epsilon():
    """A number from 0 that keeps from dividing by nothing."""
    return Argument(_epsilon)


def initializer():
    """What draws weights, until they are drawn."""
    return Fixed(_initializer, Fixed.DRAWN)


def _activation(op, name, value):
    from .activation import check_activation  # whose layer has such an argument

    return check_activation(op, value, name)


def _epsilon(op, name, value):
    check.number(op, name, value, 0)
    return float(value)


def _initializer(op, name, value):
    check_initializer(op, name, value)
    return value
