"""The one stream on which everything of a device happens in order. Every kernel is started here, so that a graph can
record a whole training step (graph.py).
"""

_current = 0  # CUDA's default stream, which other libraries' work is ordered with


def current():
    """The stream that work goes to: 0, or the one that a graph records."""
    return _current


def start(kernel, blocks, threads, *arguments):
    """Start a kernel on a grid; nothing happens where there are no blocks."""
    if blocks:
        kernel[blocks, threads, _current](*arguments)
