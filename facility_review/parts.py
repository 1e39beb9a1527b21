"""Parts of an assessment as a document: the result itself. What stands behind it is in `facility_review.backing`."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from facility_review.assessment import Level

__all__ = [
    "AnnualParagraph",
    "Answer3e",
    "Assessor",
    "AxisLine",
    "CampaignMetric",
    "CapLine",
    "CriterionLine",
    "DimensionLine",
    "EvidenceClass",
    "GateLine",
    "InstrumentLine",
    "Interval",
    "LevelLine",
    "MetricLine",
    "Part",
    "Profile",
    "Realm",
    "TrackLine",
    "UnitLine",
    "Window",
]

Interval = tuple[float, float] | None
"""A 90 % interval, or None where the method gives none."""
Realm = Literal["physical", "emulated", "simulated"]
EvidenceClass = Literal["measured", "documented", "attested", "none"]


class Part(BaseModel):
    """A part of the document: immutable, without keys that nobody declared, and with finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InstrumentLine(Part):
    """The instrument that gave the scores."""

    id: str
    version: str
    sha256: str
    date: str
    status: str
    title: str
    disclaimer: str


class UnitLine(Part):
    """The unit that was assessed."""

    id: str
    name: str
    laboratory: str
    boundary: str = ""
    """What belongs to the unit, in words."""
    devices: tuple[str, ...] = ()
    """Names of its devices."""
    runs_autolab: bool = False
    """True where it has a lab file, so that commands can make evidence of it."""
    owner: str = "unknown"
    """Federal, partner or unknown."""
    configuration_sha256: str | None = None
    roles: tuple[str, ...] = ()
    realm: Realm | None
    """Best realm among the evidence that counts; None where none does."""
    challenges: tuple[str, ...] = ()


class Window(Part):
    """The days that the evidence may be from."""

    first: date
    last: date
    note: str


class Assessor(Part):
    """Who rated, and how independent of the unit."""

    name: str
    role: str
    independence: str


class LevelLine(Part):
    """A level of the instrument, as it was reached."""

    id: Level
    name: str
    meaning: str
    next: Level | None = None
    provisional: tuple[str, ...] = ()
    """Why the level is provisional; empty where it is not."""
    is_simulated_profile: bool = False


class GateLine(Part):
    """One gate."""

    id: str
    name: str
    kind: Literal["hold", "ceiling"]
    ceiling: Level
    """The level that cannot be passed unless the gate passes: R0 for a hold gate."""
    state: Literal["pass", "fail", "not demonstrated", "not applicable", "waived"]
    reasons: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class DimensionLine(Part):
    """One dimension."""

    id: str
    name: str
    weight: float
    score: float | None
    """None where none of its criteria applies."""
    interval: Interval = None
    mean: float | None
    """Weighted mean of its criteria, before the weakest key criterion is looked at."""
    weakest_key_criterion: str | None = None
    is_held_by_key: bool
    next_minimum: float | None = None
    """What the level after the unit's asks for."""
    n_applicable: int
    n_with_evidence: int
    eo_clauses: tuple[str, ...] = ()


class CapLine(Part):
    """A bound on a score, and why it is there."""

    limit: float
    reason: str


class CriterionLine(Part):
    """One criterion."""

    id: str
    dimension: str
    title: str
    question: str
    kind: str
    is_key: bool
    weight: float
    automation: str
    is_applicable: bool
    raw: float
    score: float
    interval: Interval
    caps: tuple[CapLine, ...] = ()
    evidence_class: EvidenceClass
    realm: Realm
    n: int | None = None
    metric: str | None = None
    value: float | None = None
    value_interval: Interval = None
    unit: str | None = None
    window_days: int | None = None
    step: int | None = None
    steps: tuple[str, ...] = ()
    """What each step of the ladder asks for; empty for a metric."""
    reason: str
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    standards: tuple[str, ...] = ()
    eo_clauses: tuple[str, ...] = ()
    remediation: str
    effort: str


class MetricLine(Part):
    """One metric: a number never stands without n, window and interval, or the word 'none' for what there is not."""

    id: str
    name: str
    formula: str
    value: float | None
    unit: str
    better: str
    n: int | None
    min_n: int
    window_days: int
    interval: Interval = None
    ci_method: str
    evidence_class: EvidenceClass
    realm: Realm | None = None
    is_scored: bool
    criteria: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class TrackLine(Part):
    """One track: experimentation or manufacturing."""

    track: str
    is_applicable: bool
    level: Level | None
    reasons: tuple[str, ...] = ()
    """What keeps the track from its next level."""


class AxisLine(Part):
    """Grade of one autonomy axis."""

    axis: str
    grade: int | None
    meaning: str
    reasons: tuple[str, ...] = ()


class Answer3e(Part):
    """One line of the answer sheet for Sec. 3(e)."""

    question: str
    answer: str
    because: str
    criteria: tuple[str, ...] = ()


class AnnualParagraph(Part):
    """One paragraph for the yearly report of Sec. 6(a)."""

    clause: str
    title: str
    text: str


class CampaignMetric(Part):
    """A metric of self-driving laboratories, of one campaign or of all of a lab in one realm."""

    id: str
    name: str
    unit: str
    scope: str
    """Id of the campaign; ``lab`` for all of them."""
    realm: Realm
    value: float | None
    n: int | None
    interval: Interval = None
    why: str = ""
    """Why there is no value."""
    notes: tuple[str, ...] = ()


class Profile(Part):
    """What the unit can do, beside its level."""

    index: float | None
    """0 to 100, for trend only; None in a redacted view."""
    index_interval: Interval = None
    tracks: tuple[TrackLine, ...]
    axes: tuple[AxisLine, ...]
    campaign_metrics: tuple[CampaignMetric, ...] = ()
    answers_3e: tuple[Answer3e, ...]
    annual_6a: tuple[AnnualParagraph, ...]
