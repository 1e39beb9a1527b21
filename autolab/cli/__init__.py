"""The command line: parse, call, render; no rules of its own. Nothing heavy is imported before it is needed."""

from autolab.cli.entry import main

__all__ = ["main"]
