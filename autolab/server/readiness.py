"""How ready the lab is: its assessments as 'autolab review' wrote them, and what people state beside its records."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Path as Parameter
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import Field
from starlette.requests import ClientDisconnect

from autolab.config.scalars import read_scalar
from autolab.core.errors import AutolabError, InputError
from autolab.core.roles import Account, Scope
from autolab.server.documents import LARGEST, Kept, keep, take_back, too_large
from autolab.server.doing import Done, Key, Wish, do_once
from autolab.server.doors import Doors, Here, Me
from autolab.server.problems import NotFoundError
from autolab.server.rendering import render
from autolab.server.settings import Context

__all__ = ["Stated", "bring_document", "open_readiness", "state_evidence", "state_with"]

MOST_SHOWN = 50
_WRITING = threading.Lock()
"""Two people who add at once: one after the other."""
_BYTES = {"schema": {"type": "string", "format": "binary", "maxLength": LARGEST}}
DocumentName = Annotated[str, Parameter(max_length=200, description="Its name, such as walk.csv.")]


class Stated(Wish):
    """One piece of evidence, as `evidence.yaml` has it."""

    subject: str = Field(max_length=100, description="Id of a criterion, metric or fact.", examples=["SAF-01"])
    evidence_class: Literal["measured", "documented", "attested"] = Field(examples=["documented"])
    realm: Literal["physical", "emulated", "simulated"] = Field(examples=["physical"])
    by: str = Field(max_length=200, description="Who approved it, ran it or says so: a person.")
    date: str = Field(max_length=10, examples=["2026-10-01"])
    valid_until: str | None = Field(None, max_length=10, description="Wanted for documents and attestations.")
    answer: str = Field(
        max_length=200, description="Of a criterion the step, of a metric or fact the value.", examples=["3"]
    )
    n: int | None = Field(None, ge=0, description="How many were counted.")
    successes: int | None = Field(None, ge=0)
    document: str | None = Field(None, max_length=500, description="From the folder of the lab file; hashed now.")
    query: str | None = Field(None, max_length=500, description="How the number was taken from it.")
    notes: str | None = Field(None, max_length=500)


def state_evidence(context: Here, account: Me, request: Request, wish: Stated, key: Key = None) -> Done:
    """Add an entry to the lab's evidence.yaml, as a person would write it there."""
    return do_once(context, account, key, request, wish, lambda: _state(context, account, wish))


def state_with(
    context: Context,
    account: Account,
    request: Request,
    wish: Stated,
    key: str | None = None,
    upload: tuple[str, bytes] | None = None,
) -> Done:
    """Add an entry to the lab's evidence.yaml, with the document that was brought along."""

    def act() -> str:
        if upload is None:
            return _state(context, account, wish)
        if wish.document:
            raise InputError("choose a document of the folder, or bring one along, and not both")
        kept = keep(_folder(context), *upload)
        try:
            said = _state(context, account, wish.model_copy(update={"document": kept.name}))
        except AutolabError:
            take_back(_folder(context), kept)
            raise
        _note(context, account, kept)
        return said

    return do_once(context, account, key, request, wish, act)


async def bring_document(context: Here, account: Me, request: Request, name: DocumentName) -> Kept:
    """Bring a document that evidence names. It is kept beside the lab file, and nothing is written over."""
    try:
        data = await request.body()
    except ClientDisconnect:  # or the shield has had enough of it
        raise InputError(too_large(name)) from None
    return await run_in_threadpool(_brought, context, account, name, data)


def _brought(context: Context, account: Account, name: str, data: bytes) -> Kept:
    kept = keep(_folder(context), name, data)
    _note(context, account, kept)
    return kept


def _note(context: Context, account: Account, kept: Kept) -> None:
    if kept.is_new:
        context.note(account.principal, "bring document", f"{kept.name}: {kept.size} bytes, sha256 {kept.sha256}")


def _folder(context: Context) -> Path:
    return context.settings.lab.resolve().parent


def _state(context: Context, account: Account, wish: Stated) -> str:
    from facility_review.instrument import load_instrument
    from facility_review.stating import state

    instrument, lab = load_instrument(), context.settings.lab
    subject = wish.subject.strip()
    kind = "criterion" if subject in instrument.criteria else "fact" if subject in instrument.facts else "metric"
    given = wish.model_dump(include={"n", "successes", "query", "notes", "valid_until"}, exclude_none=True)
    said = {"step" if kind == "criterion" else "value": _plain(wish.answer)}
    entry = {
        kind: subject, "class": wish.evidence_class, "realm": wish.realm, "by": wish.by, "date": wish.date, **said,
        **given,
    }  # fmt: skip
    with _WRITING:
        record, found = state(lab, instrument, entry, wish.document)
    context.note(account.principal, "state evidence", f"{subject}: {wish.answer} ({record.id})")
    return "; ".join([f"{subject} is stated: the next assessment weighs it", *(each.text for each in found)])


def _plain(text: str) -> Any:
    try:
        return read_scalar(text.strip())
    except ValueError:
        return text


def readiness(context: Here, request: Request) -> HTMLResponse:
    """Show the newest assessment with its gaps, those before it, and the form for evidence."""
    from facility_review.instrument import load_instrument
    from facility_review.stating import DOCUMENTS, documents_of

    days, latest, problem = _days(context), None, ""
    if days:
        try:
            latest = _latest(days[0])
        except AutolabError as error:
            problem = str(error)
    instrument = load_instrument()
    subjects = {
        "criteria": [(each.id, each.title) for each in instrument.criteria.values() if each.steps],
        "metrics": [(each.id, f"{each.name} ({each.unit})") for each in instrument.metrics.values()],
        "facts": [(each.id, each.definition) for each in instrument.facts.values()],
    }
    shown = {"subjects": subjects, "documents": documents_of(_folder(context)), "largest": LARGEST}
    shown["accepted"] = DOCUMENTS
    names = [day.parent.name for day in days]
    return render(context, request, "readiness.html", days=names, latest=latest, problem=problem, **shown)


def _days(context: Context) -> list[Path]:
    """Folders of this lab's assessments, the newest day first."""
    found = (context.data / "reviews").glob(f"*/{context.lab().name}/report.html")
    return sorted((path.parent for path in found), key=lambda path: path.parent.name, reverse=True)[:MOST_SHOWN]


def _latest(folder: Path) -> dict[str, Any]:
    from facility_review.document import read_document
    from facility_review.page import readable

    document = read_document(folder / "assessment.json")
    gaps = [readable(document, each) for each in document.gaps.blocking]
    return {"level": document.level, "coverage": document.coverage, "gaps": gaps, "as_of": document.as_of}


def review(context: Here, name: str) -> HTMLResponse:
    """Give one assessment, as 'autolab review' wrote it."""
    found = [folder for folder in _days(context) if folder.parent.name == name]
    if not found:
        raise NotFoundError(f"there is no assessment of {name!r}")
    return HTMLResponse((found[0] / "report.html").read_text(encoding="utf-8"))


def open_readiness(doors: Doors) -> None:
    """Open these doors."""
    doors.open("POST", "/api/v1/evidence", Scope.STATE, state_evidence, status_code=201)
    doors.open(
        "PUT", "/api/v1/evidence/documents/{name}", Scope.STATE, bring_document, status_code=201,
        openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}},
    )  # fmt: skip
    doors.open("GET", "/readiness", Scope.READ_DATA, readiness)
    doors.open("GET", "/readiness/{name}/report", Scope.READ_DATA, review)
