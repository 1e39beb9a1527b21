"""Doors of the API through which the lab is looked at."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse, PlainTextResponse

from autolab.core.roles import Scope
from autolab.core.trials import TrialState
from autolab.journal.folder import has_controller
from autolab.report.comparison import MOST, compare
from autolab.report.facts import Facts
from autolab.report.page import pictures_of, render_report
from autolab.report.table import csv_text
from autolab.server import bench
from autolab.server.campaigns import campaign_page, campaign_record, campaign_view, trial_page, trial_view
from autolab.server.doors import At, Doors, Here, Me, TrialNumber
from autolab.server.models import (
    AuditLine,
    CampaignPage,
    CampaignView,
    DeviceView,
    LabView,
    PictureView,
    RequestView,
    StockLine,
    TrialPage,
    TrialView,
    View,
)
from autolab.server.problems import NotFoundError
from autolab.server.settings import Context
from autolab.server.waiting import requests_waiting
from safety.supply import latch_of

__all__ = ["MOST_PICTURED", "open_reading", "pictures"]

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]
MOST_PICTURED = 3000
"""Trials of a campaign of which pictures are drawn; of more, the report and the export show all."""


class CsvResponse(PlainTextResponse):
    """A table as text."""

    media_type = "text/csv"


class MeView(View):
    """Whoever is signed in."""

    name: str
    roles: list[str]
    scopes: list[str]
    via: str


def me(account: Me) -> MeView:
    """Say who is signed in, and what they may try."""
    return MeView(
        name=account.name, roles=sorted(account.roles), scopes=sorted(account.scopes), via=account.via
    )  # fmt: skip


def lab(context: Here) -> LabView:
    """Say how the lab stands: power, trips, alarms, bypasses."""
    with context.reading() as reader:
        return bench.lab_view(reader, context.lab(), context.settings, context.clock)


def campaigns(
    context: Here,
    before: At | None = None,
    limit: Limit = 20,
    state: str | None = None,
) -> CampaignPage:
    """List campaigns, the newest first."""
    with context.reading() as reader:
        return campaign_page(reader, context.data, context.bests, before=before, limit=limit, state=state)


def campaign(context: Here, campaign: str) -> CampaignView:
    """Say how a campaign stands."""
    with context.reading() as reader:
        return campaign_view(reader, campaign_record(reader, campaign), context.data, context.bests)


def trials(
    context: Here,
    campaign: str,
    after: At = 0,
    limit: Limit = 50,
    state: TrialState | None = None,
) -> TrialPage:
    """List the trials of a campaign by number."""
    with context.reading() as reader:
        return trial_page(reader, campaign_record(reader, campaign), after=after, limit=limit, state=state)


def trial(context: Here, campaign: str, trial: TrialNumber) -> TrialView:
    """Tell a trial's whole story: why it was suggested, the verdict, each state, each action."""
    with context.reading() as reader:
        return trial_view(reader, campaign_record(reader, campaign), trial)


def pictures(context: Here, campaign: str) -> list[PictureView]:
    """Give the pictures of a campaign's report as they are now, for Plotly."""
    with context.reading() as reader:
        record = campaign_record(reader, campaign)
        n_trials = reader.states.rows("SELECT COUNT(*) AS n FROM trials WHERE campaign = ?", (record.id,))[0]["n"]
        if n_trials > MOST_PICTURED:
            raise NotFoundError(f"{record.id} has {n_trials} trials, too many for live pictures: see its report")
        found = pictures_of(Facts.read(reader, record))
    return [
        PictureView(
            id=one.id, title=one.title, summary=one.summary, figure=json.loads(one.json), header=list(one.header),
            rows=[list(row) for row in one.rows[:200]],
        )
        for one in found.values()
    ]  # fmt: skip


def export(context: Here, campaign: str) -> CsvResponse:
    """Export a campaign's trials as CSV, one row each."""
    with context.reading() as reader:
        record = campaign_record(reader, campaign)
        text = csv_text(record.problem, reader.trials(record.id))
    headers = {"Content-Disposition": f'attachment; filename="{record.id}.csv"'}
    return CsvResponse(text, headers=headers)


def report(context: Here, campaign: str) -> HTMLResponse:
    """Give a campaign's report as one HTML file that needs nothing else."""
    with context.reading() as reader:
        text = render_report(reader, campaign_record(reader, campaign))
    headers = {"Content-Disposition": f'attachment; filename="{campaign}.html"'}
    return HTMLResponse(text, headers=headers)


Compared = Annotated[list[str], Query(min_length=2, max_length=MOST, description="Ids of campaigns.")]


def comparison(context: Here, campaign: Compared) -> HTMLResponse:
    """Compare several campaigns of one goal on one HTML page that needs nothing else."""
    with context.reading() as reader:
        text = compare(reader, [campaign_record(reader, each) for each in campaign])
    return HTMLResponse(text)


def devices(context: Here) -> list[DeviceView]:
    """List the devices: what they do, their last readings, limits and faults."""
    with context.reading() as reader:
        return bench.devices_of(reader, context.lab(), is_alive=has_controller(context.data))


def stock(context: Here) -> list[StockLine]:
    """List what is used up: what is left, and whether it is enough for the newest campaign."""
    return stock_lines(context)


def stock_lines(context: Context) -> list[StockLine]:
    """What is used up in the lab, by its newest campaign."""
    from autolab.compose.supplyview import supplies_of

    with context.reading() as reader:
        newest = bench.newest_campaign(reader.states)
    if newest is None:
        return []
    return [
        StockLine(
            name=each.name, kind=each.kind, bottle=each.bottle, lot=each.lot, left=each.text(each.left),
            booked=each.text(each.booked), predicted=each.text(each.predicted), is_enough=each.is_enough,
        )
        for each in supplies_of(context.data, newest)[1]
    ]  # fmt: skip


def requests(context: Here) -> list[RequestView]:
    """List what waits for a person: questions, approvals, actions in doubt, trips, pauses."""
    with context.reading() as reader:
        name = context.lab().name
        latch = latch_of(context.data, name)
        return requests_waiting(reader, name, has_controller=has_controller(context.data), latch=latch)


def audit(
    context: Here,
    before: Annotated[str | None, Query(description="Only what was done before this date.")] = None,
    limit: Limit = 100,
    who: str | None = None,
) -> list[AuditLine]:
    """List who did what, the newest first: sign-ins and grants, requests, interventions."""
    with context.reading() as reader:
        return bench.audit_page(reader.states, before=before, limit=limit, who=who)


def open_reading(doors: Doors) -> None:
    """Open these doors."""
    api, one = "/api/v1", "/api/v1/campaigns/{campaign}"
    doors.open("GET", f"{api}/me", "an account", me)
    doors.open("GET", f"{api}/lab", Scope.READ_STATUS, lab)
    doors.open("GET", f"{api}/campaigns", Scope.READ_STATUS, campaigns)
    doors.open("GET", one, Scope.READ_STATUS, campaign)
    doors.open("GET", f"{one}/trials", Scope.READ_STATUS, trials)
    doors.open("GET", f"{one}/trials/{{trial}}", Scope.READ_STATUS, trial)
    doors.open("GET", f"{one}/pictures", Scope.READ_STATUS, pictures)
    doors.open("GET", f"{one}/trials.csv", Scope.READ_DATA, export, response_class=CsvResponse)
    doors.open("GET", f"{one}/report", Scope.READ_DATA, report, response_class=HTMLResponse)
    doors.open("GET", f"{api}/comparison/report", Scope.READ_DATA, comparison, response_class=HTMLResponse)
    doors.open("GET", f"{api}/devices", Scope.READ_STATUS, devices)
    doors.open("GET", f"{api}/stock", Scope.READ_STATUS, stock)
    doors.open("GET", f"{api}/requests", Scope.READ_STATUS, requests)
    doors.open("GET", f"{api}/audit", Scope.READ_AUDIT, audit)
