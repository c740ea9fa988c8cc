"""What used to be said late, or in the words of others: outputs by wrong names, files that are not there or cut off."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import Dense
from tilewright.train import StandardScaler, cross_validate, read_csv, read_idx, read_text

X = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)


def sequential():
    model = tw.Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": {"price": "mse", "kin": "mse"}},
            "loss has 'kin', which is no output of the model; did you mean 'kind'",
        ),
        ({"loss": ["mse"] * 3}, "loss has 3 entries, expected 2: price, kind"),
        ({"loss": "mse", "metrics": {"prize": ["mae"]}}, "metrics has 'prize', .* did you mean 'price'"),
        ({"loss": "mse", "weighted_metrics": {"prize": ["mae"]}}, "weighted_metrics has 'prize'"),
        ({"loss": "mse", "loss_weights": {"kinds": 1.0}}, "loss_weights has 'kinds'"),
        ({"loss": {"price": None, "kind": None}}, "loss has a loss for no output"),
        ({"loss": [None, None]}, "loss has a loss for no output"),
    ],
)
def test_outputs_that_a_graph_has_not_are_named_by_compile(options, message):
    a = tw.Input((3,))
    model = tw.Model(a, [Dense(1, name="price")(a), Dense(1, name="kind")(a)])
    with pytest.raises(ValueError, match=f"compile: {message}"):
        model.compile("sgd", **options)
    model.compile("sgd", {"price": "mse", "kind": None}, loss_weights={"price": 2.0}, metrics={"kind": ["mae"]})
    assert len(model.evaluate(X, [X[:, 0], X[:, 1]], verbose=0)) == 3


def test_why_there_is_nothing_to_train():
    class Late(tw.Model):
        def forward(self, x):
            return Dense(1)(x)

    model = Late()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"no trainable parameters, and no layers; make them in its __init__"):
        model.fit(X, X[:, 0], verbose=0)
    model = sequential()
    model.layers[0].trainable = False
    with pytest.raises(ValueError, match="no trainable parameters, all of them are frozen; set trainable = True"):
        model.fit(X, X[:, 0], verbose=0)


@pytest.mark.parametrize(("scaler", "hint"), [(StandardScaler, r"; make one, StandardScaler\(\)"), (3, "$")])
def test_a_scaler_that_is_none(scaler, hint):
    with pytest.raises(TypeError, match=f"cross_validate: scaler is .*, expected .* such as StandardScaler.*{hint}"):
        cross_validate(sequential, X, X[:, 0], scaler=scaler)


def test_folders_and_files_that_are_not_there(tmp_path):
    for save in (sequential().save, sequential().save_weights):
        with pytest.raises(FileNotFoundError, match=r"there is no folder '.*no'; os.makedirs makes one: '.*model'"):
            save(tmp_path / "no" / "model")
    (tmp_path / "flowers.csv").write_text("a,b\n1,2\n")
    for read in (read_csv, read_text, read_idx):
        with pytest.raises(
            FileNotFoundError, match=rf"{read.__name__}: there is no file flower.csv in .*'flowers.csv'"
        ):
            read(tmp_path / "flower.csv")


def test_files_that_are_cut_off_say_so(tmp_path):
    path = tmp_path / "model"
    sequential().save(path)
    whole = path.read_bytes()
    for data, what in (
        (whole[: len(whole) // 2], "it is cut off"),
        (b"", "it is empty"),
        (b"text", "it is no such file"),
    ):
        path.write_bytes(data)
        with pytest.raises(
            ValueError, match=rf"load: .*model cannot be read as a saved model: {what}.* {len(data)} bytes"
        ):
            tw.load(path)
