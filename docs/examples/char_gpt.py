"""A character-level GPT that learns to write Python from the standard library's own sources.

Four decoder blocks of four heads, width 128, context 128, as in nanoGPT's smallest example. Prints the loss in nats per
character on files that it never saw, and what it writes after "def ". `--quick` trains a model of a tenth for seconds.
"""

import argparse
import sysconfig
import time
from pathlib import Path

import numpy as np
import tilewright as tw
from tilewright.layers import Dense, LayerNormalization, TokenAndPositionEmbedding, TransformerDecoder
from tilewright.train import AdamW, SparseCategoricalCrossentropy

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="a small model, a few steps")
parser.add_argument("--steps", type=int, help="of training; 3000, or 60 if quick")
quick = (options := parser.parse_args()).quick
layers, heads, width, context, batch = (2, 2, 32, 32, 16) if quick else (4, 4, 128, 128, 32)
steps = options.steps or (60 if quick else 3000)

# The text: every tenth file is kept for validation. Characters that are not plain ASCII become "?".
files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[: 20 if quick else None]
text = [path.read_text("utf-8", "replace").encode("ascii", "replace") for path in files]
learned, unseen = (b"".join(t for i, t in enumerate(text) if (i % 10 == 0) is last) for last in (False, True))
letters = np.unique(np.frombuffer(learned + unseen, np.uint8))
number = np.zeros(256, np.int64)
number[letters] = np.arange(len(letters))


def samples(text, count, seed):
    """Passages (count, context), and the same moved by one character: what comes after each."""
    text = number[np.frombuffer(text, np.uint8)]
    starts = np.random.default_rng(seed).integers(0, len(text) - context, count)
    passages = text[starts[:, None] + np.arange(context + 1)]
    return np.ascontiguousarray(passages[:, :-1]), np.ascontiguousarray(passages[:, 1:])


tw.set_seed(0)
model = tw.Sequential([TokenAndPositionEmbedding(len(letters), context, width)])
for _ in range(layers):
    model.add(TransformerDecoder(4 * width, heads, activation="gelu", normalize_first=True))
model.add(LayerNormalization())
model.add(Dense(len(letters)))
model.compile(AdamW(learning_rate=1e-3), SparseCategoricalCrossentropy(from_logits=True))

x, y = samples(learned, steps * batch, seed=0)
started = time.perf_counter()
model.fit(x, y, batch_size=batch, verbose=2)
seconds = time.perf_counter() - started
loss = model.evaluate(*samples(unseen, 16 * batch, seed=1), batch_size=batch, verbose=0)
print(f"{model.count_params():,} weights, {steps} steps in {seconds:.1f} s ({1e3 * seconds / steps:.1f} ms a step)")
print(f"validation loss {loss:.3f} nats a character (knowing nothing: {np.log(len(letters)):.3f})")


def write(prompt, count, seed=0, temperature=0.8):
    """The prompt and `count` characters after it, each drawn from what the model says of the ones before."""
    rng, written = np.random.default_rng(seed), list(number[np.frombuffer(prompt.encode(), np.uint8)])
    for _ in range(count):
        with tw.no_grad():
            logits = model.eval()(np.array([written[-context:]])).numpy()[0, -1] / temperature
        written.append(int(np.argmax(logits + rng.gumbel(size=len(logits)))))
    return letters[written].tobytes().decode()


print(write("def ", 40 if quick else 400))
