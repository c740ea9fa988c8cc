"""The file of a saved model: a zip, nothing compressed, of `model.json` and an .npy for every weight.

Arrays that are no weights, such as what an optimizer keeps, are under `training/`. No pickle goes in or comes out.
Nothing in a file is believed: names, sizes, shapes and dtypes must be what the reader asks for, every byte is covered
by the zip's checksums, and nothing is allocated beyond the file's own size. A file is written under another name in the
same folder, flushed to disk, then renamed: whoever reads finds the old one or the new one, whole. `np.load(path)` reads
the weights without this library.
"""

import contextlib
import errno
import io
import itertools
import json
import os
import secrets
import zipfile
from math import prod

import numpy as np

from ..kernels._names import nearest

FORMAT = "tilewright 1"
TRAINING = "training/"  # what begins so is no weight
_LISTED = 1000  # files of a folder that are looked through for a name that may be meant
_DOCUMENT = "model.json"
_NPY = ".npy"
_BEGIN = b"PK\3\4"  # of a zip
_SAME_DATE = (1980, 1, 1, 0, 0, 0)  # equal models make equal files


def write(path, document, arrays):
    """Write a document (of JSON's types) and {name: array} into the file, at once or not at all."""
    with atomically(path) as file:
        put(file, document, arrays)


def put(file, document, arrays):
    """The same into an open file, which may be cut off where an error comes in between."""
    text = json.dumps({"format": FORMAT, **document}, default=_plain)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_DOCUMENT, _SAME_DATE), text)
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(_entry(name), _SAME_DATE), "w", force_zip64=True) as entry:
                little = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
                np.lib.format.write_array(entry, little, version=(1, 0), allow_pickle=False)


class Misfit(ValueError):
    """What is in the file is sound, but is not what the model has."""


class Archive:
    """A file opened for reading, as a context; whatever is wrong with it becomes a ValueError that names it."""

    what = "a saved model"
    largest_document = 1 << 24

    def __init__(self, path, op):
        self._path, self._op = os.fspath(path), op
        self._asked = {_DOCUMENT}

    def __enter__(self):
        try:
            self._file = open(self._path, "rb")
        except FileNotFoundError:
            raise missing_file(self._op, self._path, "; model.save(path) writes one") from None
        except IsADirectoryError:
            raise IsADirectoryError(f"{self._op}: {self._path} is a folder, expected a file of model.save") from None
        try:
            self._zip = _opened(self._file)
            self._check_entries()
            self.document = self._read_document()
        except Exception as error:
            self._file.close()
            self._explain(error)
        return self

    def __exit__(self, kind, error, trace):
        self._file.close()
        if isinstance(error, Exception):
            self._explain(error)

    def array(self, name, shape, dtype):
        """The weight `name`, which must have this shape and dtype."""
        entry = _entry(name)
        self._asked.add(entry)
        if entry not in self._sizes:
            raise Misfit(f"it has no weight {name}")
        stream = io.BytesIO(self._zip.read(entry))  # reading to the end checks the checksum
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError(f"{name} is in another version of the .npy format")
        found_shape, fortran, found_dtype = np.lib.format.read_array_header_1_0(stream)
        little = np.dtype(dtype).newbyteorder("<")
        if found_shape != tuple(shape) or found_dtype != little or fortran:
            raise Misfit(
                f"{name} is {found_dtype} of shape {found_shape}, expected {np.dtype(dtype)} of shape "
                f"{tuple(shape)}, as the model's structure says"
            )
        data = stream.getbuffer()[stream.tell() :]
        if len(data) != prod(shape) * little.itemsize:
            raise ValueError(f"{name} has {len(data)} bytes, expected {prod(shape) * little.itemsize}")
        return np.frombuffer(data, little).reshape(shape).astype(dtype)

    @property
    def names(self):
        """The names of all weights, in order."""
        entries = (name for name in self._sizes if name.endswith(_NPY) and not name.startswith(TRAINING))
        return [name.removesuffix(_NPY) for name in entries]

    def asked(self, name):
        """Whether the weight `name` was asked for."""
        return _entry(name) in self._asked

    def leave_training(self):
        """What is no weight is not wanted."""
        self._asked.update(name for name in self._sizes if name.startswith(TRAINING))

    def unasked(self):
        """What is in the file and was not asked for, sorted."""
        return sorted(name.removesuffix(_NPY) for name in set(self._sizes) - self._asked)

    def expect_no_more(self):
        """Nothing is in the file that was not asked for."""
        if unknown := self.unasked():
            raise Misfit(f"it holds {', '.join(unknown)}, which no layer of the model has")

    def _check_entries(self):
        entries = self._zip.infolist()
        self._sizes = {entry.filename: entry.file_size for entry in entries}
        if len(self._sizes) != len(entries):
            raise ValueError("two of its entries have one name")
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
            raise ValueError("an entry is compressed or encrypted, which this library never does")
        if sum(self._sizes.values()) > os.fstat(self._file.fileno()).st_size:
            raise ValueError("its entries are larger than the file")

    def _read_document(self):
        if self._sizes.get(_DOCUMENT, self.largest_document) >= self.largest_document:
            raise ValueError(f"it has no {_DOCUMENT}, or a huge one")
        document = json.loads(self._zip.read(_DOCUMENT))
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        return document

    def _explain(self, error):
        if isinstance(error, Misfit) and self._op == "load_weights":
            raise ValueError(f"{self._op}: the weights in {self._path} do not fit the model: {error}") from error
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise ValueError(f"{self._op}: {self._path} cannot be read as {self.what}: {reason}") from error


def _opened(file):
    """The zip of a file; its table of contents is at the end."""
    begins = file.read(4)
    if not zipfile.is_zipfile(file):
        what = "it is cut off" if begins == _BEGIN else "it is empty" if not begins else "it is no such file"
        raise ValueError(f"{what}, or was damaged; the size is {os.fstat(file.fileno()).st_size} bytes")
    return zipfile.ZipFile(file)


def _entry(name):
    return name + _NPY


def _plain(value):
    """JSON for NumPy's numbers, which a size may be."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"save: {value!r} cannot be written into a file")


def missing_file(op, path, remedy=""):
    """The error of a file that is not there, with the name of one that may be meant."""
    folder, name = os.path.split(os.path.abspath(path))
    try:
        with os.scandir(folder) as entries:
            hint = nearest(name, [entry.name for entry in itertools.islice(entries, _LISTED) if entry.is_file()])
    except OSError:
        hint = ", because the folder is not there either"
    return FileNotFoundError(f"{op}: there is no file {name} in {folder}{hint or remedy}")


@contextlib.contextmanager
def atomically(path, scratch=None, before=None):
    """A file to write; it takes the place of `path` when all is on disk, or nothing is left of it.

    scratch  its name until then, where nobody else writes the same file; else one that nobody has
    before   the name that the file which was there gets, in one step too
    """
    given, path = os.fspath(path), os.path.realpath(os.fspath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), given)
    folder, name = os.path.split(path)
    temporary = scratch or os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "wb" if scratch else "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if before:
            _keep(path, before)
        os.replace(temporary, path)
    except BaseException as error:
        remove(temporary, *([f"{before}.new"] if before else []))
        if isinstance(error, OSError) and error.filename == temporary:  # which says nothing to who gave another name
            no_folder = f"there is no folder {os.path.dirname(given)!r}; os.makedirs makes one"
            raise OSError(error.errno, error.strerror if os.path.isdir(folder) else no_folder, given) from None
        raise
    _flush_folder(folder)


def remove(*paths):
    """Remove files, those that are there."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _keep(path, before):
    """Give what is at `path` the name `before` too, in one step; nothing if there is nothing."""
    link = f"{before}.new"
    remove(link)
    try:
        os.link(path, link)
    except FileNotFoundError:
        return
    except OSError:  # a file system without links: for a moment there is only the one before
        os.replace(path, before)
        return
    os.replace(link, before)


def _flush_folder(folder):
    """The new name is on disk too, where the system can say so."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
