"""Pages from templates: what stands on every one of them, and what a form of theirs brings along."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any
from urllib.parse import quote, unquote

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from autolab.core.errors import AutolabError
from autolab.core.roles import Account, Scope
from autolab.journal.reader import JournalReader
from autolab.report.numbers import duration_text
from autolab.server import bench
from autolab.server.doors import COOKIE
from autolab.server.models import LabView, RequestView
from autolab.server.problems import Problem
from autolab.server.sessions import csrf_of
from autolab.server.settings import Context
from autolab.server.waiting import requests_waiting

__all__ = ["PAGES", "Frame", "back_to", "compile_templates", "problem_page", "redirect", "render"]

SAID = "autolab_said"
THEME = "autolab_theme"
LONGEST_SAID = 1500
PAGES: tuple[tuple[str, str, Scope], ...] = (
    ("/", "Now", Scope.READ_STATUS),
    ("/campaigns", "Campaigns", Scope.READ_STATUS),
    ("/requests", "Requests", Scope.READ_STATUS),
    ("/devices", "Devices", Scope.READ_STATUS),
    ("/safety", "Safety", Scope.READ_STATUS),
    ("/materials", "Materials", Scope.READ_STATUS),
    ("/data", "Data", Scope.READ_DATA),
    ("/readiness", "Readiness", Scope.READ_DATA),
    ("/audit", "Audit", Scope.READ_AUDIT),
    ("/settings", "Settings", Scope.OWN_ACCOUNT),
)
"""The pages with their places and names, in the order of the menu."""
_STATES: Mapping[str, str] = {
    "running": "active", "suggested": "active", "screened": "active", "acquired": "active", "reduced": "active",
    "prepared": "active", "starting": "active", "finished": "good", "ingested": "good", "done": "good", "on": "good",
    "started": "good", "paused": "wait", "awaiting approval": "wait", "in doubt": "wait", "intended": "wait",
    "interrupted": "wait", "failed": "bad", "refused": "bad", "off": "bad", "trip": "bad", "alarm": "bad",
    "stopped": "still", "abandoned": "still", "void": "still", "ended": "still", "bypassed": "wait",
    "passed": "good", "told": "good", "not told": "bad", "given up": "bad", "under way": "active",
}  # fmt: skip
"""What a state means to whoever looks: it has a colour and a mark of its own."""


@dataclass(frozen=True)
class Frame:
    """What stands on every page: the lab, what waits, and who looks."""

    lab: LabView
    waiting: list[RequestView]
    running: str | None
    """Id of the campaign that runs now."""
    realm: str | None
    newest: str | None
    """Id of the newest campaign."""
    n_untold: int
    """Messages to people that could not be sent."""
    seq: int
    """Number of the last entry of the log that the page has seen."""

    @classmethod
    def read(cls, context: Context, reader: JournalReader) -> Frame:
        """Read it from the journal."""
        lab = bench.lab_view(reader, context.lab(), context.settings, context.clock)
        rows = reader.states.rows("SELECT id, state, realm FROM campaigns ORDER BY rowid DESC LIMIT 1")
        newest = rows[0] if rows else None
        runs = newest is not None and newest["state"] == "running" and lab.has_controller
        return cls(
            lab=lab,
            waiting=requests_waiting(reader, lab.name, has_controller=lab.has_controller, latch=lab.latch),
            running=newest["id"] if newest is not None and runs else None,
            realm=newest["realm"] if newest is not None and runs else None,
            newest=newest["id"] if newest is not None else None,
            n_untold=context.notices.n_failing(),
            seq=reader.states.rows("SELECT coalesce(max(seq), 0) AS last FROM log")[0]["last"],
        )


def render(context: Context, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page. ``frame`` among the values spares reading it again."""
    account: Account | None = getattr(request.state, "account", None)
    secret = request.cookies.get(COOKIE)
    frame = values.pop("frame", None)
    if frame is None and account is not None:
        with context.reading() as reader:
            frame = Frame.read(context, reader)
    said, kind = _said(request)
    text = _templates().get_template(template).render(
        frame=frame,
        account=account,
        pages=[] if account is None else [page for page in PAGES if page[2] in account.scopes],
        may=frozenset() if account is None else account.scopes,
        path=request.url.path,
        here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        csrf=csrf_of(secret) if secret and account else "",
        once=lambda: secrets.token_hex(16),
        said=said,
        said_kind=kind,
        theme=request.cookies.get(THEME, "auto"),
        now=context.clock.date(),
        **values,
    )  # fmt: skip
    response = HTMLResponse(text, status)
    if said:
        response.delete_cookie(SAID)
    return response


def problem_page(context: Context, request: Request, problem: Problem, headers: dict[str, str]) -> Response:
    """What went wrong, as a page; where nobody has signed in, the way in."""
    if problem.status == 401 and request.method == "GET":
        return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
    try:
        page = render(context, request, "problem.html", status=problem.status, problem=problem)
    except AutolabError:  # what the frame needs cannot be read: a page without it
        page = HTMLResponse(_templates().get_template("broken.html").render(problem=problem), problem.status)
    page.headers.update(headers)
    return page


def redirect(place: str, said: str = "", *, is_problem: bool = False, by_script: bool = False) -> Response:
    """Go to another page, which says something once. A script that has sent the form is told where to go."""
    response = JSONResponse({"to": place}) if by_script else RedirectResponse(place, 303)
    if said:
        text = f"{'!' if is_problem else '.'}{said[:LONGEST_SAID]}"
        response.set_cookie(SAID, quote(text), max_age=60, httponly=True, samesite="lax")
    return response


def back_to(place: object, other: str = "/") -> str:
    """A place on this server that a form names; ``other`` where it names none or another site's."""
    text = str(place or "")
    is_here = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_here else other


def _said(request: Request) -> tuple[str, str]:
    """What is said once, and of which kind: to a person who comes, and not to the script that reads the page again."""
    text = "" if "x-live" in request.headers else unquote(request.cookies.get(SAID, ""))
    return text[1:], "problem" if text[:1] == "!" else "done"


def compile_templates() -> None:
    """Compile the pages, so that the first look at one takes no longer than the next."""
    for each in files("autolab.server").joinpath("templates").iterdir():
        _templates().get_template(each.name)


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ago": _ago, "duration": duration_text, "day": _day, "meaning": _meaning}
    return environment


def _part(name: str) -> str:
    return files("autolab.server").joinpath("templates", name).read_text(encoding="utf-8")


def _meaning(state: str) -> str:
    return _STATES.get(state, "still")


def _ago(date: str | None, now: datetime) -> str:
    """How long ago something was, in words."""
    return "" if not date else f"{duration_text(max((now - datetime.fromisoformat(date)).total_seconds(), 0.0))} ago"


def _day(date: str | None) -> str:
    """A date and time in UTC, as people write it."""
    return "" if not date else date[:16].replace("T", " ")
