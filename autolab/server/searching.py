"""Searching the trials of all campaigns, and taking Bluesky documents out as they were recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from autolab.config.scalars import read_scalar
from autolab.core.errors import InputError
from autolab.core.roles import Scope
from autolab.core.trials import TrialState
from autolab.journal.database import Database
from autolab.report.documents import lines_of
from autolab.server.campaigns import campaign_page, campaign_record, trial_line
from autolab.server.doors import At, Doors, Here, TrialNumber
from autolab.server.models import FoundPage, FoundTrial
from autolab.server.problems import NotFoundError
from autolab.server.rendering import Frame, render
from autolab.server.settings import Context

__all__ = ["open_searching"]

MOST_CONDITIONS = 10
Wanted = Annotated[
    str,
    Query(
        max_length=500,
        description="Conditions on parameters and metrics, and words, with commas between: each of them must hold.",
        examples=["cyan > 20, colour_distance <= 5, initial design"],
    ),
]
State = Annotated[TrialState | Literal[""], Query(description="Only trials in this state.")]
Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]
_CONDITION = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]{0,63})\s*(?P<sign><=|>=|<|>|=)\s*(?P<value>[^<>=]+)")


def found_trials(
    context: Context, wanted: str, state: str, campaign: str, before: int | None, limit: int
) -> FoundPage:  # fmt: skip
    """Trials that meet all conditions, the newest first.

    Raises:
        InputError: a condition is none.
        NotFoundError: there is no such campaign.
    """
    chosen, values = _sql(wanted)
    with context.reading() as reader:
        if campaign:
            campaign_record(reader, campaign)
        rows = reader.states.rows(
            "SELECT rowid AS at, campaign, number FROM trials WHERE (? IS NULL OR rowid < ?) AND (? = '' OR state = ?) "  # noqa: S608 (the conditions are ours, and take their values as parameters)
            f"AND (? = '' OR campaign = ?){chosen} ORDER BY rowid DESC LIMIT ?",
            (before, before, state, state, campaign, campaign, *values, limit + 1),
        )
        records = {name: campaign_record(reader, name) for name in {row["campaign"] for row in rows[:limit]}}
        items: list[FoundTrial] = []
        for row in rows[:limit]:
            record = records[row["campaign"]]
            (trial,) = reader.trials(record.id, after=row["number"] - 1, limit=1)
            items.append(FoundTrial(campaign=record.id, trial=trial_line(record.problem, trial)))
    return FoundPage(items=items, next=rows[limit - 1]["at"] if len(rows) > limit else None)


def _sql(wanted: str) -> tuple[str, list[Any]]:
    """What a search says, as conditions in SQL with their values."""
    parts = [part.strip() for part in wanted.split(",") if part.strip()]
    if len(parts) > MOST_CONDITIONS:
        raise InputError(f"at most {MOST_CONDITIONS} conditions are searched for at once, and not {len(parts)}")
    chosen, values = "", list[Any]()
    for part in parts:
        found = _CONDITION.fullmatch(part)
        if found is None:
            if any(sign in part for sign in "<>="):
                raise InputError(f"{part!r} is no condition: write a name, one of < <= > >= =, and a value: cyan > 20")
            chosen += " AND (why LIKE ? ESCAPE '!' OR failure LIKE ? ESCAPE '!')"
            text = "".join(f"!{letter}" if letter in "!%_" else letter for letter in part)
            values += [f"%{text}%"] * 2
            continue
        name, sign, value = found["name"], found["sign"], _value(found["sign"], found["value"].strip())
        here = ("json_extract(\"values\", '$.' || ?)", "json_extract(outcome, '$.' || ? || '.value')")
        kinds = "('integer', 'real', 'true', 'false')" if not isinstance(value, str) else "('text')"
        held = [f"({at} {sign} ? AND {at.replace('json_extract', 'json_type')} IN {kinds})" for at in here]
        chosen += f" AND ({' OR '.join(held)})"
        values += [name, value, name] * 2
    return chosen, values


def _value(sign: str, text: str) -> float | str:
    """A number, or with ``=`` a choice. A unit is not read: values are in the units of each campaign."""
    try:
        value = read_scalar(text)
    except ValueError:
        value = text
    if isinstance(value, bool | int | float):
        return float(value)
    if sign != "=":
        raise InputError(f"{text!r} is no number: values are in the units of each campaign, so write the number alone")
    return text


def search(
    context: Here, q: Wanted = "", state: State = "", campaign: str = "", before: At | None = None, limit: Limit = 50
) -> FoundPage:
    """Search the trials of all campaigns, the newest first."""
    return found_trials(context, q, state, campaign, before, limit)


def documents(context: Here, campaign: str) -> StreamingResponse:
    """Give the Bluesky documents of a campaign as they were recorded, each on a line of JSON."""
    return _documents(context, campaign, None)


def trial_documents(context: Here, campaign: str, trial: TrialNumber) -> StreamingResponse:
    """Give the Bluesky documents of one trial, each on a line of JSON."""
    return _documents(context, campaign, trial)


def _documents(context: Context, campaign: str, trial: int | None) -> StreamingResponse:
    with context.reading() as reader:
        record = campaign_record(reader, campaign)
        known = () if trial is None else reader.trials(record.id, after=trial - 1, limit=1)
        if trial is not None and [each.number for each in known] != [trial]:
            raise NotFoundError(f"{record.id} has no trial {trial}")

    def lines() -> Iterator[str]:
        with context.reading() as reader:
            for line in lines_of(reader.documents(record.id, trial)):
                yield f"{line}\n"

    name = record.id if trial is None else f"{record.id}-{trial}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.jsonl"'}
    return StreamingResponse(lines(), media_type="application/jsonlines", headers=headers)


def data(
    context: Here, request: Request, q: Wanted = "", state: str = "", campaign: str = "", before: At | None = None,
    older: At | None = None,
) -> HTMLResponse:  # fmt: skip
    """Search trials, and show what may be taken out: reports, tables, documents."""
    is_asked, problem, found = bool(q or state or campaign), "", None
    if is_asked:
        try:
            found = found_trials(context, q, state if state in set(TrialState) else "", campaign, before, 50)
        except InputError as error:
            problem = str(error)
    with context.reading() as reader:
        frame, page = Frame.read(context, reader), campaign_page(reader, context.data, context.bests, before=older)
        ids = _ids(reader.states)
    asked = {"q": q, "state": state, "campaign": campaign}
    shown = {"page": page, "found": found, "asked": asked, "ids": ids, "states": list(TrialState), "problem": problem}
    return render(context, request, "data.html", frame=frame, **shown)


def _ids(states: Database) -> list[str]:
    return [row["id"] for row in states.rows("SELECT id FROM campaigns ORDER BY rowid DESC LIMIT 200")]


def open_searching(doors: Doors) -> None:
    """Open these doors."""
    one = "/api/v1/campaigns/{campaign}"
    lines: dict[str, Any] = {"response_class": StreamingResponse, "response_model": None}
    doors.open("GET", "/api/v1/trials", Scope.READ_DATA, search)
    doors.open("GET", f"{one}/documents", Scope.READ_DATA, documents, **lines)
    doors.open("GET", f"{one}/trials/{{trial}}/documents", Scope.READ_DATA, trial_documents, **lines)
    doors.open("GET", "/data", Scope.READ_DATA, data)
