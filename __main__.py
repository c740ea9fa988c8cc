"""`python -m tilewright …`: train an example, show what this machine offers, list, check and measure the kernels."""

import argparse
import sys
from pathlib import Path

from .kernels import _check as check

COMMANDS = ("train", "info", "ops", "check", "bench")
DATASETS = ("digits",)


def main(arguments=None):
    """Run the command line; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["--version"]:
        from . import __version__

        print(f"tilewright {__version__}")
        return 0
    parser = _parser(arguments[:1])
    if arguments and not arguments[0].startswith("-"):
        _known(parser, "command", arguments[0], COMMANDS)
    options = parser.parse_args(arguments)
    if options.command == "train":
        _known(parser, "dataset", options.dataset, DATASETS)
        from .commands.digits import train

        return train(options.epochs, options.seed, options.out, options.quick)
    if options.command == "bench":
        from .bench.command import run

        return run(options)
    if options.command == "check":
        from .commands.check import run

        return run(options)
    if options.command == "ops":
        from .commands.ops import run

        return run(options)
    from .commands.info import show

    return show()


def _parser(command):
    parser = argparse.ArgumentParser(prog="python -m tilewright", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{" + ",".join(COMMANDS) + "}")
    train = commands.add_parser("train", help="train an example network on real data", allow_abbrev=False)
    train.add_argument("dataset", help="what to train on: digits")
    train.add_argument("--epochs", type=_whole(1), default=None, help="passes over the training data")
    train.add_argument("--seed", type=_whole(0), default=0, help="of weights, order and dropout (default 0)")
    train.add_argument("--out", type=Path, default=None, help="folder of the results (default runs/digits)")
    train.add_argument("--quick", action="store_true", help="two epochs on unshifted scans, to see that all works")
    commands.add_parser("info", help="versions, devices, threads, SIMD width, cache folder")
    ops = commands.add_parser("ops", help="the kernels, one line each, or all about some", allow_abbrev=False)
    if command == ["ops"]:  # whose options, as the next two's, come with the catalog, and its import takes its time
        from .commands.ops import add_arguments

        add_arguments(ops)
    check_parser = commands.add_parser("check", help="the kernels against their references", allow_abbrev=False)
    if command == ["check"]:
        from .commands.check import add_arguments

        add_arguments(check_parser)
    bench = commands.add_parser("bench", help="kernels beside NumPy, PyTorch and JAX, in turns", allow_abbrev=False)
    if command == ["bench"]:  # whose options need Numba's import, which the others' errors need not wait for
        from .bench.command import add_arguments

        add_arguments(bench)
    return parser


def _whole(low):
    def whole(text):
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < low:
            raise argparse.ArgumentTypeError(f"{value} is too small, expected at least {low}")
        return value

    return whole


def _known(parser, name, value, choices):
    try:
        check.choice(parser.prog, name, value, choices)
    except ValueError as error:
        parser.error(str(error).partition(": ")[2])


if __name__ == "__main__":
    sys.exit(main())
