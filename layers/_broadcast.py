"""Arithmetic of NumPy on tensors' arrays: where it works, and how gradients undo its broadcasting."""

from ._device import on_device


def on_host(op, x):
    """x, which NumPy computes with."""
    if on_device(x):
        raise NotImplementedError(
            f"{op}: tensors on a CUDA device have no arithmetic of their own yet; use layers and tw.kernels, or take "
            f"the array to the CPU with tensor.numpy()"
        )
    return x


def unbroadcast(gradient, shape):
    """Sum over the axes along which an operand of `shape` was repeated."""
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        axis for axis in range(extra, gradient.ndim) if shape[axis - extra] == 1 != gradient.shape[axis]
    )
    return gradient.sum(axis=axes).reshape(shape) if axes else gradient
