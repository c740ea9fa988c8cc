"""Activations: y = f(x) for every element of an array of any shape, float32 or float64, in C order.

Every function takes `out`, a buffer for its result, which may be one of its inputs. All raise TypeError or ValueError
for another dtype, order or shape. NaN gives NaN, infinities give the function's limits.
"""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)


def relu_forward(x, *, out=None):
    """Rectified linear unit, y = max(x, 0).

    x (...) -> y (...)

    >>> import numpy as np
    >>> relu_forward(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    _check_input("relu_forward", x, out)
    return _faces(x).relu_forward(x, out=out)


def relu_backward(dy, y, *, out=None):
    """Gradient of `relu_forward` from its result: dx = dy where y > 0, else 0.

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("relu_backward", dy, out, y=y)
    return _faces(y).relu_backward(dy, y, out=out)


def relu6_forward(x, *, out=None):
    """Rectified linear unit that ends at 6, y = min(max(x, 0), 6).

    x (...) -> y (...). Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10.

    >>> import numpy as np
    >>> relu6_forward(np.array([-1.0, 2.0, 7.0]))
    array([0., 2., 6.])
    """
    _check_input("relu6_forward", x, out)
    return _faces(x).relu6_forward(x, out=out)


def relu6_backward(dy, y, *, out=None):
    """Gradient of `relu6_forward` from its result: dx = dy where 0 < y < 6, else 0.

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("relu6_backward", dy, out, y=y)
    return _faces(y).relu6_backward(dy, y, out=out)


def leaky_relu_forward(x, *, negative_slope=0.3, out=None):
    """Leaky rectified linear unit: y = x, below 0 negative_slope * x. The slope is at least 0.

    x (...) -> y (...)

    >>> import numpy as np
    >>> leaky_relu_forward(np.array([-1.0, 0.0, 2.0]), negative_slope=0.5)
    array([-0.5,  0. ,  2. ])
    """
    _check_input("leaky_relu_forward", x, out)
    check.number("leaky_relu_forward", "negative_slope", negative_slope, 0)
    return _faces(x).leaky_relu_forward(x, negative_slope=negative_slope, out=out)


def leaky_relu_backward(dy, y, *, negative_slope=0.3, out=None):
    """Gradient of `leaky_relu_forward` from its result: dx = dy where y > 0, else negative_slope * dy.

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("leaky_relu_backward", dy, out, y=y)
    check.number("leaky_relu_backward", "negative_slope", negative_slope, 0)
    return _faces(y).leaky_relu_backward(dy, y, negative_slope=negative_slope, out=out)


def elu_forward(x, *, alpha=1.0, out=None):
    """Exponential linear unit: y = x, below 0 alpha * (e**x - 1). alpha is at least 0.

    x (...) -> y (...). Clevert, Unterthiner, Hochreiter 2015, arXiv:1511.07289.

    >>> import numpy as np
    >>> elu_forward(np.array([-1.0, 0.0, 2.0])).round(3)
    array([-0.632,  0.   ,  2.   ])
    """
    _check_input("elu_forward", x, out)
    check.number("elu_forward", "alpha", alpha, 0)
    return _faces(x).elu_forward(x, alpha=alpha, out=out)


def elu_backward(dy, y, *, alpha=1.0, out=None):
    """Gradient of `elu_forward` from its result: dx = dy where y > 0, else dy * (y + alpha).

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("elu_backward", dy, out, y=y)
    check.number("elu_backward", "alpha", alpha, 0)
    return _faces(y).elu_backward(dy, y, alpha=alpha, out=out)


def selu_forward(x, *, out=None):
    """Scaled exponential linear unit: y = SCALE * x, below 0 SCALE * ALPHA * (e**x - 1).

    x (...) -> y (...). The two numbers keep mean 0 and variance 1 from layer to layer.
    Klambauer, Unterthiner, Mayr, Hochreiter 2017, arXiv:1706.02515.

    >>> import numpy as np
    >>> selu_forward(np.array([-1.0, 0.0, 2.0])).round(3)
    array([-1.111,  0.   ,  2.101])
    """
    _check_input("selu_forward", x, out)
    return _faces(x).selu_forward(x, out=out)


def selu_backward(dy, y, *, out=None):
    """Gradient of `selu_forward` from its result: dx = dy * SCALE where y > 0, else dy * (y + SCALE * ALPHA).

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("selu_backward", dy, out, y=y)
    return _faces(y).selu_backward(dy, y, out=out)


def celu_forward(x, *, alpha=1.0, out=None):
    """Continuously differentiable exponential linear unit: y = x, below 0 alpha * (e**(x / alpha) - 1).

    x (...) -> y (...). alpha is above 0. Barron 2017, arXiv:1704.07483.

    >>> import numpy as np
    >>> celu_forward(np.array([-1.0, 0.0, 2.0]), alpha=0.5).round(3)
    array([-0.432,  0.   ,  2.   ])
    """
    _check_input("celu_forward", x, out)
    check.positive("celu_forward", "alpha", alpha)
    return _faces(x).celu_forward(x, alpha=alpha, out=out)


def celu_backward(dy, y, *, alpha=1.0, out=None):
    """Gradient of `celu_forward` from its result: dx = dy where y > 0, else dy * (1 + y / alpha).

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("celu_backward", dy, out, y=y)
    check.positive("celu_backward", "alpha", alpha)
    return _faces(y).celu_backward(dy, y, alpha=alpha, out=out)


def sigmoid_forward(x, *, out=None):
    """Logistic function, y = 1 / (1 + e**-x), without overflow.

    x (...) -> y (...)

    >>> import numpy as np
    >>> sigmoid_forward(np.array([-1000.0, 0.0, 2.0])).round(3)
    array([0.   , 0.5  , 0.881])
    """
    _check_input("sigmoid_forward", x, out)
    return _faces(x).sigmoid_forward(x, out=out)


def sigmoid_backward(dy, y, *, out=None):
    """Gradient of `sigmoid_forward` from its result: dx = dy * y * (1 - y).

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("sigmoid_backward", dy, out, y=y)
    return _faces(y).sigmoid_backward(dy, y, out=out)


def hard_sigmoid_forward(x, *, out=None):
    """Logistic function in three straight pieces, y = min(max(x + 3, 0), 6) / 6, as Keras 3 has it.

    x (...) -> y (...). Howard et al. 2019, arXiv:1905.02244.

    >>> import numpy as np
    >>> hard_sigmoid_forward(np.array([-4.0, 0.0, 1.5]))
    array([0.  , 0.5 , 0.75])
    """
    _check_input("hard_sigmoid_forward", x, out)
    return _faces(x).hard_sigmoid_forward(x, out=out)


def hard_sigmoid_backward(dy, y, *, out=None):
    """Gradient of `hard_sigmoid_forward` from its result: dx = dy / 6 where 0 < y < 1, else 0.

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("hard_sigmoid_backward", dy, out, y=y)
    return _faces(y).hard_sigmoid_backward(dy, y, out=out)


def tanh_forward(x, *, out=None):
    """Hyperbolic tangent, y = tanh(x).

    x (...) -> y (...)

    >>> import numpy as np
    >>> tanh_forward(np.array([-1.0, 0.0, 2.0])).round(3)
    array([-0.762,  0.   ,  0.964])
    """
    _check_input("tanh_forward", x, out)
    return _faces(x).tanh_forward(x, out=out)


def tanh_backward(dy, y, *, out=None):
    """Gradient of `tanh_forward` from its result: dx = dy * (1 - y**2).

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("tanh_backward", dy, out, y=y)
    return _faces(y).tanh_backward(dy, y, out=out)


def hard_tanh_forward(x, *, out=None):
    """Hyperbolic tangent in three straight pieces, y = min(max(x, -1), 1).

    x (...) -> y (...). Collobert 2004, Large Scale Machine Learning (thesis).

    >>> import numpy as np
    >>> hard_tanh_forward(np.array([-4.0, 0.5, 2.0]))
    array([-1. ,  0.5,  1. ])
    """
    _check_input("hard_tanh_forward", x, out)
    return _faces(x).hard_tanh_forward(x, out=out)


def hard_tanh_backward(dy, y, *, out=None):
    """Gradient of `hard_tanh_forward` from its result: dx = dy where -1 < y < 1, else 0.

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("hard_tanh_backward", dy, out, y=y)
    return _faces(y).hard_tanh_backward(dy, y, out=out)


def softplus_forward(x, *, out=None):
    """Smooth rectifier, y = log(1 + e**x), without overflow.

    x (...) -> y (...). Dugas et al. 2000, Incorporating Second-Order Functional Knowledge, NIPS 13.

    >>> import numpy as np
    >>> softplus_forward(np.array([-1000.0, 0.0, 100.0])).round(3)
    array([  0.   ,   0.693, 100.   ])
    """
    _check_input("softplus_forward", x, out)
    return _faces(x).softplus_forward(x, out=out)


def softplus_backward(dy, y, *, out=None):
    """Gradient of `softplus_forward` from its result: dx = dy * (1 - e**-y), which needs no division.

    dy (...), y (...) -> dx (...)
    """
    _check_gradient("softplus_backward", dy, out, y=y)
    return _faces(y).softplus_backward(dy, y, out=out)


def softsign_forward(x, *, out=None):
    """y = x / (1 + |x|), which nears its limits -1 and 1 more slowly than tanh.

    x (...) -> y (...). Turian, Bergstra, Bengio 2009, Quadratic Features and Deep Architectures for Chunking.

    >>> import numpy as np
    >>> softsign_forward(np.array([-1.0, 0.0, 3.0]))
    array([-0.5 ,  0.  ,  0.75])
    """
    _check_input("softsign_forward", x, out)
    return _faces(x).softsign_forward(x, out=out)


def softsign_backward(dy, x, *, out=None):
    """Gradient of `softsign_forward` from its input, as 1 - |y| has lost its digits near 1: dx = dy / (1 + |x|)**2.

    dy (...), x (...) -> dx (...)
    """
    _check_gradient("softsign_backward", dy, out, x=x)
    return _faces(x).softsign_backward(dy, x, out=out)


def gelu_forward(x, *, approximate=False, out=None):
    """Gaussian error linear unit, y = x P(X <= x) for a standard normal X; approximate=True takes a tanh for P.

    x (...) -> y (...). The limit at -inf is 0. Hendrycks, Gimpel 2016, arXiv:1606.08415.

    >>> import numpy as np
    >>> gelu_forward(np.array([-1.0, 0.0, 2.0])).round(3)
    array([-0.159,  0.   ,  1.954])
    """
    _check_input("gelu_forward", x, out)
    check.choice("gelu_forward", "approximate", approximate, (False, True))
    return _faces(x).gelu_forward(x, approximate=approximate, out=out)


def gelu_backward(dy, x, *, approximate=False, out=None):
    """Gradient of `gelu_forward` from its input: dx = dy * (P + x P').

    dy (...), x (...) -> dx (...)
    """
    _check_gradient("gelu_backward", dy, out, x=x)
    check.choice("gelu_backward", "approximate", approximate, (False, True))
    return _faces(x).gelu_backward(dy, x, approximate=approximate, out=out)


def _check_input(op, x, out):
    check.floats(op, x=x)
    check.out(op, out, x.shape, x)


def _check_gradient(op, dy, out, **saved):
    check.alike(op, **saved, dy=dy)
    check.out(op, out, dy.shape, dy)
