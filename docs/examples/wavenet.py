"""Dilated causal convolutions with gates, as in WaveNet (van den Oord et al. 2016, arXiv:1609.03499), on made sound.

Each sound is three tones of random pitch and phase, in 32 loudnesses; the model says which comes next from the 64
before, by six layers whose filters look 1, 2, 4, ... 32 steps back. Printed is its loss in nats, beside that of the
best guess from the last loudness alone. `--quick` trains on few sounds.
"""

import argparse

import numpy as np
import tilewright as tw
from tilewright.layers import Activation, Add, Conv1D, Embedding, Multiply
from tilewright.train import Adam, SparseCategoricalCrossentropy

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few sounds")
quick = parser.parse_args().quick
count, epochs, width = (256, 6, 16) if quick else (2000, 12, 32)
levels, length = 32, 128

tw.set_seed(0)
rng = np.random.default_rng(0)


def sounds(count):
    """Loudnesses (count, length + 1), whole numbers below `levels`."""
    pitch, phase = rng.uniform(0.02, 0.2, (count, 3, 1)), rng.uniform(0, 1, (count, 3, 1))
    wave = np.sin(2 * np.pi * (pitch * np.arange(length + 1) + phase)).mean(1)
    return np.clip((wave + 1) / 2 * levels, 0, levels - 1).astype(np.int64)


sound = tw.Input(shape=(None,), name="sound", dtype="int64")
x, skipped = Embedding(levels, width)(sound), []
for dilation in (1, 2, 4, 8, 16, 32):
    value = Conv1D(width, 2, dilation_rate=dilation, padding="causal", activation="tanh")(x)
    gate = Conv1D(width, 2, dilation_rate=dilation, padding="causal", activation="sigmoid")(x)
    kept = Multiply()([value, gate])
    skipped.append(Conv1D(width, 1)(kept))
    x = Add()([x, Conv1D(width, 1)(kept)])
hidden = Conv1D(2 * width, 1, activation="relu")(Activation("relu")(Add()(skipped)))
model = tw.Model(sound, Conv1D(levels, 1)(hidden))
model.compile(Adam(learning_rate=3e-3), SparseCategoricalCrossentropy(from_logits=True))

learned, unseen = sounds(count), sounds(200)
model.fit(learned[:, :-1], learned[:, 1:], batch_size=16, epochs=epochs, verbose=2)

later = unseen[:1].copy()
later[0, 100:] = 0
with tw.no_grad():
    same = [model(one[:, :100]).numpy() for one in (unseen[:1], later)]
assert np.array_equal(*same), "what comes later changes what is said before"
loss = model.evaluate(unseen[:, :-1], unseen[:, 1:], verbose=0)
pairs = np.full((levels, levels), 0.1)
np.add.at(pairs, (learned[:, :-1], learned[:, 1:]), 1)
simple = -np.log(pairs / pairs.sum(1, keepdims=True))[unseen[:, :-1], unseen[:, 1:]].mean()
print(f"{model.count_params():,} weights")
print(f"loss {loss:.3f} nats a step (from the last loudness alone: {simple:.3f})")
