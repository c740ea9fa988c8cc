"""Whether a training step is the library's own code alone, so that nothing of the user's has to run in every step."""

import functools

import numpy as np

from ..layers._tape import Parameter
from .loss import FunctionLoss
from .walking import walk

_OWN = __package__.rpartition(".")[0] + "."
_CALLED_OUTSIDE = "_initializer", "_regularizer", "schedule"  # endings of attributes; of recorded steps


def is_the_librarys(trainer):
    """Whether model, loss and optimizer run no code of the user's, which a recorded step would not run again."""
    parts = [trainer.loss, trainer.optimizer, trainer.model, *(child for _, child in walk(trainer.model))]
    return type(trainer.loss) is not FunctionLoss and all(
        _is_ours(part) for part in parts if not isinstance(part, Parameter)
    )


def _is_ours(part):
    """Whether nothing of the user's is called: no class, and no function, method or the like put into one of ours."""
    spaces = vars(part), *map(vars, type(part).__mro__[:-1])
    found = [x for space in spaces for name, x in space.items() if is_called(x) and not name.endswith(_CALLED_OUTSIDE)]
    for one in found:
        if isinstance(one, functools.partial):
            found += filter(is_called, (one.func, *one.args, *one.keywords.values()))
        elif not _home(one).startswith(_OWN):
            return False
    return type(part).__module__.startswith(_OWN) and "forward" not in vars(part)


def _home(function):
    """The module with a function's code: wraps() gives a function of the user's the name of ours."""
    function = getattr(function, "__func__", function)
    names = getattr(function, "__globals__", None)
    if names is None:
        return getattr(function, "__module__", None) or _OWN  # builtins may have none
    home = names.get("__name__", "")
    return _home(function.__wrapped__) if home == "contextlib" else home  # what contextmanager() makes of a function


def is_called(value):
    """Whether an attribute may be called in a step."""
    return callable(value) and not isinstance(value, (type, np.ufunc))
