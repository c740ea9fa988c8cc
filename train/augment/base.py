"""What all augmentations share: random numbers from outside, checked images, ranges of values.

x images (N, H, W, C)    y targets (N, ...) or None    rng where the random numbers come from

A step keeps no state: the same x, y and rng give the same result, whenever and in whichever thread that is.
"""

import numpy as np

from ...layers._door import as_array
from ...layers._layer import Layer, config
from ...layers._own import name_arguments
from ..drawing import random_numbers


class Step:
    """Base of all augmentations: `step(x, y, rng) -> (x, y)`, new arrays of x's dtype."""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        name_arguments(cls)

    def __call__(self, x, y=None, rng=None):
        """The changed images, and the targets.

        rng  a NumPy generator; or a seed, an integer or several of them, such as (seed, epoch, batch); None: the random
             numbers of `tw.set_seed`
        """
        op = type(self).__name__
        return self.apply(images(op, x), y, random_numbers(op, "rng", rng))

    def apply(self, x, y, rng):
        """(x, y) for checked images and a generator; neither is changed in place."""
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in config(self).items())})"


class Augment(Step):
    """Several steps after one another: augmentations, or functions (x, y, rng) -> (x, y).

    A DataLoader takes it as `transform=`.

    >>> import numpy as np
    >>> from tilewright.train import RandomFlip, RandomTranslation
    >>> augment = Augment([RandomFlip("horizontal"), RandomTranslation(0.1, 0.1)])
    >>> x, y = augment(np.zeros((8, 32, 32, 3), np.float32), np.arange(8), rng=(0, 5, 2))
    >>> x.shape
    (8, 32, 32, 3)
    """

    def __init__(self, steps):
        steps = list(steps)
        for step in steps:
            if not callable(step) or isinstance(step, (type, Layer)):
                remedy = f"; make one, {step.__name__}(...)" if isinstance(step, type) else ""
                if isinstance(step, Layer):  # of such a name, perhaps, as steps have
                    remedy = "; a layer stands in a model, tw.train has steps such as RandomFlip"
                raise TypeError(f"Augment: steps holds {step!r}, expected functions (x, y, rng) -> (x, y){remedy}")
        self.steps = steps

    def apply(self, x, y, rng):
        for step in self.steps:
            result = step(x, y, rng)
            if not isinstance(result, tuple) or len(result) != 2:
                raise TypeError(f"Augment: {step!r} returned {type(result).__name__}, expected a pair, (x, y)")
            x, y = result
        return x, y


def images(op, x):
    """x as an array (N, H, W, C)."""
    x = as_array(op, "x", x)
    if x.ndim != 4:
        remedy = {3: "; add the channel axis with x[..., None], or the batch axis with x[None]"}.get(x.ndim, "")
        raise ValueError(f"{op}: x has shape {x.shape}, expected (N, H, W, C), a batch of images{remedy}")
    return x


def width_of_range(x, value_range):
    """(the range to cut to or None, its width) of images."""
    if value_range is None and x.dtype.kind in "iu":
        value_range = (0, np.iinfo(x.dtype).max)
    return (None, 1.0) if value_range is None else (value_range, float(value_range[1] - value_range[0]))
