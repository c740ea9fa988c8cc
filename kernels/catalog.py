"""One row per op: from a row come the op's tests, its benchmarks and its line in the documentation.

The rows of a family stand in its folder's rows.py; what they are made of is explained in _row.py.
"""

from ._names import nearest
from .activation.rows import OPS as _activation
from .attention.rows import OPS as _attention
from .conv.rows import OPS as _conv
from .conv1d.rows import OPS as _conv1d
from .conv_transpose.rows import OPS as _conv_transpose
from .dropout.rows import OPS as _dropout
from .embedding.rows import OPS as _embedding
from .gated.rows import OPS as _gated
from .loss.rows import OPS as _loss
from .matmul.rows import OPS as _matmul
from .norm.rows import OPS as _norm
from .optim.rows import OPS as _optim
from .pool.rows import OPS as _pool
from .recurrent.rows import OPS as _recurrent
from .reduce.rows import OPS as _reduce
from .resize.rows import OPS as _resize
from .shape.rows import OPS as _shape
from .softmax.rows import OPS as _softmax

OPS = _matmul + _conv + _conv1d + _conv_transpose + _activation + _softmax + _norm + _pool + _dropout + _loss + _optim
OPS += _gated
OPS += _attention
OPS += _recurrent
OPS += _embedding
OPS += _reduce
OPS += _shape
OPS += _resize

BY_NAME = {op.name: op for op in OPS}


def find(command, name):
    """The op of a name that a command was given; ValueError names the nearest ones, for all are many."""
    if name in BY_NAME:
        return BY_NAME[name]
    hint = nearest(name.removesuffix("_forward").removesuffix("_backward"), BY_NAME)
    hint = f"{hint} " if hint else ", which is not in the catalog; "
    raise ValueError(f"{command}: op is {name!r}{hint}`python -m tilewright ops` lists them all")
