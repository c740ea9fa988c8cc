"""The machine code of a kernel, of which nobody sees more than what Python or C calls.

Numba tells functions of one name and signature apart by a number that it counts in each process. What a kernel is made
of goes into its file in the cache under such names, and those of two files that two processes wrote can be the same:
loaded together, both would call the first one's functions, and nothing would say so. Here these names are the kernel's
own.
"""

from llvmlite.binding import Linkage
from numba.core.codegen import JITCodeLibrary


class KernelLibrary(JITCodeLibrary):
    """Numba's library, in which the functions that were linked in are internal once they are optimised."""

    def __init__(self, codegen, name):
        super().__init__(codegen, name)
        self._entries = set()
        self.enable_object_caching()

    def add_llvm_module(self, module):
        self._entries.update(f.name for f in exported(module))
        super().add_llvm_module(module)

    def _optimize_final_module(self):
        super()._optimize_final_module()
        for function in self._final_module.functions:
            if not function.is_declaration and function.name not in self._entries:
                function.linkage = Linkage.internal


def exported(module):
    """The functions that a module defines for others."""
    return [f for f in module.functions if not f.is_declaration and f.linkage != Linkage.internal]
