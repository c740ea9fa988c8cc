"""A masked encoder in the manner of BERT (Devlin et al. 2019, arXiv:1810.04805) on Python's own sources.

The words are Python's tokens, from the standard library's files. A seventh of them is hidden, and two encoder blocks
say which they were from what stands on both sides; the other words count nothing in the loss. Files of validation are
never seen. `--quick` trains a small model for few steps.
"""

import argparse
import io
import sysconfig
import tokenize
from pathlib import Path

import numpy as np
import tilewright as tw
from tilewright.layers import Dense, Embedding, LayerNormalization, TransformerEncoder
from tilewright.train import AdamW, SparseCategoricalCrossentropy, Tokenizer

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--quick", action="store_true", help="few files, a small model")
quick = parser.parse_args().quick
count, width, context, words, epochs = (30, 32, 32, 200, 4) if quick else (160, 96, 64, 1000, 8)
NOT_HIDDEN = -1

tw.set_seed(0)
rng = np.random.default_rng(0)


def tokens(path):
    """The words of a file, one blank between them; names, operators and keywords as they are."""
    source = io.StringIO(path.read_text("utf-8", "replace"))
    kept = (tokenize.NAME, tokenize.OP)
    return " ".join(token.string for token in tokenize.generate_tokens(source.readline) if token.type in kept)


files = [tokens(path) for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:count]]
tokenizer = Tokenizer(level="word", max_tokens=words).fit(files)
HIDDEN = len(tokenizer)  # a number of its own, after all words


def samples(files):
    """Passages with hidden words (N, context), and labels of the same shape: the words that are hidden."""
    ids = np.concatenate([np.array(tokenizer.encode(text)) for text in files])
    ids = ids[: len(ids) // context * context].reshape(-1, context)
    hidden = rng.random(ids.shape) < 0.15
    return np.where(hidden, HIDDEN, ids), np.where(hidden, ids, NOT_HIDDEN)


(x, y), (x_test, y_test) = samples([f for i, f in enumerate(files) if i % 8]), samples(files[::8])
model = tw.Sequential(
    [
        Embedding(HIDDEN + 1, width, input_shape=(context,)),
        TransformerEncoder(4 * width, 4, activation="gelu", normalize_first=True, rotary=True),
        TransformerEncoder(4 * width, 4, activation="gelu", normalize_first=True, rotary=True),
        LayerNormalization(),
        Dense(HIDDEN),
    ]
)
loss = SparseCategoricalCrossentropy(from_logits=True, ignore_class=NOT_HIDDEN)
model.compile(AdamW(learning_rate=2e-3), loss, metrics=["accuracy"])
model.fit(x, y, batch_size=16, epochs=epochs, validation_data=(x_test, y_test), verbose=2)
accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
asked = y_test[y_test != NOT_HIDDEN]
usual = np.mean(asked == np.bincount(y[y != NOT_HIDDEN]).argmax())
print(f"{model.count_params():,} weights, {x.size:,} words to learn from")
print(f"{accuracy:.3f} of hidden words right (the most frequent one always: {usual:.3f})")
