"""A network in the manner of VGG (Simonyan and Zisserman 2015, arXiv:1409.1556): pairs of 3x3 convolutions.

Three stages of 16, 32 and 64 filters, with batch normalisation, on scikit-learn's digits made 16x16 and turned, moved
and rubbed out in places by augmentation. `--quick` takes 320 images.
"""

import argparse

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from tilewright.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from tilewright.train import Augment, CutOut, DataLoader, RandomRotation, RandomTranslation, train_test_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few images, few epochs")
quick = parser.parse_args().quick
count, epochs = (320, 6) if quick else (1797, 12)

tw.set_seed(0)
x, y = load_digits(return_X_y=True)
x = np.kron(x.reshape(-1, 8, 8) / 16, np.ones((1, 2, 2)))[:count, ..., None].astype(np.float32)
x_train, x_test, y_train, y_test = train_test_split(x, y[:count], test_size=0.2, stratify=y[:count], random_state=0)

model = tw.Sequential([tw.Input((16, 16, 1))])
for filters in (16, 32, 64):
    for _ in range(2):
        model.add(Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"))
        model.add(BatchNormalization(momentum=0.9))
        model.add(Activation("relu"))
    model.add(MaxPooling2D())
model.add(Flatten())
model.add(Dense(64, activation="relu", kernel_initializer="he_normal"))
model.add(Dropout(0.3))
model.add(Dense(10, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

augment = Augment([RandomRotation(0.03), RandomTranslation(0.06, 0.06), CutOut(4)])
loader = DataLoader(x_train, y_train, batch_size=32, shuffle=True, transform=augment)
model.fit(loader, epochs=epochs, validation_data=(x_test, y_test), verbose=2)
print(f"{model.count_params():,} weights")
print(f"test accuracy {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
