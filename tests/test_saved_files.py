"""Nothing in a file of a model is believed: what is cut, changed or made up is refused, and nothing in it is run."""

import functools
import io
import json
import operator
import os
import zipfile

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense, Dropout
from tilewright.train.archive import TRAINING

from .test_save import small


@pytest.fixture
def saved(tmp_path):
    """(path, document, {entry: bytes}) of a small model."""
    small().save(tmp_path / "model")
    return parts(tmp_path / "model")


def parts(path):
    """(path, document, {entry: bytes}) of a file."""
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    return path, json.loads(entries.pop("model.json")), entries


def rewrite(path, document, entries, **options):
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr("model.json", json.dumps(document) if isinstance(document, dict) else document)
        for name, data in entries.items():
            file.writestr(name, data)


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def refused(path, message=""):
    with pytest.raises(ValueError, match=f"^load: {path} cannot be read as a saved model: .*{message}"):
        tw.load(path)


def test_every_truncation_is_refused(saved):
    path, *_ = saved
    whole = path.read_bytes()
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        refused(path)


def test_a_flipped_bit_is_refused_or_harmless(saved):
    """Harmless are dates and attributes in the zip's own records: then the model is the same."""
    path, *_ = saved
    whole, weights = path.read_bytes(), small().get_weights()
    with zipfile.ZipFile(path) as file:  # what lies between the local header and the next one's is covered
        contents = [(whole.index(file.read(entry), entry.header_offset), entry.file_size) for entry in file.infolist()]
    inside = {start + i for start, size in contents for i in range(size)}
    assert len(inside) > len(whole) / 2
    for position in range(0, len(whole), 7):
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 8
        path.write_bytes(broken)
        try:
            loaded = tw.load(path).get_weights()
        except ValueError as error:
            assert str(path) in str(error)
        else:
            assert position not in inside
            for a, b in zip(loaded, weights):
                assert a.tobytes() == b.tobytes()


def test_other_files_are_refused(tmp_path):
    for data in (b"", b"no model at all", npy(np.ones(3)), b"PK\x05\x06" + bytes(18)):
        (tmp_path / "model").write_bytes(data)
        refused(tmp_path / "model")


TAKEN_OUT = object()


@pytest.mark.parametrize(
    "place, value, message",
    [
        (("model", "layers", 0, "class"), "os.system", "it names the class 'os.system', which is none of the lib"),
        (
            ("model", "layers", 0, "config", "units"),
            10**12,
            r"dense.w is float32 of shape \(3, 2\), expected float32 of shape \(3, 1000000000000\)",
        ),
        (("model", "layers", 0, "config", "units"), 2.0, "Dense: units is 2.0, expected an integer"),
        (("model", "layers", 0, "config", "callback"), "x", "unexpected keyword argument 'callback'"),
        (("input_shape",), [10**12], r"expected float32 of shape \(1000000000000, 2\)"),
        (("input_shape",), [-3], r"its input_shape is \[-3\], expected a list of sizes"),
        (("compile", "loss", "class"), "Popen", "it names the class 'Popen', which is none of"),
        (("format",), "tilewright 99", "its format is not 'tilewright 1'"),
        (("model", "layers", -1), TAKEN_OUT, r"it holds dense_1.b, dense_1.w, which no layer of the model has"),
        (("model", "layers"), TAKEN_OUT, "it has no 'layers'"),
    ],
)
def test_hostile_structure_is_refused(saved, place, value, message):
    path, document, entries = saved
    *way, last = place
    part = functools.reduce(operator.getitem, way, document)
    if value is TAKEN_OUT:
        del part[last]
    else:
        part[last] = value
    rewrite(path, document, entries)
    refused(path, message)


def test_hostile_nesting_is_refused(saved):
    path, document, entries = saved
    rewrite(path, "[" * 100_000 + "]" * 100_000, entries)
    refused(path)
    rewrite(
        path,
        '{"format": "tilewright 1", "model": '
        + '{"class": "Sequential", "name": null, "layers": [' * 3000
        + "]}" * 3000
        + ', "input_shape": [3], "compile": null}',
        entries,
    )
    refused(path)


class Evil:
    def __reduce__(self):
        return (os.mkdir, ("pickle_was_run",))


@pytest.mark.parametrize(
    "data, message",
    [
        (lambda: npy(np.ones((3, 3), np.float32)), r"dense.w is float32 of shape \(3, 3\), expected"),
        (lambda: npy(np.ones((3, 2))), r"dense.w is float64 of shape \(3, 2\), expected float32"),
        (lambda: npy(np.ones((3, 2), np.float32, order="F")), r"dense.w is float32 of shape \(3, 2\), expected"),
        (lambda: npy(np.array([Evil()], object), allow_pickle=True), "dense.w is object"),
        (lambda: npy(np.ones((3, 2), np.float32))[:-4], "dense.w has 20 bytes, expected 24"),
        (lambda: npy(np.ones((3, 2), np.float32)) + b"more", "dense.w has 28 bytes, expected 24"),
        (lambda: npy(np.ones((3, 2), np.float32)).replace(b"(3, 2)", b"(9**9)"), ""),
        (lambda: b"", ""),
    ],
)
def test_hostile_weights_are_refused(saved, data, message):
    path, document, entries = saved
    rewrite(path, document, {**entries, "dense.w.npy": data()})
    refused(path, message)
    assert not os.path.exists("pickle_was_run")


def test_hostile_entries_are_refused(saved):
    path, document, entries = saved
    rewrite(path, document, {**entries, "../../outside": b"x"})
    refused(path, "it holds ../../outside, which no layer of the model has")
    rewrite(path, document, {name: data for name, data in entries.items() if name != "dense.b.npy"})
    refused(path, "it has no weight dense.b")
    rewrite(path, document, {**entries, "bomb": bytes(1 << 24)}, compression=zipfile.ZIP_DEFLATED)
    refused(path, "an entry is compressed or encrypted")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as file:
        file.writestr("model.json", json.dumps(document))
        file.writestr("model.json", json.dumps(document))
    refused(path, "two of its entries have one name")
    with zipfile.ZipFile(path, "w"):
        pass
    refused(path, "it has no model.json")


@pytest.fixture
def trained(tmp_path):
    """(path, document, {entry: bytes}) of a small model that was trained."""
    tw.set_seed(0)
    model = tw.Sequential([Dense(2, input_shape=(3,)), Dropout(0.5), Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 3)), np.ones(8), verbose=0)
    model.save(tmp_path / "model")
    return parts(tmp_path / "model")


def _state(document, key, value):
    """Put a value into the state that was packed as [key, value] pairs."""
    pairs = document["compile"]["state"]["dict"]
    pairs[[name for name, _ in pairs].index(key)][1] = value


@pytest.mark.parametrize(
    "edit, message",
    [
        (lambda d: _state(d, "iterations", -1), "Adam.load_state: iterations is -1"),
        (lambda d: _state(d, "learning_rate", "fast"), "Adam: learning_rate is 'fast'"),
        (lambda d: _state(d, "dense.w.m", 3.0), r"dense.w.m has shape \(\), expected \(3, 2\)"),
        (lambda d: d["compile"]["state"]["dict"].append(["x.w.m", 0.0]), "the state has x.w.m, which this model"),
        (lambda d: d["compile"].update(state={"code": "x"}), "'code' is no kind of state"),
        (lambda d: d["compile"].pop("state"), "it holds training/optimizer.dense.b.m#2, .*which no layer of the model"),
        (lambda d: d["standing"]["layers"]["dropout"].update(forward=1), "dropout counts forward, which no layer does"),
        (
            lambda d: d["standing"]["layers"].update(other={"_steps": 1}),
            "it has the layer other, which the model has not",
        ),
        (lambda d: d["standing"]["trainable"].pop("dense.w"), "it has no 'dense.w'"),
    ],
)
def test_a_hostile_training_is_refused(trained, edit, message):
    path, document, entries = trained
    edit(document)
    rewrite(path, document, entries)
    with pytest.raises(ValueError, match=f"^load: {path} cannot be read as a saved model: .*{message}"):
        tw.load(path)


def test_training_that_is_cut_off_or_changed_is_refused(trained):
    path, *_ = trained
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        places = [file.getinfo(name).header_offset for name in file.namelist() if name.startswith(TRAINING)]
    for place in places:
        path.write_bytes(whole[:place])
        with pytest.raises(ValueError, match="cannot be read as a saved model"):
            tw.load(path)
    for place in places[1:]:
        broken = bytearray(whole)
        broken[place - 1] ^= 1  # the last byte of the array before
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="Bad CRC-32"):
            tw.load(path)
