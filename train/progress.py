"""Progress of `fit`: a bar an epoch on a terminal (with the extra `progress`, rich), else a line an epoch."""

import functools
import importlib.util
import math
import sys
import time

from .callbacks import Callback

_REFRESH = 0.1  # seconds
_COMPILING = "compiling kernels …"


def progress_for(verbose):
    """The callback of a verbosity: 0 none, 1 a bar, 2 a line, "auto" a bar on a terminal, else a line."""
    if verbose not in (0, 1, 2, "auto", True, False):
        raise ValueError(f'fit: verbose is {verbose!r}, expected 0 (silent), 1 (a bar), 2 (a line) or "auto"')
    if not verbose:
        return None
    wants_bar = verbose == 1 or verbose == "auto" and sys.stdout.isatty()
    return ProgressBar() if wants_bar and importlib.util.find_spec("rich") else ProgressLines()


def line(logs):
    """The values as "loss 0.1234, accuracy 0.9876, learning_rate 1.0000e-05"."""
    return ", ".join(f"{key} {value:.4{'e' if 0 < abs(value) < 1e-3 else 'f'}}" for key, value in logs.items())


class ProgressLines(Callback):
    """One plain line an epoch."""

    compiled = 0.0  # seconds that the first epoch, and what was before it, spent on compiling kernels

    def compiling(self):
        """The first kernel is being compiled."""
        print(_COMPILING, flush=True)

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self._start
        width = len(str(self.epochs))
        compiled = f"  {self.compiled:.2f} s of compiling" if self.compiled else ""
        self.compiled = 0.0
        print(f"Epoch {epoch + 1:{width}}/{self.epochs}  {seconds:6.2f} s{compiled}  {line(logs)}", flush=True)


class ProgressBar(Callback):
    """A bar an epoch with the running loss and metrics, drawn by rich; on a narrow terminal they stand below it.

    It is drawn from the training thread ten times a second: a drawing thread would take a core from the kernels.
    """

    compiled = 0.0

    def __init__(self):
        self._make = _bar_class()
        self._bar = None

    def on_epoch_begin(self, epoch, logs=None):
        self._bar = self._make(f"Epoch {epoch + 1:{len(str(self.epochs))}}/{self.epochs}", self.batches)
        self._bar.start()
        if self.compiled:
            self._bar.show(0, _COMPILING)
        self._drawn = -math.inf

    def compiling(self):
        """The first kernel is being compiled."""
        if self._bar is None:  # before the first epoch, while the model is built
            print(_COMPILING, flush=True)
        else:
            self._bar.show(0, _COMPILING)

    def on_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if now - self._drawn > _REFRESH:
            self._drawn = now
            self._bar.show(batch + 1, line(logs))

    def on_epoch_end(self, epoch, logs=None):
        self._bar.show(self.batches, line(logs))
        self._stop()

    def on_train_end(self, logs=None):
        self._stop()

    def _stop(self):
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@functools.cache
def _bar_class():
    """rich's Progress with a line of values, made at first use because importing rich takes a while."""
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.text import Text
    except ImportError:
        raise ImportError("ProgressBar needs rich: pip install 'tilewright[progress]'") from None

    class Bar(Progress):
        below = ""

        def __init__(self, name, batches):
            columns = TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn()
            super().__init__(*columns, TextColumn("{task.fields[values]}"), auto_refresh=False)
            self._beside = self.console.width - len(name) - 2 * len(str(batches)) - 40
            self._task = self.add_task(name, total=batches, values="")

        def show(self, done, values):
            fits = len(values) <= self._beside
            self.below = "" if fits else values
            self.update(self._task, completed=done, values=values if fits else "", refresh=True)

        def get_renderables(self):
            yield from super().get_renderables()
            if self.below:
                yield Text(f"  {self.below}")

    return Bar
