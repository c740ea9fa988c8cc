"""Losses: one number for a result y and what was wanted, t, and its gradient for y.

Losses of elements have a number for every element of y (elements.py), those of classes (categorical.py, from labels
sparse_categorical.py) and of vectors (vectors.py) one for every row of y (M, N). `reduction` says what becomes of them:
"none", an array of them; "sum", the sum of weight times loss; "mean", that sum divided by the sum of weights, which are
1 where none are given. So rows whose label is ignored, and what has the weight 0, count neither above nor below, and
the mean of nothing, or of what is ignored altogether, is 0, and so is its gradient.

`from_logits` says that y holds logits, not probabilities: nothing overflows then, and the gradient is that of sigmoid
or softmax and loss in one. Probabilities are clipped to [1e-7, 1 - 1e-7], those of classes after each row was divided
by its sum, as in Keras; where a probability was clipped its gradient is 0.

`<loss>_with_gradient` returns (loss, dy) for dloss = 1: what a training step needs, at the cost of the gradient alone.

On CUDA a loss stays on the device, as an array of shape (), and `dloss` may be such an array; weights, smoothing and
other reductions than the mean are there on the CPU alone.

Float targets are not checked: beyond [0, 1] they make a cross-entropy that means nothing, and NaN gives NaN.
"""

from .categorical import (  # noqa: F401
    categorical_crossentropy_backward,
    categorical_crossentropy_forward,
    categorical_crossentropy_with_gradient,
    categorical_focal_crossentropy_backward,
    categorical_focal_crossentropy_forward,
)
from .elements import (  # noqa: F401
    binary_crossentropy_backward,
    binary_crossentropy_forward,
    binary_crossentropy_with_gradient,
    binary_focal_crossentropy_backward,
    binary_focal_crossentropy_forward,
    hinge_backward,
    hinge_forward,
    huber_backward,
    huber_forward,
    log_cosh_backward,
    log_cosh_forward,
    mae_backward,
    mae_forward,
    mse_backward,
    mse_forward,
    mse_with_gradient,
    squared_hinge_backward,
    squared_hinge_forward,
)
from .sparse_categorical import (  # noqa: F401
    sparse_categorical_crossentropy_backward,
    sparse_categorical_crossentropy_forward,
    sparse_categorical_crossentropy_with_gradient,
    sparse_categorical_focal_crossentropy_backward,
    sparse_categorical_focal_crossentropy_forward,
)
from .vectors import (  # noqa: F401
    cosine_similarity_backward,
    cosine_similarity_forward,
    kl_divergence_backward,
    kl_divergence_forward,
    triplet_backward,
    triplet_forward,
)
