"""A model as boxes and arrows, from top to bottom.

Every box stands a row below the lowest of those that it takes from. An arrow over several rows gets a place of its own
in each row between, so that it passes boxes by. Places in a row are sorted by the mean place of what they come from.
"""

import numpy as np

from ..train import Sequential
from ..train.functional import Functional
from ._canvas import panel

WIDTH, HEIGHT = 2.4, 0.9  # of a place; boxes are smaller


def model_diagram(model, *, ax=None):
    """The layers of a Sequential or a functional model, with class, name and output shape, and what goes where.

    Models and blocks in it are one box each. Raises TypeError for a model whose structure is its code, ValueError for
    a Sequential without layers.
    """
    boxes, arrows = _graph(model)
    rows = _rows(boxes, arrows)
    places, ways = _places(rows, arrows)
    columns = max(x for x, _ in places.values()) + 1
    drawn, axes = panel("model_diagram", ax, max(3.0, WIDTH * columns), max(2.0, HEIGHT * (max(rows) + 1)))
    from matplotlib.patches import FancyBboxPatch

    for box, text in enumerate(boxes):
        x, y = places[box]
        axes.add_patch(
            FancyBboxPatch((x - 0.38, y - 0.24), 0.76, 0.48, boxstyle="round,pad=0.02", fc="#eef3fa", ec="#33527a")
        )
        axes.text(x, y, text, ha="center", va="center", fontsize=7)
    for way in ways:
        points = [places[step] for step in way]
        (x, y), (to_x, to_y) = points[0], points[-1]
        points[0], points[-1] = (x, y + 0.26), (to_x, to_y - 0.26)
        if len(points) > 2:
            axes.plot(*zip(*points[:-1]), color="#33527a", linewidth=1)
        axes.annotate("", xy=points[-1], xytext=points[-2], arrowprops={"arrowstyle": "-|>", "color": "#33527a"})
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(max(rows) + 0.5, -0.5))
    axes.set_axis_off()
    return drawn


def _graph(model):
    """The boxes' texts, and arrows (from, to) as their numbers, from lower ones to higher ones."""
    if isinstance(model, Functional):
        names = {id(thing): name for name, thing in model.children()}
        boxes = [f"{name}\nInput {x.shape}" for name, x in zip(model.input_names, model.inputs)]
        of, arrows = {x: i for i, x in enumerate(model.inputs)}, []
        for call in model.calls:
            arrows += ((of[x], len(boxes)) for x in dict.fromkeys(call.inputs))
            of.update((y, len(boxes)) for y in call.results)
            shapes = [y.shape for y in call.results]
            boxes.append(_text(names[id(call.thing)], call.thing, shapes[0] if call.form is None else shapes))
        return boxes, arrows
    if not isinstance(model, Sequential):
        raise TypeError(
            f"plot.model_diagram: {type(model).__name__} is a class whose structure is its code, expected a Sequential "
            f"or a functional model"
        )
    boxes = [_text(name, layer, _shape(layer)) for name, layer in model.children()]
    if not boxes:
        raise ValueError("plot.model_diagram: the model has no layers; add some")
    if model.input_shape is not None:
        boxes.insert(0, f"input\n{model.input_shape}")
    return boxes, [(i, i + 1) for i in range(len(boxes) - 1)]


def _text(name, thing, shape):
    kind = "Model" if isinstance(thing, Functional) else type(thing).__name__
    return f"{name}\n{kind} {'' if shape is None else shape}".rstrip()


def _shape(layer):
    """What a layer, or the last one of a model, gives."""
    while isinstance(layer, Sequential) and layer.layers:
        layer = layer.layers[-1]
    shapes = getattr(layer, "output_shapes", None)
    return shapes[0] if shapes else getattr(layer, "output_shape", None)


def _rows(boxes, arrows):
    """The row of every box."""
    rows = [0] * len(boxes)
    for start, end in arrows:  # in the order of the ends
        rows[end] = max(rows[end], rows[start] + 1)
    return rows


def _places(rows, arrows):
    """({box or step of an arrow: (column, row)}, [the steps of an arrow from box to box])."""
    row_of, ways = dict(enumerate(rows)), []
    for start, end in arrows:
        between = [(start, end, row) for row in range(rows[start] + 1, rows[end])]
        row_of.update((step, step[2]) for step in between)
        ways.append([start, *between, end])
    before = {}
    for way in ways:
        for start, end in zip(way, way[1:]):
            before.setdefault(end, []).append(start)
    columns, places = {}, {}
    for row in range(max(rows) + 1):
        here = [step for step, its in row_of.items() if its == row]
        here.sort(key=lambda step: np.mean([columns[one] for one in before.get(step, ())] or [0.0]))
        columns.update((step, i - (len(here) - 1) / 2) for i, step in enumerate(here))
    left = min(columns.values())
    for step, row in row_of.items():
        places[step] = (columns[step] - left, row)
    return places, ways
