"""The history in a text file."""

import csv
import os

from .base import Callback


class CSVLogger(Callback):
    """Write a row an epoch into a CSV file: epoch, counted from 0, and all values of the history.

    filename   the file; rows are on disk when the epoch ends
    separator  one character between values
    append     go on with a file that is there, whose columns are kept, instead of beginning anew

    A training that goes on from a backup goes on with the rows as they were then.
    """

    def __init__(self, filename, separator=",", append=False):
        self.filename = os.fspath(filename)
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"CSVLogger: separator is {separator!r}, expected one character")
        self.separator, self.append = separator, append

    def on_train_begin(self, logs=None):
        self._size, self._file, self._columns = None, None, None

    def on_epoch_end(self, epoch, logs=None):
        if self._file is None:
            self._open(logs)
        row = {"epoch": epoch, **logs}
        csv.writer(self._file, delimiter=self.separator).writerow([row.get(name, "NA") for name in self._columns])
        self._file.flush()
        self._size = self._file.tell()

    def close(self):
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, logs):
        """Open the file where the rows go on; an empty one gets its header."""
        keep = self.append or self._size is not None
        there = keep and os.path.exists(self.filename)
        self._file = open(self.filename, "r+" if there else "w", newline="", encoding="utf-8")
        if there:
            first = next(csv.reader(self._file, delimiter=self.separator), None)
            self._columns = first
            self._file.seek(0, os.SEEK_END)
            if self._size is not None and self._size < self._file.tell():
                self._file.truncate(self._size)  # rows that were written after the backup come again
                self._file.seek(0, os.SEEK_END)
        if not self._columns:
            self._columns = ["epoch", *dict.fromkeys((*self.keys, *logs))]  # not every epoch is validated
            csv.writer(self._file, delimiter=self.separator).writerow(self._columns)

    def state(self):
        return {"size": self._size}

    def load_state(self, state):
        self._size = state["size"]
