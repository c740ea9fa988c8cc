"""`python -m tilewright train digits`: a convolutional network on scikit-learn's 1,797 scans of handwritten digits.

360 scans are held out for the test and 144 for validation, both stratified and the same in every run. The other 1,293
are trained on as they are and shifted by one pixel up, down, left and right.
"""

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np

from ..layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, set_seed
from ..train import Sequential

SPLIT_SEED = 0  # the same scans are held out whatever --seed is
EPOCHS, QUICK_EPOCHS, BATCH = 20, 2, 64
SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # (down, right), in pixels
NEEDED = {"sklearn": "scikit-learn", "matplotlib": "matplotlib", "rich": "rich"}

REMEDY = "pip install \".[examples]\" in a clone, elsewhere pip install 'tilewright[examples]'"


def train(epochs=None, seed=0, out=None, quick=False):
    """Train, print a table, leave two figures and the model in the folder `out`; returns the exit status."""
    missing = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        return _fail(f"needs {', '.join(missing)}: {REMEDY}")
    out = Path("runs", "digits") if out is None else out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _fail(f"cannot make the folder of the results: {error}; name another with --out")
    from . import report

    (x, y), validation, (x_test, y_test) = load()
    if not quick:
        x, y = shifted(x), np.tile(y, len(SHIFTS))
    epochs = epochs or (QUICK_EPOCHS if quick else EPOCHS)
    start = time.perf_counter()  # what is not in the kernel cache is compiled while the model is built, too
    model = build(seed)
    history = model.fit(x, y, batch_size=BATCH, epochs=epochs, validation_data=validation)
    seconds = time.perf_counter() - start
    finished = len(history.epoch)
    if not finished:
        return _fail("interrupted in the first epoch; nothing is written", status=130)
    guess = model.predict(x_test).argmax(1)
    right = int((guess == y_test).sum())
    rows = {
        "test accuracy": f"{right / len(y_test):.4f} ({right} of {len(y_test)} held-out scans)",
        "seconds": f"{seconds:.2f} for {finished} epochs",
        "samples a second": f"{finished * len(x) / seconds:,.0f}",
    }
    report.table(rows | report.machine())
    report.learning_curve(history.history, out / "learning_curve.png")
    report.confusion_matrix(y_test, guess, out / "confusion_matrix.png")
    model.save(out / "model.tilewright")
    for name in ("learning_curve.png", "confusion_matrix.png", "model.tilewright"):
        print("Wrote", out / name)
    return 130 if history.interrupted else 0


def load():
    """(x, y) for training, for validation and for the test; x (N, 8, 8, 1) float32 from 0 to 1, y (N,) from 0 to 9."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = (x.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=SPLIT_SEED)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.1, stratify=y, random_state=SPLIT_SEED)
    return (x, y), (x_val, y_val), (x_test, y_test)


def shifted(x):
    """All images by each of SHIFTS, one shift after another; what comes in at the edge is black."""
    _, H, W, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.concatenate([padded[:, 1 - down : 1 - down + H, 1 - right : 1 - right + W] for down, right in SHIFTS])


def build(seed):
    """The network, compiled for training: 85,066 parameters."""
    set_seed(seed)
    layers = [
        Conv2D(32, 3, padding="same", activation="relu", input_shape=(8, 8, 1)),
        MaxPooling2D(2),
        Conv2D(64, 3, padding="same", activation="relu"),
        Flatten(),
        Dropout(0.5),
        Dense(64, activation="relu"),
        Dropout(0.5),
        Dense(10, activation="softmax"),
    ]
    model = Sequential(layers)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _fail(message, status=1):
    print(f"train digits: {message}", file=sys.stderr)
    return status
