"""What is shown and drawn after a training: a table, the learning curve, the confusion matrix."""

import numba
from rich.console import Console
from rich.table import Table

from .. import plot
from .info import REMEDY, SLOW_LAYER, threading_layer


def table(rows):
    """Print {name: value} as a table, and a warning if the threading layer is the slow one."""
    shown = Table(show_header=False)
    for name, value in rows.items():
        shown.add_row(name, value)
    Console().print(shown)
    if rows.get("threading layer") == SLOW_LAYER:
        print(REMEDY)


def machine():
    """Threads and threading layer, as rows of the table."""
    return {"threads": str(numba.get_num_threads()), "threading layer": threading_layer()}


def learning_curve(history, path):
    """Loss and accuracy of {key: [a value an epoch]}, in training and in validation, as a PNG file."""
    figure = plot.history(history, ["loss", "accuracy"])
    for axes in figure.axes:
        axes.lines[0].set_label("training, with dropout")
        axes.legend()
    figure.savefig(path, dpi=120)


def confusion_matrix(truth, guess, path):
    """How often each true digit (a row) was read as which (a column), as a PNG file."""
    figure = plot.confusion(truth, guess, range(10))
    figure.axes[0].set(xlabel="read as", ylabel="digit")
    figure.savefig(path, dpi=120)
