"""Arrays on a device are told by `__cuda_array_interface__`: they are checked like NumPy's and go to cuda.py."""

import numpy as np
import pytest
from tilewright import kernels
from tilewright.kernels import _check, activation
from tilewright.kernels._cuda import state


class OnDevice:
    """Has what an array on a device shows to Python; no memory on any device."""

    def __init__(self, x, read_only=False):
        self.shape, self.ndim, self.dtype, self.size = x.shape, x.ndim, x.dtype, x.size
        self.__cuda_array_interface__ = {
            "shape": x.shape,
            "typestr": x.dtype.str,
            "strides": None if x.flags.c_contiguous else x.strides,
            "data": (x.ctypes.data, read_only),
            "version": 3,
        }


class OfTorch(OnDevice):
    def __init__(self, x):
        super().__init__(x)
        self.dtype = "torch.float32"


HERE = np.ones((2, 3))
THERE = OnDevice(HERE)


def test_good_arrays_pass():
    _check.floats("op", 2, x=THERE, w=OnDevice(np.ones((5, 1))))
    _check.floats("op", x=OnDevice(np.ones((0, 5)).T))
    _check.matrices("op", "ab", THERE, THERE)
    _check.out("op", OnDevice(HERE), (2, 3), THERE)
    _check.in_place("op", THERE, w=OnDevice(HERE))


@pytest.mark.parametrize(
    "call, error, message",
    (
        (
            lambda: kernels.relu_backward(HERE, THERE),
            TypeError,
            "relu_backward: dy is a NumPy array, expected one on the device because y is; "
            "copy it with numba.cuda.to_device(dy)",
        ),
        (
            lambda: kernels.relu_backward(THERE, HERE),
            TypeError,
            "relu_backward: y is a NumPy array, expected one on the device because dy is; "
            "copy it with numba.cuda.to_device(y)",
        ),
        (
            lambda: kernels.relu_backward(None, THERE),
            TypeError,
            "relu_backward: dy is None, expected an array on the device because y is",
        ),
        (
            lambda: kernels.relu_backward(OnDevice(np.ones(3)), THERE),
            ValueError,
            "relu_backward: dy has shape (3,), expected (2, 3) because y is (2, 3)",
        ),
        (
            lambda: kernels.relu_forward(OnDevice(np.ones(3, np.int64))),
            TypeError,
            "relu_forward: x is int64, expected float32 or float64; convert it with x.astype(np.float32)",
        ),
        (
            lambda: kernels.relu_backward(OnDevice(np.ones((2, 3), np.float32)), THERE),
            TypeError,
            "relu_backward: dy is float32, expected float64 because y is float64; "
            "convert it with dy.astype(np.float64)",
        ),
        (
            lambda: kernels.relu_forward(OnDevice(HERE.T)),
            ValueError,
            "relu_forward: x has shape (3, 2) and strides (8, 24), expected C order because kernels make no silent "
            "copies; copy it into an array in C order",
        ),
        (
            lambda: kernels.softmax_forward(OnDevice(HERE[:, ::2])),
            ValueError,
            "softmax_forward: x has shape (2, 2) and strides (24, 16), expected C order because kernels make no silent "
            "copies; copy it into an array in C order",
        ),
        (
            lambda: kernels.relu_forward(THERE, out=HERE),
            TypeError,
            "relu_forward: out is a NumPy array, expected on a CUDA device as the inputs are",
        ),
        (
            lambda: kernels.relu_forward(HERE, out=THERE),
            TypeError,
            "relu_forward: out is on a CUDA device, expected a NumPy array as the inputs are",
        ),
        (
            lambda: kernels.relu_forward(THERE, out=OnDevice(HERE, read_only=True)),
            ValueError,
            "relu_forward: out is read-only; pass a writeable array",
        ),
        (
            lambda: kernels.sgd_update(OnDevice(HERE, read_only=True), THERE, None),
            ValueError,
            "sgd_update: w is read-only; pass a writeable array, such as w.copy()",
        ),
        (
            lambda: kernels.matmul_forward(OnDevice(np.ones(3)), THERE),
            ValueError,
            "matmul_forward: a has 1 axes (shape (3,)), expected at least 2",
        ),
        (
            lambda: kernels.linear_forward(THERE, THERE),
            ValueError,
            "linear_forward: w has shape (2, 3), expected (3, N) because x is (2, 3)",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy_forward(THERE, OnDevice(np.ones(2, np.int64))),
            TypeError,
            "sparse_categorical_crossentropy_forward: t is on a CUDA device, expected a NumPy array; "
            "copy it with t.copy_to_host()",
        ),
        (
            lambda: kernels.relu_forward(OfTorch(HERE)),
            TypeError,
            f"relu_forward: x is a {OfTorch.__module__}.OfTorch, whose dtype is not NumPy's; "
            "wrap it with numba.cuda.as_cuda_array(x), which makes no copy",
        ),
        (
            lambda: kernels.softmax_forward(THERE),
            NotImplementedError,
            "softmax: there is no CUDA kernel yet; with x.copy_to_host() for every array x it runs on the CPU",
        ),
    ),
)
def test_bad_arrays_are_named(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_a_machine_without_cuda_says_why(monkeypatch):
    monkeypatch.setattr(activation._faces, "_cuda", None)
    monkeypatch.setattr(state, "why_not", lambda: "no NVIDIA driver was found; install one")
    with pytest.raises(RuntimeError) as caught:
        kernels.relu_forward(THERE)
    assert str(caught.value) == (
        "activation: the arrays are on a CUDA device, but CUDA cannot be used here: "
        "no NVIDIA driver was found; install one"
    )


def test_a_function_that_a_cuda_file_lacks_is_named(monkeypatch):
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed; pip install 'tilewright[cuda]'")
    monkeypatch.setattr(state, "why_not", lambda: None)
    face = activation._faces._start_cuda()
    monkeypatch.setattr(activation._faces, "_cuda", None)
    assert callable(face.relu_forward)
    with pytest.raises(
        NotImplementedError, match="^softplus_forward: there is no CUDA kernel yet; with x.copy_to_host"
    ):
        _ = face.softplus_forward
