"""The house stands as it was drawn: what is where, who imports whom, and that documented examples are true."""

import ast
import doctest
import importlib
import os
import re
import sys
from pathlib import Path

import pytest
from tilewright import kernels

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
NOT_PACKAGED = {"tests", "asv_bench", "docs", "build", "dist", "runs", "env"}
ORDER = ("kernels", "layers", "train", "plot", "bench", "commands")  # each imports from those before it
LONGEST = 400  # lines


def source_folders():
    """The folders of the package, as paths relative to the root."""
    for folder, inner, _ in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        skipped = NOT_PACKAGED if here == Path() else set()
        inner[:] = [name for name in inner if name not in skipped and not name.startswith((".", "__"))]
        inner[:] = [name for name in inner if not Path(folder, name, "pyvenv.cfg").exists()]
        if any(name.endswith(".py") for name in os.listdir(folder)):
            yield here


FILES = sorted(path for folder in source_folders() for path in (ROOT / folder).glob("*.py"))
EACH_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
KERNEL_FOLDERS = sorted(path.parent.name for path in FILES if path.name == "reference.py")


def imports(path):
    """Dotted names of all modules that a file imports, relative ones as `tilewright.…`."""
    package = ("tilewright", *path.parent.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *(node.module or "").split("."))).strip(".")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_pyproject_lists_every_folder():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    found = sorted(".".join(("tilewright", *folder.parts)) for folder in source_folders())
    assert listed == found


def test_every_folder_is_a_package_of_known_place():
    for folder in source_folders():
        assert (ROOT / folder / "__init__.py").is_file(), folder
        assert not folder.parts or folder.parts[0] in ORDER, folder


def test_the_tests_are_no_package():
    """Else pytest takes the root for a package by the name of its folder: a clone in `numba/` would hide Numba."""
    assert not (ROOT / "tests" / "__init__.py").exists()


@EACH_FILE
def test_imports_run_one_way(path):
    parts = path.relative_to(ROOT).parts
    if len(parts) == 1:  # __init__.py and __main__.py see everything
        return
    for name in imports(path):
        head, _, rest = name.partition(".")
        assert head not in ORDER, f"{name} is imported as if it were a package of its own"
        target = rest.split(".")[0]
        if head == "tilewright" and target in ORDER:
            assert ORDER.index(target) <= ORDER.index(parts[0]), f"imports {name}"


@EACH_FILE
def test_imports_inside_the_package_are_relative(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "tilewright" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.split(".")[0] != "tilewright"


@EACH_FILE
def test_no_cpu_file_imports_cuda_and_the_other_way_round(path):
    here = path.relative_to(ROOT)
    for device, other in (("cpu", "cuda"), ("cuda", "cpu")):
        if here.name == f"{device}.py" or f"_{device}" in here.parts:
            foreign = [name for name in imports(path) if {other, f"_{other}"} & set(name.split("."))]
            assert not foreign


@pytest.mark.parametrize("folder", KERNEL_FOLDERS)
def test_a_reference_imports_numpy_alone(folder):
    assert {name.split(".")[0] for name in imports(ROOT / "kernels" / folder / "reference.py")} == {"numpy"}


@pytest.mark.parametrize("folder", KERNEL_FOLDERS)
def test_a_kernel_folder_is_complete(folder):
    names = {path.name for path in (ROOT / "kernels" / folder).glob("*.py")}
    assert {"__init__.py", "reference.py", "cpu.py"} <= names


@EACH_FILE
def test_a_file_is_short_and_says_what_it_is(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_all_public_kernels_are_documented_and_exported_in_order():
    assert kernels.__all__ == sorted(kernels.__all__)
    for name in kernels.__all__:
        function = getattr(kernels, name)
        assert function.__module__.startswith("tilewright.kernels."), name
        assert function.__doc__, name
    exported = {getattr(kernels, name) for name in kernels.__all__}
    for folder in KERNEL_FOLDERS:
        module = importlib.import_module(f"tilewright.kernels.{folder}")
        for name, value in vars(module).items():
            if (
                not name.startswith("_")
                and name.endswith(("_forward", "_backward", "_update"))
                and value.__module__ == module.__name__
            ):
                assert value in exported, f"{name} is missing in kernels/__init__.py"


DOCUMENTED = [
    ".".join(("tilewright", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in FILES
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_in_docstrings_are_true(name):
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said = []
    for case in finder.find(importlib.import_module(name)):
        runner.run(case, out=said.append)
    assert runner.tries > 0
    assert runner.failures == 0, "".join(said)


def test_every_forward_has_an_example():
    missing = [
        name
        for name in kernels.__all__
        if not name.endswith("_backward") and ">>> " not in getattr(kernels, name).__doc__
    ]
    assert not missing


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCKS = [
    pytest.param(page, number, block, id=f"{page.name}-{number}")
    for page in PAGES
    if page.name != "cuda.md"  # test_cuda_training.py runs its examples
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S))
]


@pytest.mark.parametrize("page, number, block", BLOCKS)
def test_examples_in_pages_run(page, number, block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, f"{page.name}, example {number}", "exec"), {"__name__": "__main__"})


def test_the_readme_shows_both_ways_to_write_a_model():
    text = (ROOT / "README.md").read_text("utf-8")
    examples = [block.values[2] for block in BLOCKS if block.values[0].name == "README.md"]
    assert any(".fit(" in example for example in examples)
    assert any(".backward()" in example or "_backward(" in example for example in examples)
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / link).exists(), f"README.md points at {link}, which is not there"


def test_the_readme_says_of_cards_what_their_page_says():
    readme, results = ((ROOT / page).read_text("utf-8") for page in ("README.md", "docs/results/README.md"))
    assert ("none has run on a card yet" in readme) == ("There are none yet" in results)
