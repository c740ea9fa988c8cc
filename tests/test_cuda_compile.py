"""Every CUDA kernel, with every signature that its dispatch can choose, compiles for every architecture that it claims,
without a card: no spill, and hardly more registers or shared memory than the table in the repository says.
"""

import importlib.util

import pytest
from tilewright.kernels._cuda import assemble, usage
from tilewright.kernels._cuda.usage import Figures

if importlib.util.find_spec("numba_cuda") is None:
    pytest.skip("numba-cuda is not installed; pip install 'tilewright[cuda]'", allow_module_level=True)
from tilewright.kernels._cuda import cache  # noqa: E402

try:
    assemble._ptxas()
except RuntimeError as error:
    pytest.skip(str(error), allow_module_level=True)


ENTRIES = [entry for face in usage.faces() for entry in usage.compiled(face)]


@pytest.fixture(scope="module")
def found():
    return usage.measure(usage.faces())


@pytest.fixture(scope="module")
def known():
    return usage.read(usage.TABLE.read_text("utf-8"))


@pytest.mark.parametrize("face", usage.faces())
def test_every_face_lists_its_kernels(face):
    assert usage.compiled(face)


def test_names_are_unique_words():
    names = [entry.name for entry in ENTRIES]
    assert len(names) == len(set(names)) > 0
    assert not any(set(name) & set(" #\t\n") for name in names)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_kernel_takes_no_more_than_the_table_says(entry, found, known):
    mine = [{key: value for key, value in table.items() if key[0] == entry.name} for table in (found, known)]
    assert len(mine[0]) == len(entry.capabilities) > 0
    assert not list(usage.complaints(*mine))


def test_the_table_names_no_other_kernel(known):
    assert {name for name, _ in known} <= {entry.name for entry in ENTRIES}


def test_the_table_is_read_as_it_is_written(known):
    assert usage.read(usage.write(known)) == known


@pytest.mark.parametrize(
    "now, before, complaint",
    (
        (Figures(33, 110, 0), Figures(30, 100, 0), None),
        (Figures(34, 100, 0), Figures(30, 100, 0), "registers grew from 30 to 34"),
        (Figures(30, 111, 0), Figures(30, 100, 0), "shared grew from 100 to 111"),
        (Figures(30, 1, 0), Figures(30, 0, 0), "shared grew from 0 to 1"),
        (Figures(30, 0, 8), Figures(30, 0, 8), "spills 8 bytes"),
        (Figures(30, 0, 0, 2), Figures(30, 0, 0), "has 2 float64 instructions"),
        (Figures(30, 0, 0), None, "not in usage.txt"),
        (None, Figures(30, 0, 0), "in usage.txt, but not compiled"),
    ),
)
def test_what_is_worse_is_said(now, before, complaint):
    key = ("relu", "sm_80")
    said = list(usage.complaints({key: now} if now else {}, {key: before} if before else {}))
    assert len(said) == bool(complaint)
    assert all(complaint in sentence and "relu for sm_80" in sentence for sentence in said)


def test_a_spill_is_seen():
    """More values alive than a thread has registers for."""
    count = 340
    lines = ["def spilling(x, n):"]
    lines += [f"    v{k} = x[{k}]" for k in range(count)]
    lines += ["    for _ in range(n):"]
    lines += [f"        v{k} = v{k} * v{(k + 1) % count}" for k in range(count)]
    lines += [f"    x[{k}] = v{k}" for k in range(count)]
    scope = {}
    exec("\n".join(lines), scope)
    assert assemble.assemble(scope["spilling"], "void(float32[::1], int32)", (8, 0)).spills > 0


def test_what_was_found_is_kept(monkeypatch, tmp_path):
    entry = next(entry for entry in ENTRIES if entry.name == "relu_forward-float32-wide")
    asked = [(entry.signature, (8, 0)), (entry.signature, (9, 0, "a")), (entry.signature, (8, 0), 32)]
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    found = [assemble.assemble(entry.function, *one) for one in asked]
    assert len(list(tmp_path.iterdir())) == len({usage.ptx for usage in found}) + 1 == 3
    monkeypatch.setattr(assemble, "_assembled", None)
    assert [assemble.assemble(entry.function, *one) for one in asked] == found


@pytest.mark.parametrize("name", ("relu_forward", "gelu_backward-erf", "add_into"))
def test_wide_kernels_load_and_store_16_bytes_at_once(name):
    for way in ("wide", "narrow"):
        entry = next(entry for entry in ENTRIES if entry.name == f"{name}-float32-{way}")
        ptx = assemble.assemble(entry.function, entry.signature, (8, 0)).ptx
        assert ("ld.global.v4" in ptx) == ("st.global.v4" in ptx) == (way == "wide")
