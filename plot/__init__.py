"""Looking at trainings, results and models, drawn by matplotlib: `pip install "tilewright[plot]"`.

Every function returns a matplotlib Figure, made without a display: a notebook shows it, `.savefig("x.png")` keeps it.
Those of one panel take `ax`, Axes to draw in, and then return the figure of these.
"""

from ..kernels import _names
from .curves import confusion, history, roc
from .diagram import model_diagram
from .heat import grad_cam, saliency
from .inside import activations, attention, filters

__all__ = [
    "activations",
    "attention",
    "confusion",
    "filters",
    "grad_cam",
    "history",
    "model_diagram",
    "roc",
    "saliency",
]


def __getattr__(name):
    raise _names.missing(__name__, name, __all__)
