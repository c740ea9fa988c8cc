"""How functions become CUDA kernels: `kernel` for what is launched, `device` for what kernels are made of."""

import functools

from numba import config, cuda

device = cuda.jit(device=True, inline="always")  # inlined in Numba's IR: assembling them needs no driver
SHARED = 48 << 10  # bytes of shared memory that a block may have without being asked for

if config.ENABLE_CUDASIM:
    from .turns import install

    install()

    def kernel(function=None, *, dynamic_shared=0, **options):
        """The function as the simulator's kernel."""
        if function is None:
            return functools.partial(kernel, dynamic_shared=dynamic_shared)
        made = cuda.jit(function)
        made.dynamic_shared = dynamic_shared
        return made

else:
    from numba.cuda.cudadrv.driver import binding, driver

    from .. import _collector
    from .cache import DiskCache

    def kernel(function=None, *, dynamic_shared=0, **options):
        """Compile `function` for the current card, lazily per signature and cached on disk.

        dynamic_shared: bytes of `cuda.shared.array(0, ...)` that each block gets, also beyond SHARED where the card
        has them. options: Numba's, such as max_registers. From compute capability 9.0 on Numba compiles for exactly
        the card's architecture (sm_90a), so that wgmma needs no setting. Not optimised again at link time: what runs
        is the PTX that assemble.py measures.
        """
        if function is None:
            return functools.partial(kernel, dynamic_shared=dynamic_shared, **options)
        dispatcher = cuda.jit(function, **{"lto": False, **options})
        dispatcher._cache = DiskCache(function, options)
        dispatcher.compile = _collector.still()(dispatcher.compile)
        dispatcher.dynamic_shared = dynamic_shared
        if dynamic_shared > SHARED:
            dispatcher.add_overload = functools.partial(_add_with_shared, dispatcher, dispatcher.add_overload)
        return dispatcher

    def _add_with_shared(dispatcher, add, compiled, types):
        """Take a compiled kernel, from the disk or fresh, and allow it its shared memory; has not run on a card."""
        function = compiled._codelibrary.get_cufunc()
        attribute = binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        driver.cuKernelSetAttribute(attribute, dispatcher.dynamic_shared, function.handle, function.device.id)
        add(compiled, types)
