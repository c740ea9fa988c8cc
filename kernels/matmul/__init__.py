"""Matrix products: the plain one with either side transposed, and the affine map with a fused activation."""

from .. import _check as check
from .._dispatch import Faces

_faces = Faces(__name__)

FUSED = (None, "relu", "sigmoid", "tanh")  # activations whose gradient needs no more than their result


def matmul_forward(a, b, *, transpose_a=False, transpose_b=False, out=None):
    """Matrix product, y = op(a) @ op(b), where op transposes the last two axes if its flag says so.

    a (..., M, K), or (..., K, M) with transpose_a; b (..., K, N), or (..., N, K) with transpose_b -> y (..., M, N).
    Leading axes broadcast. Rows may lie apart, as in a slice of columns, if the elements of each are neighbours.
    float32 or float64, the accumulator's type too. Raises TypeError for other dtypes, ValueError where the inner
    sizes differ.

    >>> import numpy as np
    >>> matmul_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    op = "matmul_forward"
    shape = _product_shape(op, a, b, transpose_a, transpose_b)
    if out is not None:
        check.out(op, out, shape, a, a=a, b=b)
    return _faces(a).matmul_forward(a, b, transpose_a=transpose_a, transpose_b=transpose_b, out=out)


def matmul_backward(dy, a, b, *, transpose_a=False, transpose_b=False):
    """Gradients of `matmul_forward`: da = dy op(b)^T and db = op(a)^T dy, each transposed as its operand came.

    dy (..., M, N), a, b as in the forward -> da, db of the shapes of a, b: sums over the axes that were broadcast.
    """
    op = "matmul_backward"
    shape = _product_shape(op, a, b, transpose_a, transpose_b)
    check.floats(op, None, dy=dy)
    check.matrices(op, ("a", "dy"), a, dy)
    if dy.shape != shape:
        check.shape(op, "dy", dy, shape, ("b", b) if dy.shape[:-1] == shape[:-1] else ("a", a))
    return _faces(a).matmul_backward(dy, a, b, transpose_a=transpose_a, transpose_b=transpose_b)


def linear_forward(x, w, b=None, *, activation=None, out=None):
    """Affine map, y = f(x @ w + b), with f None, "relu", "sigmoid" or "tanh".

    x (M, K), w (K, N), b (N,) or None -> y (M, N), float32 or float64. Raises TypeError or ValueError for other
    dtypes, orders and sizes, before anything is computed.

    >>> import numpy as np
    >>> linear_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [-4.0]]), np.array([1.0]), activation="relu")
    array([[0.]])
    """
    _check_linear("linear_forward", x, w, b, activation)
    if out is not None:
        check.out("linear_forward", out, (x.shape[0], w.shape[1]), x, x=x, w=w, b=b)
    return _faces(x).linear_forward(x, w, b, activation=activation, out=out)


def linear_backward(dy, x, w, b=None, y=None, *, activation=None, need_dx=True):
    """Gradients of `linear_forward`: dx = dz w^T, dw = x^T dz, db = sum_M dz, with dz = dy f'(z).

    dy (M, N), x, w, b as in the forward; y (M, N), the forward's result, where there is an activation. Returns
    dx (M, K), or None if `need_dx` is false, dw (K, N), and db (N,), or None if b is None.
    """
    op = "linear_backward"
    _check_linear(op, x, w, b, activation, dy=dy)
    shape = (x.shape[0], w.shape[1])
    if dy.shape != shape:
        same_rows = dy.ndim == 2 and dy.shape[0] == shape[0]
        check.shape(op, "dy", dy, shape, ("w", w) if same_rows else ("x", x))
    if activation is not None:
        check_saved_result(op, y, dy, activation)
    return _faces(x).linear_backward(dy, x, w, b, y, activation=activation, need_dx=need_dx)


def check_saved_result(op, y, dy, activation):
    """The forward's result y, from which the gradient of a fused activation is computed."""
    if y is None:
        raise TypeError(f"{op}: y is None, expected the forward's result because activation is {activation!r}")
    check.alike(op, dy=dy, y=y)


def check_bias(op, b, w):
    """A bias (N,) of w's last size, or None."""
    if b is not None and b.shape != (w.shape[-1],):
        check.shape(op, "b", b, (w.shape[-1],), ("w", w))


def _check_linear(op, x, w, b, activation, **others):
    if b is None:
        check.floats(op, None, x=x, w=w, **others)
    else:
        check.floats(op, None, x=x, w=w, b=b, **others)
    check.rank(op, "x", x, 2)
    if w.ndim != 2 or x.shape[1] != w.shape[0]:
        check.rank(op, "w", w, 2)
        check.shape(op, "w", w, (x.shape[1], "N"), ("x", x))
    check_bias(op, b, w)
    if activation not in FUSED:
        check.choice(op, "activation", activation, FUSED)


def _product_shape(op, a, b, transpose_a, transpose_b):
    check.matrices(op, "ab", a, b)
    if a.ndim == b.ndim == 2:
        (M, K), (inner, N), batch = a.shape, b.shape, ()
    else:
        (M, K), (inner, N) = a.shape[-2:], b.shape[-2:]
        batch = check.broadcast(op, a.shape[:-2], b.shape[:-2], a, b)
    if transpose_a:
        M, K = K, M
    if transpose_b:
        inner, N = N, inner
    if inner != K:
        lead = b.shape[:-2]
        check.shape(op, "b", b, (*lead, "N", K) if transpose_b else (*lead, K, "N"), ("a", a))
    return (*batch, M, N)
