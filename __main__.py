"""`python -m tilewright …`: train an example, show what a machine offers; list, check, compile and measure kernels."""

import argparse
import importlib
import sys
from pathlib import Path

from .kernels import _check as check

MODULES = {  # of commands with options of their own, and what these do
    "ops": (".commands.ops", "the kernels, one line each, or all about some"),
    "check": (".commands.check", "the kernels against their references"),
    "compile": (".commands.compile", "the CPU kernels, ahead of their use"),
    "bench": (".bench.command", "kernels beside NumPy, PyTorch and JAX, in turns"),
}
COMMANDS = ("train", "info", *MODULES)
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
    if options.command in MODULES:
        return importlib.import_module(MODULES[options.command][0], __package__).run(options)
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
    for name, (module, about) in MODULES.items():
        own = commands.add_parser(name, help=about, allow_abbrev=False)
        if command == [name]:  # its options come with the catalog or with Numba, whose imports take their time
            importlib.import_module(module, __package__).add_arguments(own)
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
