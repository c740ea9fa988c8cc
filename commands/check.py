"""`python -m tilewright check`: every row of the catalog on a device, against the references.

Every case runs forward and backward, in every dtype, from arrays on 16-byte boundaries and beside them, with finite
numbers and with NaN and infinities; then once more into buffers full of NaN: the bits have to be the same. A line an
op; the exit status is 1 if anything is wrong.
"""

import importlib.util
import inspect
import sys
import time

import numpy as np

from ..kernels._compare import WAYS, arrays_of, complaints, computed, in_order, reference
from ..kernels.catalog import OPS, find

DTYPES = ("float32", "float64", "float16", "bfloat16")
LARGEST = 2000  # elements of a case in Numba's simulator, where one takes a thread of the host
HALVES_OF = ("matmul", "linear")  # ops that take float16 and bfloat16 as well
SHOWN = 3  # complaints of an op


def add_arguments(parser):
    """The command's options."""
    parser.add_argument("ops", nargs="*", help="names of ops, as `python -m tilewright ops` lists them; none: all")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="where (default: cuda where there is one, else cpu)")
    parser.add_argument("--dtype", choices=DTYPES, help="only this one (default: all that an op takes)")
    parser.add_argument(
        "--case", default="", help="only cases whose name contains this; `python -m tilewright ops OP` lists them"
    )
    parser.add_argument("--largest", type=int, help="only cases of so many elements at most")
    parser.add_argument("--seconds", type=float, help="begin no op after so many; those left are named")


def run(arguments):
    """Check and print; returns the exit status."""
    try:
        chosen = [find("check", name) for name in dict.fromkeys(arguments.ops)]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    from ..kernels._cuda import state

    place, largest = Cpu(), arguments.largest
    reason = None if arguments.device == "cpu" else state.why_not()
    device = arguments.device or ("cpu" if reason else "cuda")
    if device == "cpu" and arguments.dtype in DTYPES[2:]:
        print(f"check: --dtype is {arguments.dtype!r}, which does not go with --device cpu", file=sys.stderr)
        return 2
    if device == "cuda":
        if reason:
            print(f"check: CUDA cannot be used here: {reason}", file=sys.stderr)
            return 1
        place = Cuda()
        largest = LARGEST if place.simulated and largest is None else largest
        print(state.device() + ": no GPU, and no GPU's pass" * place.simulated)
        if importlib.util.find_spec("ml_dtypes") is None:
            print("not checked: bfloat16, which needs ml_dtypes: pip install ml_dtypes")
            if arguments.dtype == "bfloat16":
                return 1
    elif arguments.device is None:
        print(f"on the CPU; CUDA cannot be used here: {reason}")
    ops = chosen or OPS
    with_face = [op for op in ops if has_face(op, device)]
    start, failed, left, runs = time.perf_counter(), [], [], 0
    for op in with_face:
        if arguments.seconds is not None and time.perf_counter() - start > arguments.seconds:
            left.append(op.name)
            continue
        count, wrong = check_op(op, place, arguments.dtype, arguments.case, largest)
        runs += count
        print(f"{op.name:32s} {'wrong' if wrong else 'right' if count else 'no case':8s} {count:5d} runs", flush=True)
        for sentence in wrong[:SHOWN]:
            print(f"    {sentence}")
        if wrong[SHOWN:]:
            print(f"    and {len(wrong) - SHOWN} more")
        failed += [op.name] * bool(wrong)
    without = [op.name for op in ops if op not in with_face]
    for said, names in (("wrong", failed), (f"not on {device}", without), ("no time left for", left)):
        if names:
            print(f"{said}: {', '.join(names)}")
    if not runs:
        listed = f"see them with `python -m tilewright ops {ops[0].name}`"
        print(f"check: nothing was checked; no case fits --case and --largest; {listed}", file=sys.stderr)
    return 1 if failed or left or not runs else 0


def has_face(op, device):
    """Whether an op's folder has a file for a device, and that has the op."""
    package = op.face("public").__name__
    if importlib.util.find_spec(f"{package}.{device}") is None:
        return False
    return hasattr(op.face(device), op.name if op.updates else f"{op.name}_forward")


def check_op(op, place, dtype=None, name="", largest=None):
    """(number of runs, what is wrong) of the cases whose name contains `name`, up to `largest` elements."""
    count, wrong = 0, []
    for case in op.cases:
        if name not in case.why or (case.host and not place.is_host):
            continue
        for one in place.dtypes(op) if dtype is None else (dtype,):
            arrays = arrays_of(op, case, one)
            if largest is not None and sum(np.size(x) for x in arrays.values()) > largest:
                continue
            for way in place.ways:
                count += 1
                wrong += [f"{case.why}, {one}, {way}: {said}" for said in check_case(op, case, one, way, place)]
    return count, wrong


def check_case(op, case, dtype, way, place):
    """What is wrong with one case on a device, a sentence each; an exception is one too."""
    arrays = arrays_of(op, case, dtype, way)
    want, dy = reference(op, case, arrays, dtype)
    exact, _ = reference(op, case, arrays, "float64", dy)
    try:
        got, again = (place.compute(op, case, arrays, dy, way, poisoned) for poisoned in (False, True))
    except Exception as error:
        return [f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"]
    wrong = list(complaints(op, case, dtype, got, want, exact, place.slack(op, arrays, dtype)))
    for name in got:
        if got[name].tobytes() != again[name].tobytes():
            wrong.append(f"{name} has other bits in a second run, into a buffer full of NaN")
    return wrong


class Cpu:
    """The CPU: a device on which a check can be tried where there is no card."""

    simulated = False
    is_host = True
    ways = ("aligned", "nan and infinity")

    def dtypes(self, op):
        return ("float32", "float64")

    def compute(self, op, case, arrays, dy, way, poisoned):
        """{name: NumPy array} of everything that the public functions compute; `poisoned`: into a buffer of NaN."""
        here = {name: self.put(x, way) for name, x in arrays.items()}
        dy = dy if dy is None or np.ndim(dy) == 0 else self.put(dy, way)
        buffers = {}
        if poisoned and "out" in inspect.signature(op.forward_call("public", {}, {}).func).parameters:
            y = op.forward("public", here, case.options)[0]
            buffers["out"] = self.put(np.full(y.shape, np.nan, y.dtype), way)
        results = computed(op, "public", here, case.options, dy, buffers)
        return {name: self.get(x) for name, x in results.items()}

    def slack(self, op, arrays, dtype):
        return 0.0

    def put(self, x, way):
        return x.copy()

    def get(self, x):
        return np.asarray(x)


class Cuda(Cpu):
    """The current CUDA device, or Numba's simulator of one."""

    is_host = False
    ways = WAYS

    def __init__(self):
        from numba import config, cuda

        self.simulated = bool(config.ENABLE_CUDASIM)
        self._cuda = cuda
        if self.simulated:
            from ..kernels._cuda import simulator

            simulator.prepare()

    def dtypes(self, op):
        if op.name not in HALVES_OF or self.simulated:
            return ("float32", "float64")
        try:
            import ml_dtypes  # noqa: F401  gives NumPy a bfloat16
        except ImportError:
            return ("float32", "float64", "float16")
        return DTYPES

    def slack(self, op, arrays, dtype):
        return in_order(op, arrays, dtype)

    def put(self, x, way):
        if x.dtype.kind == "V":  # bfloat16, which goes as the bits that it is
            return self.put(x.view(np.uint16), way).view(x.dtype)
        if way != "shifted" or not x.size:
            return self._cuda.to_device(x)
        return self._cuda.to_device(np.concatenate((np.zeros(1, x.dtype), x.ravel())))[1:].reshape(x.shape)

    def get(self, x):
        return x.copy_to_host() if hasattr(x, "copy_to_host") else np.asarray(x)
