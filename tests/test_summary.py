"""The table of a model: what it says of every layer, and how it fits into a line."""

import os

import pytest
import tilewright as tw
from tilewright.layers import (
    Add,
    Concatenate,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    TransformerEncoder,
)


def test_sequential_names_and_summary(capsys):
    model = tw.Sequential(
        [
            Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
            MaxPooling2D((2, 2)),
            Conv2D(64, (3, 3)),
            MaxPooling2D((2, 2)),
            Flatten(),
            Dense(64, name="wide"),
            Dense(10, activation="softmax"),
        ]
    )
    assert list(model.named_layers()) == [
        "conv2d",
        "max_pooling2d",
        "conv2d_1",
        "max_pooling2d_1",
        "flatten",
        "wide",
        "dense",
    ]
    assert model.count_params() == 121_930
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Model: Sequential"
    assert lines[2].split() == ["Layer", "(type)", "Output", "shape", "Params", "Trained", "Memory"]
    assert lines[4].split() == ["conv2d", "(Conv2D)", "(None,", "26,", "26,", "32)", "320", "yes", "1.2", "KB"]
    assert lines[5].split() == ["max_pooling2d", "(MaxPooling2D)", "(None,", "13,", "13,", "32)", "0"]
    assert "Total params: 121,930 (476.3 KB)" in lines
    assert "Trainable params: 121,930" in lines and "Non-trainable params: 0" in lines
    outputs = 26 * 26 * 32 + 13 * 13 * 32 + 11 * 11 * 64 + 2 * 5 * 5 * 64 + 64 + 10
    assert f"Outputs of all layers, a sample: {outputs * 4 / 1024:.1f} KB" in lines


def test_trainable_parameters_are_counted_apart(capsys):
    model = tw.Sequential([Dense(4, input_shape=(2,)), Dense(1)])
    model.layers[0].w.trainable = False
    model.layers[1].trainable = False
    model.summary()
    out = capsys.readouterr().out
    assert "Trainable params: 4" in out
    assert [line.split()[5] for line in out.splitlines()[4:6]] == ["partly", "no"]


def wide():
    tokens = tw.Input((None,), name="tokens")
    h = Embedding(1000, 64, name="word_embeddings_of_the_whole_vocabulary")(tokens)
    for i in range(2):
        h = TransformerEncoder(128, 4, name=f"transformer_encoder_block_number_{i}")(h)
    pooled = GlobalAveragePooling1D()(h)
    deeper = tw.Sequential([Dense(64, name="a_dense_layer_of_a_very_long_name", input_shape=(64,))], name="deeper")
    pooled = Add()([pooled, tw.Sequential([deeper, Dense(64)], name="encoder")(pooled)])
    return tw.Model(tokens, Dense(1000)(Concatenate()([pooled, pooled])), name="wide")


def printed(capsys, *args, **options):
    wide().summary(*args, **options)
    return capsys.readouterr().out.splitlines()


def test_a_table_fits_the_terminal(capsys, monkeypatch):
    whole = printed(capsys, line_length=300)
    assert max(map(len, whole)) > 140 and not any("…" in line for line in whole)
    assert whole[6].split()[:2] == ["transformer_encoder_block_number_0", "(TransformerEncoder)"]
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda handle: os.terminal_size((0, 0)))
    assert (lines := printed(capsys)) == printed(capsys, line_length=80)  # where there is no terminal
    assert max(map(len, lines)) == 80
    monkeypatch.setenv("COLUMNS", "120")
    assert max(map(len, printed(capsys))) == 120
    names = [line.split()[0] for line in lines[4 : lines.index(lines[1], 4)]]
    assert len(set(names)) == len(names) == 12  # also when they are shortened
    assert names[:4] == ["tokens", "word_e…e_vocabulary", "transf…ock_number_0", "transf…ock_number_1"]
    assert {"encode…ry_long_name", "encoder.dense", "concatenate"} < set(names)
    for line, shortened in zip(whole[4:], lines[4:]):  # nothing but names is
        for cell in ("(None, None, 64)", "(None, 1000)", "64,000", "503.9 KB", " yes "):
            assert (cell in line) == (cell in shortened)


def test_a_line_is_long_enough():
    with pytest.raises(ValueError, match="summary: line_length is 10, expected at least 40"):
        wide().summary(line_length=10)
    with pytest.raises(TypeError, match="summary: line_length is '80', expected an integer"):
        wide().summary(line_length="80")


def test_open_sizes_stand_in_full(capsys):
    x = tw.Input((None, None, 3))
    y = GlobalAveragePooling2D()(Conv2D(128, 3)(Conv2D(64, 3, name="a_long_name")(x)))
    tw.Model(x, Dense(10)(y)).summary(line_length=80)
    table = capsys.readouterr().out
    assert "(None,None,None,3)" in table and "(None,None,None,128)" in table and "(None, 10)" in table
