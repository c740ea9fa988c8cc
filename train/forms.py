"""Arrays in the forms that models take and give: one, a list of them, or a dictionary; None where there is none."""

from ..layers._symbol import formed, listed

__all__ = ["each", "form_of", "formed", "listed", "pieces"]


def each(f, part):
    """What `f` gives for every array, in the same form; None stays None."""
    if isinstance(part, dict):
        return {name: each(f, one) for name, one in part.items()}
    if isinstance(part, (list, tuple)):
        return [each(f, one) for one in part]
    return None if part is None else f(part)


def pieces(part):
    """The arrays one by one, without those that are None."""
    return [one for one in listed(part) if one is not None]


def form_of(part):
    """What `formed` takes to make the same form of other arrays."""
    return tuple(part) if isinstance(part, dict) else "list" if isinstance(part, (list, tuple)) else None
