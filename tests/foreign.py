"""Arrays of other libraries as Python sees them: what they show of memory on a device. None lies on any device."""

import ctypes

import numpy as np


class OnDevice:
    """An array that has `__cuda_array_interface__`."""

    def __init__(self, x, read_only=False, **more):
        self.shape, self.ndim, self.dtype, self.size = x.shape, x.ndim, x.dtype, x.size
        self.__cuda_array_interface__ = {
            "shape": x.shape,
            "typestr": x.dtype.str,
            "strides": None if x.flags.c_contiguous else x.strides,
            "data": (x.ctypes.data, read_only),
            "version": 3,
            **more,
        }


class Size(tuple):
    """PyTorch's shape."""

    def __repr__(self):
        return f"torch.Size({list(self)})"


class Tensor:
    """PyTorch's tensor: dtype and shape of its own, `size` a method; with a gradient it refuses to show its memory."""

    __module__ = "torch"

    def __init__(self, x, dtype=None, requires_grad=False):
        self._x, self.shape, self.ndim, self.requires_grad = x, Size(x.shape), x.ndim, requires_grad
        self.dtype = f"torch.{dtype or x.dtype}"

    def size(self):
        return self.shape

    def __dlpack_device__(self):
        return 2, 0

    @property
    def __cuda_array_interface__(self):
        if self.requires_grad:
            raise RuntimeError("Can't get __cuda_array_interface__ on Variable that requires grad.")
        x = self._x
        typestr = "<V2" if self.dtype == "torch.bfloat16" else x.dtype.str
        strides = None if x.flags.c_contiguous else x.strides
        return {
            "shape": x.shape,
            "typestr": typestr,
            "strides": strides,
            "data": (x.ctypes.data, False),
            "version": 2,
        }


class _Device(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int32), ("number", ctypes.c_int32)]


class _Type(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _Type),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    """DLManagedTensor of dlpack.h."""


_Deleter = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Managed))
_Managed._fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter)]
_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
CODES = {"i": 0, "u": 1, "f": 2, "bfloat16": 4}


class ByDlpack:
    """An array that has DLPack alone; `asked` holds the streams that it was asked for, `given_back` how often it came
    back.
    """

    def __init__(self, x, device=0, kind=2, name=None):
        self._x, self.shape, self.ndim, self.dtype = x, x.shape, x.ndim, name or x.dtype
        self.asked, self.given_back, self._place = [], 0, (kind, device)
        sizes = ctypes.c_int64 * x.ndim
        self._sizes = sizes(*x.shape), sizes(*(stride // x.itemsize for stride in x.strides))
        element = _Type(CODES[name or x.dtype.kind], x.itemsize * 8, 1)
        tensor = _Tensor(x.ctypes.data, _Device(kind, device), x.ndim, element, *self._sizes, 0)
        self._managed = _Managed(tensor, None, _Deleter(self._give_back))

    def _give_back(self, _):
        self.given_back += 1

    def __dlpack_device__(self):
        return self._place

    def __dlpack__(self, *, stream=None, **_):
        self.asked.append(stream)
        return _capsule(ctypes.addressof(self._managed), b"dltensor", None)


def ones(*shape, dtype=np.float64):
    """An array of ones that has `__cuda_array_interface__`."""
    return OnDevice(np.ones(shape, dtype))
