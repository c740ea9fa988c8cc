"""Readers: what was written comes back, and damaged files are named. No file is fetched: every test makes its own."""

import gzip
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import tilewright as tw
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from tilewright.train import (
    Tokenizer,
    read_cifar10,
    read_cifar100,
    read_csv,
    read_idx,
    read_images,
    read_text,
    write_idx,
)

rng = np.random.default_rng(0)
PROPERTY = settings(max_examples=60, deadline=None)
IDX_DTYPES = st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"])


@given(
    IDX_DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))), st.booleans()
)
@PROPERTY
def test_idx_comes_back(tmp_path_factory, x, compressed):
    path = tmp_path_factory.mktemp("idx") / ("x.gz" if compressed else "x")
    write_idx(path, x)
    again = read_idx(path)
    assert again.dtype == x.dtype and again.dtype.isnative and again.flags.writeable
    np.testing.assert_array_equal(again, x)
    assert path.read_bytes().startswith(b"\x1f\x8b") is compressed


def test_idx_is_the_format_of_mnist(tmp_path):
    (tmp_path / "labels").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9]))
    assert read_idx(tmp_path / "labels").tolist() == [7, 0, 9]
    (tmp_path / "shorts").write_bytes(bytes([0, 0, 11, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 255, 255]))
    assert read_idx(tmp_path / "shorts").tolist() == [[256, -1]]


def cifar(labels, images):
    """Rows of the binary version."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.hstack([np.reshape(labels, (len(images), -1)), planes]).astype(np.uint8).tobytes()


def test_cifar_comes_back(tmp_path):
    x, y = rng.integers(0, 256, (12, 32, 32, 3)).astype(np.uint8), rng.integers(0, 10, 12)
    for i in range(6):
        name = f"data_batch_{i + 1}.bin" if i < 5 else "test_batch.bin"
        (tmp_path / name).write_bytes(cifar(y[2 * i : 2 * i + 2], x[2 * i : 2 * i + 2]))
    (x_train, y_train), (x_test, y_test) = read_cifar10(tmp_path)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), x)
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), y)
    np.testing.assert_array_equal(read_cifar10(tmp_path / "test_batch.bin")[0], x[10:])
    both = np.stack([y, 99 - y], 1)
    for name in ("train.bin", "test.bin"):
        (tmp_path / name).write_bytes(cifar(both, x))
    (fine, y_fine), _ = read_cifar100(tmp_path)
    np.testing.assert_array_equal(fine, x)
    np.testing.assert_array_equal(y_fine, 99 - y)
    np.testing.assert_array_equal(read_cifar100(tmp_path / "test.bin", "coarse")[1], y)


FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(st.lists(st.tuples(FLOATS, FLOATS, st.sampled_from(["a, b", 'c"d', "é\nf"])), min_size=1, max_size=8))
@PROPERTY
def test_csv_comes_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    quoted = [f'{a!r},"{word.replace(chr(34), 2 * chr(34))}", {b!r}\n' for a, b, word in rows]
    path.write_text("one,word,two\n" + "\n".join(quoted), "utf-8", newline="")
    table = read_csv(path, label="word", dtype=np.float64)
    np.testing.assert_array_equal(table.x, [row[:2] for row in rows])
    assert [table.classes[label] for label in table.y] == [row[2] for row in rows]
    assert table.columns == ["one", "two"]


def test_csv_labels_of_numbers_and_no_header(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("\ufeff1;2;7\r\n3;4;8\r\n".encode())
    table = read_csv(path, label=-1, header=False, delimiter=";")
    assert table.x.tolist() == [[1, 2], [3, 4]] and table.x.dtype == np.float32
    assert table.y.tolist() == [7, 8] and table.y.dtype == np.int64 and table.classes is None
    assert table.columns == ["0", "1"]
    assert read_csv(path, header=False, delimiter=";").y is None
    path.write_text("a,b\n1,0.5\n2,1e3\n")
    assert read_csv(path, "b").y.tolist() == [0.5, 1000.0]


def test_csv_missing_values(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b,kind\n1,2,x\n3,NA,y\n5,,x\n7,8,\n")
    with pytest.raises(ValueError, match=r"x\.csv cannot be read: line 3, column 'b' has no value; missing=\"drop\""):
        read_csv(path, "kind")
    assert read_csv(path, "kind", missing="drop").x.tolist() == [[1, 2]]
    with pytest.raises(ValueError, match="line 5, column 'kind' has no label"):
        read_csv(path, "kind", missing=0)
    path.write_text("a,b,kind\n1,2,x\n3,NA,y\n5,,x\n")
    assert read_csv(path, "kind", missing=-1).x.tolist() == [[1, 2], [3, -1], [5, -1]]
    assert np.isnan(read_csv(path, "kind", missing=math.nan).x[1:, 1]).all()


def folder_of_images(folder, size=(4, 5)):
    made = {}
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(2):
            pixels = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
            made[f"{name}{i}"] = pixels
    (folder / "notes.txt").write_text("no folder")
    (folder / "cat" / ".hidden.png").write_text("no image")
    return np.array(list(made.values()))


def test_images_come_back(tmp_path):
    x = folder_of_images(tmp_path)
    found = read_images(tmp_path)
    np.testing.assert_array_equal(found.x, x)
    assert found.y.tolist() == [0, 0, 1, 1] and found.classes == ["cat", "dog"]
    assert [path[-9:] for path in found.paths] == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]
    gray = read_images(tmp_path, color_mode="grayscale").x
    assert gray.shape == (4, 4, 5, 1) and np.abs(gray[..., 0] - x @ [0.299, 0.587, 0.114]).max() <= 1
    Image.fromarray(x[0][:2]).save(tmp_path / "dog" / "2.png")
    with pytest.raises(ValueError, match=r"dog/2\.png cannot be read: it is 2 x 5, and .* image_size=\(4, 5\) resizes"):
        read_images(tmp_path)
    resized = read_images(tmp_path, image_size=(4, 5)).x
    assert resized.shape == (5, 4, 5, 3)
    np.testing.assert_array_equal(resized[:4], x)


def test_images_of_more_than_eight_bits_are_named(tmp_path):
    (tmp_path / "cat").mkdir()
    Image.fromarray(np.full((2, 2), 40000, np.uint16)).save(tmp_path / "cat" / "deep.png")
    with pytest.raises(
        ValueError, match=r"deep\.png cannot be read: its pixels are of Pillow's mode I.*expected 8 bits"
    ):
        read_images(tmp_path)


def test_readers_are_imported_when_they_are_asked_for():
    code = "import sys, tilewright as tw; tw.train.write_idx; print('tilewright.train.readers.idx' in sys.modules)"
    late = code.replace("tw.train.write_idx", "assert 'write_idx' in dir(tw.train)")
    for asked, said in ((code, "True"), (late, "False")):
        done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=120)
        assert done.stdout.strip() == said
    assert tw.train.readers.read_idx is read_idx


def test_images_need_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"read_images needs Pillow: pip install 'tilewright\[images\]'"):
        read_images(tmp_path)


@given(st.text(min_size=1, max_size=40), st.booleans())
@PROPERTY
def test_characters_come_back(tmp_path_factory, text, lower):
    tokenizer = Tokenizer("char", lower=lower).fit(text)
    assert tokenizer.decode(tokenizer.encode(text)) == (text.lower() if lower else text)
    path = tmp_path_factory.mktemp("tokens") / "tokens.json"
    tokenizer.save(path)
    again = Tokenizer.load(path)
    assert vars(again) == vars(tokenizer)


def test_words_by_frequency_then_spelling(tmp_path):
    tokenizer = Tokenizer(max_tokens=5, lower=True).fit(["B a b, c", "a b d"])
    assert tokenizer.tokens == ["b", "a", ","] and len(tokenizer) == 5
    assert tokenizer.encode(["A d", "b"]) == [[3, 1], [2]]
    assert tokenizer.encode(["A d b", "b"], length=2).tolist() == [[3, 1], [2, 0]]
    assert tokenizer.encode("b", length=2).tolist() == [2, 0]
    assert tokenizer.decode([[3, 0, 2, 0], [1, 1]]) == ["a b", "[UNK] [UNK]"]
    assert Tokenizer(padding="_", unknown="?").fit("a").decode([2, 0, 1, 0]) == "a _ ?"


def test_text(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes("\ufeffeins\r\nzwei\rdrei\n".encode())
    assert read_text(path) == "eins\nzwei\ndrei\n"
    path.write_bytes("für\nTür".encode("latin-1"))
    assert read_text(path, "latin-1") == "für\nTür"
    with pytest.raises(ValueError, match=r"x\.txt cannot be read: byte 1, in line 1, is not utf-8"):
        read_text(path)


def written(folder):
    """{reader: (a file that it can read, what a truncated one may do)}."""
    write_idx(folder / "plain", rng.random((3, 2)).astype(np.float32))
    write_idx(folder / "small.gz", rng.random((3, 2)))
    (folder / "batch.bin").write_bytes(cifar([1, 2], rng.integers(0, 256, (2, 32, 32, 3))))
    (folder / "x.csv").write_text('a,"b ""1""",c\n1,2,x\n3,4,y\n')
    Image.fromarray(rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)).save(folder / "image.png")
    (folder / "x.txt").write_text("für alle", "utf-8")
    Tokenizer().fit("a b c a").save(folder / "tokens.json")

    def read_image(path):
        inside = folder / "images" / "cat"
        inside.mkdir(parents=True, exist_ok=True)
        (inside / "damaged.png").write_bytes(path.read_bytes())
        return read_images(folder / "images")

    return {
        read_idx: folder / "plain",
        (lambda path: read_idx(path)): folder / "small.gz",
        read_cifar10: folder / "batch.bin",
        (lambda path: read_csv(path, "c")): folder / "x.csv",
        read_image: folder / "image.png",
        read_text: folder / "x.txt",
        Tokenizer.load: folder / "tokens.json",
    }


CUT_SHORT = {"x.csv", "x.txt"}  # text may end anywhere, and still be text


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return written(tmp_path_factory.mktemp("files"))


@pytest.mark.parametrize("which", range(7))
def test_truncated_files_are_named(files, which, tmp_path):
    read, path = list(files.items())[which]
    whole = path.read_bytes()
    read(path)
    short = tmp_path / "damaged.png"
    for size in sorted({*range(min(len(whole), 120)), *range(0, len(whole), 97), len(whole) - 1}):
        short.write_bytes(whole[:size])
        if path.name in CUT_SHORT and size:
            try:
                read(short)
            except ValueError as error:
                assert "damaged.png cannot be read: " in str(error)
        elif path.name != "image.png" or size < len(whole) - 16:  # Pillow needs no end mark
            with pytest.raises(ValueError, match=r"damaged\.png cannot be read: \w+"):
                read(short)


@given(which=st.integers(0, 6), noise=st.binary(min_size=1, max_size=6), place=st.integers(0, 200), more=st.booleans())
@settings(max_examples=300, deadline=None)
def test_damaged_files_are_named_or_read(files, tmp_path_factory, which, noise, place, more):
    """Nothing else than ValueError comes out of any reader, and no memory is taken for what is not in the file."""
    read, path = list(files.items())[which]
    whole = path.read_bytes()
    damaged = tmp_path_factory.getbasetemp() / "damaged.png"
    damaged.write_bytes(whole[:place] + noise + whole[place + (0 if more else len(noise)) :])
    try:
        read(damaged)
    except ValueError as error:
        assert "damaged.png cannot be read: " in str(error)


@pytest.mark.parametrize(
    "content, read, message",
    (
        (b"", read_idx, "the four bytes in front are missing"),
        (b"\0\0\x08", read_idx, "it ends after 3 of the 4 bytes of the four bytes in front"),
        (b"GIF89a", read_idx, "it begins with the bytes 71, 73, 70, expected 0, 0 and a type"),
        (b"\0\0\x08\x01\xff\xff\xff\xff1", read_idx, r"it ends after 1 of the 4294967295 bytes of uint8 of shape"),
        (b"\0\0\x08\x01\0\0\0\x0112", read_idx, r"there is more in it than uint8 of shape \(1,\)"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x011")[:-5], read_idx, "its compressed data is damaged"),
        (b"", read_cifar10, "it is empty"),
        (b"1" * 100, read_cifar10, "it has 100 bytes, expected a multiple of 3073"),
        (pickle.dumps({"data": [1, 2]}), read_cifar10, "it is pickled, .* take the binary version"),
        (b"\x0a" * 3073, read_cifar10, "image 0 has the label 10, expected 0 to 9"),
        (b"\x14" * 3074, read_cifar100, "image 0 has the label 20, expected 0 to 19"),
        (b"", read_csv, "it is empty"),
        (b"\n\n", read_csv, "there is no line in it that is not blank"),
        (b"a,b\n", read_csv, "there is a header and nothing below it"),
        (b"a,a\n1,2\n", read_csv, "two columns are named 'a'; is there a header"),
        (b"a,b\n1,2\n\n1,2,3\n", read_csv, "line 4 has 3 values, expected 2"),
        (b'a,b\n1,2\n"1,2\n3', read_csv, "line 3 is no line of a table"),
        (b"a,b\n1,two\n", read_csv, "line 2, column 'b' holds 'two', expected a finite number"),
        (b"a,b\n1,1e999\n", read_csv, "line 2, column 'b' holds '1e999', expected a finite number"),
        (b"a,b\n1,1_0\n", read_csv, "line 2, column 'b' holds '1_0', expected a finite number"),
        (b"a,b\n1,\xff\n", read_csv, "byte 6, in line 2, is not utf-8"),
        (b"a,b\n1,2\n", lambda path: read_csv(path, "c"), "it has no column 'c'"),
        (
            b"spezies,b\n1,2\n",
            lambda path: read_csv(path, "species"),
            "it has no column 'species'; did you mean 'spezies'",
        ),
        (b"a,b\n,2\n", lambda path: read_csv(path, missing="drop"), "every line misses a value"),
        (b"", read_text, "it is empty"),
        (b"{}", Tokenizer.load, "its format is not 'tilewright Tokenizer'"),
        (b'{"format": "tilewright Tokenizer"}', Tokenizer.load, "it has no list of tokens"),
        (b'{"format": "tilewright Tokenizer", "tokens": ["a", "a"]}', Tokenizer.load, "a token stands in it twice"),
        (
            b'{"format": "tilewright Tokenizer", "tokens": [], "level": 3}',
            Tokenizer.load,
            "Tokenizer: level is 3, expected one of",
        ),
        (b"[" * 100000, Tokenizer.load, "it is no JSON"),
    ),
)
def test_what_is_wrong_is_said(content, read, message, tmp_path):
    path = tmp_path / "odd.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"odd\.bin cannot be read: {message}"):
        read(path)


@pytest.mark.parametrize(
    "call, error, message",
    (
        (lambda folder: read_images(folder), ValueError, "there is no folder in it, expected one for each class"),
        (lambda folder: read_images(folder.parent), ValueError, "there is no image in it, by the endings"),
        (lambda folder: read_images(folder, color_mode="gray"), ValueError, "did you mean 'grayscale'"),
        (lambda folder: read_images(folder, image_size=(0, 3)), ValueError, "image_size is 0, expected at least 1"),
        (lambda folder: read_images(folder, image_size=3), TypeError, "image_size is 3, expected a tuple of 2"),
        (lambda folder: read_idx(folder / "none"), FileNotFoundError, "none"),
        (lambda folder: read_cifar10(folder), FileNotFoundError, "data_batch_1.bin"),
        (lambda folder: write_idx(folder / "x", np.arange(3)), TypeError, "x is int64, expected one of uint8"),
        (lambda folder: read_csv("x", delimiter="::"), ValueError, "delimiter is '::', expected one character"),
        (lambda folder: Tokenizer().encode("a"), RuntimeError, r"it knows no tokens yet; call fit\(texts\) first"),
        (lambda folder: Tokenizer().fit(["", " "]), ValueError, "there is no token in the texts"),
        (lambda folder: Tokenizer().fit([1]), TypeError, "there is 1 among the texts"),
        (lambda folder: Tokenizer().fit("a").decode([3]), ValueError, "there is the number 3, expected 0 to 2"),
        (lambda folder: Tokenizer(max_tokens=2), ValueError, "max_tokens is 2, expected at least 3"),
    ),
)  # fmt: skip
def test_bad_calls_say_what_is_wrong(call, error, message, tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises(error, match=message):
        call(folder)
