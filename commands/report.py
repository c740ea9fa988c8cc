"""What is shown and drawn after a training: a table, the learning curve, the confusion matrix."""

import numba
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

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
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, key in zip(figure.subplots(1, 2), ("loss", "accuracy")):
        epochs = np.arange(1, len(history[key]) + 1)
        axes.plot(epochs, history[key], marker=".", label="training, with dropout")
        axes.plot(epochs, history[f"val_{key}"], marker=".", label="validation")
        axes.set(xlabel="epoch", ylabel=key)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)


def confusion_matrix(truth, guess, path):
    """How often each true digit (a row) was read as which (a column), as a PNG file."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (truth, guess), 1)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if count > counts.max() / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color)
    axes.set(xlabel="read as", ylabel="digit", xticks=range(10), yticks=range(10))
    figure.savefig(path, dpi=120)
