"""Commands about the program itself and its user: ``schema``, ``doctor``, ``key``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import DataFolder, Json
from autolab.cli.output import columns, say, say_json, tell

__all__ = ["Kind", "doctor", "key", "schema"]


class Kind(StrEnum):
    """The files that people write."""

    CAMPAIGN = "campaign"
    LAB = "lab"
    EVIDENCE = "evidence"
    REGISTERS = "registers"
    AGREEMENTS = "agreements"
    ANNUAL = "annual"


def schema(kind: Annotated[Kind, typer.Argument(metavar="|".join(Kind), help="Which of the files.")]) -> None:
    """Print the JSON Schema of a file, for editors and other programs."""
    if kind is Kind.CAMPAIGN or kind is Kind.LAB:
        from autolab.config.schema import json_schema

        say_json(json_schema(kind.value))
        return
    from facility_review.filekinds import review_schema

    say_json(review_schema(kind.value))


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


def key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The person's name, as it is to stand in the lab file.")],
) -> None:
    """Make a key for a person of this account, and print the line for the lab file."""
    from autolab.journal.keys import key_folder, make_personal_key

    public = make_personal_key(name)
    say(f"{name}: {{key: {public}, may: [approve]}}")
    tell(
        f"The private half is in {key_folder()}; nobody else may read it. The lab's owner adds the line under 'people' "
        "in the lab file, with what the person may do: approve, reset, bypass."
    )
