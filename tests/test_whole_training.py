"""Whole trainings: their steps take no memory from the system, and end with the same bits on any number of threads.

Each is trained in a process of its own, by this file as a program: `test_whole_training.py NAME faults` or `... bits`.
"""

import hashlib
import os
import resource
import subprocess
import sys

import numpy as np
import pytest

BATCH, WARM, STEPS = 32, 40, 1000
NOISE = 64  # pages of 4 KB: what a step of a thousand would take, every step would a thousand times


def networks():
    """{name: what makes its layers}"""
    from tilewright import layers as tw

    return {
        "mlp": lambda: [tw.Dense(64, "relu", input_shape=(10,)), tw.Dropout(0.1), tw.Dense(4, "softmax")],
        "cnn": lambda: [
            tw.Conv2D(16, 3, activation="relu", input_shape=(20, 20, 1)),
            tw.BatchNormalization(),
            tw.MaxPooling2D(),
            tw.Flatten(),
            tw.Dense(4, "softmax"),
        ],
        "gru": lambda: [
            tw.Embedding(500, 16, mask_zero=True),
            tw.GRU(24, return_sequences=True),
            tw.GRU(24),
            tw.Dense(4, "softmax"),
        ],
        "attention": lambda: [
            tw.Embedding(50, 32),
            tw.TransformerEncoder(64, 4),
            tw.GlobalAveragePooling1D(),
            tw.Dense(4, "softmax"),
        ],
    }


SHAPES = {"mlp": (10,), "cnn": (20, 20, 1), "gru": (12,), "attention": (16,)}
WORDS = {"gru": 500, "attention": 50}


def trained(name, steps):
    """A function that trains for so many more steps, and the model."""
    import tilewright as tw

    tw.set_seed(1)
    model = tw.Sequential(networks()[name]())
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    shape = 10 * BATCH, *SHAPES[name]
    x, y = rng.integers(0, WORDS[name], shape) if name in WORDS else rng.random(shape), rng.integers(0, 4, shape[0])

    def train(steps):
        model.fit(x, y, epochs=steps // 10, batch_size=BATCH, verbose=0)

    train(steps)
    return train, model


def faults(name):
    """Pages that the process took for STEPS steps, and by how many KB it grew."""
    train, _ = trained(name, WARM)
    before = resource.getrusage(resource.RUSAGE_SELF)
    train(STEPS)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_minflt - before.ru_minflt, after.ru_maxrss - before.ru_maxrss


def bits(name):
    """A hash of the weights after a few steps."""
    _, model = trained(name, WARM)
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()


def asked(name, what, **environment):
    run = [sys.executable, __file__, name, what]
    found = subprocess.run(run, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


@pytest.mark.parametrize("name", SHAPES)
def test_a_thousand_steps_take_no_memory(name):
    pages, grown = map(int, asked(name, "faults"))
    assert pages <= NOISE and grown <= 4 * NOISE


@pytest.mark.parametrize("name", SHAPES)
def test_the_number_of_threads_changes_no_bit(name):
    alone = asked(name, "bits", NUMBA_NUM_THREADS="1")
    assert alone == asked(name, "bits", NUMBA_NUM_THREADS="2") == asked(name, "bits", NUMBA_NUM_THREADS="3")


if __name__ == "__main__":
    found = {"faults": faults, "bits": bits}[sys.argv[2]](sys.argv[1])
    print(*found if isinstance(found, tuple) else (found,))
