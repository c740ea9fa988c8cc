"""LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition") on digits of 32x32.

The images are scikit-learn's digits, four times as large and moved a little in every batch. As in the paper the
activations are tanh and the pooling averages; as nowadays the last layer is a softmax. `--quick` takes 400 images.
"""

import argparse

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from tilewright.layers import AveragePooling2D, Conv2D, Dense, Flatten
from tilewright.train import SGD, Augment, CosineDecay, DataLoader, RandomTranslation, train_test_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few images, few epochs")
quick = parser.parse_args().quick
count, epochs = (400, 6) if quick else (1797, 15)

tw.set_seed(0)
x, y = load_digits(return_X_y=True)
x = np.kron(x.reshape(-1, 8, 8) / 8 - 1, np.ones((1, 4, 4)))[:count, ..., None].astype(np.float32)
x_train, x_test, y_train, y_test = train_test_split(x, y[:count], test_size=0.2, stratify=y[:count], random_state=0)

model = tw.Sequential(
    [
        Conv2D(6, 5, activation="tanh", input_shape=(32, 32, 1)),
        AveragePooling2D(),
        Conv2D(16, 5, activation="tanh"),
        AveragePooling2D(),
        Conv2D(120, 5, activation="tanh"),
        Flatten(),
        Dense(84, activation="tanh"),
        Dense(10, activation="softmax"),
    ]
)
loader = DataLoader(
    x_train,
    y_train,
    batch_size=32,
    shuffle=True,
    transform=Augment([RandomTranslation(0.06, 0.06, fill_mode="nearest")]),
)
rate = CosineDecay(0.05, decay_steps=epochs * len(loader))
model.compile(SGD(learning_rate=rate, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(loader, epochs=epochs, validation_data=(x_test, y_test), verbose=2)
print(f"{model.count_params():,} weights")
print(f"test accuracy {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
