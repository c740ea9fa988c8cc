"""Pure functions on arrays: `<op>_forward`, `<op>_backward`; this page lists them all."""
from .activation import relu_backward, relu_forward

__all__ = ["relu_backward", "relu_forward"]
