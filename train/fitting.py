"""What a model is trained and used by: compile, fit, evaluate, predict."""

import numpy as np

from ..layers._symbol import closed, on_sizes
from .keywords import named_keywords
from .predicting import predict, predict_on_batch
from .trainer import Trainer
from .walking import every_layer


class Fitting:
    """The part of a model that trains it. Arguments and defaults are Keras's.

    Everywhere x is an array-like of samples (N, ...), for a model with several inputs a list of them or a dictionary
    by name, or something that gives batches: a DataLoader, a generator, anything to iterate over. Batches are (x, y)
    or (x, y, sample_weight); y is a list or a dictionary where the model has several outputs.
    """

    _trainer = None
    optimizer = None  # of `compile`

    @named_keywords
    def compile(
        self, optimizer, loss, metrics=None, *, loss_weights=None, weighted_metrics=None,
        gradient_accumulation_steps=None,
    ):  # fmt: skip
        """Choose optimizer, loss and metrics, by name or as objects, for `fit`, `evaluate` and `train_on_batch`.

        optimizer  "sgd", "adam", "adamw", "rmsprop", "lion" and the other names of `tw.train`, or an optimizer
        loss       "mse", "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy", a loss;
                   for several outputs a list of them or a dictionary by output, None for an output without one
        metrics    a list of "accuracy", "precision", "recall", "f1", "auc", "mse", "mae" or metrics; for several
                   outputs a list of lists or a dictionary of lists
        loss_weights                 for several outputs the factor of each loss in the sum, a list or a dictionary
        weighted_metrics             as metrics; weights of samples and classes count for these, and not for `metrics`.
                                     "weighted_<name>" in the history where metrics have that name too
        gradient_accumulation_steps  from 2: the weights change after so many batches, by the mean of their gradients

        An unknown name is a ValueError that gives the nearest known ones.
        """
        self._trainer = Trainer(
            self, optimizer, loss, metrics, loss_weights, weighted_metrics, gradient_accumulation_steps
        )
        self.optimizer = self._trainer.optimizer

    @named_keywords
    def fit(
        self, x, y=None, batch_size=32, epochs=1, verbose="auto", callbacks=None, validation_split=0.0,
        validation_data=None, shuffle=True, class_weight=None, sample_weight=None, initial_epoch=0,
        steps_per_epoch=None, validation_steps=None, validation_batch_size=None, validation_freq=1,
    ):  # fmt: skip
        """Train until `epochs` passes over the data are done; returns a `History`.

        x, y              arrays are checked and converted once, before anything is trained; a custom model's forward
                          gets a buffer that the next batch overwrites. Batches of a loader or a generator are checked
                          one by one
        batch_size        samples of a step, of arrays; None is 32
        verbose           0 silent, 1 a bar an epoch, 2 a line an epoch, "auto" a bar on a terminal, else a line
        validation_split  share of the samples to validate on: the last ones, before any shuffling
        validation_data   (x, y), (x, y, sample_weight) or batches to validate on after every epoch
        shuffle           a new order every epoch, from the random numbers of `tw.set_seed`; loaders and generators
                          have an order of their own
        class_weight      {class: weight}, the weight of every sample by its class, 1 for classes that are not in it; or
                          "balanced", as in scikit-learn: all classes count as much, a sample on average 1
        sample_weight     a weight for every sample, (N,), or for every loss of a sample; for several outputs one for
                          all of them, or a list or a dictionary by output, None for an output without weights
        initial_epoch     the number of the first epoch, for a training that goes on
        steps_per_epoch   batches of an epoch, where it shall not be all
        validation_steps, validation_batch_size    batches of a validation, and their size
        validation_freq   validate after every so many epochs, or after those that a list names, counted from 1

        The last batch may be smaller. The loss of an epoch is the mean over its samples, penalties of regularizers
        included. Weights of samples and of classes are multiplied. Ctrl-C ends training after the step at hand: the
        model keeps its weights, the history its finished epochs and `interrupted = True`; a second Ctrl-C is raised
        at once. Raises TypeError or ValueError for data that does not fit; RuntimeError, after callbacks were told of
        the end, for a generator that raises or ends in the middle of an epoch, with the number of batches until then.
        """
        return self._compiled("fit").fit(
            x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight,
            sample_weight, initial_epoch, steps_per_epoch, validation_steps, validation_batch_size, validation_freq,
        )  # fmt: skip

    @named_keywords
    def evaluate(
        self, x, y=None, batch_size=32, verbose="auto", sample_weight=None, steps=None, callbacks=None,
        return_dict=False,
    ):  # fmt: skip
        """[loss, *metrics] over the data, or the loss alone if there are no metrics; printed unless verbose is 0.

        steps        batches to measure, where it shall not be all
        return_dict  give {"loss": ..., metric: ...} instead
        """
        return self._compiled("evaluate").evaluate(
            x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict
        )

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One step on these samples: [loss, *metrics] before it, or the loss alone if there are no metrics."""
        return self._compiled("train_on_batch").train_on_batch(x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """[loss, *metrics] of these samples, or the loss alone if there are no metrics, in evaluation mode."""
        return self._compiled("test_on_batch").test_on_batch(x, y, sample_weight, return_dict)

    @named_keywords
    def predict(self, x, batch_size=32, verbose=0, steps=None, callbacks=None):
        """The outputs for all samples, a NumPy array (N, ...), in evaluation mode; of several outputs each.

        Of batches of a loader or a generator x alone is taken.
        """
        return predict(self, x, batch_size, verbose, steps, callbacks)

    def predict_on_batch(self, x):
        """The outputs for these samples, all at once, in evaluation mode."""
        return predict_on_batch(self, x)

    @property
    def metrics_names(self):
        """The names of what `evaluate` returns, in its order: "loss", and those of metrics.

        Raises RuntimeError before `compile`, ValueError for a model that knows no input_shape yet.
        """
        trainer = self._compiled("metrics_names")
        if trainer.example is None:
            if self.input_shape is None:
                raise ValueError(
                    "metrics_names: the model does not know its input_shape; call model.build((None, ...)) first"
                )
            on_sizes(lambda size: trainer.prepare("metrics_names", self._stand_in(size)), self.input_shapes)
        return trainer.names(trainer.example)

    def _stand_in(self, size):
        """Zeros for a sample of the inputs, with a size for those left open."""
        zeros = [np.zeros((1, *closed(shape[1:], size)), self.dtype) for shape in self.input_shapes]
        return zeros if isinstance(self.input_shape, list) else zeros[0]

    def reset_states(self):
        """Let recurrent layers with `stateful=True` begin anew with the next batch."""
        for layer in every_layer(self).values():
            if getattr(layer, "stateful", False):
                layer.reset_states()

    def _compiled(self, op):
        if self._trainer is None:
            raise RuntimeError(f"{op}: the model is not compiled; call model.compile(optimizer, loss, metrics) first")
        return self._trainer
