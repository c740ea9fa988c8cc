"""What is done with a model and files."""

from . import saving


class Files:
    """The part of a model that is about files."""

    def save(self, path, include_optimizer=True):
        """Write structure, weights and what `compile` chose into one file, at once or not at all; see `tw.load`.

        include_optimizer  with what `compile` chose and the optimizer's state, so that training goes on where it was;
                           else the model alone

        Raises TypeError for a class of your own without `config()`, a dict of its constructor's arguments. A loss or
        metric that cannot be written, such as a lambda, is a RuntimeWarning, and the model is written alone.
        """
        saving.save(self, path, include_optimizer)

    def save_weights(self, path):
        """Write the weights by name into one file, at once or not at all."""
        self._expect_built("save_weights")
        saving.save_weights(self, path)

    def load_weights(self, path, by_name=False, skip_mismatch=False):
        """Set the weights from a file of `save_weights` or `save` with the same names and shapes.

        by_name        take those weights whose names are in both, and return what was `taken`, `left` and `other`
        skip_mismatch  leave weights of other shapes as they are

        Raises ValueError, which lists all weights that do not fit with both shapes; none is set then.
        """
        self._expect_built("load_weights")
        return saving.load_weights(self, path, by_name, skip_mismatch)
