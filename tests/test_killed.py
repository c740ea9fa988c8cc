"""A process that dies while it writes never leaves a file that cannot be loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_200_kills_leave_200_checkpoints_from_which_training_goes_on(tmp_path):
    program = Path(__file__).with_name("killed.py")
    done = subprocess.run([sys.executable, program, tmp_path, "200"], capture_output=True, text=True, timeout=300)
    assert not done.returncode, done.stderr
    kills, steps = map(int, done.stdout.split())
    assert kills == 200 and steps > 50
