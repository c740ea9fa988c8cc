"""What is asked for by a name that nobody has is answered with the name that was meant."""

import subprocess
import sys

import pytest
import tilewright as tw
from tilewright.kernels import _names


@pytest.mark.parametrize(
    "module, name, hint",
    (
        (tw, "sequential", "; did you mean 'Sequential'?"),
        (tw, "to_devise", "; did you mean 'to_device' or 'to_host'?"),
        (tw, "version", "; did you mean '__version__' or 'train'?"),
        (tw, "Dense", "; it is tilewright.layers.Dense"),
        (tw, "Adam", "; it is tilewright.train.Adam"),
        (tw, "conv2d_forward", "; it is tilewright.kernels.conv2d_forward"),
        (tw, "xyzzy", ""),
        (tw, "__wrapped__", ""),
        (tw.kernels, "relu_foward", "; did you mean 'relu_forward' or 'relu6_forward'?"),
        (tw.kernels, "sum", "; did you mean 'sum_backward' or 'sum_forward'?"),
        (tw.layers, "Conv2d", "; did you mean 'Conv2D'?"),
        (tw.layers, "Relu", "; did you mean 'ReLU' or 'relu'?"),
        (tw.train, "Adm", "; did you mean 'Adam' or 'AdamW'?"),
    ),
)
def test_a_missing_attribute_is_answered(module, name, hint):
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    assert str(caught.value) == f"module {module.__name__!r} has no attribute {name!r}{hint}"
    assert not hasattr(module, name)


def test_python_does_not_say_it_a_second_time():
    code = "import tilewright; tilewright.Sequentail"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stderr.lower().count("did you mean") == 1


@pytest.mark.parametrize("call, op", ((tw.use, "use"), (lambda device: tw.Sequential([]).to(device), "to")))
def test_gpu_means_cuda(call, op):
    with pytest.raises(ValueError) as caught:
        call("gpu")
    assert str(caught.value) == f"{op}: device is 'gpu', expected one of 'cpu', 'cuda'; did you mean 'cuda'?"


@pytest.mark.parametrize(
    "value, names, said",
    (
        ("Gpu", ("cpu", "cuda"), "; did you mean 'cuda'?"),
        ("gpu", ("cpu",), "; did you mean 'cpu'?"),
        (None, (None, "relu"), ""),
        (3, ("valid", "same"), ""),
        ("", ("valid", "same"), ""),
    ),
)
def test_nearest(value, names, said):
    assert _names.nearest(value, names) == said
