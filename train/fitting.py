"""What a model is trained and used by: compile, fit, evaluate, predict."""

from .trainer import Trainer, predict


class Fitting:
    """The part of a model that trains it. Arguments and defaults are Keras's."""

    _trainer = None

    def compile(self, optimizer, loss, metrics=None):
        """Choose optimizer, loss and metrics, by name or as objects, for `fit`, `evaluate` and `train_on_batch`.

        optimizer  "sgd", "adam", "adamw", "rmsprop", "lion" and the other names of `tw.train`, or an optimizer
        loss       "mse", "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy", a loss
        metrics    a list of "accuracy", "precision", "recall", "f1", "auc", "mse", "mae" or metrics

        An unknown name is a ValueError that gives the nearest known ones.
        """
        self._trainer = Trainer(self, optimizer, loss, metrics)

    def fit(
        self,
        x,
        y,
        batch_size=32,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
    ):
        """Train for `epochs` passes over the data; returns a `History`.

        x, y              array-likes (N, ...), checked and converted once, before anything is trained; a custom model's
                          forward gets a buffer that the next batch overwrites
        verbose           0 silent, 1 a bar an epoch, 2 a line an epoch, "auto" a bar on a terminal, else a line
        validation_split  share of the samples to validate on: the last ones, before any shuffling
        validation_data   (x, y) to validate on after every epoch
        shuffle           a new order every epoch, from the random numbers of `tw.set_seed`

        The last batch may be smaller. The loss of an epoch is the mean over its samples. Ctrl-C ends training after
        the step at hand: the model keeps its weights, the history its finished epochs and `interrupted = True`; a
        second Ctrl-C is raised at once. Raises TypeError or ValueError for data that does not fit.
        """
        return self._compiled("fit").fit(
            x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle
        )

    def evaluate(self, x, y, batch_size=32, verbose="auto"):
        """[loss, *metrics] over the data, or the loss alone if there are no metrics; printed unless verbose is 0."""
        return self._compiled("evaluate").evaluate(x, y, batch_size, verbose)

    def train_on_batch(self, x, y):
        """One step on these samples: [loss, *metrics] before it, or the loss alone if there are no metrics."""
        return self._compiled("train_on_batch").train_on_batch(x, y)

    def predict(self, x, batch_size=32):
        """The outputs for all samples, a NumPy array (N, ...), in evaluation mode."""
        return predict(self, x, batch_size)

    def _compiled(self, op):
        if self._trainer is None:
            raise RuntimeError(f"{op}: the model is not compiled; call model.compile(optimizer, loss, metrics) first")
        return self._trainer
