"""Doors by which a campaign is described on a page: a form writes the campaign file. Nothing is started here."""

from __future__ import annotations

import math
import re
import tempfile
from pathlib import Path
from typing import Any, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import Field, field_validator

from autolab.config.campaign import load_campaign
from autolab.config.yamlfile import MAX_DEPTH, read_yaml
from autolab.core.canonical import content_hash
from autolab.core.errors import AutolabError, FileError, InputError, InputErrors, StorageError
from autolab.core.principals import Principal
from autolab.core.roles import Account, Scope
from autolab.server import acts
from autolab.server.campaignform import form_of, texts_of, values_of, yaml_of
from autolab.server.doing import Done, Key, Wish, do_once
from autolab.server.doors import Doors, Here, Me
from autolab.server.models import View
from autolab.server.rendering import redirect, render
from autolab.server.settings import Context

__all__ = ["open_drafting"]

MORE = 3
"""Empty entries that are added at a time."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Draft(Wish):
    """A campaign file, as JSON."""

    values: dict[str, Any] = Field(
        description="What `campaign.yaml` says, without `lab`.",
        examples=[{"name": "teal-in-forty", "budget": {"trials": 40}}],
    )

    @field_validator("values")
    @classmethod
    def sound(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what no file could say: values nested too deep, numbers without an end, half characters."""
        waiting: list[tuple[Any, int]] = [(values, 1)]
        while waiting:
            value, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise ValueError(f"lists and mappings are nested more than {MAX_DEPTH} deep: flatten them")
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{value} is not a finite number")
            if isinstance(value, str) and not value.isascii():
                value.encode()  # a half of a pair of surrogates is no text
            inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
            waiting += [(each, depth + 1) for each in cast("list[Any]", inner)]
        return values


class Findings(View):
    """What the loader says to a draft."""

    problems: list[str] = Field(description="Empty where the file would be taken.")
    text: str = Field(description="The file as it would be written.")


def check_draft(context: Here, wish: Draft) -> Findings:
    """Say what is wrong with a campaign file before it is written. Nothing is kept."""
    return findings(context, wish.values)


def write_draft(context: Here, account: Me, request: Request, wish: Draft, key: Key = None) -> Done:
    """Write a new campaign file beside the lab file. It is started from there, and never written over."""
    return do_once(context, account, key, request, wish, lambda: written(context, account.principal, wish.values))


def findings(context: Context, values: dict[str, Any]) -> Findings:
    """What the loader says to the values of a campaign file."""
    text = yaml_of(_whole(context, values))
    with tempfile.TemporaryDirectory(prefix="autolab-draft-") as folder:
        file = Path(folder) / "campaign.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            load_campaign(file)
        except InputError as error:
            found = error.errors if isinstance(error, InputErrors) else (error,)
            return Findings(problems=[e.message if isinstance(e, FileError) else str(e) for e in found], text=text)
    return Findings(problems=[], text=text)


def written(context: Context, by: Principal, values: dict[str, Any]) -> str:
    """Write a campaign file. Returns what was done.

    Raises:
        InputError: it would be refused, or there is a file of that name.
        StorageError: no room or no right to write.
    """
    found, name = findings(context, values), str(values.get("name", ""))
    if found.problems:
        raise InputError("nothing was written: " + "; ".join(found.problems))
    if not _NAME.fullmatch(name):
        raise InputError(f"nothing was written: {name!r} is no name of a file")
    file = context.settings.lab.resolve().parent / f"{name}.yaml"
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(found.text)
    except FileExistsError:
        raise InputError(f"nothing was written: there is a file {file.name} already: choose another name") from None
    except OSError as error:
        raise StorageError(f"{file}: {error.strerror}: whoever owns the folder writes the file") from error
    context.note(by, "write campaign file", f"{file.name} ({content_hash(found.text)[:12]})")
    return f"{file.name} is written"


def _whole(context: Context, values: dict[str, Any]) -> dict[str, Any]:
    """The values with the lab's file, after the name."""
    rest = {key: value for key, value in values.items() if key not in ("name", "lab")}
    named = {"name": values["name"]} if "name" in values else {}
    return {**named, "lab": context.settings.lab.resolve().name, **rest}


def new(context: Here, request: Request, file: str = "") -> HTMLResponse:
    """Show the form from which a campaign file is written, empty or as another file has it."""
    texts: dict[str, str] = {}
    if file:
        texts = texts_of(read_yaml(acts.file_named(context, file)).values)
        texts["name"] = ""
    return _page(context, request, texts, file)


async def check_form(request: Request) -> Response:
    """Say what is wrong with what is typed into the form so far, for the page that shows it."""
    context = cast("Context", request.app.state.context)
    values = values_of(await _texts(request))
    return JSONResponse((await run_in_threadpool(findings, context, values)).model_dump())


async def write_form(request: Request) -> Response:
    """Write the campaign file that the form describes, and go to its check; or show what is wrong with it."""
    context, account = cast("Context", request.app.state.context), cast("Account", request.state.account)
    texts = await _texts(request)
    if (await request.form()).get("more"):
        return await run_in_threadpool(_page, context, request, texts, "", MORE)
    values = values_of(texts)
    try:
        said = await run_in_threadpool(written, context, account.principal, values)
    except AutolabError as error:
        return await run_in_threadpool(_page, context, request, texts, "", 0, str(error))
    return redirect(f"/check?file={values['name']}.yaml", said)


async def _texts(request: Request) -> dict[str, str]:
    fields = await request.form(max_fields=5000)
    return {name[2:]: value for name, value in fields.items() if name.startswith("f:") and isinstance(value, str)}


def _page(
    context: Context, request: Request, texts: dict[str, str], file: str, more: int = 0, problem: str = ""
) -> HTMLResponse:
    values = values_of(texts)
    shown = {
        "form": form_of(texts, more), "found": findings(context, values) if values else None, "begun_from": file,
        "problem": problem, "files": acts.campaign_files(context),
    }  # fmt: skip
    return render(context, request, "new.html", status=422 if problem else 200, **shown)


def open_drafting(doors: Doors) -> None:
    """Open these doors."""
    doors.open("POST", "/api/v1/campaign-files/check", Scope.WRITE, check_draft)
    doors.open("POST", "/api/v1/campaign-files", Scope.WRITE, write_draft, status_code=201)
    doors.open("GET", "/new", Scope.WRITE, new)
    doors.open("POST", "/new", Scope.WRITE, write_form)
    doors.open("POST", "/new/check", Scope.WRITE, check_form)
