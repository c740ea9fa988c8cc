"""Where a model looks: heat maps from gradients of a class's score."""

import contextlib

import numpy as np

from ..kernels import _check as check
from ..layers import Activation, Layer, Softmax
from ..layers._device import beside, to_host
from ..layers._tape import Tensor, recording
from ..train import Model
from ..train.functional import Functional
from ._canvas import image, panel
from ._tap import layer_of, looked_at, one_sample, tapped


def saliency(model, x, label=None, *, ax=None):
    """How much each part of one sample changes the score of a class: the largest absolute gradient of its channels.

    x      one image (H, W, C), or a sample of any other shape, of which the last axis is taken for channels if it has
           three
    label  the class; the likeliest if None

    Behind a softmax the score is what goes into it, because the gradient of a probability vanishes near 1. Raises
    ValueError for a class or an x that the model has not. Simonyan et al. 2013, arXiv:1312.6034.
    """
    x = one_sample("saliency", model, x)
    tensor = Tensor(_where(model, x), requires_grad=True)
    label = _backward("saliency", model, tensor, label)
    steep = np.abs(to_host(tensor.grad))[0]
    steep = steep.max(-1) if steep.ndim == 3 else np.atleast_2d(steep)
    drawn, axes = panel("saliency", ax, 4.0, 4.0)
    axes.imshow(steep, cmap="hot", vmin=0)
    axes.set(title=f"saliency of {label}", xticks=[], yticks=[])
    return drawn


def grad_cam(model, x, label=None, layer=None, *, ax=None):
    """The image, and over it where a layer's channels speak for a class.

    x      one image (H, W, C)
    label  the class; the likeliest if None
    layer  a layer whose output is (H, W, channels), by path or itself; the last of them if None

    The map is max(0, sum of channels weighted by the mean gradient of each), stretched over the image. Behind a
    softmax the score is what goes into it. Raises ValueError for a class, layer or x that the model has not, and for
    a layer without images. Selvaraju et al. 2017, arXiv:1610.02391.
    """
    x = one_sample("grad_cam", model, x)
    layer = _last_images(model) if layer is None else layer_of("grad_cam", model, layer)
    with tapped(layer) as tap:
        tensor = Tensor(_where(model, x), requires_grad=model.input_dtype is not None)
        label = _backward("grad_cam", model, tensor, label)
    if tap.y is None or tap.y.ndim != 4:
        shape = None if tap.y is None else tap.y.shape
        raise ValueError(f"plot.grad_cam: {layer!r} gives shape {shape}, expected images (N, H, W, channels)")
    if tap.dy is None:
        raise ValueError(f"plot.grad_cam: the score does not depend on {layer!r}")
    weights = tap.dy[0].mean((0, 1))
    heat = np.maximum(tap.y[0] @ weights, 0)
    drawn, axes = panel("grad_cam", ax, 4.0, 4.0)
    edges = (-0.5, x.shape[2] - 0.5, x.shape[1] - 0.5, -0.5)
    image(axes, x[0], extent=edges)
    axes.imshow(heat, cmap="jet", alpha=0.45, extent=edges, interpolation="bilinear", vmin=0)
    axes.set(title=f"Grad-CAM of {label}", xticks=[], yticks=[])
    return drawn


def _where(model, x):
    """x where the model's weights are."""
    weights = model.parameters()
    return beside(x, weights[0].value) if weights else x


def _backward(op, model, x, label):
    """Go back from the score of a class, which is returned; the model stays as it is."""
    with looked_at(model), _without_softmax(model), recording():
        y = model(x)
        if not isinstance(y, Tensor) or y.ndim != 2:
            raise ValueError(f"plot.{op}: the model gives shape {getattr(y, 'shape', None)}, expected scores (N, C)")
        label = int(to_host(y.value)[0].argmax()) if label is None else label
        check.whole(op, "label", label, 0)
        if label >= y.shape[1]:
            raise ValueError(f"plot.{op}: label is {label}, expected a class below {y.shape[1]}")
        dy = np.zeros(y.shape, y.dtype)
        dy[0, label] = 1
        y.backward(dy)
    return int(label)


@contextlib.contextmanager
def _without_softmax(model):
    """The model without the softmax at its end, be it a layer or the activation of one."""
    layer = model
    while isinstance(layer, Model) and (layer.layers or isinstance(layer, Functional)):
        layer = layer.outputs[0].call.thing if isinstance(layer, Functional) else layer.layers[-1]
    change = {}
    if isinstance(layer, Softmax) or isinstance(layer, Activation) and layer.activation == "softmax":
        change["forward"] = lambda x: (x, lambda dy: dy)
    elif getattr(layer, "activation", None) == "softmax" and getattr(layer, "_following", None):
        change["_following"] = None
    before = {name: vars(layer)[name] for name in change if name in vars(layer)}
    vars(layer).update(change)
    try:
        yield
    finally:
        for name in change:
            del vars(layer)[name]
        vars(layer).update(before)


def _last_images(model):
    """The last layer that gives images."""
    layers = [thing for _, thing in model.walk() if isinstance(thing, Layer) and _gives_images(thing)]
    if not layers:
        raise ValueError("plot.grad_cam: no layer of the model gives images (H, W, channels)")
    return layers[-1]


def _gives_images(layer):
    return isinstance(layer.output_shape, tuple) and len(layer.output_shape) == 4
