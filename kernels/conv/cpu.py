"""Convolution on the CPU, as products with packed patches (`_cpu/image.py`).

x, dx (N, H, W, C)    w, dw (R, S, C / groups, K)    b, db (K,)    y, dy, dz (N, P, Q, K)

y[n, p, q, k]  = f(sum_rsc x[n, p stride + r dilation - top, q stride + s dilation - left, c] w[r, s, c, k] + b[k])
dz             = dy f'(z)
dx[n, h, w, c] = sum_rsk dz[n, p, q, k] w[r, s, c, k]    over all p stride + r dilation - top = h, and q likewise
dw[r, s, c, k] = sum_npq x[n, p stride + r dilation - top, …, c] dz[n, p, q, k]        db[k] = sum_npq dz[n, p, q, k]

Chetlur et al. 2014, cuDNN, arXiv:1410.0759, section 3 (the product without a matrix of patches). The accumulator has
the arrays' type; the order of every sum is fixed by the shapes.
"""
from .. import _window as window
from .._cpu.bias import activation_code, linear_gradient
from .._cpu.gemm import empty_panels
from .._cpu.image import View, filter_parts, filter_product, patch_product
from .._cpu.memory import empty
from .._cpu.microkernel import BIAS


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, out=None):
    view, (P, Q) = _forward_view(x.shape, w, stride, padding, dilation, groups)
    N, K = x.shape[0], w.shape[3]
    y = empty((N, P, Q, K), x.dtype) if out is None else out
    return _product(x, view, w, False, b, activation_code(activation), y)


def conv2d_backward(
    dy, x, w, b=None, y=None, *, stride=1, padding=0, dilation=1, groups=1, activation=None, need_dx=True
):
    dz, db = linear_gradient(dy, y, activation, b)
    view, _ = _forward_view(x.shape, w, stride, padding, dilation, groups)
    dw = _filter_gradient(x, view, dz, w.shape)
    if not need_dx:
        return None, dw, db
    dx = _product(dz, _backward_view(view, w.shape[3]), w, True, None, 0, empty(x.shape, x.dtype))
    return dx, dw, db


def _product(x, view, w, backward, b, code, y):
    channels = y.shape[3] // view.groups
    depth = view.R * view.S * view.C // view.groups
    panels = empty_panels(depth, channels, x.dtype, view.groups)
    rows = y.reshape(-1, y.shape[3])
    bias, flags = (panels, 0) if b is None else (b, BIAS)
    w = w.reshape(-1, *w.shape[2:])
    patch_product(x.reshape(-1), view, w, backward, bias, flags, code, panels, rows)
    return y


def _filter_gradient(x, view, dz, shape):
    K, N = view.R * view.S * view.C // view.groups, shape[3]
    dz = dz.reshape(-1, N)
    M = dz.shape[0]
    panels = empty_panels(M, N // view.groups, x.dtype, view.groups)
    parts = empty((filter_parts(M, K, N // view.groups), K, N), x.dtype)
    dw = empty(shape, x.dtype)
    filter_product(x.reshape(-1), view, dz, panels, parts, dw.reshape(K, N))
    return dw


def _forward_view(size, w, stride, padding, dilation, groups):
    _, H, W, C = size
    R, S = w.shape[:2]
    stride, dilation = (window.pair("conv2d", "", value) for value in (stride, dilation))
    (P, Q), pads = window.resolve("conv2d", (H, W), (R, S), stride, padding, dilation)
    return View(H, W, C, P, Q, R, S, *stride, -pads[0], -pads[2], *dilation, 1, 1, groups), (P, Q)


def _backward_view(v, K):
    """The view of dz whose product with the reversed filter is dx."""
    bases = (-v.base_h - (v.R - 1) * v.dilation_h, -v.base_w - (v.S - 1) * v.dilation_w)
    return View(v.P, v.Q, K, v.H, v.W, v.R, v.S, 1, 1, *bases, v.dilation_h, v.dilation_w, v.step_h, v.step_w, v.groups)
