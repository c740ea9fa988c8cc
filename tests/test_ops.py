"""`python -m tilewright ops`: the catalog as text, as the page docs/ops.md, and all about one op."""

import dataclasses
import re
from pathlib import Path

import pytest
from tilewright.__main__ import main
from tilewright.commands import ops
from tilewright.kernels.catalog import OPS

DOCS = Path(__file__).parents[1] / "docs"
REMEDY = "docs/ops.md is not what the catalog says; run `python -m tilewright ops --markdown > docs/ops.md`"


def printed(capsys, *arguments):
    assert main(["ops", *arguments]) == 0
    return capsys.readouterr().out


def test_the_page_is_what_the_command_prints(capsys):
    assert (DOCS / "ops.md").read_text("utf-8") == printed(capsys, "--markdown"), REMEDY


def test_the_page_has_the_text_s_table(capsys):
    text = [re.split(r" {2,}", line) for line in printed(capsys).splitlines()]
    page = [line[2:-2] for line in printed(capsys, "--markdown").splitlines() if line.startswith("| ")]
    header, _, *rows = [re.split(r" (?<!\\)\| ", line) for line in page]
    assert [text[0][0], *text[0][2:]] == [header[0], *header[2:]]
    assert len(rows) == len(OPS)
    for (name, folder, *rest), (link, sentence, *cells) in zip(text[1:], rows, strict=True):
        assert link == f"[{name}](../{folder})" and (DOCS.parent / folder).is_dir()
        assert len(sentence) > 10 and sentence.endswith(".")
        assert cells == rest


@pytest.mark.parametrize(
    "text, cell",
    (
        ("y = e**x, `a * b`.", r"y = e\*\*x, `a * b`."),
        ("y = |x|, `a|b`.", r"y = \|x\|, `a\|b`."),
    ),
)
def test_a_cell_shows_what_was_written(text, cell):
    assert ops.escaped(text) == cell


def test_an_op_shows_its_signatures_and_cases(capsys):
    relu, adam = printed(capsys, "relu", "adam_update", "relu").split("\n\nadam_update: ")
    first, *lines = relu.splitlines()
    assert first == "relu: Rectified linear unit, y = max(x, 0)."
    said = [re.split(r" {2,}", line.strip()) for line in lines]
    assert ["devices", "cpu, cuda"] in said and ["gradients or updates", "dx"] in said
    assert "relu_forward(x, *, out=None)" in lines and "relu_backward(dy, y, *, out=None)" in lines
    for title, case in (("`check` and the tests", ["primes", "x (7, 13)"]), ("`bench`", ["4 KB", "x (1024,)"])):
        assert case in said[lines.index(f"cases of {title}") :]
    assert lines[-1] == "cases of `bench --device cuda`: in memory"
    assert "adam_update(w, dw, m, v, " in adam and "_forward(" not in adam
    assert re.search(r"^    the first step +w \(7, 13\), dw \(7, 13\), m \(7, 13\), v \(7, 13\), step=1$", adam, re.M)


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_op_tells_of_its_cases(op):
    said = "\n".join(ops.details(dataclasses.replace(op, bench=())))  # whose arrays are large
    assert all(f"\n    {case.why}" in said for case in op.cases)


@pytest.mark.parametrize("command", ("ops", "check", "bench"))
@pytest.mark.parametrize(
    "name, said",
    (
        ("relux", "op is 'relux'; did you mean 'relu' or 'relu6'? `python -m tilewright ops` lists them all"),
        ("adam", "op is 'adam'; did you mean 'adam_update'? `python -m tilewright ops` lists them all"),
        ("relu_backward", "op is 'relu_backward'; did you mean 'relu'? `python -m tilewright ops` lists them all"),
        ("zzz", "op is 'zzz', which is not in the catalog; `python -m tilewright ops` lists them all"),
    ),
)
def test_an_unknown_op_is_answered_with_what_was_meant(command, name, said, capsys):
    assert main([command, name]) == 2
    assert capsys.readouterr().err == f"{command}: {said}\n"


def test_names_do_not_go_with_the_page(capsys):
    assert main(["ops", "relu", "--markdown"]) == 2
    assert capsys.readouterr().err == "ops: --markdown prints all ops, expected no names beside it\n"


@pytest.mark.parametrize("command", ("check", "bench"))
def test_a_case_that_is_not_there_is_answered_with_where_to_see_them(command, capsys):
    assert main([command, "relu", "--device", "cpu", "--case", "zzz"]) > 0
    assert capsys.readouterr().err.endswith("; see them with `python -m tilewright ops relu`\n")
