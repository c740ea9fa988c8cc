"""CIFAR-10 and CIFAR-100 in their binary version: rows of labels and of an image's three planes.

    CIFAR-10: label (1 byte), red, green, blue (1024 bytes each, row by row)    CIFAR-100: the same after two labels

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009. The "Python version" of both is pickled:
to unpickle a file means to run what is in it, so that it is refused.
"""

import os

import numpy as np

from ...kernels import _check as check
from .files import damaged, read_whole

_SIZE = 32
_IMAGE = 3 * _SIZE * _SIZE
_TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]


def read_cifar10(path):
    """(x_train, y_train), (x_test, y_test) of a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin;
    or (x, y) of one such file.

    Images are uint8 (N, 32, 32, 3), labels int64 (N,), 0 to 9. Raises ValueError, which names the file, for one that
    is damaged, truncated or pickled; OSError for one that is missing.
    """
    if os.path.isdir(path):
        return _joined(path, _TRAIN, 10), _joined(path, ["test_batch.bin"], 10)
    return _read("read_cifar10", path, (10,), 0)


def read_cifar100(path, label_mode="fine"):
    """As `read_cifar10`, of a folder with train.bin and test.bin, or of one such file.

    label_mode  "fine": labels from 0 to 99, "coarse": their groups, 0 to 19
    """
    check.choice("read_cifar100", "label_mode", label_mode, ("fine", "coarse"))
    column = ("coarse", "fine").index(label_mode)
    if os.path.isdir(path):
        return tuple(
            _read("read_cifar100", os.path.join(path, name), (20, 100), column) for name in ("train.bin", "test.bin")
        )
    return _read("read_cifar100", path, (20, 100), column)


def _joined(folder, names, classes):
    parts = [_read("read_cifar10", os.path.join(folder, name), (classes,), 0) for name in names]
    return tuple(np.concatenate(column) for column in zip(*parts))


def _read(op, path, classes, column):
    data = read_whole(op, path)
    row = len(classes) + _IMAGE
    if data[0] == 0x80 and len(data) % row:
        raise damaged(op, path, "it is pickled, which this library never loads; take the binary version of the data")
    if len(data) % row:
        raise damaged(
            op, path, f"it has {len(data)} bytes, expected a multiple of {row}, the size of an image with its label; "
            f"it is truncated, or not the binary version"
        )  # fmt: skip
    rows = np.frombuffer(data, np.uint8).reshape(-1, row)
    for i, count in enumerate(classes):
        if (wrong := np.flatnonzero(rows[:, i] >= count)).size:
            raise damaged(
                op, path, f"image {wrong[0]} has the label {rows[wrong[0], i]}, expected 0 to {count - 1}; "
                f"it is damaged, or other data"
            )  # fmt: skip
    planes = rows[:, len(classes) :].reshape(-1, 3, _SIZE, _SIZE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), rows[:, column].astype(np.int64)
