"""NumPy's functions on tensors: those that tensors have a method for give a tensor, with its gradient.

Other functions of elements (ufuncs) raise TypeError, for their result would have no gradient; all else NumPy computes
with the arrays.
"""

import importlib

import numpy as np

from ._broadcast import expect_numbers

# the method for a tensor, and the one for a tensor that comes second
_OF_ELEMENTS = {
    np.add: ("__add__", "__radd__"),
    np.subtract: ("__sub__", "__rsub__"),
    np.multiply: ("__mul__", "__rmul__"),
    np.divide: ("__truediv__", "__rtruediv__"),
    np.matmul: ("__matmul__", "__rmatmul__"),
    np.power: ("__pow__", "__rpow__"),
    np.maximum: ("maximum", "maximum"),
    np.minimum: ("minimum", "minimum"),
    np.less: ("__lt__", "__gt__"),
    np.less_equal: ("__le__", "__ge__"),
    np.greater: ("__gt__", "__lt__"),
    np.greater_equal: ("__ge__", "__le__"),
    np.equal: ("__eq__", "__eq__"),
    np.not_equal: ("__ne__", "__ne__"),
    np.negative: ("__neg__",),
    np.positive: ("__pos__",),
    np.absolute: ("abs",),
    np.fabs: ("abs",),
    np.exp: ("exp",),
    np.log: ("log",),
    np.sqrt: ("sqrt",),
    np.sin: ("sin",),
    np.cos: ("cos",),
}
_METHODS = {
    np.sum: "sum",
    np.mean: "mean",
    np.var: "var",
    np.std: "std",
    np.cumsum: "cumsum",
    np.max: "max",
    np.min: "min",
    np.amax: "max",
    np.amin: "min",
    np.argmax: "argmax",
    np.argmin: "argmin",
    np.clip: "clip",
    np.reshape: "reshape",
    np.ravel: "flatten",
    np.squeeze: "squeeze",
    np.expand_dims: "expand_dims",
    np.transpose: "transpose",
    np.swapaxes: "swapaxes",
}
_FUNCTIONS = {np.stack: "stack", np.concatenate: "concatenate", np.where: "where"}
_OURS = {np.tanh: "tanh"}


def of_ufunc(ufunc, method, inputs, options):
    """What `Tensor.__array_ufunc__` gives: `array * tensor`, np.exp(tensor) and the like; else TypeError."""
    out = options.pop("out", inputs[:1])
    in_place = out[0] is inputs[0]  # `array *= tensor` gives a new tensor
    if method == "__call__" and in_place and not options:
        if ufunc in _OF_ELEMENTS:
            first = _is_tensor(inputs[0])
            a, *others = inputs if first else inputs[::-1]
            return getattr(a, _OF_ELEMENTS[ufunc][not first])(*others)
        if ufunc in _OURS:
            return getattr(_module(".activation"), _OURS[ufunc])(*inputs)
    for x in inputs:
        if _is_tensor(x):
            expect_numbers(x)
    ours = f"use tw.{_OURS[ufunc]}(...), or " if ufunc in _OURS else ""
    raise TypeError(
        f"np.{ufunc.__name__} does not work on tensors; {ours}take the array, which has no gradient, with "
        f"tensor.numpy()"
    )


def of_function(function, inputs, options):
    """What `Tensor.__array_function__` gives: np.sum(tensor), np.stack(tensors) and the like; else of the arrays."""
    if function in _METHODS and inputs and _is_tensor(inputs[0]):
        return getattr(inputs[0], _METHODS[function])(*inputs[1:], **options)
    if function in _FUNCTIONS and len(inputs) + len(options) > (function is np.where):
        return getattr(_module("._tensor_joining"), _FUNCTIONS[function])(*inputs, **options)
    return function(*map(_arrays, inputs), **{name: _arrays(one) for name, one in options.items()})


def _arrays(x):
    """x with arrays in the place of tensors, also in lists."""
    if x.__class__ in (list, tuple):
        return type(x)(map(_arrays, x))
    return x.numpy() if _is_tensor(x) else x


def _is_tensor(x):
    return hasattr(type(x), "_record")


def _module(name):
    """A module that is made of tensors, and so imports this one."""
    return importlib.import_module(name, __package__)
