"""A convolutional autoencoder: digits through eight numbers and back, against a principal component analysis of eight.

Encoder and decoder are models of their own and share their weights with the whole. `--quick` trains for a few epochs.
"""

import argparse

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from tilewright.layers import Conv2D, Conv2DTranspose, Dense, Flatten, Reshape
from tilewright.train import train_test_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few epochs")
quick = parser.parse_args().quick
epochs, code = (12, 8) if quick else (80, 8)

tw.set_seed(0)
x = (load_digits().images[..., None] / 16).astype(np.float32)
x_train, x_test = train_test_split(x, test_size=0.2, random_state=0)

encoder = tw.Sequential(
    [
        Conv2D(16, 3, padding="same", activation="relu", input_shape=(8, 8, 1)),
        Conv2D(32, 3, strides=2, padding="same", activation="relu"),
        Flatten(),
        Dense(code),
    ],
    name="encoder",
)
decoder = tw.Sequential(
    [
        Dense(4 * 4 * 32, activation="relu", input_shape=(code,)),
        Reshape((4, 4, 32)),
        Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"),
        Conv2D(1, 3, padding="same", activation="sigmoid"),
    ],
    name="decoder",
)
model = tw.Sequential([encoder, decoder])
model.compile("adam", "mse")
model.summary()
model.fit(x_train, x_train, batch_size=32, epochs=epochs, validation_data=(x_test, x_test), verbose=2)

codes = encoder.predict(x_test)
assert codes.shape == (len(x_test), code)
error = np.mean((decoder.predict(codes) - x_test) ** 2)
linear = PCA(code).fit(x_train.reshape(len(x_train), -1))
flat = x_test.reshape(len(x_test), -1)
linear_error = np.mean((linear.inverse_transform(linear.transform(flat)) - flat) ** 2)
mean_error = np.mean((x_train.mean(0) - x_test) ** 2)
print(f"mean squared error {error:.4f} (PCA of {code}: {linear_error:.4f}, mean image: {mean_error:.4f})")
