"""Ctrl-C in training: it ends after the step at hand."""

import signal
import threading


class Interrupt:
    """Within it Ctrl-C sets `asked` instead of stopping in the middle of a step; a second one is raised.

    Only where Python's own handler is in place, in the main thread: other handlers are the user's.
    """

    asked = insisted = False
    _installed = False

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, self._handle)
                self._installed = True
        return self

    def __exit__(self, *error):
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number, frame):
        if self.asked:
            self.insisted = True
            raise KeyboardInterrupt
        self.asked = True
