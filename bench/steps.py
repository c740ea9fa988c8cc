"""Training steps of whole models on the CPU, float32, beside PyTorch's eager ones and JAX's compiled ones, in turns.

Everybody trains as their users do: an epoch over arrays at hand, whose samples are shuffled, batch by batch, with Adam;
its time is divided by its number of steps. Ours is `fit`. The models are those of steps_ours.py, steps_torch.py and
steps_jax.py: the same shapes, each library's own initial weights.
"""

import dataclasses
import importlib

import numpy as np

from . import peers, report, timing

PEERS = ("torch", "jax")
TRIES = 10  # steps on one batch, after which its loss must be lower


@dataclasses.dataclass(frozen=True)
class Program:
    """A model and its data.

    name, sizes   of the model, as steps_ours.py takes them
    why           what is shown beside the name
    steps         an epoch: so many that what `fit` does but once, 0.5 to 3 ms, is little beside it
    """

    name: str
    why: str
    steps: int
    sizes: dict
    batch: int = 32

    def data(self, batches):
        """Random samples and targets, float32 and whole numbers; of words few are frequent, as in text."""
        rng, sizes = np.random.default_rng(0), self.sizes
        count = batches * self.batch
        if "vocabulary" in sizes:
            x = (sizes["vocabulary"] * rng.random((count, sizes["length"])) ** 3).astype(np.int32)
        elif "side" in sizes:
            channels = 1 if self.name == "keras_cnn" else 3
            x = rng.standard_normal((count, sizes["side"], sizes["side"], channels), np.float32)
        else:
            x = rng.standard_normal((count, sizes["features"]), np.float32)
        if self.name == "gpt":
            return x, np.roll(x, -1, 1).astype(np.int64)
        if "classes" in sizes:
            return x, rng.integers(0, sizes["classes"], count)
        return x, rng.integers(0, 2, count).astype(np.float32)


PROGRAMS = (
    Program("keras_mlp", "10-64-64-1", 200, {"features": 10, "units": 64}),
    Program("keras_cnn", "28 x 28 x 1", 40, {"side": 28, "filters": (32, 64), "units": 64, "classes": 10}),
    Program(
        "torch_style_cnn", "28 x 28 x 3", 5, {"side": 28, "filters": (64, 128), "units": 1000, "classes": 10}, batch=64
    ),
    Program("text_pooling", "100 words", 200, {"vocabulary": 10000, "length": 100, "width": 32, "classes": 5}),
    Program("text_gru", "100 words, 2 x 64", 20, {"vocabulary": 10000, "length": 100, "width": 64, "dropout": 0.1}),
    Program(
        "gpt", "4 x 128, 128 letters", 2, {"vocabulary": 100, "length": 128, "width": 128, "heads": 4, "blocks": 4}
    ),
    Program("resnet20", "32 x 32 x 3", 4, {"side": 32, "filters": (16, 32, 64), "blocks": 3, "classes": 10}),
)


def chosen(part):
    """The programs whose name contains `part`. Raises ValueError where there is none."""
    found = [program for program in PROGRAMS if part in program.name]
    if not found:
        names = ", ".join(program.name for program in PROGRAMS)
        raise ValueError(f"bench: --case is {part!r}, which is in the name of no program of --step: {names}")
    return found


def measure(program, names, threads, rounds=5, turn=timing.TURN):
    """A row of the report: seconds a step of ours and of the peers in `names`, in turns.

    Raises RuntimeError where a peer has another number of weights, or where a loss does not fall.
    """
    x, y = program.data(program.steps)
    calls, weights = {}, None
    for label, count, prepare in _contestants(program, ("ours", *names)):
        weights = weights or count
        if count != weights:
            raise RuntimeError(f"bench: {program.name} of {label} has {count} weights, ours {weights}")
        step = prepare(x[: program.batch], y[: program.batch])
        losses = [step() for _ in range(TRIES)]
        if not losses[-1] < losses[0]:
            raise RuntimeError(f"bench: {program.name}, the loss of {label} does not fall: {losses}")
        calls[label] = prepare(x, y)
    times = {label: time / program.steps for label, time in timing.alternate(calls, rounds, turn).items()}
    case = f"{program.why}, batch {program.batch}"
    row = {"op": program.name, "case": case, "product": "step", "threads": threads, "seconds": times}
    row["parameters"] = weights
    if names:
        row["ratio"] = min(time for label, time in times.items() if label != "ours") / times["ours"]
    return row


def _contestants(program, names):
    """(label, number of weights, prepare) of every way in which the libraries in `names` train the program."""
    for name in names:
        module = importlib.import_module(f".steps_{name}", __package__)
        for label, options in module.VARIANTS.items():
            if "side" in program.sizes or "channels_last" not in options:
                yield label, *module.contestant(program.name, program.sizes, program.batch, **options)


def with_threads(threads, names, programs, rounds):
    """Measure and print the programs on so many threads; returns the rows."""
    import numba

    numba.set_num_threads(threads)
    with peers.limit_threads(names, threads) as limited:
        print(f"\n{threads} thread{'s' * (threads > 1)}, float32, a training step of each in turns")
        for name in names:
            if name not in limited:
                print(f"not measured, as it takes more cores than {threads}: {name}")
        rows = []
        for program in programs:
            rows.append(measure(program, limited, threads, rounds))
            print(line(rows[-1]), flush=True)
        if said := report.summary(rows):
            print(said)
        return rows


def line(row):
    """A row as a line of the table: of each library the fastest way, and how it is as it comes where that is slower."""
    times = row["seconds"]
    text = f"{row['op']:16s} {row['case']:31s} {times['ours'] * 1e3:9.3f} ms"
    for name in PEERS:
        if name in times:
            best = min((label for label in times if label.split()[0] == name), key=times.get)
            text += f"   {_beside(best, times)}" + (f" ({_beside(name, times)})" if best != name else "")
    return text


def _beside(label, times):
    return f"{label} {times[label] * 1e3:.3f} ms, {times[label] / times['ours']:.2f} x"
