"""Lambda: a function on tensors as a layer."""

from ..kernels._varying import refuse
from ._block import Block
from ._tape import Tensor
from ._weights import Weighted


class Lambda(Block):
    """y = function(x), of tensors: (N, ...) -> what the function gives, a tensor or a tuple of them.

    function   computes with tensors' operators and methods and functions such as tw.tanh; called with several inputs
               it gets a list
    arguments  {name: value} of what it takes besides

    Weights have no place in a function: those of layers that are called in it are in no file and are not trained. A
    file keeps the name of the function, which has to be the library's or one of a module; `tw.load` is given the
    latter, as in custom_objects={"halved": halved}.

    >>> Lambda(lambda x: x * 0.5)([[2.0, 4.0]]).numpy()
    array([[1., 2.]], dtype=float32)
    """

    several = True

    def __init__(self, function, arguments=None, *, input_shape=None, dtype="float32", name=None):
        super().__init__(input_shape=input_shape, dtype=dtype, name=name)
        if isinstance(function, Weighted):
            raise TypeError(f"Lambda: function is {function!r}, which is a layer or a model; add it as it is")
        if not callable(function) or isinstance(function, type):
            raise TypeError(f"Lambda: function is {function!r}, expected a function on tensors")
        if not isinstance(arguments or {}, dict):
            raise TypeError(f"Lambda: arguments is a {type(arguments).__name__}, expected a dict by name")
        self.function, self.arguments = function, arguments or None

    def _inputs(self, inputs):
        x = inputs[0]
        if len(inputs) == 1 and isinstance(x, (list, tuple)) and not all(hasattr(one, "shape") for one in x):
            return inputs  # one array, written as a list
        return super()._inputs(inputs)

    def call(self, *inputs):
        refuse("a function of which nothing is known")
        results = self.function(inputs[0] if len(inputs) == 1 else list(inputs), **(self.arguments or {}))
        if isinstance(results, list):
            results = tuple(results)
        for y in results if isinstance(results, tuple) else (results,):
            if not isinstance(y, Tensor):
                raise TypeError(
                    f"Lambda: the function gave {type(y).__name__}, expected a tensor that is computed from x, with "
                    f"operators, tensor methods and functions of tw; what comes from tensor.numpy() has no gradient"
                )
        first, mask = results[0] if isinstance(results, tuple) else results, inputs[0].mask
        if mask is not None and first.mask is None and first.shape[:2] == mask.shape:
            first.mask = mask
        return results
