"""Whether CUDA kernels can run here, and if not, why not and what helps."""

import functools
import importlib.util
import sys

DRIVER = 580  # the first of CUDA 13, which the `cuda` extra brings
DRIVERS = {12: 525, 13: DRIVER}  # the first of every major version of CUDA
OLDEST = {12: (5, 0), 13: (7, 5)}  # compute capabilities that such a CUDA compiles for
PRODUCTS_OF_16_BITS = {  # from a capability on
    (0, 0): "converted to float32",
    (8, 0): "mma.sync on tensor cores",
    (9, 0): "wgmma on tensor cores, small ones mma.sync",
    (10, 0): "mma.sync on tensor cores",
}


def why_not():
    """Why CUDA cannot be used, with the remedy, as one sentence; None if it can. Imports numba-cuda if it is there."""
    if importlib.util.find_spec("numba_cuda") is None:
        if sys.platform != "linux":
            return f"CUDA kernels run on Linux, this is {sys.platform}"
        return "numba-cuda is not installed; pip install 'tilewright[cuda]'"
    try:
        from numba import config, cuda
        from numba.cuda.cudadrv.error import CudaSupportError
    except ImportError as error:
        return f"numba-cuda cannot be imported ({_first_line(error)}); pip install --upgrade 'tilewright[cuda]'"
    try:
        card = cuda.get_current_device()
    except CudaSupportError as error:
        return _of_driver(str(error))
    except Exception as error:  # of the driver, in several classes: a card that is lost, full, or another's alone
        return f"the GPU does not start ({_first_line(error)}); see with `nvidia-smi` whether it is free and well"
    if config.ENABLE_CUDASIM:
        importlib.import_module(".simulator", __package__).prepare()
        return None
    return _of_versions(_toolkit(), _driver(), card)


def _of_versions(toolkit, driver, card):
    """The sentence for a driver or a card that the installed CUDA is too new for; None if they fit."""
    if driver[0] < toolkit:
        return (
            f"the NVIDIA driver is one for CUDA {_dotted(driver)}, CUDA {toolkit} is installed; "
            f"install a driver of version {DRIVERS.get(toolkit, DRIVER)} or newer"
        )
    least = OLDEST.get(toolkit, (0, 0))
    if tuple(card.compute_capability) < least:
        remedy = (
            "; pip install 'numba-cuda[cu12]'" if toolkit == 13 and tuple(card.compute_capability) >= OLDEST[12] else ""
        )
        return (
            f"{_name(card)} is of compute capability {_dotted(card.compute_capability)}, CUDA {toolkit} compiles for "
            f"{_dotted(least)} and newer{remedy}"
        )
    return None


def _toolkit():
    """The major version of the CUDA that compiles here."""
    from cuda import bindings

    return int(bindings.__version__.partition(".")[0])


def _driver():
    """The newest CUDA that the driver runs, (major, minor)."""
    from numba.cuda.cudadrv.driver import driver

    return driver.get_version()


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


def capability():
    """The compute capability of the current device, (major, minor); where `why_not()` is None."""
    from numba import cuda

    card = cuda.get_current_device()
    return _capability(getattr(card, "id", None))  # the simulator's has no number


@functools.cache
def _capability(device):
    from numba import cuda

    return tuple(map(int, cuda.get_current_device().compute_capability))


def device():
    """The card in words, with the ways that its compute capability opens; where `why_not()` is None.

    "NVIDIA A100, compute capability 8.0; products of 16 bits: mma.sync on tensor cores", for example.
    """
    from numba import cuda

    card = cuda.get_current_device()
    return f"{_name(card)}, compute capability {_dotted(capability())}; products of 16 bits: {_way_of_halves()}"


def _way_of_halves():
    return PRODUCTS_OF_16_BITS[max(least for least in PRODUCTS_OF_16_BITS if capability() >= least)]


def _name(card):
    from numba import config

    name = "Numba's simulator" if config.ENABLE_CUDASIM else card.name
    return name.decode() if isinstance(name, bytes) else name


def _dotted(version):
    return ".".join(map(str, version))
