"""Names that nobody has are answered with those that were meant."""

import difflib

_OTHERS_SAY = {"gpu": "cuda"}


def nearest(value, names):
    """The end of a sentence about an unknown name: "; did you mean 'a' or 'b'?", or nothing where none is near.

    Case does not count, None among the names neither. A name that goes on after the value and "_" is nearer than one
    that is only spelled alike: `adam` means `adam_update`.
    """
    word = str(value).lower()
    known = {}
    for name in names:
        if name is not None:
            known.setdefault(str(name).lower(), []).append(repr(str(name)))
    if _OTHERS_SAY.get(word) in known:
        word = _OTHERS_SAY[word]
    near = [word] if word in known else [name for name in known if name.startswith(f"{word}_")][:2]
    near = near or difflib.get_close_matches(word, known, n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(said for name in near for said in known[name])}?" if near else ""


def missing(module, name, names, parts=()):
    """The AttributeError of the module named `module`, which has `names`, for another; `parts` are modules below it."""
    hint = ""
    if not name.startswith("_"):  # such are asked for by Python and its tools
        homes = [part.__name__ for part in parts if name in part.__all__]
        hint = f"; it is {homes[0]}.{name}" if homes else nearest(name, names)
    return AttributeError(f"module {module!r} has no attribute {name!r}{hint}", name=name)  # else Python guesses too
