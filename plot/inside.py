"""What is in a model: filters, what a layer makes of a sample, and who looks at whom."""

import numpy as np

from ..layers._device import to_host
from ..layers._tape import no_grad
from ._canvas import grid, panel
from ._tap import layer_of, looked_at, one_sample, tapped

MOST = 64  # panels of a figure


def filters(layer, channel=None):
    """The filters of a convolution, a panel each: the first 64.

    layer    Conv2D, Conv1D or another whose w has the filters in its last axis; of Conv1D a panel is (steps, channels)
    channel  of images, the input's channel to show; if None the only one, three as colours, else their mean

    All panels have one scale. Raises ValueError for a layer without filters, one that is not built, and a channel that
    is not there.
    """
    w = getattr(layer, "w", None)
    if w is None or w.ndim not in (3, 4):
        raise ValueError(f"plot.filters: {layer!r} has no filters yet, expected a convolution that is built")
    w = np.asarray(to_host(w.value), np.float64)
    if channel is not None:
        if w.ndim != 4 or not 0 <= channel < w.shape[2]:
            raise ValueError(f"plot.filters: channel is {channel}, expected one of the {w.shape[-2]} of images")
        w = w[:, :, channel : channel + 1]
    colours = w.ndim == 4 and w.shape[2] == 3
    if colours:
        w = (w - w.min()) / (np.ptp(w) or 1.0)
    elif w.ndim == 4:
        w = w.mean(2)
    drawn, panels = grid("filters", min(w.shape[-1], MOST))
    most = np.abs(w).max()
    for k, axes in enumerate(panels):
        scale = {} if colours else {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
        axes.imshow(w[..., k], **scale)
    return drawn


def activations(model, x, layer):
    """What a layer makes of one sample: of images a panel for each of the first 64 channels, else a row for each step.

    x      one sample
    layer  a layer of the model, by path as in `summary`, or itself; of one that is called twice the last result

    Raises ValueError for a layer or an x that the model has not.
    """
    x, layer = one_sample("activations", model, x), layer_of("activations", model, layer)
    with looked_at(model), no_grad(), tapped(layer) as tap:
        model(x)
    if tap.y is None:
        raise ValueError(f"plot.activations: {layer!r} was not called, or gives several results")
    y = tap.y[0]
    if y.ndim == 3:
        drawn, panels = grid("activations", min(y.shape[-1], MOST))
        for k, axes in enumerate(panels):
            axes.imshow(y[..., k], cmap="viridis", vmin=y.min(), vmax=y.max())
        return drawn
    drawn, axes = panel("activations", None, 6.0, 3.0)
    axes.imshow(np.atleast_2d(y), cmap="viridis", aspect="auto")
    axes.set(xlabel="feature", ylabel="step" if y.ndim == 2 else "", yticks=[] if y.ndim < 2 else axes.get_yticks())
    return drawn


def attention(scores, queries=None, keys=None):
    """The weights of attention as heat maps, a panel a head: who (a row) looks at whom (a column).

    scores         (T, S), (heads, T, S) or (1, heads, T, S), as MultiHeadAttention gives them with
                   return_attention_scores=True
    queries, keys  the words of the rows and of the columns; keys are the queries if left out

    Raises ValueError for other shapes, and for words that are not as many.
    """
    scores = np.asarray(to_host(getattr(scores, "value", scores)))
    found = scores.shape
    if scores.ndim == 4 and len(scores) == 1:
        scores = scores[0]
    scores = scores[None] if scores.ndim == 2 else scores
    if scores.ndim != 3:
        raise ValueError(f"plot.attention: scores has shape {found}, expected (T, S), (heads, T, S) or those of one")
    T, S = scores.shape[1:]
    keys = queries if keys is None and T == S else keys
    for name, words, size in (("queries", queries, T), ("keys", keys, S)):
        if words is not None and len(words) != size:
            raise ValueError(f"plot.attention: {name} has {len(words)} words, expected {size}")
    drawn, panels = grid("attention", len(scores), size=max(2.5, 0.25 * max(T, S)))
    for head, axes in enumerate(panels):
        axes.imshow(scores[head], cmap="viridis", vmin=0, vmax=max(scores.max(), 1e-12))
        axes.set_title(f"head {head}", fontsize="small")
        if keys is not None:
            axes.set_xticks(range(S), keys, rotation=90, fontsize="x-small")
        if queries is not None:
            axes.set_yticks(range(T), queries, fontsize="x-small")
    return drawn
