"""Every program of docs/examples at its small size: it ends well, without a warning, and has learned something."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs/examples"
ACCURACY = r"test accuracy (\S+)\n"
# What a program says of how well it learned, and whether that is better than knowing nothing.
LEARNED = {
    "autoencoder": (r"error (\S+) \(PCA of 8: (\S+), mean", lambda error, linear: error < linear),
    "bert": (r"\n(\S+) of hidden .*always: (\S+)\)", lambda found, usual: found > usual + 0.05),
    "char_gpt": (r"validation loss (\S+) .*knowing nothing: (\S+?)\)", lambda found, nothing: found < 0.75 * nothing),
    "fine_tuning": (r"as a whole (\S+) \(from nothing: (\S+)\)", lambda tuned, scratch: tuned > scratch + 0.02),
    "gan": (
        r"\n(\S+) of 10 digits, .* nearest (\S+) \(untrained: (\S+), among real: (\S+)\)",
        lambda digits, found, before, real: digits >= 5 and found - real < 0.5 * (before - real),
    ),
    "inception": (ACCURACY, lambda accuracy: accuracy > 0.75),
    "lenet": (ACCURACY, lambda accuracy: accuracy > 0.85),
    "matrix_factorisation": (r"RMSE (\S+) \(.*alone: (\S+), the", lambda error, mean: 0.3 < error < 0.5 * mean),
    "mlp": (ACCURACY, lambda accuracy: accuracy > 0.85),
    "resnet20": (
        r"Epoch 1/4 .* loss (\S+), accuracy(?s:.*)Epoch 4/4 .* loss (\S+), ",
        lambda first, last: last < first,
    ),
    "seq2seq": (r"\n(\S+) of characters right", lambda share: share > 0.75),
    "vgg": (ACCURACY, lambda accuracy: accuracy > 0.85),
    "wavenet": (r"loss (\S+) nats .* alone: (\S+)\)", lambda found, simple: found < 0.85 * simple),
    "wide_deep": (
        r"deep (\S+) \(wide (\S+), deep (\S+), best possible (\S+)\)",
        lambda both, wide, deep, best: max(wide, deep) < both < best,
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
