"""One step of training, batch 32, Adam: forward, backward, update."""

import numpy as np
import tilewright as tw
from tilewright.layers import Conv2D, Dense, Flatten, MaxPooling2D

from . import THREADS, pin

BATCH = 32


def mlp():
    """10-64-64-1 on random rows, binary cross-entropy."""
    layers = [
        Dense(64, activation="relu", input_shape=(10,)),
        Dense(64, activation="relu"),
        Dense(1, activation="sigmoid"),
    ]
    return layers, "binary_crossentropy", (10,), 2


def cnn():
    """The network of the digits program on 28 x 28 images, sparse categorical cross-entropy."""
    layers = [
        Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1)),
        MaxPooling2D(2),
        Conv2D(64, 3, activation="relu"),
        MaxPooling2D(2),
        Flatten(),
        Dense(64, activation="relu"),
        Dense(10, activation="softmax"),
    ]
    return layers, "sparse_categorical_crossentropy", (28, 28, 1), 10


MODELS = {"mlp": mlp, "cnn": cnn}


class Training:
    params = [list(MODELS), sorted({1, THREADS})]
    param_names = ["model", "threads"]

    def setup(self, model, threads):
        pin(threads)
        tw.set_seed(0)
        layers, loss, shape, classes = MODELS[model]()
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((BATCH, *shape)).astype(np.float32)
        self.y = rng.integers(0, classes, BATCH)
        self.model = tw.Sequential(layers)
        self.model.compile("adam", loss)
        for _ in range(10):
            self.time_step(model, threads)

    def time_step(self, model, threads):
        self.model.train_on_batch(self.x, self.y)
