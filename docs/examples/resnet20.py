"""ResNet-20 (He et al. 2016, arXiv:1512.03385, section 4.2) on images of 32x32x3.

The images are scikit-learn's 1,797 handwritten digits of 8x8, four times as large, in a bright colour of its own
on a dark one, moved by up to four pixels: data that every machine has, and much easier than CIFAR-10, for which the
network was made. `--quick` trains on few images for seconds, with one block a stage (ResNet-8).
"""

import argparse
import time

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from tilewright.layers import BatchNormalization, Conv2D, Dense, GlobalAveragePooling2D, Residual
from tilewright.train import SGD

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few images, one block a stage")
parser.add_argument("--epochs", type=int, help="of training; 8, or 4 if quick")
quick = (options := parser.parse_args()).quick
blocks, count, epochs = (1, 320, options.epochs or 4) if quick else (3, 1797, options.epochs or 8)

rng = np.random.default_rng(0)
tw.set_seed(0)


def coloured(digits):
    """Digits (N, 8, 8) as images (N, 32, 32, 3) from -1 to 1."""
    ink = np.kron(digits / 16, np.ones((1, 4, 4)))[..., None]
    moved = [np.roll(one, rng.integers(-4, 5, 2), (0, 1)) for one in ink]
    paper = rng.uniform(-1, 0, (len(digits), 1, 1, 3))
    colour = rng.uniform(0, 1, paper.shape)
    return (paper + (colour - paper) * np.stack(moved)).astype(np.float32)


digits, labels = load_digits(return_X_y=True)
order = rng.permutation(len(digits))[:count]
x, y = coloured(digits[order].reshape(-1, 8, 8)), labels[order]
train = len(x) * 4 // 5


def conv(filters, stride=1, size=3):
    return Conv2D(filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal")


def norm(activation=None):
    return BatchNormalization(momentum=0.9, activation=activation)  # 45 steps an epoch are few for Keras's 0.99


def block(filters, stride):
    """Two convolutions around which the input passes, by a convolution of 1x1 where its shape changes."""
    inner = [conv(filters, stride), norm(activation="relu"), conv(filters), norm()]
    return Residual(inner, None if stride == 1 else conv(filters, stride, size=1), activation="relu")


model = tw.Sequential([conv(16), norm(activation="relu")])
for stage, filters in enumerate((16, 32, 64)):
    for i in range(blocks):
        model.add(block(filters, stride=2 if stage and not i else 1))
model.add(GlobalAveragePooling2D())
model.add(Dense(10, activation="softmax"))
model.compile(SGD(learning_rate=0.05, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])

started = time.perf_counter()
model.fit(x[:train], y[:train], batch_size=32, epochs=epochs, validation_data=(x[train:], y[train:]), verbose=2)
print(f"{model.count_params():,} weights, {time.perf_counter() - started:.1f} s")
print(f"test accuracy {model.evaluate(x[train:], y[train:], verbose=0)[1]:.3f}")
