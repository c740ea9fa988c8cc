"""A masked encoder in the manner of BERT (Devlin et al. 2019, arXiv:1810.04805) on the standard library's own sources.

A sixth of the characters of a passage is hidden; encoders that see both sides guess them, with rotary positions instead
of learned ones. Prints how many they guess on files that they never saw, beside always guessing the most frequent
character, and a passage with its guesses. `--quick` trains a small model for seconds.
"""

import argparse
import sysconfig
from pathlib import Path

import numpy as np
import tilewright as tw
from tilewright.layers import Dense, Embedding, LayerNormalization, TransformerEncoder
from tilewright.train import AdamW, SparseCategoricalCrossentropy

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="a small model, a few steps")
parser.add_argument("--steps", type=int, help="of training; 2000, or 150 if quick")
quick = (options := parser.parse_args()).quick
layers, heads, width, length, batch = (1, 2, 32, 32, 32) if quick else (4, 4, 128, 64, 32)
steps = options.steps or (150 if quick else 2000)
HIDDEN, SEEN = 0, -1  # the number of a hidden character; the target where nothing is to be guessed

# Every tenth file is kept for validation. Characters that are not plain ASCII become "?"; 0 is none of them.
files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[: 20 if quick else None]
text = [np.frombuffer(path.read_text("utf-8", "replace").encode("ascii", "replace"), np.uint8) for path in files]
learned, unseen = (np.concatenate([t for i, t in enumerate(text) if (i % 10 == 0) is last]) for last in (False, True))


def samples(text, count, seed):
    """Passages (count, length) with hidden characters, and what those are."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, len(text) - length, count)
    passages = text[starts[:, None] + np.arange(length)].astype(np.int64)
    hidden = rng.random(passages.shape) < 1 / 6
    return np.where(hidden, HIDDEN, passages), np.where(hidden, passages, SEEN)


tw.set_seed(0)
model = tw.Sequential([Embedding(128, width)])
for _ in range(layers):
    model.add(TransformerEncoder(4 * width, heads, activation="gelu", normalize_first=True, rotary=True))
model.add(LayerNormalization())
model.add(Dense(128))
model.compile(AdamW(learning_rate=3e-3 if quick else 1e-3), SparseCategoricalCrossentropy(True, ignore_class=SEEN))
model.fit(*samples(learned, steps * batch, seed=0), batch_size=batch, verbose=2)

x, y = samples(unseen, 512, seed=1)
guesses = model.predict(x).argmax(-1)
asked = y != SEEN
frequent = np.bincount(learned).argmax()
print(f"{model.count_params():,} weights; guessed {np.mean(guesses[asked] == y[asked]):.3f} of the hidden characters")
print(f"always guessing {chr(frequent)!r}: {np.mean(y[asked] == frequent):.3f}")
for line in (np.where(asked, ord("_"), x)[0], np.where(asked, guesses, x)[0]):
    print(repr(line.astype(np.uint8).tobytes().decode()))
