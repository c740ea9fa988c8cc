"""Losses on the CPU: of elements, of classes, and of whole rows; what they have in common is in reduction.py."""

from .cpu_classes import (  # noqa: F401
    categorical_crossentropy_backward,
    categorical_crossentropy_forward,
    categorical_crossentropy_with_gradient,
    categorical_focal_crossentropy_backward,
    categorical_focal_crossentropy_forward,
    first_misfit,
    sparse_categorical_crossentropy_backward,
    sparse_categorical_crossentropy_forward,
    sparse_categorical_crossentropy_with_gradient,
    sparse_categorical_focal_crossentropy_backward,
    sparse_categorical_focal_crossentropy_forward,
)
from .cpu_elements import (  # noqa: F401
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
from .cpu_vectors import (  # noqa: F401
    cosine_similarity_backward,
    cosine_similarity_forward,
    kl_divergence_backward,
    kl_divergence_forward,
    triplet_backward,
    triplet_forward,
)
