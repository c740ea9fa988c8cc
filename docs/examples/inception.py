"""Two Inception blocks (Szegedy et al. 2015, arXiv:1409.4842, figure 2b): a functional model with four ways through.

As in GoogLeNet a second, auxiliary output looks at the first block and helps to train it; it counts for 0.3 of the
loss and is not used afterwards. Digits of 16x16; `--quick` takes 320 of them.
"""

import argparse

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from tilewright.layers import (
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from tilewright.train import train_test_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few images, few epochs")
quick = parser.parse_args().quick
count, epochs = (320, 8) if quick else (1797, 12)


def conv(x, filters, size):
    x = Conv2D(filters, size, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    return BatchNormalization(momentum=0.9, activation="relu")(x)  # as in the second version, arXiv:1502.03167


def inception(x, filters):
    """Images (N, H, W, C) -> (N, H, W, 4 filters): convolutions of three sizes, and the largest of the neighbours."""
    return Concatenate()(
        [
            conv(x, filters, 1),
            conv(conv(x, filters, 1), filters, 3),
            conv(conv(x, filters // 2, 1), filters, 5),
            conv(MaxPooling2D(3, strides=1, padding="same")(x), filters, 1),
        ]
    )


tw.set_seed(0)
x, y = load_digits(return_X_y=True)
x = np.kron(x.reshape(-1, 8, 8) / 16, np.ones((1, 2, 2)))[:count, ..., None].astype(np.float32)
x_train, x_test, y_train, y_test = train_test_split(x, y[:count], test_size=0.2, stratify=y[:count], random_state=0)

image = tw.Input(shape=(16, 16, 1), name="image")
first = inception(MaxPooling2D()(conv(image, 16, 3)), 8)
second = inception(MaxPooling2D()(first), 16)
helper = Dense(10, activation="softmax", name="helper")(GlobalAveragePooling2D()(first))
digit = Dense(10, activation="softmax", name="digit")(Dropout(0.2)(GlobalAveragePooling2D()(second)))
trained = tw.Model(image, {"digit": digit, "helper": helper})
trained.compile(
    "adam",
    {name: "sparse_categorical_crossentropy" for name in ("digit", "helper")},
    metrics={"digit": ["accuracy"]},
    loss_weights={"digit": 1.0, "helper": 0.3},
)
trained.summary()
trained.fit(x_train, {"digit": y_train, "helper": y_train}, batch_size=16, epochs=epochs, verbose=2)

model = tw.Model(image, digit)  # the same layers without the helper
guess = model.predict(x_test).argmax(1)
assert np.array_equal(guess, trained.predict(x_test)["digit"].argmax(1)), "the model in it predicts otherwise"
print(f"{model.count_params():,} weights, {trained.count_params():,} while it was trained")
print(f"test accuracy {(guess == y_test).mean():.3f}")
