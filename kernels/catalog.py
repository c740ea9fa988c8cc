"""One row per op: from a row come the op's tests, its benchmarks and its line in the documentation.

The words of a row (Op, Case, Bad, recipes) are explained in _row.py.
"""
from ._row import Case, Op, away_from_zero, normal, ragged


def _elementwise(name, recipe=normal, needs="y", **options):
    cases = tuple(Case(why, {"x": recipe(*shape)}, options) for why, shape in ragged())
    bench = (Case("in the first cache level", {"x": recipe(4096)}, options),
             Case("in memory", {"x": recipe(6_400_000)}, options))
    return Op(name, "activation", ("x",), cases, bench, bytes=lambda arrays, _: 2 * arrays["x"].nbytes)


OPS = (
    _elementwise("relu", away_from_zero),
)

BY_NAME = {op.name: op for op in OPS}
