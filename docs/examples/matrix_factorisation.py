"""Matrix factorisation (Koren et al. 2009): a user's rating of an item is the product of their vectors, plus biases.

A class with its own forward, over two embeddings. The ratings are made: eight tastes, and noise of 0.3 that nobody can
learn. Printed is the error (RMSE) on ratings never seen. `--quick` takes a quarter of the users.
"""

import argparse

import numpy as np
import tilewright as tw
from tilewright.layers import Embedding
from tilewright.train import Adam

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="a quarter of the users")
quick = parser.parse_args().quick
users, items, seen, tastes, epochs = (100, 80, 0.4, 3, 30) if quick else (400, 300, 0.25, 8, 30)

tw.set_seed(0)
rng = np.random.default_rng(0)
likes = rng.normal(0, 1, (users, tastes)) @ rng.normal(0, 1, (tastes, items)) / np.sqrt(tastes)
likes += rng.normal(0, 0.5, (users, 1)) + rng.normal(0, 0.5, items) + 3.5
who, what = np.nonzero(rng.random((users, items)) < seen)
order = rng.permutation(len(who))
pairs = np.stack([who, what], axis=1)[order]
ratings = (likes[pairs[:, 0], pairs[:, 1]] + rng.normal(0, 0.3, len(pairs))).astype(np.float32)
train = len(pairs) * 4 // 5


class Factors(tw.Model):
    """Pairs of user and item (N, 2) -> ratings (N,)."""

    def __init__(self, mean):
        super().__init__()
        self.mean = mean
        self.user, self.item = Embedding(users, tastes), Embedding(items, tastes)
        self.user_bias, self.item_bias = Embedding(users, 1, "zeros"), Embedding(items, 1, "zeros")

    def forward(self, pairs):
        user, item = pairs.numpy().T
        product = (self.user(user) * self.item(item)).sum(axis=1, keepdims=True)
        return product + self.user_bias(user) + self.item_bias(item) + self.mean


model = Factors(float(ratings[:train].mean()))
model.compile(Adam(learning_rate=0.01), "mse", metrics=["rmse"])
model.fit(pairs[:train], ratings[:train], batch_size=64, epochs=epochs, verbose=2)
error = model.evaluate(pairs[train:], ratings[train:], verbose=0)[1]
print(f"RMSE {error:.3f} (mean rating alone: {ratings[train:].std():.3f}, the noise: 0.300)")
