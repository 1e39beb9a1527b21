"""Plain forms of the pages: each does what a door of the API does, with the same scope, and goes back to its page."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from autolab.core.errors import AutolabError
from autolab.core.roles import Account, Scope
from autolab.server import acts, doing, moving, people, readiness, tending
from autolab.server.doing import Begun, Wish
from autolab.server.doors import Doors
from autolab.server.problems import NotFoundError
from autolab.server.rendering import THEME, back_to, redirect
from autolab.server.settings import Context

__all__ = ["open_forms"]

_OURS = ("csrf", "once", "back")
_PLAIN = re.compile(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Form:
    """A form: where it is sent, what it takes, and what it does."""

    path: str
    scope: Scope
    act: Callable[..., Any]
    wish: type[Wish] | None = None
    file: str | None = None
    """Name of the field by which a file comes along; the act takes it as its ``upload``: name and contents."""


_ONE, _TRIAL = "/campaigns/{campaign}", "/campaigns/{campaign}/trials/{trial}"
FORMS = (
    Form("/campaigns", Scope.RUN, doing.start, doing.Start),
    Form(f"{_ONE}/pause", Scope.PAUSE, doing.pause),
    Form(f"{_ONE}/resume", Scope.RUN, doing.resume, doing.Resume),
    Form(f"{_ONE}/end", Scope.RUN, doing.end),
    Form(f"{_ONE}/budget", Scope.CORRECT, doing.budget, doing.Budget),
    Form(f"{_ONE}/answers", Scope.ANSWER, doing.answer, doing.Answer),
    Form(f"{_ONE}/trials", Scope.PROPOSE, doing.inject, doing.Inject),
    Form(f"{_TRIAL}/approve", Scope.APPROVE, doing.approve, doing.Approve),
    Form(f"{_TRIAL}/refuse", Scope.APPROVE, doing.refuse, doing.Refuse),
    Form(f"{_TRIAL}/repeat", Scope.PROPOSE, doing.repeat, doing.Change),
    Form(f"{_TRIAL}/abandon", Scope.SETTLE, doing.abandon, doing.Change),
    Form(f"{_TRIAL}/correct", Scope.CORRECT, doing.correct, doing.Correction),
    Form("/actions/{operation}/settle", Scope.SETTLE, doing.settle, doing.Settle),
    Form("/evidence", Scope.STATE, readiness.state_with, readiness.Stated, "upload"),
    Form("/lab/reset", Scope.RESET, doing.reset, doing.Change),
    Form("/stock/refill", Scope.REFILL, tending.refill, tending.Filled),
    Form("/devices/{name}/move", Scope.RUN, moving.move, moving.Move),
    Form("/bypasses", Scope.BYPASS, tending.ask_bypass, tending.Ask),
    Form("/bypasses/{rule}/approve", Scope.BYPASS, tending.approve_bypass, tending.Signature),
    Form("/bypasses/{rule}/end", Scope.BYPASS, tending.end_bypass, tending.Signature),
    Form("/notifications/test", Scope.MANAGE_USERS, tending.send_test),
    Form("/proof-tests", Scope.TEST, tending.start_proof_test, tending.Signature),
    Form(f"{_ONE}/envelope/approve", Scope.APPROVE, tending.approve_envelope, tending.EnvelopeApproval),
)


def open_forms(doors: Doors) -> None:
    """Open these doors."""
    for form in FORMS:
        doors.open("POST", form.path, form.scope, _handler(form))
    doors.open("POST", "/pause", Scope.PAUSE, pause_all)
    doors.open("POST", "/theme", "an account", choose_theme)
    doors.open("POST", "/password", Scope.OWN_ACCOUNT, change_password)
    doors.open("POST", "/accounts/{name}/roles", Scope.MANAGE_USERS, change_roles)
    doors.open("POST", "/accounts/{name}/open", Scope.MANAGE_USERS, set_open)
    doors.open("POST", "/keys/{key}/end", Scope.OWN_ACCOUNT, end_key)


def _handler(form: Form) -> Callable[..., Any]:
    async def sent(request: Request) -> Response:
        context, account = cast("Context", request.app.state.context), cast("Account", request.state.account)
        fields = await request.form()
        back, once = back_to(fields.get("back")), str(fields.get("once") or "") or None
        go = functools.partial(redirect, by_script="x-live" in request.headers)
        arguments: dict[str, Any] = {**_named(request), "key": once}
        try:
            if form.file is not None:
                arguments["upload"] = await _uploaded(fields.get(form.file))
            if form.wish is not None:
                arguments["wish"] = form.wish.model_validate(wish_of(fields.multi_items()))
            done = await run_in_threadpool(form.act, context, account, request, **arguments)
        except ValidationError as error:
            said = "; ".join(f"{each['loc'][0] if each['loc'] else 'form'}: {each['msg']}" for each in error.errors())
            return go(back, f"Nothing was done. {said}", is_problem=True)
        except AutolabError as error:
            return go(back, str(error), is_problem=True)
        finally:
            await fields.close()
        if isinstance(done, Begun):
            return go(f"/starts/{done.start}")
        return go(back, done.said)

    sent.__doc__ = form.act.__doc__
    return sent


async def _uploaded(part: object) -> tuple[str, bytes] | None:
    """Name and contents of a file; None where none was chosen."""
    return (part.filename, await part.read()) if isinstance(part, UploadFile) and part.filename else None


def _named(request: Request) -> dict[str, Any]:
    """What the address names.

    Raises:
        NotFoundError: the number of a trial is none.
    """
    named = dict(request.path_params)
    if "trial" in named:
        if not named["trial"].isdecimal() or len(named["trial"]) > 15:
            raise NotFoundError(f"{named['trial']!r} is no number of a trial")
        named["trial"] = int(named["trial"])
    return named


def wish_of(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """What a form says, as the API takes it: ``results:mass`` is one of the ``results``; what is empty is left out.

    A plain number in a field that shows its unit has that unit, which ``unit:mass`` says.
    """
    found: dict[str, Any] = {}
    units = {name.partition(":")[2]: value for name, value in fields if name.startswith("unit:")}
    for name, value in fields:
        group, colon, one = name.partition(":")
        if name in _OURS or group == "unit" or not isinstance(value, str) or not value.strip():
            continue
        if group == "metrics" and colon:
            number, _, sem = value.partition("±")
            found.setdefault("values", {})[one] = (number.strip(), sem.strip() or None)
        elif colon:
            is_plain = one in units and _PLAIN.fullmatch(value.strip())
            found.setdefault(group, {})[one] = f"{value.strip()} {units[one]}" if is_plain else value.strip()
        else:
            found[name] = value
    return found


async def pause_all(request: Request) -> Response:
    """Pause what runs, before its next action."""
    context, account = cast("Context", request.app.state.context), cast("Account", request.state.account)
    fields = await request.form()
    back = back_to(fields.get("back"))
    running = await run_in_threadpool(acts.running, context)
    if not running:
        return redirect(back, "Nothing runs, so nothing was paused.", is_problem=True)
    try:
        said = await run_in_threadpool(acts.pause, context, account.principal, running[0])
    except AutolabError as error:
        return redirect(back, str(error), is_problem=True)
    return redirect(back, said)


async def choose_theme(request: Request) -> Response:
    """Choose light or dark."""
    fields = await request.form()
    theme = str(fields.get("theme"))
    response = redirect(back_to(fields.get("back")))
    if theme in ("auto", "light", "dark"):
        response.set_cookie(THEME, theme, max_age=365 * 86400, httponly=True, samesite="lax")
    return response


async def change_password(request: Request) -> Response:
    """Choose another password."""
    context, account = cast("Context", request.app.state.context), cast("Account", request.state.account)
    fields = await request.form()
    old, new, again = (str(fields.get(name) or "") for name in ("old", "new", "again"))
    if new != again:
        return redirect("/settings", "The two new passwords differ; nothing was changed.", is_problem=True)
    try:
        await run_in_threadpool(context.accounts.change_password, account.name, old, new)
    except AutolabError as error:
        return redirect("/settings", str(error), is_problem=True)
    await run_in_threadpool(context.note, account.principal, "change password", "")
    return redirect("/login", "Your password is changed: sign in with it.")


async def change_roles(request: Request) -> Response:
    """Give an account other roles."""
    return await _people(request, lambda context, account, name, fields: people.give_roles(
        context, account, name, fields.getlist("roles")
    ))  # fmt: skip


async def set_open(request: Request) -> Response:
    """Close an account, or open it again."""
    return await _people(request, lambda context, account, name, fields: people.set_open(
        context, account, name, is_open=fields.get("open") == "yes"
    ))  # fmt: skip


async def end_key(request: Request) -> Response:
    """End an API key."""
    return await _people(
        request, lambda context, account, *_: people.end_key(context, account, request.path_params["key"])
    )


async def _people(request: Request, act: Callable[..., str]) -> Response:
    context, account = cast("Context", request.app.state.context), cast("Account", request.state.account)
    fields = await request.form()
    try:
        said = await run_in_threadpool(act, context, account, request.path_params.get("name", ""), fields)
    except AutolabError as error:
        return redirect("/settings", str(error), is_problem=True)
    return redirect("/settings", said)
