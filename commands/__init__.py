"""The commands of `python -m tilewright`, one module each; `__main__.py` reads the command line."""
