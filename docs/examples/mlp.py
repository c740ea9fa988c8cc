"""A multilayer perceptron on scikit-learn's 1,797 handwritten digits of 8x8: scaled, stopped early, saved and loaded.

`--quick` trains for five epochs instead of sixty at most.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import tilewright as tw
from sklearn.datasets import load_digits
from tilewright.layers import Dense, Dropout
from tilewright.train import EarlyStopping, StandardScaler, train_test_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="five epochs")
quick = parser.parse_args().quick

tw.set_seed(0)
x, y = load_digits(return_X_y=True)
x_train, x_val, x_test, y_train, y_val, y_test = train_test_split(
    x, y, test_size=0.2, validation_size=0.1, stratify=y, random_state=0
)
scaler = StandardScaler().fit(x_train)
x_train, x_val, x_test = map(scaler.transform, (x_train, x_val, x_test))

model = tw.Sequential(
    [
        Dense(64, activation="relu", kernel_initializer="he_normal", kernel_regularizer="l2", input_shape=(64,)),
        Dropout(0.2),
        Dense(64, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.2),
        Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()
stopping = EarlyStopping(monitor="val_loss", patience=8, restore_best_weights=True)
epochs = 5 if quick else 60
history = model.fit(x_train, y_train, epochs=epochs, validation_data=(x_val, y_val), callbacks=[stopping], verbose=2)

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "digits.tilewright")
    model.save(path)
    assert np.array_equal(tw.load(path).predict(x_test), model.predict(x_test)), "a loaded model predicts otherwise"
print(f"{model.count_params():,} weights, {len(history.epoch)} epochs")
print(f"test accuracy {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
