"""Sequence to sequence by two GRUs (Cho et al. 2014, arXiv:1406.1078): dates in words become dates in numbers.

"september 7, 1987" -> "1987-09-07", a character at a time. The encoder's last state is the decoder's first; in
training the decoder sees the right character before each one (teacher forcing), afterwards its own.
`--quick` trains a smaller model on few dates.
"""

import argparse
import datetime

import numpy as np
import tilewright as tw
from tilewright.layers import GRU, Dense, Embedding
from tilewright.train import Adam, SparseCategoricalCrossentropy, Tokenizer

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few dates, a small model")
quick = parser.parse_args().quick
count, units, epochs = (3000, 48, 30) if quick else (10_000, 96, 45)

tw.set_seed(0)
rng = np.random.default_rng(0)
days = [datetime.date(1900, 1, 1) + datetime.timedelta(int(d)) for d in rng.choice(43800, count + 500, replace=False)]
words = [f"{day:%B} {day.day}, {day.year}".lower() for day in days]
numbers = [day.isoformat() for day in days]
reader = Tokenizer(level="char").fit(words)
writer = Tokenizer(level="char").fit(["^", *numbers])  # "^" begins every date
x, y = reader.encode(words, length=18), writer.encode(numbers, length=10)
shifted = np.concatenate([np.full((len(y), 1), writer.encode("^")[0]), y[:, :-1]], axis=1)

read = tw.Input(shape=(18,), name="read", dtype="int64")
before = tw.Input(shape=(None,), name="before", dtype="int64")
_, state = GRU(units, return_state=True)(Embedding(len(reader), 16, mask_zero=True)(read))
steps = GRU(units, return_sequences=True)(Embedding(len(writer), 16)(before), initial_state=state)
model = tw.Model([read, before], Dense(len(writer))(steps))
model.compile(
    Adam(learning_rate=1e-2 if quick else 5e-3), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
model.summary()
model.fit([x[:count], shifted[:count]], y[:count], batch_size=64, epochs=epochs, verbose=2)


def translate(x):
    """The most likely character after those so far, ten times."""
    written = np.full((len(x), 1), writer.encode("^")[0])
    for _ in range(10):
        following = model.predict([x, written])[:, -1].argmax(-1)
        written = np.concatenate([written, following[:, None]], axis=1)
    return written[:, 1:]


answers = translate(x[count:])
for question, answer in list(zip(words[count:], answers))[:5]:
    print(f"{question:>18} -> {''.join(writer.decode(answer).split())}")
same = answers == y[count:]
print(f"{same.mean():.3f} of characters right, {same.all(1).mean():.3f} of whole dates")
