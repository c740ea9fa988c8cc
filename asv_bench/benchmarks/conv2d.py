"""Convolutions: times and rates."""

from . import OpBench, cases


class Conv2d(OpBench):
    op = "conv2d"
    params = cases(op)
