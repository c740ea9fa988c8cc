"""Fine-tuning: a network that knows digits learns another question about other images, from twenty of them.

The question is whether a digit is 0 or 1, 2 or 3, 4 or 5, 6 or 7, 8 or 9; the images are pale and noisy. A network is
trained on the first 1,200 scans and its weights are saved. The second, with a head of its own, takes over by name
those weights that fit, keeps them frozen while its head learns, and then learns as a whole at a small rate. Printed
is its accuracy beside that of the same network that begins from nothing. `--quick` trains for fewer epochs.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from tilewright.layers import Conv2D, Dense, Flatten, MaxPooling2D
from tilewright.train import Adam

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="fewer epochs")
first, then = (8, 30) if parser.parse_args().quick else (20, 60)

digits = load_digits()
x, y = (digits.images[..., None] / 16).astype(np.float32), digits.target
x[1200:] = 0.5 * x[1200:] + np.random.default_rng(0).normal(0, 0.1, x[1200:].shape)
few = np.concatenate([1200 + np.flatnonzero(y[1200:] == digit)[:2] for digit in range(10)])
unseen = np.setdiff1d(np.arange(1200, len(x)), few)


def network(classes, head):
    """Two convolutions and two dense layers, of which the last is named `head`."""
    return tw.Sequential(
        [
            Conv2D(16, 3, padding="same", activation="relu", input_shape=(8, 8, 1), name="edges"),
            Conv2D(32, 3, padding="same", activation="relu", name="shapes"),
            MaxPooling2D(),
            Flatten(),
            Dense(64, activation="relu", name="features"),
            Dense(classes, activation="softmax", name=head),
        ]
    )


def learn(model, samples, labels, epochs, rate):
    """The accuracy on the noisy images, but for the few to learn from."""
    model.compile(Adam(learning_rate=rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[samples], labels[samples], batch_size=16, epochs=epochs, verbose=0)
    return model.evaluate(x[unseen], labels[unseen], verbose=0)[1]


tw.set_seed(0)
teacher, model, pairs = network(10, "digit"), network(5, "pair"), y // 2
learn(teacher, np.arange(1200), y, first, 1e-3)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "digits.weights")
    teacher.save_weights(path)
    taken = model.load_weights(path, by_name=True)
print(f"taken over: {', '.join(taken.taken)}; new: {', '.join(taken.left)}")

kept = model.layers[:-1]
for layer in kept:
    layer.trainable = False
before = [w for layer in kept for w in layer.get_weights()]
frozen = learn(model, few, pairs, then, 1e-2)
after = [w for layer in kept for w in layer.get_weights()]
assert all(map(np.array_equal, before, after)), "what is frozen has changed"
model.trainable = True
tuned = learn(model, few, pairs, then, 1e-4)
scratch = learn(network(5, "pair"), few, pairs, 2 * then, 1e-3)
print(f"accuracy with the head alone {frozen:.3f}, as a whole {tuned:.3f} (from nothing: {scratch:.3f})")
