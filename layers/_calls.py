"""A layer's call in full: several inputs, masks, symbols, what is no tensor yet, another mode, the first call."""

import numpy as np

from ..kernels._varying import refuse
from ._connect import connected
from ._device import on_device, to_device
from ._door import as_array, writeable
from ._mode import mode
from ._own import expect_pair
from ._several import joined
from ._symbol import Symbol
from ._tape import Tensor, tape


class Called:
    """The part of `Layer` that its `__call__` needs where it is not called on one tensor that fits."""

    def _call(self, *inputs, training=None):
        if training is not None:
            return self._in_mode(training, *inputs)
        inputs = self._inputs(inputs)
        if any(isinstance(x, Symbol) for x in inputs):
            return connected(self, inputs)
        inputs = self._prepare(*inputs)
        values, masks = [x.value for x in inputs], tuple(x.mask for x in inputs)
        if all(mask is None for mask in masks):
            return self._result(*self._forwarded(self.forward(*values)), inputs)
        refuse("masks")
        masks = masks if self.several else masks[0]
        result = self._result(*self._forwarded(self.forward_masked(*values, mask=masks)), inputs)
        (result[0] if result.__class__ is tuple else result).mask = self.mask_after(masks)
        return result

    def _in_mode(self, training, *inputs):
        """A call in training or evaluation mode, which a graph keeps."""
        given = self._inputs(inputs)
        if any(isinstance(x, Symbol) for x in given):
            return connected(self, given, {"training": bool(training)})
        with mode(self, bool(training)):
            return self(*inputs)

    def _forwarded(self, result):
        """What a forward gave, looked at the first time."""
        if self.output_shape is None:
            expect_pair(self, result)
        return result

    def _inputs(self, inputs):
        """The inputs of a call one by one."""
        if self.several and len(inputs) == 1 and isinstance(inputs[0], (list, tuple)):
            return tuple(inputs[0])
        if len(inputs) > 1 and not self.several:
            raise TypeError(f"{type(self).__name__}: there are {len(inputs)} inputs, expected one")
        return inputs

    def _result(self, y, backward, inputs):
        """The tensor of a result, or those of several, on the tape where it has to be."""
        if self.output_shape is None:
            expect_pair(self, (y, backward))
            self.output_shape = [(None, *one.shape[1:]) for one in y] if y.__class__ is tuple else (None, *y.shape[1:])
        recorded = tape.recording and (
            self.learns or any(x.requires_grad for x in inputs) or self.has_parameters and self.trainable
        )
        if not recorded:
            return tuple(map(Tensor, y)) if y.__class__ is tuple else Tensor(y)
        if self.several and len(inputs) == 1:
            backward = _of_one(backward)
        return joined(y, backward, inputs) if y.__class__ is tuple else Tensor(y, True, backward, inputs)

    def _prepare(self, *inputs):
        """The inputs as tensors of the layer's dtype, after the layer is built for them, where the weights are."""
        inputs = tuple(map(self._as_tensor, inputs))
        if not self.built:
            shapes = [x.value.shape for x in inputs]
            self.build(shapes if self.several else shapes[0])
        if not self.has_parameters:
            return inputs
        if self._array is np.ndarray and any(on_device(x.value) for x in inputs):
            self.to("cuda")
        return inputs if self._array is np.ndarray else tuple(map(self._moved, inputs))

    def _as_tensor(self, x):
        op, wanted = type(self).__name__, self.input_dtype
        if not isinstance(x, Tensor):
            return Tensor(writeable(as_array(op, "x", x, wanted)))
        if wanted is None or x.value.dtype == wanted:
            return x
        if x.requires_grad:
            raise TypeError(f"{op}: x is {x.value.dtype} and the layer is {self.dtype}; give all layers one dtype")
        return _instead(x, as_array(op, "x", x.value, wanted))

    def _moved(self, x):
        """x on the device, where the weights are."""
        if on_device(x.value):
            return x
        if x.requires_grad:
            raise TypeError(
                f"{type(self).__name__}: x is on the CPU and the weights are not; move them with model.to('cpu')"
            )
        return _instead(x, to_device(x.value))


def _instead(x, value):
    tensor = Tensor(value)
    tensor.mask = x.mask
    return tensor


def _of_one(backward):
    """The closure of several inputs for the tape, where there is one."""
    return lambda *gradients, need_dx=True: backward(*gradients)[0]
