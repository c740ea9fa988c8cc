"""Readers of files. None of them downloads anything, and none runs what is in a file.

A file that is damaged, truncated or empty is a ValueError that names it and says what is wrong.
"""

from .cifar import read_cifar10, read_cifar100
from .idx import read_idx, write_idx
from .images import read_images
from .table import Table, read_csv
from .text import Tokenizer, read_text

__all__ = [
    "Table",
    "Tokenizer",
    "read_cifar10",
    "read_cifar100",
    "read_csv",
    "read_idx",
    "read_images",
    "read_text",
    "write_idx",
]
