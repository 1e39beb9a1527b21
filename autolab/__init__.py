"""Autolab: an autonomous laboratory in a closed loop, with its evidence."""

__version__ = "0.1.0"
__all__ = ["__version__"]
