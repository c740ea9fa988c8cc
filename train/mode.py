"""Training and evaluation mode for a while, of layers and of models."""

from ..layers._mode import mode

__all__ = ["mode"]
