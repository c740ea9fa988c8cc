"""Wide & Deep (Cheng et al. 2016, arXiv:1606.07792): a functional model of two inputs, for what users like.

The wide part is linear over pairs of user and kind, and learns them by heart; the deep part is a network over
embeddings and numbers, and generalises. The data is made so that both are needed: printed is the AUC of the whole
and of either alone, and the best that is possible. `--quick` takes a tenth of the data.
"""

import argparse

import numpy as np
import tilewright as tw
from tilewright.layers import Activation, Add, Concatenate, Dense, Embedding, Flatten
from tilewright.train import AUC, Adam

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="a tenth of the data")
quick = parser.parse_args().quick
users, kinds, count, epochs = (40, 10, 6000, 6) if quick else (200, 20, 60_000, 6)

tw.set_seed(0)
rng = np.random.default_rng(0)
user, kind = rng.integers(0, users, count), rng.integers(0, kinds, count)
about = rng.standard_normal((count, 4)).astype(np.float32)  # such as price, age, length, hour
habit = rng.normal(0, 1.5, (users, kinds))  # a pair's own, to be learned by heart
taste = 1.5 * about[:, 0] * about[:, 1] + np.abs(about[:, 2]) - 0.8  # of all users, and not linear
chance = 1 / (1 + np.exp(-(habit[user, kind] + taste)))
liked = (rng.random(count) < chance).astype(np.float32)

pair, who = (user * kinds + kind)[:, None], np.stack([user, kind + users], axis=1)
train = count * 4 // 5


def auc(scores):
    metric = AUC()
    metric.update(scores, liked[train:])
    return metric.result()


def trained(use_wide, use_deep):
    """The AUC on samples never seen, of a model with one part or both."""
    inputs, sums, data = [], [], {}
    if use_wide:
        crossed = tw.Input(shape=(1,), name="crossed", dtype="int64")
        sums.append(Flatten()(Embedding(users * kinds, 1, embeddings_initializer="zeros")(crossed)))
        inputs.append(crossed)
        data["crossed"] = pair
    if use_deep:
        ids, numbers = tw.Input(shape=(2,), name="ids", dtype="int64"), tw.Input(shape=(4,), name="numbers")
        x = Concatenate()([Flatten()(Embedding(users + kinds, 4)(ids)), numbers])
        x = Dense(32, activation="relu")(Dense(64, activation="relu")(x))
        sums.append(Dense(1)(x))
        inputs += [ids, numbers]
        data |= {"ids": who, "numbers": about}
    total = Add()(sums) if len(sums) > 1 else sums[0]
    model = tw.Model(inputs, Activation("sigmoid")(total))
    model.compile(Adam(learning_rate=3e-3), "binary_crossentropy", metrics=["auc"])
    model.fit({name: x[:train] for name, x in data.items()}, liked[:train], batch_size=64, epochs=epochs, verbose=2)
    return auc(model.predict({name: x[train:] for name, x in data.items()})[:, 0])


wide, deep, both = trained(True, False), trained(False, True), trained(True, True)
print(f"AUC wide and deep {both:.3f} (wide {wide:.3f}, deep {deep:.3f}, best possible {auc(chance[train:]):.3f})")
