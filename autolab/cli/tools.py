"""Commands about the program itself: ``schema``, ``doctor``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import DataFolder, Json
from autolab.cli.output import columns, say, say_json

__all__ = ["Kind", "doctor", "schema"]


class Kind(StrEnum):
    """The files that people write."""

    CAMPAIGN = "campaign"
    LAB = "lab"


def schema(kind: Annotated[Kind, typer.Argument(metavar="campaign|lab", help="Which of the two files.")]) -> None:
    """Print the JSON Schema of a file, for editors and other programs."""
    from autolab.config.schema import json_schema

    say_json(json_schema("campaign" if kind is Kind.CAMPAIGN else "lab"))


def doctor(data: DataFolder = Path("autolab-data"), json: Json = False) -> None:
    """Look at what is installed, reachable and missing, and say what to do about it."""
    from autolab.cli.examining import examine, exit_code

    findings = examine(data)
    if json:
        say_json([{"what": f.what, "state": f.state, "found": f.found, "advice": f.advice} for f in findings])
    else:
        rows = [(finding.state, finding.what, finding.found) for finding in findings]
        say(columns(rows))
        for finding in findings:
            if finding.advice:
                say(f"{finding.what}: {finding.advice}")
    raise typer.Exit(exit_code(findings))
