"""Arrays of any library become Numba's on the same memory, and go to the device and back. Here is no device: what would
ask the driver is replaced, so that what it would be asked is seen.
"""

import gc
import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
from tilewright.kernels import _check, _check_device, _device
from tilewright.kernels._cuda import state

from .foreign import ByDlpack, OnDevice, Tensor

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)

from numba import config, cuda
from tilewright.kernels._cuda import arrays, stream
from tilewright.kernels._cuda.dlpack import view

if config.ENABLE_CUDASIM:
    pytest.skip("Numba's simulator has no arrays but its own", allow_module_level=True)

from numba.cuda.cudadrv import driver
from numba.cuda.cudadrv.devicearray import DeviceNDArray

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def of_numba(shape, dtype=np.float32, order="C"):
    """Numba's array on an address where nothing is."""
    like = np.empty(shape, dtype, order)
    memory = driver.MemoryPointer(None, driver.binding.CUdeviceptr(4096), like.nbytes)
    return DeviceNDArray(like.shape, like.strides, like.dtype, gpu_data=memory)


def test_good_arrays_of_numbas_pass():
    x, w = of_numba((2, 3)), of_numba((3, 4))
    _check.floats("op", 2, x=x, w=w)
    _check.matrices("op", "ab", x, w)
    _check.floats("linear_forward", 2, x=of_numba((2, 3), np.float16), w=of_numba((3, 4), np.float16))
    _check.out("op", x, (2, 3), of_numba((2, 3)))
    _check.in_place("op", x, w=of_numba((2, 3)), m=of_numba((2, 3)))
    _check.integers("op", "t", of_numba(2, np.int64), 1, ("y", x))
    assert arrays.adopt(x) is x


@pytest.mark.parametrize(
    "call, error, message",
    (
        (
            lambda: _check.floats("op", None, x=of_numba((2, 3)), w=of_numba((2, 3), np.float64)),
            TypeError,
            "op: w is float64, expected float32 because x is float32; "
            "convert it with tw.to_device(tw.to_host(w).astype(np.float32))",
        ),
        (
            lambda: _check.floats("op", None, x=of_numba((2, 3), order="F")),
            ValueError,
            "op: x has shape (2, 3) and strides (4, 8), expected C order because kernels make no silent copies; "
            "copy it with tw.to_device(tw.to_host(x))",
        ),
        (
            lambda: _check.floats("op", 3, x=of_numba((2, 3))),
            ValueError,
            "op: x has 2 axes (shape (2, 3)), expected 3",
        ),
        (
            lambda: _check.floats("op", None, x=of_numba((2, 3), np.float16)),
            TypeError,
            "op: x is float16, expected float32 or float64 because this op has no kernel of 16 bits; "
            "convert it with tw.to_device(tw.to_host(x).astype(np.float32))",
        ),
        (
            lambda: _check.floats("op", None, x=of_numba((2, 3)), w=X),
            TypeError,
            "op: w is a NumPy array, expected an array on the device because x is; copy it with tw.to_device(w)",
        ),
        (
            lambda: _check.out("op", of_numba((2, 3)), (2, 3), of_numba((2, 3), np.float64)),
            TypeError,
            "op: out is float32, expected float64, the dtype of the inputs",
        ),
        (
            lambda: _check.in_place("op", of_numba((2, 3)), w=OnDevice(X, read_only=True)),
            ValueError,
            "op: w is read-only; pass a writeable array, such as tw.to_device(tw.to_host(w))",
        ),
    ),
)
def test_bad_arrays_of_numbas_are_named(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


class Adopted:
    """What Numba was asked to make an array of."""

    def __init__(self, interface, owner, sync):
        self.interface, self.owner, self.sync = interface, owner, sync


@pytest.fixture
def numba(monkeypatch):
    """Numba without a driver."""
    monkeypatch.setattr(cuda, "from_cuda_array_interface", Adopted)
    monkeypatch.setattr(arrays, "several_devices", lambda: False)


def on_memory_of(x, dtype=None, strides=None, read_only=False):
    data = (x.ctypes.data, read_only)
    return {"shape": x.shape, "strides": strides, "typestr": dtype or x.dtype, "data": data, "version": 3}


@pytest.mark.parametrize("library", (OnDevice, Tensor))
def test_an_array_with_cudas_interface_is_not_copied(library, numba):
    x = library(X)
    taken = arrays.adopt(x)
    assert taken.interface == on_memory_of(X) and taken.owner is x and not taken.sync


def test_strides_and_read_only_memory_stay_so(numba):
    assert arrays.adopt(OnDevice(X.T, read_only=True)).interface == on_memory_of(X.T, None, (4, 12), True)


def test_an_array_that_has_dlpack_alone_is_not_copied(numba):
    x = ByDlpack(X)
    taken = arrays.adopt(x)
    assert taken.interface == on_memory_of(X, None, (12, 4))
    assert x.asked == [arrays.DEFAULT_STREAM] and not x.given_back
    del taken
    gc.collect()
    assert x.given_back == 1


def test_checks_of_dlpack_wait_for_nothing_and_keep_nothing():
    x = ByDlpack(X)
    assert _check_device.described("op", "x", x).shape == (2, 3)
    gc.collect()
    assert x.asked == [_check_device.NO_ORDER] and x.given_back == 1


def test_a_refusal_of_one_protocol_leaves_the_other(numba):
    class Jax(ByDlpack):
        @property
        def __cuda_array_interface__(self):
            raise RuntimeError("__cuda_array_interface__ is not supported for BF16 buffers.")

    assert arrays.adopt(Jax(X)).interface == on_memory_of(X, None, (12, 4))


@pytest.mark.parametrize("library", (Tensor, ByDlpack))
def test_bfloat16_keeps_its_name(library, numba):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    bits = np.array([0x3F80, 0x4000], np.uint16)
    x = Tensor(bits, "bfloat16") if library is Tensor else ByDlpack(bits, name="bfloat16")
    assert arrays.adopt(x).interface["typestr"] == np.dtype(ml_dtypes.bfloat16)


def test_a_stream_of_the_owners_is_waited_for(numba, monkeypatch):
    waited = []

    class Stream:
        def __init__(self, number):
            self.number = number

        def synchronize(self):
            waited.append(self.number)

    monkeypatch.setattr(cuda, "external_stream", Stream)
    for number in (None, arrays.DEFAULT_STREAM, 0x5EED):
        arrays.adopt(OnDevice(X, stream=number))
    assert waited == [0x5EED]
    monkeypatch.setattr(stream, "current", lambda: "a graph's")
    x = ByDlpack(X)
    arrays.adopt(x)
    arrays.adopt(OnDevice(X, stream=0x5EED))
    assert waited == [0x5EED] and x.asked == [_check_device.NO_ORDER]


@pytest.mark.parametrize("x", (None, 3, 0.5, True, "relu", (1, 2), X, np.float32(3)))
def test_what_is_no_array_on_a_device_stays_as_it_is(x, numba):
    assert arrays.adopt(x) is x


def test_a_buffer_comes_back_as_it_was_given(numba):
    def forward(x, y=None, *, rate, out=None):
        assert isinstance(x, Adopted) and y is None and rate == 0.5
        return Adopted("fresh", None, False) if out is None else out

    call, out = arrays.adopting("forward", forward), OnDevice(X)
    assert call(OnDevice(X), rate=0.5, out=out) is out
    assert call(OnDevice(X), rate=0.5).interface == "fresh"


def test_arrays_on_another_device_are_named(monkeypatch):
    class Array:
        def __init__(self, device):
            self.device = device

    monkeypatch.setattr(arrays, "DeviceNDArray", Array)
    monkeypatch.setattr(arrays, "several_devices", lambda: True)
    monkeypatch.setattr(arrays, "device_of", lambda x: x.device)
    monkeypatch.setattr(arrays, "current_device", lambda: 0)

    def linear_forward(x, w, b=None, *, activation=None, out=None):
        return "done"

    call = arrays.adopting("linear_forward", linear_forward)
    assert call(Array(0), Array(0), Array(None), activation="relu") == "done"
    for arguments, options, name in (
        ((Array(0), Array(1)), {}, "w"),
        ((Array(0), Array(0)), {"out": Array(1)}, "out"),
    ):
        with pytest.raises(ValueError) as caught:
            call(*arguments, **options)
        assert str(caught.value) == (
            f"linear_forward: {name} is on CUDA device 1, expected device 0 because kernels run on Numba's current "
            f"one; move {name} with tw.to_device(tw.to_host({name})), or call numba.cuda.select_device(1) before all "
            "else"
        )


def test_the_driver_is_asked_where_an_address_lies(monkeypatch):
    asked = []

    class Driver:
        def cuPointerGetAttribute(self, attribute, address):
            asked.append((attribute.name, int(address)))
            return 1

    class Array:
        def __init__(self, place, size):
            self.device_ctypes_pointer, self.size = type("Pointer", (), {"value": place}), size

    monkeypatch.setattr(arrays, "driver", Driver())
    assert arrays.device_of(Array(4096, 6)) == 1
    assert arrays.device_of(Array(4096, 0)) is None and arrays.device_of(Array(None, 6)) is None
    assert asked == [("CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL", 4096)]


def test_what_is_there_already_is_not_copied():
    x = OnDevice(X)
    assert _device.to_device(x) is x
    assert _device.to_host(X) is X
    number = np.float32(3)
    assert _device.to_host(number) is number


def test_a_machine_without_cuda_says_so(monkeypatch):
    monkeypatch.setattr(_device, "_memory", None)
    monkeypatch.setattr(state, "why_not", lambda: "no NVIDIA driver was found; install one")
    for move, x in ((_device.to_device, X), (_device.to_host, OnDevice(X))):
        with pytest.raises(RuntimeError) as caught:
            move(x)
        assert str(caught.value) == (
            f"{move.__name__}: CUDA cannot be used here: no NVIDIA driver was found; install one"
        )


@pytest.mark.parametrize(
    "call, error, message",
    (
        (lambda: _device.to_device(["a"]), TypeError, "to_device: x is <U1, expected real numbers"),
        (lambda: _device.to_device([None]), TypeError, "to_device: x is object, expected real numbers"),
        (
            lambda: _device.to_host(Tensor(X, requires_grad=True)),
            TypeError,
            "to_host: x requires a gradient, which its library would not see flow through kernels; pass x.detach()",
        ),
        (
            lambda: _device.to_host(OnDevice(X[::-1])),
            ValueError,
            "to_host: x has strides (-12, 4), expected none below 0; turn it round by its own library first",
        ),
    ),
)
def test_what_cannot_be_moved_is_named(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_to_the_simulators_device_and_back():
    code = """
import numpy as np
from tilewright.kernels._device import to_device, to_host
for x in ([1.0, 2.0], np.float16([[1], [2]]), np.arange(6).reshape(2, 3).T, True, np.zeros((0, 3))):
    there = to_device(x)
    assert to_device(there) is there
    back = to_host(there)
    assert type(back) is np.ndarray and back.dtype == np.asarray(x).dtype and np.array_equal(back, x)
    assert there.is_c_contiguous()
print("there and back")
"""
    settings = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=settings, capture_output=True, text=True)
    assert done.stdout == "there and back\n", done.stderr


def test_a_view_by_dlpack_shows_what_lies_there():
    seen = view(ByDlpack(X.T, device=3), _check_device.NO_ORDER)
    assert (seen.ptr, seen.shape, seen.strides, seen.dtype, seen.device_id) == (
        X.ctypes.data,
        (3, 2),
        (1, 3),
        X.dtype,
        3,
    )


def test_bfloat16_goes_through_a_public_function_in_the_simulator():
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    code = """
import ml_dtypes
import numpy as np
import tilewright as tw
from tilewright.kernels._cuda import gemm_tensor
gemm_tensor.LARGE = gemm_tensor.SMALL = 32, 16, 16, 16, 16, 3
x, w = np.arange(6).reshape(2, 3).astype(ml_dtypes.bfloat16), np.ones((3, 8), ml_dtypes.bfloat16)
out = tw.to_device(np.zeros((2, 8), ml_dtypes.bfloat16))
assert tw.kernels.linear_forward(tw.to_device(x), tw.to_device(w), out=out) is out
y = tw.to_host(out)
print(y.dtype, *y.sum(1))
"""
    settings = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=settings, capture_output=True, text=True)
    assert done.stdout == "bfloat16 24 96\n", done.stderr
