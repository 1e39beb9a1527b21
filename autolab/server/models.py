"""What the API answers: typed, with units, and the words that the pages show."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ActionView",
    "AlarmView",
    "AuditLine",
    "Best",
    "BypassView",
    "CampaignLine",
    "CampaignPage",
    "CampaignView",
    "DeviceView",
    "FoundPage",
    "FoundTrial",
    "LabView",
    "Metric",
    "Moment",
    "NoticeView",
    "PictureView",
    "ProofPathView",
    "ProofView",
    "ProposalView",
    "RequestView",
    "Setting",
    "StockLine",
    "TrialLine",
    "TrialPage",
    "TrialView",
    "WantedView",
]  # fmt: skip


class View(BaseModel):
    """Something that is shown. Frozen."""

    model_config = ConfigDict(frozen=True)


class Setting(View):
    """A parameter's value in a trial."""

    name: str
    value: float | int | str | bool
    text: str = Field(description="As people write it, with its unit.", examples=["20 µL"])


class Metric(View):
    """What a trial yielded."""

    name: str
    value: float
    sem: float | None = Field(description="Standard error; null where it is not known.")
    text: str = Field(examples=["3.21 ± 0.42"])


class Best(View):
    """The best trial as measured."""

    trial: int
    metric: str
    value: float
    text: str


class CampaignLine(View):
    """A campaign in a list."""

    id: str = Field(examples=["teal-in-forty-20260101-120000-ab12"])
    name: str
    lab: str
    realm: str = Field(description="simulated, emulated or physical")
    state: str = Field(description="running, paused, finished, stopped or failed")
    is_alive: bool = Field(description="Whether a controller runs it now.")
    reason: str | None
    begun: str = Field(description="In UTC, ISO 8601.")
    by: str
    budget_trials: int
    n_over: int = Field(description="Trials that are over.")
    n_measured: int = Field(description="Trials with an outcome.")
    counts: dict[str, int] = Field(description="Number of trials in each state.")
    best: Best | None


class CampaignPage(View):
    """Campaigns, the newest first."""

    items: list[CampaignLine]
    next: int | None = Field(description="Give it as 'before' for the next page; null on the last one.")


class CampaignView(CampaignLine):
    """One campaign."""

    engine: str
    seed: int
    lanes: int
    objectives: list[str] = Field(examples=[["minimize colour_distance, target 2"]])
    parameters: list[str] = Field(examples=[["cyan: 0 to 300 µL"]])
    constraints: list[str]
    recommended: int | None
    lab_s: float = Field(description="Lab seconds since its start, by its last record.")
    left_s: float | None = Field(description="Lab seconds that are left, by the trials so far; null where unknown.")
    envelope: str = Field(description="Version of the envelope that it runs in.")


class TrialLine(View):
    """A trial in a list."""

    number: int
    state: str
    values: list[Setting]
    outcome: list[Metric]
    engine: str
    why: str = Field(description="Why this trial, in one sentence.")
    failure: str | None
    attempt: int
    repeat_of: int | None
    lane: int | None
    date: str | None = Field(description="Of its last change, in UTC.")
    lab_s: float | None = Field(description="Of its last change, in lab seconds.")


class TrialPage(View):
    """Trials by number."""

    items: list[TrialLine]
    next: int | None = Field(description="Give it as 'after' for the next page; null on the last one.")


class FoundTrial(View):
    """A trial that a search has found."""

    campaign: str
    trial: TrialLine


class FoundPage(View):
    """Trials that a search has found, the newest first."""

    items: list[FoundTrial]
    next: int | None = Field(description="Give it as 'before' for the next page; null on the last one.")


class Moment(View):
    """A state that a trial came into."""

    state: str
    lab_s: float
    date: str
    detail: str | None


class ActionView(View):
    """An action of a trial."""

    operation: str
    device: str
    phase: str
    state: str = Field(description="intended, done, failed or void; intended while it runs, or where it is in doubt")
    text: str
    lab_s: float
    detail: str | None
    by: str | None


class TrialView(TrialLine):
    """One trial, with why it was suggested and what became of it."""

    explanation: list[str]
    verdict: str | None
    reasons: list[str]
    dry_run: str | None
    history: list[Moment]
    actions: list[ActionView]
    people: list[str] = Field(description="What people did to it.")
    samples: list[str]


class WantedView(View):
    """A result that a person types in."""

    name: str
    kind: str = Field(description="number, text or scan")
    unit: str
    choices: list[str]
    text: str


class ProposalView(View):
    """What is to be approved."""

    persons: int
    reasons: list[str]
    hash: str
    changes: list[str] = Field(description="How it differs from the nearest trial that was run.")
    limits: list[str] = Field(description="How far each value is from the limits of its parameter.")


class RequestView(View):
    """Something that waits for a person."""

    kind: str = Field(description="answer, approve, settle, resume or reset")
    campaign: str | None
    trial: int | None
    text: str
    since: str | None
    device: str | None = None
    picture: str | None = None
    operation: str | None = None
    wanted: list[WantedView] = Field(default_factory=list)
    values: list[Setting] = Field(default_factory=list)
    proposal: ProposalView | None = None


class DeviceView(View):
    """A device of the lab."""

    name: str
    class_name: str
    address: str
    model: str
    serial_number: str
    realm: str
    limits: list[str]
    doing: str | None
    last: str | None = Field(description="What it did last.")
    last_lab_s: float | None
    fault: str | None
    readings: list[str]


class StockLine(View):
    """Something that is used up."""

    name: str
    kind: str
    bottle: str | None
    lot: str | None
    left: str
    booked: str
    predicted: str
    is_enough: bool | None


class AlarmView(View):
    """An alarm or a trip, with what followed it."""

    what: str
    rule: str
    cause: str
    date: str
    followers: int


class BypassView(View):
    """A bypass that is in force or was asked for."""

    text: str
    rule: str
    asked_by: str
    is_approved: bool


class ProofPathView(View):
    """One way from a cause to what it must bring about, exercised once."""

    rule: str
    cause: str
    passed: bool
    latch_ms: float | None = Field(description="Real milliseconds to the latch, the refusal or the alarm.")
    power_ms: float | None = Field(description="Real milliseconds to no power; null where nothing takes it away.")
    seen: str


class ProofView(View):
    """A proof test."""

    date: str
    by: str
    passed: bool
    is_of_this_file: bool = Field(description="Whether the lab file is still the one that was tested.")
    paths: list[ProofPathView]


class NoticeView(View):
    """A message to one channel."""

    id: str = Field(description="The same for all channels and all tries.")
    channel: str = Field(examples=["mail"])
    kind: str
    text: str
    campaign: str | None
    trial: int | None
    made: str = Field(description="In UTC, ISO 8601.")
    sent: str | None = Field(description="Null where it was not taken yet.")
    tries: int
    error: str | None = Field(description="Why the last try failed.")
    is_given_up: bool


class LabView(View):
    """The lab as a whole."""

    name: str
    laboratory: str
    has_controller: bool
    power: str | None = Field(description="on or off; null where the lab has no relay")
    latch: str | None = Field(description="Why the power is latched off.")
    trips: list[str]
    alarms: list[AlarmView]
    bypasses: list[BypassView]
    proof_test: str | None
    now: str = Field(description="The server's clock, in UTC.")


class PictureView(View):
    """A picture of the report, as Plotly draws it."""

    id: str
    title: str
    summary: str
    figure: dict[str, Any]
    header: list[str]
    rows: list[list[str]]


class AuditLine(View):
    """Something that somebody did."""

    id: str
    date: str
    by: str
    kind: str
    what: str
    about: str
    detail: str
