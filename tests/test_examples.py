"""Every program of docs/examples at its small size: it ends well, without a warning, and has learned something."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs/examples"
# What a program says of how well it learned, and whether that is better than knowing nothing.
LEARNED = {
    "char_gpt": (r"validation loss (\S+) .*knowing nothing: (\S+?)\)", lambda found, nothing: found < 0.75 * nothing),
    "resnet20": (
        r"Epoch 1/4 .* loss (\S+), accuracy(?s:.*)Epoch 4/4 .* loss (\S+), ",
        lambda first, last: last < first,
    ),
}


def test_every_program_is_told_what_to_learn():
    assert {path.stem for path in FOLDER.glob("*.py")} == set(LEARNED)


@pytest.mark.parametrize("name", LEARNED)
def test_a_program_runs_at_its_small_size(name):
    command = [sys.executable, "-W", "error", FOLDER / f"{name}.py", "--quick"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    pattern, better = LEARNED[name]
    numbers = [float(number.rstrip(",")) for number in re.search(pattern, run.stdout).groups()]
    assert better(*numbers), run.stdout
