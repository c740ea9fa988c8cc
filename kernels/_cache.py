"""What the caches of compiled kernels on disk, the CPU's and CUDA's, have in common: the folder and its files.

The folder's name is a hash of every source below `kernels/` and of `facts`, whatever else changes the machine code. A
file is one overload behind its checksum, written under another name and then renamed, so that processes that start
together on an empty cache never read half a file. Knows of no compiler.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

_KERNELS = Path(__file__).resolve().parent
_UNUSED_DAYS = 30
_DIGEST = hashlib.sha256().digest_size  # bytes at the head of a file: machine code with a flipped bit must not run


def make_folder(facts, prefix=""):
    """The folder for kernels of these sources and facts, or None, with a warning, where none can be made."""
    root = Path(os.environ.get("TILEWRIGHT_CACHE_DIR") or _user_cache() / "tilewright")
    folder = root / f"{prefix}{_fingerprint(facts)}"
    try:
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _forget_old(root)
        os.utime(folder)
    except OSError as error:
        warnings.warn(f"tilewright: compiled kernels are not kept, {folder}: {error}", stacklevel=3)
        return None
    return folder


def load(path, rebuild):
    """rebuild(bytes) of a file; None if there is none, or, with a warning, if it is damaged."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
            raise ValueError("its checksum is wrong")
        return rebuild(memoryview(data)[_DIGEST:])
    except FileNotFoundError:
        return None
    except Exception as error:
        warnings.warn(f"tilewright: {path} is damaged and is compiled anew ({error})", stacklevel=3)
        return None


def save(path, payload):
    """Write a file at once or, with a warning, not at all."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(payload).digest() + payload)
        os.replace(temporary, path)
    except OSError as error:
        warnings.warn(f"tilewright: compiled kernels are not kept, {path.parent}: {error}", stacklevel=3)


def _user_cache():
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _forget_old(root):
    for folder in root.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > _UNUSED_DAYS * 86400:
            shutil.rmtree(folder, ignore_errors=True)


def _fingerprint(facts):
    digest = hashlib.sha256()
    for path in sorted(_KERNELS.rglob("*.py")):
        digest.update(str(path.relative_to(_KERNELS)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(repr((sys.version_info[:3], facts)).encode())
    return digest.hexdigest()[:20]
