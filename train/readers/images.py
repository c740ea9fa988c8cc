"""Folders of images, a folder a class; Pillow, the extra `images`, reads them."""

import os
import warnings
from typing import NamedTuple

import numpy as np

from ...kernels import _check as check
from .files import damaged

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
_DEEP = ("I", "F")
_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}


class Images(NamedTuple):
    """What `read_images` found: x uint8 (N, H, W, C), y int64 (N,), the classes' names, and the files' paths."""

    x: np.ndarray
    y: np.ndarray
    classes: list
    paths: list


def read_images(folder, image_size=None, color_mode="rgb", interpolation="bilinear"):
    """The images of a folder that has a folder for each class: `Images` of x, y, classes and paths, sorted by name.

    image_size     (height, width) to which all are resized; None: they have one size already
    color_mode     "rgb", "rgba" or "grayscale": 3, 4 or 1 channels
    interpolation  "nearest", "bilinear" or "bicubic"

    Files that are no images by their endings are left out, and hidden ones. Raises ValueError, which names the file,
    for an image that is damaged or of another size, and for a class without images; ImportError without Pillow.
    """
    op = "read_images"
    check.choice(op, "color_mode", color_mode, tuple(_MODES))
    check.choice(op, "interpolation", interpolation, ("nearest", "bilinear", "bicubic"))
    if image_size is not None:
        image_size = tuple(image_size) if isinstance(image_size, list) else image_size
        check.sizes(op, "image_size", image_size, 2)
        for size in image_size:
            check.whole(op, "image_size", size, 1)
    image = _pillow(op)
    paths, y, classes = _files(op, folder)
    x = None
    for i, path in enumerate(paths):
        pixels = _read(op, path, image, image_size, _MODES[color_mode], interpolation)
        if x is None:
            x = np.empty((len(paths), *pixels.shape), np.uint8)
        if pixels.shape != x.shape[1:]:
            raise damaged(
                op, path, f"it is {pixels.shape[0]} x {pixels.shape[1]}, and {paths[0]} is {x.shape[1]} x "
                f"{x.shape[2]}; image_size=({x.shape[1]}, {x.shape[2]}) resizes all"
            )  # fmt: skip
        x[i] = pixels
    return Images(x, np.array(y, np.int64), classes, paths)


def _pillow(op):
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f"{op} needs Pillow: pip install 'tilewright[images]'") from None
    return Image


def _files(op, folder):
    folder = os.fspath(folder)
    classes = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    classes = [name for name in classes if os.path.isdir(os.path.join(folder, name))]
    if not classes:
        raise damaged(op, folder, "there is no folder in it, expected one for each class")
    paths, y = [], []
    for label, name in enumerate(classes):
        inside = os.path.join(folder, name)
        found = sorted(os.listdir(inside))
        found = [file for file in found if not file.startswith(".") and file.lower().endswith(ENDINGS)]
        if not found:
            raise damaged(op, inside, f"there is no image in it, by the endings {', '.join(ENDINGS)}")
        paths += [os.path.join(inside, file) for file in found]
        y += [label] * len(found)
    return paths, y, classes


def _read(op, path, image, size, mode, interpolation):
    if not os.path.getsize(path):
        raise damaged(op, path, "it is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", image.DecompressionBombWarning)
            with image.open(path) as opened:
                if opened.mode.startswith(_DEEP):  # Pillow would cut them to 255
                    raise ValueError(f"its pixels are of Pillow's mode {opened.mode}, expected 8 bits a channel")
                opened = opened.convert(mode)
                if size is not None:
                    opened = opened.resize((size[1], size[0]), image.Resampling[interpolation.upper()])
                pixels = np.asarray(opened, np.uint8)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly everything
        what = "it is no image that Pillow knows" if type(error).__name__ == "UnidentifiedImageError" else error
        raise damaged(op, path, what) from None
    return pixels[..., None] if pixels.ndim == 2 else pixels
