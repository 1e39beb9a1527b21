"""The pages: each reads what it shows from the journal and renders it. Live parts are the page itself, read again."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from autolab.compose.envelopes import changed_limits
from autolab.core.errors import AutolabError, InputError
from autolab.core.roles import ROLES, Account, Role, Scope, scopes_of
from autolab.core.trials import FINAL, TrialState
from autolab.journal.reader import JournalReader
from autolab.server import acts, bench, people, reading, tending
from autolab.server.campaigns import campaign_page, campaign_record, campaign_view, trial_page, trial_view
from autolab.server.doors import At, Doors, Here, Me, TrialNumber
from autolab.server.models import CampaignView, TrialLine
from autolab.server.rendering import Frame, redirect, render
from autolab.server.settings import Context
from autolab.server.waiting import requests_of

__all__ = ["open_pages"]

CHECK_REAL_S = 150.0
"""Real seconds that a check of a campaign file may take."""
_UNDER_WAY = ", ".join(f"'{state}'" for state in TrialState if state not in FINAL)


def now(context: Here, request: Request) -> HTMLResponse:
    """Show what runs, what comes next and why, and what waits for a person."""
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        shown: dict[str, Any] = {"campaign": None, "under_way": [], "last": [], "doing": []}
        if frame.newest is not None:
            record = campaign_record(reader, frame.newest)
            view = campaign_view(reader, record, context.data, context.bests)
            shown = {"campaign": view, **_standing(reader, view)}
            is_alive = frame.running is not None
            shown["doing"] = [d for d in bench.devices_of(reader, context.lab(), is_alive=is_alive) if d.doing]
    return render(context, request, "now.html", frame=frame, **shown)


def _standing(reader: JournalReader, view: CampaignView) -> dict[str, list[TrialLine]]:
    """Trials under way, and the last ones that are over."""
    record = campaign_record(reader, view.id)
    numbers = reader.states.rows(
        f"SELECT number FROM trials INDEXED BY trials_by_state WHERE campaign = ? AND state IN ({_UNDER_WAY}) "  # noqa: S608 (our own words)
        "ORDER BY number LIMIT 12",
        (view.id,),
    )
    ended = reader.states.rows(
        "SELECT number FROM trials WHERE campaign = ? AND +state IN ('ingested', 'failed', 'refused', 'abandoned') "
        "ORDER BY number DESC LIMIT 8",
        (view.id,),
    )

    def lines(rows: list[dict[str, int]]) -> list[TrialLine]:
        return [trial_page(reader, record, after=row["number"] - 1, limit=1).items[0] for row in rows]

    return {"under_way": lines(numbers), "last": lines(ended)}


def campaigns(context: Here, request: Request, before: At | None = None) -> HTMLResponse:
    """List the campaigns, and the files from which one may be started."""
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        page = campaign_page(reader, context.data, context.bests, before=before)
    return render(context, request, "campaigns.html", frame=frame, page=page, files=acts.campaign_files(context))


def check(context: Here, request: Request, file: str) -> HTMLResponse:
    """Check a campaign file as 'autolab check' does, and offer the armed start. Nothing moves."""
    path = acts.file_named(context, file)
    words = [sys.executable, "-m", "autolab.cli", "check", str(path)]  # with the lab file that it names
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=CHECK_REAL_S, check=False)  # noqa: S603 (our own command)
        is_good, said = done.returncode == 0, (done.stdout or done.stderr).strip().splitlines()
    except subprocess.TimeoutExpired:
        is_good, said = False, [f"the check took longer than {CHECK_REAL_S:g} s: try 'autolab check' at a terminal"]
    text = path.read_text(encoding="utf-8", errors="replace")
    shown = {"file": file, "is_good": is_good, "lines": said, "text": text}
    return render(context, request, "check.html", simulate_only=context.settings.simulate, **shown)


def compare(context: Here, request: Request) -> HTMLResponse:
    """Compare the campaigns that were ticked, as 'autolab report ID ID' does."""
    chosen = request.query_params.getlist("campaign")
    if len(chosen) < 2:
        raise InputError("tick two campaigns or more, and press 'Compare' again")
    return reading.comparison(context, chosen)


def start(context: Here, request: Request, start: str) -> Response:
    """Show what has become of a start, and go to its campaign."""
    said = acts.start_of(context, start)
    if said.campaign is not None:
        return redirect(f"/campaigns/{said.campaign}")
    return render(context, request, "start.html", start=said)


def campaign(context: Here, request: Request, campaign: str, after: At = 0, state: str = "") -> HTMLResponse:
    """Show a campaign: its pictures, its trials, what waits, and what may be done to it."""
    wanted = TrialState(state) if state in set(TrialState) else None
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        record = campaign_record(reader, campaign)
        view = campaign_view(reader, record, context.data, context.bests)
        page = trial_page(reader, record, after=after, limit=50, state=wanted)
        is_open = view.state in ("running", "paused", "failed")
        lab = frame.lab
        is_reset = lab.latch is None and not lab.trips
        waits = requests_of(reader, record, has_controller=lab.has_controller, is_reset=is_reset) if is_open else []
        changed = changed_limits(record, context.lab()) if is_open and record.lab == context.lab().name else []
    shown = {"campaign": view, "page": page, "waits": waits, "changed": changed}
    shown |= {"state": state, "states": list(TrialState)}
    return render(context, request, "campaign.html", frame=frame, pictured=reading.MOST_PICTURED, **shown)


def trial(context: Here, request: Request, campaign: str, trial: TrialNumber) -> HTMLResponse:
    """Show one trial: why it was suggested, what became of it, and what may be done to it."""
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        record = campaign_record(reader, campaign)
        view, one = campaign_view(reader, record, context.data, context.bests), trial_view(reader, record, trial)
    return render(context, request, "trial.html", frame=frame, campaign=view, trial=one, metrics=record.problem.metrics)


def requests(context: Here, request: Request) -> HTMLResponse:
    """Show what waits for a person, each with the form that answers it, and who was told."""
    channels = context.notifier.channels if context.notifier else ()
    return render(context, request, "requests.html", notices=tending.notice_views(context), channels=channels)


def devices(context: Here, request: Request) -> HTMLResponse:
    """Show the devices."""
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        found = bench.devices_of(reader, context.lab(), is_alive=frame.running is not None)
    return render(context, request, "devices.html", frame=frame, devices=found)


def safety(context: Here, request: Request) -> HTMLResponse:
    """Show what protects the lab: power, interlocks, envelope, trips, bypasses, the last proof test."""
    with context.reading() as reader:
        frame, proof = Frame.read(context, reader), bench.proof_of(reader.states, context.lab())
    shown = {"spec": context.lab(), "limits": bench.limits_of(context.lab()), "proof": proof}
    return render(context, request, "safety.html", frame=frame, **shown)


def materials(context: Here, request: Request) -> HTMLResponse:
    """Show what is used up, and the samples of the newest campaign."""
    problem = ""
    try:
        stock = reading.stock_lines(context)
    except AutolabError as error:
        stock, problem = [], str(error)
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        samples = reader.states.rows(
            "SELECT s.id, s.barcode, s.labware, s.place, s.well, t.campaign, t.trial FROM trial_samples t "
            "JOIN samples s ON s.id = t.sample ORDER BY t.rowid DESC LIMIT 100"
        )
    shown = {"stock": stock, "samples": samples, "problem": problem, "spec": context.lab()}
    return render(context, request, "materials.html", frame=frame, **shown)


def audit(context: Here, request: Request, before: str = "", who: str = "") -> HTMLResponse:
    """Show who did what."""
    with context.reading() as reader:
        frame = Frame.read(context, reader)
        lines = bench.audit_page(reader.states, before=before or None, limit=100, who=who or None)
        names = [row["name"] for row in reader.states.rows("SELECT DISTINCT name FROM principals ORDER BY name")]
    return render(context, request, "audit.html", frame=frame, lines=lines, who=who, names=names)


def settings(context: Here, account: Me, request: Request) -> HTMLResponse:
    """Show one's own account, keys, and for administrators all accounts."""
    return _settings(context, account, request)


def _settings(
    context: Context, account: Account, request: Request, *, shown: dict[str, str] | None = None
) -> HTMLResponse:
    everybody = context.accounts.all() if Scope.MANAGE_USERS in account.scopes else []
    agents = [entry.name for entry in everybody if Role.AGENT in entry.roles]
    owners = [account.name, *agents]
    return render(
        context, request, "settings.html", me=context.accounts.entry(account.name), people=everybody, agents=agents,
        keys=[(owner, key) for owner in owners for key in context.sessions.keys(owner)], roles=list(Role),
        carried=sorted(scopes_of(account.roles)), given=ROLES, shown=shown,
    )  # fmt: skip


async def add_account(context: Here, account: Me, request: Request) -> HTMLResponse:
    """Make an account, and show its one-time link for the only time."""
    return await run_in_threadpool(_account_made, context, account, request, await request.form())


def _account_made(context: Context, account: Account, request: Request, fields: FormData) -> HTMLResponse:
    try:
        roles = [Role(str(name)) for name in fields.getlist("roles")]
        token = people.make_account(context, account, str(fields.get("name") or "").strip(), roles)
    except (AutolabError, ValueError) as error:
        return _settings(context, account, request, shown={"problem": str(error)})
    return _settings(context, account, request, shown=_link(context, str(fields.get("name")), token))


def new_link(context: Here, account: Me, request: Request, name: str) -> HTMLResponse:
    """Make another one-time link, and show it for the only time."""
    token = people.invite(context, account, name)
    return _settings(context, account, request, shown=_link(context, name, token))


def _link(context: Context, name: str, token: str | None) -> dict[str, str]:
    if token is None:
        return {"said": f"The agent {name} has an account: make it an API key."}
    link = f"{context.settings.address}/welcome?token={token}"
    return {"said": f"Give {name} this link. It is shown once, and opens the account within a day:", "secret": link}


async def add_key(context: Here, account: Me, request: Request) -> HTMLResponse:
    """Make an API key, and show it for the only time."""
    return await run_in_threadpool(_key_made, context, account, request, await request.form())


def _key_made(context: Context, account: Account, request: Request, fields: FormData) -> HTMLResponse:
    try:
        scopes = [Scope(str(name)) for name in fields.getlist("scopes")]
        owner, label = str(fields.get("owner") or "") or None, str(fields.get("label") or "")
        secret, _ = people.give_key(context, account, owner, label, scopes, float(str(fields.get("days") or 90)))
    except (AutolabError, ValueError) as error:
        return _settings(context, account, request, shown={"problem": str(error)})
    return _settings(context, account, request, shown={"said": "This key is shown once:", "secret": secret})


def open_pages(doors: Doors) -> None:
    """Open these doors."""
    see = Scope.READ_STATUS
    doors.open("GET", "/", see, now)
    doors.open("GET", "/campaigns", see, campaigns)
    doors.open("GET", "/check", Scope.RUN, check)
    doors.open("GET", "/compare/report", Scope.READ_DATA, compare)
    doors.open("GET", "/starts/{start}", see, start)
    doors.open("GET", "/campaigns/{campaign}", see, campaign)
    doors.open("GET", "/campaigns/{campaign}/trials/{trial}", see, trial)
    doors.open("GET", "/requests", see, requests)
    doors.open("GET", "/devices", see, devices)
    doors.open("GET", "/safety", see, safety)
    doors.open("GET", "/materials", see, materials)
    doors.open("GET", "/audit", Scope.READ_AUDIT, audit)
    doors.open("GET", "/settings", Scope.OWN_ACCOUNT, settings)
    doors.open("POST", "/accounts", Scope.MANAGE_USERS, add_account)
    doors.open("POST", "/accounts/{name}/link", Scope.MANAGE_USERS, new_link)
    doors.open("POST", "/keys", Scope.OWN_ACCOUNT, add_key)
