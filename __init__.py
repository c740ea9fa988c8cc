"""Tilewright: compute kernels for neural networks, written in Python with Numba."""
from . import kernels

__all__ = ["kernels"]
