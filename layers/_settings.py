"""Small objects that are nothing but the arguments of their constructor: initializers and regularizers."""


class Settings:
    """Equal, printed and saved by its arguments, which are its only attributes."""

    def config(self):
        """The constructor's arguments, from which an equal object can be made."""
        return dict(vars(self))

    def __eq__(self, other):
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self):
        return hash((type(self), *vars(self).items()))

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"
