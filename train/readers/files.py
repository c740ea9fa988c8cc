"""What all readers share: errors that name the file, and small documents in JSON."""

import contextlib
import json
import os
import secrets

from ..archive import missing_file

LARGEST_DOCUMENT = 1 << 28  # bytes of JSON: a vocabulary of millions of words


def damaged(op, path, what):
    """The error for a file that is not what it should be."""
    return ValueError(f"{op}: {os.fspath(path)} cannot be read: {what}")


def opened(op, path):
    """A file opened for reading. Raises OSError; where it is not there, with the name of one that may be meant."""
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise missing_file(op, path) from None


def read_whole(op, path):
    """All bytes of a file. Raises OSError if it cannot be opened, ValueError if there is nothing in it."""
    with opened(op, path) as file:
        data = file.read()
    if not data:
        raise damaged(op, path, "it is empty")
    return data


def read_utf8(op, path, encoding="utf-8"):
    """The text of a file; a byte order mark at its start is left out. ValueError names the first byte that is none."""
    data = read_whole(op, path)
    try:
        return data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise damaged(
            op, path, f"byte {error.start}, in line {line}, is not {encoding} ({error.reason}); is it another encoding?"
        ) from None
    except LookupError:
        raise ValueError(f"{op}: encoding is {encoding!r}, which Python does not know") from None


def write_json(path, document):
    """Write a document at once or not at all: under another name first, then renamed."""
    path = os.path.realpath(os.fspath(path))
    temporary = f"{path}.{secrets.token_hex(8)}.tmp"
    try:
        with open(temporary, "x", encoding="ascii") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def read_json(op, path, kind):
    """The document of `write_json` whose "format" is `kind`; ValueError, which names the file, for anything else."""
    data = read_whole(op, path)
    if len(data) > LARGEST_DOCUMENT:
        raise damaged(op, path, f"it has {len(data)} bytes, too many for a {kind}")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(op, path, f"it is no JSON ({error})") from None
    if not isinstance(document, dict) or document.get("format") != kind:
        raise damaged(op, path, f"its format is not {kind!r}")
    return document
