"""The history, weights and the graph of layers, as TensorBoard shows them."""

import os
import time

import numpy as np

from ...kernels import _check as check
from ...layers._device import to_host
from ...layers._tape import Buffer
from ..tensorboard import SummaryWriter, add_graph
from .base import Callback
from .keep import expect_freq

_MOST_FILTERS = 64  # along each side of an image of filters


class TensorBoard(Callback):
    """Write logs for TensorBoard, with the extra `tensorboard`: `tensorboard --logdir logs` shows them.

    log_dir                 the folder; what is measured in training goes into "train" in it, the rest into "validation"
    histogram_freq          epochs between histograms of all weights; 0 for none
    write_graph             whether the graph of layers is written; arithmetic on tensors between layers is not in it
    write_images            whether weights are shown as images too, as often as their histograms
    write_steps_per_second  whether epochs and batches per second are written
    update_freq             "epoch", or a number of batches, after as many of which the running values are written
                            too; "batch" is 1

    Values are named as in Keras: "epoch_loss" over epochs, "batch_loss" over all batches, "<weight>/histogram".
    """

    def __init__(
        self, log_dir="logs", histogram_freq=0, write_graph=True, write_images=False, write_steps_per_second=False,
        update_freq="epoch",
    ):  # fmt: skip
        check.whole("TensorBoard", "histogram_freq", histogram_freq)
        self.log_dir, self.histogram_freq, self.write_graph = os.fspath(log_dir), histogram_freq, write_graph
        self.write_images, self.write_steps_per_second = write_images, write_steps_per_second
        self.update_freq = expect_freq("TensorBoard", 1 if update_freq == "batch" else update_freq)
        self._writers = {}
        if self.update_freq != "epoch":
            self.on_batch_end = self._after_batch

    def on_train_begin(self, logs=None):
        self._steps = 0
        self._writer("train")  # the extra is missed now, not after an epoch
        self._graph_is_due = self.write_graph

    def on_epoch_begin(self, epoch, logs=None):
        if self._graph_is_due:
            add_graph(self._writer("train"), self.model)
            self._graph_is_due = False
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        for key, value in logs.items():
            name, key = ("validation", key[4:]) if key.startswith("val_") else ("train", key)
            self._writer(name).add_scalar(f"epoch_{key}", value, epoch)
        if "learning_rate" not in logs:
            rate = float(self.model._trainer.optimizer.learning_rate)
            self._writer("train").add_scalar("epoch_learning_rate", rate, epoch)
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self._start
            self._writer("train").add_scalar("epoch_steps_per_second", self.batches / seconds, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def close(self):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _after_batch(self, batch, logs=None):
        self._steps += 1
        if self._steps % self.update_freq == 0:
            for key, value in logs.items():
                self._writer("train").add_scalar(f"batch_{key}", value, self._steps - 1)

    def _write_weights(self, epoch):
        writer = self._writer("train")
        for path, p in self.model.named_parameters().items():
            name, w = path.replace(".", "/"), to_host(p.value)
            if np.isfinite(w).all():  # no histogram has a place for anything else
                writer.add_histogram(f"{name}/histogram", w, epoch)
            if self.write_images and w.size and not isinstance(p, Buffer):
                writer.add_image(f"{name}/image", image(w), epoch, dataformats="HW")

    def _writer(self, name):
        if name not in self._writers:
            ending = f".{time.time_ns()}"  # two trainings that begin in one second write into files of their own
            self._writers[name] = SummaryWriter(os.path.join(self.log_dir, name), filename_suffix=ending)
        return self._writers[name]

    def state(self):
        return {"steps": self._steps, "graph": self._graph_is_due}

    def load_state(self, state):
        self._steps, self._graph_is_due = state["steps"], state["graph"]


def image(w):
    """Weights as a picture (H, W), bytes from the least weight, black, to the greatest.

    A vector is a row, a matrix itself, lying down; filters (R, S, C, K) stand in a table of C rows and K columns.
    """
    w = np.nan_to_num(w.astype(np.float64))
    span = w.max() - w.min()
    w = (w - w.min()) / span if span else np.zeros(w.shape)
    if w.ndim < 2:
        w = w.reshape(1, -1)
    elif w.ndim == 2:
        w = w.T if w.shape[0] > w.shape[1] else w
    elif w.ndim == 4:
        w = w[:, :, :_MOST_FILTERS, :_MOST_FILTERS]
        w = np.pad(w, [(0, 1), (0, 1), (0, 0), (0, 0)])  # a black line between filters
        R, S, C, K = w.shape
        w = w.transpose(2, 0, 3, 1).reshape(C * R, K * S)[:-1, :-1]
    else:
        w = w.reshape(-1, w.shape[-1])
    return np.round(w * 255).astype(np.uint8)
