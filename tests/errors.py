"""How far results are from those of the reference in float64, and the dy of which gradients are compared."""

from tilewright.kernels._compare import random_dy, worst  # noqa: F401
