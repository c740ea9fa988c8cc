"""Whether CUDA kernels can run here, and if not, why not and what helps."""

import importlib.util
import sys

DRIVER = 580  # the first of CUDA 13, which the `cuda` extra brings


def why_not():
    """Why CUDA cannot be used, with the remedy, as one sentence; None if it can. Imports numba-cuda if it is there."""
    if importlib.util.find_spec("numba_cuda") is None:
        if sys.platform != "linux":
            return f"CUDA kernels run on Linux, this is {sys.platform}"
        return "numba-cuda is not installed; pip install 'tilewright[cuda]'"
    try:
        from numba import cuda
        from numba.cuda.cudadrv.error import CudaSupportError
    except ImportError as error:
        return f"numba-cuda cannot be imported ({_first_line(error)}); pip install --upgrade 'tilewright[cuda]'"
    try:
        cuda.get_current_device()
    except CudaSupportError as error:
        return _of_driver(str(error))
    return None


def _of_driver(message):
    """The sentence for what numba-cuda said of a driver that it could not start."""
    message = message.replace("Error at driver init:", "")
    if "NUMBA_DISABLE_CUDA" in message:
        return "NUMBA_DISABLE_CUDA is set in the environment; unset it"
    if "library cannot be found" in message:
        return f"no NVIDIA driver was found; install one of version {DRIVER} or newer"
    if "NO_DEVICE" in message:
        return (
            "the NVIDIA driver finds no GPU; see what `nvidia-smi -L` lists, and whether CUDA_VISIBLE_DEVICES hides it"
        )
    return (
        f"the NVIDIA driver does not start ({_first_line(message)}); it has to be of version {DRIVER} or newer, "
        "`nvidia-smi` says which one runs"
    )


def _first_line(error):
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


def device():
    """The card in words, such as "NVIDIA H200, compute capability 9.0"; where `why_not()` is None."""
    from numba import config, cuda

    card = cuda.get_current_device()
    name = "Numba's simulator" if config.ENABLE_CUDASIM else card.name
    if isinstance(name, bytes):
        name = name.decode()
    return f"{name}, compute capability {'.'.join(map(str, card.compute_capability))}"
