"""The catalog's rows of recurrent networks; their words are explained in _row.py."""

import numpy as np

from .._row import Bad, Case, Op, normal


def _lengths(*lengths, T, first=0):
    """A mask: so many steps of each sequence count, after `first` that do not."""
    steps = np.arange(T)
    return lambda rng, dtype: (steps >= first) & (steps < first + np.array(lengths)[:, None])


def _gaps(B, T):
    """A mask with gaps anywhere."""
    return lambda rng, dtype: rng.uniform(size=(B, T)) < 0.6


def _network(G, cells=False, two_biases=False):
    """A maker of cases of a network with G gates."""

    def case(why, B, T, D, H, bias=True, first=True, mask=None, scale=1.0, **options):
        spread = H**-0.5 if H else 1.0  # so that states neither die out nor settle at 1
        arrays = {"x": normal(B, T, D, scale=scale), "w": normal(D, G * H, scale=0.5)}
        arrays["u"] = normal(H, G * H, scale=spread)
        if bias:
            arrays["b"] = normal(*([2] if two_biases and options.get("reset_after", True) else []), G * H)
        if first:
            arrays |= {name: normal(B, H) for name in ("h0", "c0")[: 1 + cells]}
        if mask:
            arrays["mask"] = mask
        return Case(why, arrays, options)

    return case


def _cases(case, options=({},)):
    """The cases that all networks have; those with two forms take each in both."""
    for one in options:
        said = "".join(f", {name} {value}" for name, value in one.items())
        yield from (
            case(f"primes{said}", 3, 5, 2, 7, **one),
            case(f"one step{said}", 3, 1, 2, 5, **one),
            case(f"one sequence{said}", 1, 9, 4, 19, **one),
            case(f"one of everything{said}", 1, 1, 1, 1, scale=0.5, **one),
            case(f"without bias and first state{said}", 5, 4, 3, 2, bias=False, first=False, **one),
            case(f"reverse{said}", 3, 5, 2, 7, reverse=True, **one),
            case(f"unequal lengths{said}", 4, 5, 3, 2, mask=_lengths(5, 3, 0, 1, T=5), **one),
            case(f"unequal lengths, reverse{said}", 4, 5, 3, 2, mask=_lengths(5, 3, 0, 1, T=5), reverse=True, **one),
            case(f"masked first steps{said}", 3, 5, 2, 3, mask=_lengths(3, 1, 2, T=5, first=2), first=False, **one),
            case(f"gaps, tiles{said}", 9, 7, 5, 17, mask=_gaps(9, 7), **one),
            case(f"no sequences{said}", 0, 5, 3, 2, **one),
            case(f"no steps{said}", 2, 0, 3, 2, **one),
            case(f"no steps, no first state{said}", 2, 0, 3, 2, first=False, **one),
            case(f"no inputs{said}", 2, 3, 0, 2, **one),
            case(f"no units{said}", 2, 3, 2, 0, **one),
            case(f"blocks of rows, threads{said}", 37, 6, 11, 33, mask=_gaps(37, 6), **one),
            case(f"a depth block and more, threads{said}", 35, 3, 20, 261, **one),
            case(f"many steps of small networks, threads{said}", 37, 41, 5, 9, mask=_gaps(37, 41), **one),
        )


def _bench(case):
    for B, T, D, H in ((1, 100, 64, 64), (32, 100, 64, 64), (32, 100, 128, 128), (64, 100, 512, 512)):
        yield case(f"{B}x{T}x{D} {H}", B, T, D, H, first=False)
    yield case("32x100x64 64 masked", 32, 100, 64, 64, first=False, mask=_gaps(32, 100))


def _bad(op, G, N, second):
    """Of the first case, 3 sequences of 5 steps of 2, 7 units; `second`: more states, saved: more of the results."""
    y, state = np.ones((3, 5, 7)), np.ones((3, 7))
    saved = {"y": y, "dy": y, "gates": np.ones((5, G, 3, 7)), "inner": np.ones((5, 3, 7)), "cells": np.ones((5, 3, 7))}
    names = {1: ("y",), 3: ("y", "gates", "inner"), 4: ("y", "gates", "cells")}[G]
    forward, backward = f"{op}_forward", f"{op}_backward"
    lost = " and ".join(("dh", *(f"d{name[0]}" for name in second)))
    yield Bad({"x": np.ones((3, 5))}, f"{forward}: x has 2 axes (shape (3, 5)), expected 3")
    yield Bad({"u": np.ones(7)}, f"{forward}: u has 1 axes (shape (7,)), expected 2")
    yield Bad({"u": np.ones((7, N + 1))}, f"{forward}: u has shape (7, {N + 1}), expected (7, {N})")
    yield Bad({"w": np.ones((3, N))}, f"{forward}: w has shape (3, {N}), expected (2, {N}) because x is (3, 5, 2)")
    yield Bad({"w": np.ones((2, 6))}, f"{forward}: w has shape (2, 6), expected (2, {N}) because u is (7, {N})")
    for name in ("h0", *second):
        yield Bad(
            {name: np.ones((5, 7))}, f"{forward}: {name} has shape (5, 7), expected (3, 7) because x is (3, 5, 2)"
        )
        yield Bad({name: np.ones((3, 5))}, f"{forward}: {name} has shape (3, 5), expected (3, 7) because u is (7, {N})")
    yield Bad(
        {"mask": np.ones((5, 3), bool)}, f"{forward}: mask has shape (5, 3), expected (3, 5) because x is (3, 5, 2)"
    )
    yield Bad(
        {"mask": np.ones((3, 5))}, f"{forward}: mask is float64, expected bool; convert it with mask.astype(bool)"
    )
    yield Bad({"mask": [[True]]}, f"{forward}: mask is a list, expected a NumPy array of bool")
    yield Bad({"out": np.ones((3, 7, 5))}, f"{forward}: out has shape (3, 7, 5), expected (3, 5, 7)")
    yield Bad(
        {**saved, "dy": None},
        f"{backward}: dy is None, expected an array because {lost} "
        f"{'are' if second else 'is'} None; pass the gradient of y or of a last state",
    )
    yield Bad({**saved, "dy": state}, f"{backward}: dy has shape (3, 7), expected (3, 5, 7) because x is (3, 5, 2)")
    for name in ("dh", *(f"d{name[0]}" for name in second)):
        yield Bad({**saved, name: y}, f"{backward}: {name} has shape (3, 5, 7), expected (3, 7) because x is (3, 5, 2)")
    for name in names:
        right = saved[name].shape
        yield Bad(
            {**saved, name: np.ones((2, 2))},
            f"{backward}: {name} has shape (2, 2), expected {right} because x is (3, 5, 2)",
        )


def _flops(G):
    """Of a forward: the inputs' and the states' products."""

    def flops(arrays, options):
        (B, T, D), H = arrays["x"].shape, arrays["u"].shape[0]
        return 2 * B * T * G * H * (D + H)

    return flops


def _row(op, G, cases, case, saved, bad, second=()):
    return Op(
        op,
        "recurrent",
        ("x", "w", "u", "b", "h0", *second),
        tuple(cases),
        tuple(_bench(case)),
        saved,
        (*_bad(op, G, G * 7, second), *bad),
        ("b", "h0", *second, "mask"),
        flops=_flops(G),
    )


def _simple_rnn():
    case = _network(1)
    cases = (
        *_cases(case),
        case("relu", 3, 5, 2, 7, activation="relu"),
        case("relu, unequal lengths", 4, 5, 3, 2, activation="relu", mask=_lengths(5, 3, 0, 1, T=5), reverse=True),
        case("extreme values", 3, 5, 4, 6, scale=1e30),
    )
    bad = (
        Bad({"b": np.ones(6)}, "simple_rnn_forward: b has shape (6,), expected (7,) because u is (7, 7)"),
        Bad({"activation": "sigmoid"}, "simple_rnn_forward: activation is 'sigmoid', expected one of 'tanh', 'relu'"),
    )
    return _row("simple_rnn", 1, cases, case, ("h",), bad)


def _gru():
    case = _network(3, two_biases=True)
    cases = (
        *_cases(case, ({}, {"reset_after": False})),
        case("extreme values", 3, 5, 4, 6, scale=1e30),
        case("extreme values, reset_after False", 3, 5, 4, 6, scale=1e30, reset_after=False),
    )
    bad = (
        Bad({"b": np.ones(21)}, "gru_forward: b has shape (21,), expected (2, 21) because u is (7, 21)"),
        Bad({"reset_after": False}, "gru_forward: b has shape (2, 21), expected (21,) because u is (7, 21)"),
    )
    return _row("gru", 3, cases, case, ("h", "gates", "inner"), bad)


def _lstm():
    case = _network(4, cells=True)
    cases = (*_cases(case), case("extreme values", 3, 5, 4, 6, scale=1e30))
    bad = (Bad({"b": np.ones(7)}, "lstm_forward: b has shape (7,), expected (28,) because u is (7, 28)"),)
    return _row("lstm", 4, cases, case, ("h", "c", "gates", "cells"), bad, ("c0",))


OPS = (_simple_rnn(), _gru(), _lstm())
