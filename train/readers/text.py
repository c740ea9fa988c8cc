"""Text as whole numbers: a small tokenizer of characters or words."""

import re
from collections import Counter

import numpy as np

from ...kernels import _check as check
from ..keywords import named_arguments
from .files import damaged, read_json, read_utf8, write_json

PADDING, UNKNOWN = 0, 1  # as in Keras
_WORD = re.compile(r"\w+|[^\w\s]")
_FORMAT = "tilewright Tokenizer"


def read_text(path, encoding="utf-8"):
    """The text of a file, without a byte order mark, every line ending as "\\n".

    Raises ValueError, which names the file, for one that is empty or of another encoding.
    """
    return read_utf8("read_text", path, encoding).replace("\r\n", "\n").replace("\r", "\n")


@named_arguments
class Tokenizer:
    """Texts to numbers and back: 0 is padding, 1 everything unknown, from 2 on the tokens, the frequent ones first.

    level           "word": runs of letters and digits, and every other sign by itself; or "char"
    max_tokens      as many numbers at most, padding and the unknown counted; None: a number for every token
    lower           whether the case of letters does not count
    padding, unknown  how `decode` writes 0 and 1

    >>> tokenizer = Tokenizer().fit(["the cat, the dog"])
    >>> tokenizer.encode("the bird, the dog")
    [2, 1, 3, 2, 5]
    >>> tokenizer.decode([2, 1, 3, 2, 5])
    'the [UNK] , the dog'
    """

    def __init__(self, level="word", max_tokens=None, lower=False, padding="", unknown="[UNK]"):
        check.choice("Tokenizer", "level", level, ("word", "char"))
        if max_tokens is not None:
            check.whole("Tokenizer", "max_tokens", max_tokens, 3)
        for name, text in (("padding", padding), ("unknown", unknown)):
            if not isinstance(text, str):
                raise TypeError(f"Tokenizer: {name} is {text!r}, expected text")
        self.level, self.max_tokens, self.lower = level, max_tokens, bool(lower)
        self.padding, self.unknown = padding, unknown
        self.tokens = None  # in the order of their numbers, from 2 on

    def fit(self, texts):
        """Learn the tokens of a text or of several; returns the tokenizer. Equally frequent ones by their spelling."""
        counts = Counter()
        for text in _texts(texts)[0]:
            counts.update(self._split(text))
        if not counts:
            raise ValueError("Tokenizer: there is no token in the texts")
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        self._take(ordered if self.max_tokens is None else ordered[: self.max_tokens - 2])
        return self

    def __len__(self):
        """How many numbers there are, padding and the unknown counted: an Embedding's input_dim."""
        return 2 + len(self._known())

    def encode(self, texts, length=None):
        """Numbers of a text, a list; of several texts, a list of lists.

        With a `length` they become an int64 array, (length,) or (N, length): longer ones are cut, shorter ones padded
        at their end.
        """
        texts, several = _texts(texts)
        self._known()
        numbers = [[self._numbers.get(token, UNKNOWN) for token in self._split(text)] for text in texts]
        if length is None:
            return numbers if several else numbers[0]
        check.whole("Tokenizer", "length", length, 1)
        rows = np.full((len(numbers), length), PADDING, np.int64)
        for row, found in zip(rows, numbers):
            found = found[:length]
            row[: len(found)] = found
        return rows if several else rows[0]

    def decode(self, numbers):
        """The text of numbers (T,), words with blanks between; padding at the end is left out. A list for (N, T)."""
        self._known()
        if len(numbers) and np.ndim(numbers[0]):
            return [self.decode(row) for row in numbers]
        numbers = [int(number) for number in numbers]
        while numbers and numbers[-1] == PADDING:
            numbers.pop()
        written = [self.padding, self.unknown, *self.tokens]
        for number in numbers:
            if not 0 <= number < len(written):
                raise ValueError(f"Tokenizer: there is the number {number}, expected 0 to {len(written) - 1}")
        words = [written[number] for number in numbers]
        return "".join(words) if self.level == "char" else " ".join(word for word in words if word)

    def save(self, path):
        """Write options and tokens as JSON, at once or not at all."""
        options = {name: getattr(self, name) for name in ("level", "max_tokens", "lower", "padding", "unknown")}
        write_json(path, {"format": _FORMAT, **options, "tokens": self._known()})

    @classmethod
    def load(cls, path):
        """The tokenizer that `save` wrote. ValueError names a file that is damaged."""
        op = "Tokenizer.load"
        document = read_json(op, path, _FORMAT)
        tokens = document.pop("tokens", None)
        del document["format"]
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise damaged(op, path, "it has no list of tokens")
        if len(set(tokens)) < len(tokens):
            raise damaged(op, path, "a token stands in it twice")
        try:
            tokenizer = cls(**document)
        except (TypeError, ValueError) as error:
            raise damaged(op, path, error) from None
        tokenizer._take(tokens)
        return tokenizer

    def _take(self, tokens):
        self.tokens = tokens
        self._numbers = {token: number for number, token in enumerate(tokens, 2)}

    def _known(self):
        if self.tokens is None:
            raise RuntimeError("Tokenizer: it knows no tokens yet; call fit(texts) first")
        return self.tokens

    def _split(self, text):
        text = text.lower() if self.lower else text
        return text if self.level == "char" else _WORD.findall(text)


def _texts(texts):
    """A list of texts, and whether there were several."""
    if isinstance(texts, str):
        return [texts], False
    texts = list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"Tokenizer: there is {text!r} among the texts, expected text")
    return texts, True
