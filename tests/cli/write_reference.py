"""Writes the reference page of the commands anew: ``python -m tests.cli.write_reference``."""

from __future__ import annotations

from pathlib import Path

from autolab.cli.reference import reference

if __name__ == "__main__":
    (Path(__file__).parents[2] / "docs/reference/commands.md").write_text(reference())
