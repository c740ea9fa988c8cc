"""The only place that decides the device: of an op's folder, `cpu.py` takes NumPy arrays, `cuda.py` those on a device.

A face is imported at its first call, so that `import tilewright` imports no compiler, and CPU work nothing of CUDA.
"""

import importlib
import importlib.util

import numpy as np

from ._check_device import on_device

_ndarray = np.ndarray


class Faces:
    """`faces(x)` is the module of `folder` that computes where the array x lies."""

    def __init__(self, folder):
        self._folder = folder
        self._cpu = None
        self._cuda = None

    def __call__(self, x):
        if x.__class__ is _ndarray:
            return self._cpu or self._start_cpu()
        if on_device(x):
            return self._cuda or self._start_cuda()
        return self._cpu or self._start_cpu()  # a number, such as the gradient of a loss

    def _start_cpu(self):
        self._cpu = importlib.import_module(".cpu", self._folder)
        return self._cpu

    def _start_cuda(self):
        name = self._folder.rpartition(".")[2]
        if importlib.util.find_spec(".cuda", self._folder) is None:
            raise NotImplementedError(_no_kernel(name))
        state = importlib.import_module("._cuda.state", __package__)
        reason = state.why_not()
        if reason:
            raise RuntimeError(f"{name}: the arrays are on a CUDA device, but CUDA cannot be used here: {reason}")
        self._cuda = CudaFace(importlib.import_module(".cuda", self._folder))
        return self._cuda


class CudaFace:
    """The functions of a cuda.py, which take Numba's device arrays, made to take any library's without a copy."""

    def __init__(self, module):
        self._module = module
        self._adopting = importlib.import_module("._cuda.arrays", __package__).adopting

    def __getattr__(self, name):
        function = getattr(self._module, name, None)
        if function is None:
            raise NotImplementedError(_no_kernel(name))
        self.__dict__[name] = call = self._adopting(name, function)
        return call


def _no_kernel(name):
    return f"{name}: there is no CUDA kernel yet; with tw.to_host(x) for every array x it runs on the CPU"
