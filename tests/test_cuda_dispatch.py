"""Arrays on a device, of any library, are checked like NumPy's and go to cuda.py; what does not fit is said with its
remedy. The arrays here only look as if they were on a device: no kernel runs.
"""

import importlib.util
import sys

import numpy as np
import pytest
from tilewright import kernels
from tilewright.commands.ops import devices_of
from tilewright.kernels import _check, _check_device, activation
from tilewright.kernels._cuda import state
from tilewright.kernels._dispatch import Faces
from tilewright.kernels.catalog import OPS

from .errors import random_dy
from .foreign import ByDlpack, OnDevice, Tensor, ones

NEEDS_CUDA = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed; pip install 'tilewright[cuda]'"
)
HERE = np.ones((2, 3))
THERE = OnDevice(HERE)
HALF = OnDevice(np.ones((2, 3), np.float16))
LABELS = np.ones(2, np.int64)


class Face:
    """Takes everything, computes nothing, and keeps the names of what was called."""

    def __init__(self):
        self.called = []

    def __getattr__(self, name):
        def call(*arguments, **options):
            self.called.append(name)
            return -1 if name == "first_misfit" else None

        return call


@pytest.mark.parametrize("library", (OnDevice, Tensor, pytest.param(ByDlpack, marks=NEEDS_CUDA)))
@pytest.mark.parametrize("op", [op for op in OPS if "cuda" in devices_of(op)], ids=lambda op: op.name)
def test_public_functions_take_arrays_of_every_library(op, library, monkeypatch):
    case, face = op.cases[0], Face()
    monkeypatch.setattr(Faces, "__call__", lambda faces, x: face)

    def wrapped(x):
        return library(x) if isinstance(x, np.ndarray) else x

    arrays = case.make(np.float32)
    there = {name: wrapped(x) for name, x in arrays.items()}
    op.forward("public", there, case.options)
    assert face.called[-1] == (op.name if op.updates else f"{op.name}_forward")
    if op.differentiable:
        results = op.forward("reference", arrays, case.options)
        dy = wrapped(random_dy(results[0], np.float32))
        results = tuple(map(wrapped, results))
        op.backward("public", dy, there, case.options, results)
        assert face.called[-1] == f"{op.name}_backward"


@pytest.mark.parametrize("op", [op for op in OPS if "cuda" not in devices_of(op)], ids=lambda op: op.name)
def test_ops_without_a_cuda_kernel_say_so(op, monkeypatch):
    monkeypatch.setattr(state, "why_not", lambda: "no NVIDIA driver was found; install one")
    case = op.cases[0]
    there = {name: OnDevice(x) if isinstance(x, np.ndarray) else x for name, x in case.make(np.float32).items()}
    # a folder with kernels of other ops asks for CUDA first
    said = "there is no CUDA kernel yet|CUDA cannot be used here: no NVIDIA driver was found"
    with pytest.raises((NotImplementedError, RuntimeError), match=said):
        op.forward("public", there, case.options)


def test_good_arrays_pass():
    _check.floats("op", 2, x=THERE, w=ones(5, 1))
    _check.floats("op", x=OnDevice(np.ones((0, 5)).T))
    _check.floats("matmul_forward", a=HALF)
    _check.matrices("op", "ab", THERE, THERE)
    _check.out("op", OnDevice(HERE), (2, 3), Tensor(HERE))
    _check.in_place("op", THERE, w=OnDevice(HERE))
    _check.integers("op", "t", OnDevice(LABELS), 1, ("y", THERE))
    _check.integers("op", "t", OnDevice(LABELS), 1)


def test_where_an_array_lies():
    assert all(map(_check_device.on_device, (THERE, Tensor(HERE), Tensor(HERE, requires_grad=True), ByDlpack(HERE))))
    assert not any(map(_check_device.on_device, (HERE, HERE[0, 0], None, 3, "x", [1.0], ByDlpack(HERE, kind=1))))


def with_bfloat16(*, dtype="bfloat16"):
    return Tensor(np.ones((2, 3), np.uint16), dtype)


def test_bfloat16_is_the_dtype_of_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    assert _check.dtype("op", "x", with_bfloat16()) == np.dtype(ml_dtypes.bfloat16)
    _check.floats("linear_forward", x=with_bfloat16(), w=OnDevice(HERE.astype(ml_dtypes.bfloat16)))
    with pytest.raises(TypeError) as caught:
        kernels.matmul_forward(with_bfloat16(), HALF)
    assert str(caught.value) == (
        "matmul_forward: b is float16, expected bfloat16 because a is bfloat16; "
        "convert it with tw.to_device(tw.to_host(b).astype(ml_dtypes.bfloat16))"
    )


def test_without_ml_dtypes_there_is_no_bfloat16(monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(TypeError) as caught:
        kernels.matmul_forward(with_bfloat16(), with_bfloat16())
    assert str(caught.value) == (
        "matmul_forward: a is bfloat16, for which NumPy needs ml_dtypes, which is not installed; pip install ml_dtypes"
    )


@pytest.mark.parametrize(
    "call, error, message",
    (
        (
            lambda: kernels.relu_backward(HERE, THERE),
            TypeError,
            "relu_backward: dy is a NumPy array, expected an array on the device because y is; "
            "copy it with tw.to_device(dy)",
        ),
        (
            lambda: kernels.relu_backward(THERE, HERE),
            TypeError,
            "relu_backward: y is a NumPy array, expected an array on the device because dy is; "
            "copy it with tw.to_device(y)",
        ),
        (
            lambda: kernels.relu_backward(ByDlpack(HERE, kind=1), THERE),
            TypeError,
            "relu_backward: dy is a ByDlpack, expected an array on the device because y is; "
            "copy it with tw.to_device(dy)",
        ),
        (
            lambda: kernels.relu_backward(None, THERE),
            TypeError,
            "relu_backward: dy is None, expected an array on the device because y is",
        ),
        (
            lambda: kernels.relu_backward(ones(3), Tensor(HERE)),
            ValueError,
            "relu_backward: dy has shape (3,), expected (2, 3) because y is (2, 3)",
        ),
        (
            lambda: kernels.relu_backward(Tensor(np.ones(3)), Tensor(HERE)),
            ValueError,
            "relu_backward: dy has shape (3,), expected (2, 3) because y is (2, 3)",
        ),
        (
            lambda: kernels.relu_forward(OnDevice(np.ones(3, np.int64))),
            TypeError,
            "relu_forward: x is int64, expected float32 or float64; "
            "convert it with tw.to_device(tw.to_host(x).astype(np.float32))",
        ),
        (
            lambda: kernels.relu_backward(Tensor(HERE.astype(np.float32)), THERE),
            TypeError,
            "relu_backward: dy is float32, expected float64 because y is float64; convert it with dy.to(torch.float64)",
        ),
        (
            lambda: kernels.relu_forward(HALF),
            TypeError,
            "relu_forward: x is float16, expected float32 or float64 because this op has no kernel of 16 bits; "
            "convert it with tw.to_device(tw.to_host(x).astype(np.float32))",
        ),
        (
            lambda: kernels.matmul_forward(HALF, OnDevice(np.ones((3, 2), np.int32))),
            TypeError,
            "matmul_forward: b is int32, expected float16, bfloat16, float32 or float64; "
            "convert it with tw.to_device(tw.to_host(b).astype(np.float32))",
        ),
        (
            lambda: kernels.matmul_forward(HALF, OnDevice(np.ones((3, 2), np.uint16))),
            TypeError,
            "matmul_forward: b is uint16, expected float16, bfloat16, float32 or float64; "
            "bits of bfloat16 are b.view(ml_dtypes.bfloat16)",
        ),
        (
            lambda: kernels.matmul_forward(HERE.astype(np.float16), HERE),
            TypeError,
            "matmul_forward: a is float16, expected float32 or float64; convert it with a.astype(np.float32)",
        ),
        (
            lambda: kernels.relu_forward(OnDevice(HERE.T)),
            ValueError,
            "relu_forward: x has shape (3, 2) and strides (8, 24), expected C order because kernels make no silent "
            "copies; copy it with tw.to_device(tw.to_host(x))",
        ),
        (
            lambda: kernels.relu_forward(Tensor(HERE[:, ::2])),
            ValueError,
            "relu_forward: x has shape (2, 2) and strides (24, 16), expected C order because kernels make no silent "
            "copies; copy it with x.contiguous()",
        ),
        (
            lambda: kernels.relu_forward(Tensor(HERE, requires_grad=True)),
            TypeError,
            "relu_forward: x requires a gradient, which its library would not see flow through kernels; "
            "pass x.detach()",
        ),
        (
            lambda: kernels.relu_forward(THERE, out=HERE),
            TypeError,
            "relu_forward: out is a NumPy array, expected one on the device as the inputs are; "
            "pass tw.to_device(out), or no out",
        ),
        (
            lambda: kernels.relu_forward(HERE, out=THERE),
            TypeError,
            "relu_forward: out is on a CUDA device, expected a NumPy array as the inputs are; "
            "pass tw.to_host(out), or no out",
        ),
        (
            lambda: kernels.relu_forward(THERE, out=Tensor(HERE.astype(np.float32))),
            TypeError,
            "relu_forward: out is float32, expected float64, the dtype of the inputs",
        ),
        (
            lambda: kernels.relu_forward(THERE, out=OnDevice(HERE, read_only=True)),
            ValueError,
            "relu_forward: out is read-only; pass a writeable array",
        ),
        (
            lambda: kernels.sgd_update(OnDevice(HERE, read_only=True), THERE, None),
            ValueError,
            "sgd_update: w is read-only; pass a writeable array, such as tw.to_device(tw.to_host(w))",
        ),
        (
            lambda: kernels.matmul_forward(Tensor(np.ones(3)), THERE),
            ValueError,
            "matmul_forward: a has 1 axes (shape (3,)), expected at least 2",
        ),
        (
            lambda: kernels.linear_forward(THERE, THERE),
            ValueError,
            "linear_forward: w has shape (2, 3), expected (3, N) because x is (2, 3)",
        ),
        (
            lambda: kernels.conv2d_forward(THERE, ones(1, 1, 1, 1)),
            ValueError,
            "conv2d_forward: x has 2 axes (shape (2, 3)), expected 4",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy_forward(THERE, LABELS),
            TypeError,
            "sparse_categorical_crossentropy_forward: t is a NumPy array, expected an array on the device because y "
            "is; copy it with tw.to_device(t)",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy_forward(HERE, OnDevice(LABELS)),
            TypeError,
            "sparse_categorical_crossentropy_forward: t is on a CUDA device, expected a NumPy array because y is one; "
            "copy it with tw.to_host(t)",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy_forward(THERE, Tensor(np.ones(2))),
            TypeError,
            "sparse_categorical_crossentropy_forward: t is float64, expected an integer dtype; "
            "convert it with t.to(torch.int64)",
        ),
        (
            lambda: kernels.sparse_categorical_crossentropy_forward(THERE, OnDevice(LABELS[:, None])),
            ValueError,
            "sparse_categorical_crossentropy_forward: t has 2 axes (shape (2, 1)), expected 1",
        ),
        (
            lambda: kernels.max_pool2d_backward(
                ones(1, 1, 1, 1), ones(1, 1, 1, 1, dtype=np.int32), input_shape=(1, 2, 2, 1)
            ),
            TypeError,
            "max_pool2d_backward: argmax is int32, expected uint8 because a window has 4 places",
        ),
    ),
)
def test_bad_arrays_are_named(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_a_label_that_is_no_column_is_named():
    with pytest.raises(ValueError) as caught:
        _check.label("op", "t", np.array([0, 5]), 1, Tensor(HERE))
    assert str(caught.value) == "op: t holds 5 at position 1, expected labels from 0 to 2 because y is (2, 3)"


def test_an_array_that_does_not_give_its_memory_says_why(monkeypatch):
    class Closed(ByDlpack):
        def __dlpack__(self, **_):
            raise BufferError("the memory was donated")

    if importlib.util.find_spec("numba_cuda") is not None:
        with pytest.raises(TypeError, match="^relu_forward: x does not give its memory: the memory was donated$"):
            kernels.relu_forward(Closed(HERE))
    monkeypatch.setitem(sys.modules, "tilewright.kernels._cuda.dlpack", None)
    monkeypatch.setattr(state, "why_not", lambda: "numba-cuda is not installed")
    with pytest.raises(RuntimeError) as caught:
        kernels.relu_forward(ByDlpack(HERE))
    assert str(caught.value) == (
        "relu_forward: x is on a CUDA device, but CUDA cannot be used here: numba-cuda is not installed"
    )


def test_a_machine_without_cuda_says_why(monkeypatch):
    monkeypatch.setattr(activation._faces, "_cuda", None)
    monkeypatch.setattr(state, "why_not", lambda: "no NVIDIA driver was found; install one")
    with pytest.raises(RuntimeError) as caught:
        kernels.relu_forward(THERE)
    assert str(caught.value) == (
        "activation: the arrays are on a CUDA device, but CUDA cannot be used here: "
        "no NVIDIA driver was found; install one"
    )


def test_a_folder_without_a_cuda_file_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *name: None)
    monkeypatch.setattr(activation._faces, "_cuda", None)
    with pytest.raises(NotImplementedError) as caught:
        kernels.relu_forward(THERE)
    assert str(caught.value) == (
        "activation: there is no CUDA kernel yet; with tw.to_host(x) for every array x it runs on the CPU"
    )


@NEEDS_CUDA
def test_a_function_that_a_cuda_file_lacks_is_named(monkeypatch):
    monkeypatch.setattr(state, "why_not", lambda: None)
    face = activation._faces._start_cuda()
    monkeypatch.setattr(activation._faces, "_cuda", None)
    assert callable(face.relu_forward)
    with pytest.raises(NotImplementedError, match=r"^softplus_forward: there is no CUDA kernel yet; with tw.to_host\("):
        _ = face.softplus_forward
