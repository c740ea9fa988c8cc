"""Trains in processes that are killed at random moments, over and over, and looks at the files after each: a program
of its own, because it forks. Prints how often it killed, and how many steps training had come by then.

python killed.py FOLDER KILLS
"""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import tilewright as tw
from tilewright.train import Adam, BackupAndRestore, Callback, Checkpoint, EarlyStopping, ModelCheckpoint

rng = np.random.default_rng(0)
X = rng.standard_normal((50, 3)).astype(np.float32)
T = (X.sum(1) > 0).astype(np.float32)
EPOCHS = 200  # of 5 batches: more than all processes come to together
WRITING = 0.01  # seconds after a step in which it is killed: both files are written in about that time


def made():
    tw.set_seed(0)
    layers = [tw.layers.Dense(8, "tanh", input_shape=(3,)), tw.layers.Dropout(0.2), tw.layers.Dense(1, "sigmoid")]
    model = tw.Sequential(layers)
    model.compile(Adam(learning_rate=0.01), "binary_crossentropy", ["accuracy"])
    return model


def train(model, *callbacks):
    model.fit(
        X, T, batch_size=10, epochs=EPOCHS, verbose=0, callbacks=[EarlyStopping("loss", patience=10**6), *callbacks]
    )


def bits(model):
    return b"".join(w.tobytes() for w in model.get_weights())


class Record(Callback):
    """The weights after every step."""

    def __init__(self):
        self.bits = []

    def on_train_begin(self, logs=None):
        self.bits.append(bits(self.model))

    def on_batch_end(self, batch, logs=None):
        self.bits.append(bits(self.model))


class Tell(Callback):
    """Says into a pipe that a step is done, before anything is written."""

    order = -1

    def __init__(self, pipe):
        self.pipe = pipe

    def on_batch_end(self, batch, logs=None):
        os.write(self.pipe, b"!")


def main(folder, kills):
    warnings.simplefilter("error")
    backup, saved = folder / "backup", folder / "model"
    undisturbed, record = made(), Record()
    train(undisturbed, record)  # compiles everything that the children need, too
    looking, steps, chance = made(), 0, random.Random(0)
    checkpoint = Checkpoint(backup, looking)
    for _ in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                files = BackupAndRestore(backup, save_freq=1), ModelCheckpoint(saved, save_freq=1)
                train(made(), *files, Tell(writing))
            finally:
                os._exit(1)  # trained to the end, or failed
        os.close(writing)
        for _ in range(chance.randint(1, 2)):
            assert os.read(reading, 1), "the process ended before it trained"
        time.sleep(chance.uniform(0, WRITING))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the process ended before it was killed"
        os.close(reading)
        if checkpoint.restore() is None:
            assert not steps
            continue
        before, steps = steps, looking._trainer.optimizer.iterations
        assert steps >= before and bits(looking) == record.bits[steps]
        if os.path.exists(saved):
            assert bits(tw.load(saved)) in record.bits[max(before - 1, 0) :]
    last = made()
    train(last, BackupAndRestore(backup))
    assert last.history.history == undisturbed.history.history and bits(last) == bits(undisturbed)
    print(kills, steps)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
