"""What layers and models have in common: their weights as arrays."""

import numpy as np

from ..kernels import _check as check
from ._device import assign, to_host
from ._door import as_array


class Weighted:
    """What has `named_parameters()` and `parameters()`: a layer or a model."""

    def get_weights(self):
        """Copies of all parameters' values, in order."""
        return [np.array(to_host(p.value)) for p in self.parameters()]

    def set_weights(self, weights):
        """Set all parameters' values. Raises ValueError if a shape differs; nothing is set then."""
        parameters = self.named_parameters()
        if len(weights) != len(parameters):
            raise ValueError(f"set_weights: there are {len(weights)} arrays, expected {len(parameters)}")
        arrays = [as_array("set_weights", f"weights[{i}]", w) for i, w in enumerate(weights)]
        for i, (w, (path, p)) in enumerate(zip(arrays, parameters.items())):
            check.shape("set_weights", f"weights[{i}] for {path}", w, p.value.shape)
        for w, p in zip(arrays, parameters.values()):
            assign(p.value, w)

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.grad = None
