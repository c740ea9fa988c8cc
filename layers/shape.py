"""Layers that change an array's shape and nothing else."""

import math

from ._layer import Layer


class Flatten(Layer):
    """All axes but the first as one: (N, ...) -> (N, product)."""

    def forward(self, x):
        shape = x.shape
        return x.reshape(shape[0], math.prod(shape[1:])), lambda dy: dy.reshape(shape)
