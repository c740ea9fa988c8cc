from .access import ALIGNMENT, SIMULATED, fetch, put  # noqa: F401
