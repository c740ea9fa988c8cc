"""Figures and axes: matplotlib, imported when something is drawn, and never with a display."""

import math

import numpy as np


def figure(op, width, height):
    """A new Figure. Raises ImportError that names the extra where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f'plot.{op} needs matplotlib, which is not installed; pip install "tilewright[plot]"'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def panel(op, ax, width=6.0, height=4.0):
    """(figure, axes): those of `ax`, or new ones."""
    if ax is None:
        new = figure(op, width, height)
        return new, new.subplots()
    if not hasattr(ax, "imshow"):
        raise TypeError(f"plot.{op}: ax is a {type(ax).__name__}, expected matplotlib Axes")
    return ax.figure, ax


def grid(op, count, size=1.2):
    """(figure, a list of `count` axes without ticks), about as wide as high."""
    columns = min(count, max(4, math.ceil(math.sqrt(count))))
    rows = math.ceil(count / columns)
    new = figure(op, max(3.0, size * columns), max(2.0, size * rows + 0.4))
    every = list(new.subplots(rows, columns, squeeze=False).flat)
    for axes in every:
        axes.set(xticks=[], yticks=[])
    for axes in every[count:]:
        axes.set_visible(False)
    return new, every[:count]


def image(axes, pixels, **options):
    """Draw pixels (H, W), (H, W, 1) in gray or (H, W, 3) in their colours, scaled from the least to the greatest."""
    pixels = np.asarray(pixels, np.float64)
    if pixels.shape[-1] == 3 and pixels.ndim == 3:
        low, high = pixels.min(), pixels.max()
        return axes.imshow((pixels - low) / (high - low if high > low else 1.0), **options)
    shown = pixels if pixels.ndim == 2 else pixels.mean(-1)
    return axes.imshow(shown, **{"cmap": "gray", **options})
