"""`python -m tilewright bench --step` on the CPU: its programs, small, alone and beside the peers that are here.

No time here is measured for its own sake: the machine that runs the tests does other things too.
"""

import dataclasses
import importlib.util
import json

import pytest
from tilewright.__main__ import main
from tilewright.bench import steps, steps_jax, steps_ours, steps_torch

SMALL = {
    "keras_mlp": {"units": 8},
    "keras_cnn": {"side": 10, "filters": (3, 4), "units": 5},
    "torch_style_cnn": {"side": 8, "filters": (3, 4), "units": 5},
    "text_pooling": {"vocabulary": 30, "length": 7, "width": 4},
    "text_gru": {"vocabulary": 30, "length": 7, "width": 8},
    "gpt": {"vocabulary": 10, "length": 6, "width": 8, "heads": 2, "blocks": 2},
    "resnet20": {"side": 8, "filters": (2, 3), "blocks": 2},
}
WEIGHTS = {
    "keras_mlp": 4929,
    "keras_cnn": 121_930,
    "torch_style_cnn": 6_358_658,
    "text_pooling": 320_165,
    "text_gru": 694_145,
    "resnet20": 269_722 + 16 * 32 + 32 * 64,  # He's, whose shortcuts have no weights, and two convolutions of 1 x 1
}


def small(name):
    (program,) = (program for program in steps.PROGRAMS if program.name == name)
    return dataclasses.replace(program, sizes={**program.sizes, **SMALL[name]}, batch=8, steps=2)


def test_every_program_is_known_to_all():
    names = [program.name for program in steps.PROGRAMS]
    for module in (steps_ours, steps_torch, steps_jax):
        assert list(module.MODELS) == names


@pytest.mark.parametrize("program", [p for p in steps.PROGRAMS if p.name in WEIGHTS], ids=lambda p: p.name)
def test_a_program_is_as_large_as_its_original(program):
    count, _ = steps_ours.contestant(program.name, program.sizes, program.batch)
    assert count == WEIGHTS[program.name]


@pytest.mark.parametrize("name", ("keras_mlp", "text_pooling"))
def test_a_program_is_measured_without_peers(name):
    row = steps.measure(small(name), [], threads=1, rounds=1, turn=1e-3)
    assert list(row["seconds"]) == ["ours"] and 0 < row["seconds"]["ours"] < 1
    assert steps.line(row).split()[0] == name and "ratio" not in row


@pytest.mark.parametrize("peer", steps.PEERS)
@pytest.mark.parametrize("name", SMALL)
def test_a_peer_has_as_many_weights_and_learns(name, peer):
    """Which `measure` asks of every contestant."""
    if importlib.util.find_spec(peer) is None:
        pytest.skip(f"no {peer} here")
    row = steps.measure(small(name), [peer], threads=1, rounds=1, turn=1e-3)
    ours, *others = row["seconds"].values()
    assert row["ratio"] == min(others) / ours and len(others) >= 1
    assert f" {row['ratio']:.2f} x" in steps.line(row)


def test_a_line_shows_the_fastest_way_of_each_library():
    times = {"ours": 1e-4, "torch": 3e-4, "torch fused": 2e-4, "jax": 1.5e-4}
    row = {"op": "keras_mlp", "case": "10-64-64-1, batch 32", "seconds": times}
    shown = "0.100 ms   torch fused 0.200 ms, 2.00 x (torch 0.300 ms, 3.00 x)   jax 0.150 ms, 1.50 x"
    assert steps.line(row).endswith(shown)


@pytest.mark.parametrize(
    "more, message",
    (
        (1, "^bench: keras_mlp of torch has 170 weights, ours 169$"),
        (0, r"^bench: keras_mlp, the loss of torch does not fall: \[1.0, "),
    ),
)
def test_a_peer_that_does_not_do_the_same_is_refused(more, message, monkeypatch):
    def contestant(*program, **options):
        count, _ = steps_ours.contestant(*program)
        return count + more, lambda x, y: lambda: 1.0

    monkeypatch.setattr(steps_torch, "contestant", contestant)
    with pytest.raises(RuntimeError, match=message):
        steps.measure(small("keras_mlp"), ["torch"], threads=1, rounds=1, turn=1e-3)


def test_the_command_measures_and_names_absent_peers(tmp_path, monkeypatch, capsys):
    pytest.importorskip("threadpoolctl")
    monkeypatch.setattr(steps, "PROGRAMS", tuple(small(name) for name in ("keras_mlp", "text_pooling")))
    monkeypatch.setattr("tilewright.bench.peers.installed", lambda name: False)
    path = tmp_path / "steps.json"
    assert main(["bench", "--step", "--threads", "1", "--rounds", "1", "--json", str(path)]) == 0
    absent, _, title, *lines = capsys.readouterr().out.splitlines()
    assert absent == "absent, not measured: torch, jax" and title.startswith("1 thread, float32")
    assert [line.split()[0] for line in lines] == ["keras_mlp", "text_pooling"]
    rows = json.loads(path.read_text())["rows"]
    assert [row["op"] for row in rows] == ["keras_mlp", "text_pooling"] and rows[0]["parameters"] == 169


@pytest.mark.parametrize(
    "arguments, message",
    (
        (["relu"], "bench: ops is ['relu'], which does not go with --step; --case chooses"),
        (["--dtype", "float64"], "bench: --dtype is 'float64', which does not go with --step; --case chooses"),
        (["--peers", "numpy"], "bench: --peers is 'numpy', expected one of 'torch', 'jax'"),
        (
            ["--case", "no such"],
            "bench: --case is 'no such', which is in the name of no program of --step: keras_mlp, ",
        ),
    ),
)
def test_bad_arguments_are_named(arguments, message, capsys):
    assert main(["bench", "--step", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)
