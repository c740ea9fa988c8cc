"""What `pip install` brings: every file of the package, nothing else, and kernels that run from there."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys, setuptools.build_meta as backend; print(backend.build_wheel(sys.argv[1]))"
PROGRAM = """
import numpy as np, tilewright as tw
print(tw.__file__)
print(tw.kernels.relu_forward(np.array([-1.0, 2.0])))
"""


def kept(folder, names):
    """What a fresh clone does not have."""
    return [n for n in names if n.startswith(".") or n in ("__pycache__", "build", "dist", "runs") or "egg-info" in n]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the tree, built with the setuptools that is installed: no network is needed."""
    place = tmp_path_factory.mktemp("a folder-of any name")
    shutil.copytree(ROOT, place / "source tree", ignore=kept)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(place)],
        cwd=place / "source tree",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return place / done.stdout.splitlines()[-1]


def test_a_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        notes = [name for name in archive.namelist() if ".dist-info/" in name]
    tops = [path for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").is_file()]
    sources = [ROOT / "__init__.py", ROOT / "__main__.py"]
    sources += [file for top in tops if top.name != "tests" for file in top.rglob("*.py")]
    assert sorted(names) == sorted(f"tilewright/{path.relative_to(ROOT).as_posix()}" for path in sources)
    assert any(name.endswith("/LICENSE") for name in notes)


def test_kernels_run_from_an_installed_wheel(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    settings = {**os.environ, "PYTHONPATH": str(site), "TILEWRIGHT_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=settings, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    path, result = done.stdout.splitlines()
    assert Path(path).is_relative_to(site)
    assert result == "[0. 2.]"
