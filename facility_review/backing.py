"""Parts of an assessment as a document: what stands behind the result, and what follows from it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from facility_review.assessment import Level
from facility_review.parts import EvidenceClass, Interval, Part, Realm

__all__ = [
    "Agreement",
    "Coverage",
    "EvidenceLine",
    "GapLine",
    "GapList",
    "Marking",
    "PathLine",
    "Provenance",
    "Sensitivity",
    "Signature",
    "SourceFile",
    "StandardLine",
]

_Span = Annotated[float, Field(ge=0, le=100_000)]
Days = tuple[_Span, _Span]
"""Least and most days; a span that no calendar holds is refused."""


class GapLine(Part):
    """One gap: what is missing, what closes it, and what that takes."""

    gap_id: str
    unit_id: str
    kind: str
    criterion: str | None = None
    gate: str | None = None
    current_score: float
    current_class: EvidenceClass
    target_score: float
    missing_step_or_delta: str
    evidence_needed: str
    entry: str = ""
    """The key and id with which an entry in ``evidence.yaml`` speaks for it, such as ``metric: m_estop_coverage``."""
    action: str
    command: str | None = None
    is_quick: bool
    """True for what can be done by tomorrow."""
    effort_class: str
    person_days: Days
    lead_time_days: Days
    depends_on: tuple[str, ...] = ()
    level_unlocked: Level | None = None
    delta_dimension: float
    delta_p_level: float
    priority: int
    priority_class: str
    standards: tuple[str, ...] = ()
    eo_clauses: tuple[str, ...] = ()
    status: Literal["open"] = "open"
    opened_at: date
    due_date: date | None = None
    """For gaps on the path: the day of the assessment and the longest lead time."""


class PathLine(Part):
    """The cheapest path to the next level."""

    target: Level | None
    gaps: tuple[str, ...]
    """Ids of gaps, in the order in which to close them."""
    targets: dict[str, float]
    """Criterion and the score that it needs."""
    person_days: Days | None
    lead_time_days: Days | None
    is_complete: bool
    blockers: tuple[str, ...] = ()
    text: str


class GapList(Part):
    """All gaps, the three that block first, and the path."""

    blocking: tuple[str, ...]
    """At most three sentences: what blocks the next level."""
    items: tuple[GapLine, ...]
    path_to_next: PathLine


class StandardLine(Part):
    """One entry of the standards register."""

    interface_or_practice: str
    layer: str
    standard_used: str
    edition: str
    conformance: Literal["full", "partial", "none", "no_standard_exists"]
    criteria: tuple[str, ...] = ()
    effect: str = ""


class EvidenceLine(Part):
    """One record of evidence, and what it counts on the day of the assessment."""

    id: str
    subject: str
    """Criterion, metric or fact that it speaks for."""
    evidence_class: EvidenceClass
    """What is left of its class."""
    made_class: EvidenceClass
    """As it was made."""
    realm: Realm
    method: str
    source: str
    query: str
    sha256: str | None
    integrity: str
    tool: str
    tool_version: str
    collected: str
    seen_on: date
    counts_until: date | None
    """Last day on which it counts in full; None where it has no end."""
    n: int | None
    successes: int | None = None
    value: float | None = None
    step: int | None = None
    fact: bool | float | str | None = None
    interval: Interval = None
    unit_of_measure: str | None = None
    collector: str
    attestor: str
    independence: str
    marking: str
    supersedes: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why its class is lower than it was made."""
    notes: tuple[str, ...] = ()


class Coverage(Part):
    """How much of the weight rests on evidence."""

    coverage: float
    measured_share: float
    n_criteria: int
    n_with_evidence: int
    claims: tuple[str, ...] = ()
    """Criteria that somebody says do not apply."""
    claimed_share: float = 0.0
    """Their share of the weight that would apply without them."""
    to_mend: tuple[str, ...] = ()
    """What is wrong with what people wrote and with the records, in sentences with file and line."""
    missing: tuple[str, ...] = ()
    """What was not found or not computed, in sentences."""


class Agreement(Part):
    """How far two raters agree on the steps of ladders."""

    krippendorff_alpha: float | None = None
    statement: str


class Sensitivity(Part):
    """How far the index depends on the weights."""

    n_draws: int
    seed: int
    index_interval: Interval
    statement: str


class SourceFile(Part):
    """A file that was read."""

    path: str
    sha256: str


class Provenance(Part):
    """What the document was made with, and from."""

    tool: str
    tool_version: str
    seed: int
    draws: int
    files: tuple[SourceFile, ...] = ()


class Marking(Part):
    """How the document may be handed on."""

    text: str
    is_redacted: bool = False
    removed: tuple[str, ...] = ()
    """What a redacted view leaves out, in words."""


class Signature(Part):
    """Statements of people; empty until they have signed."""

    state: Literal["unsigned", "signed"] = "unsigned"
    roles: tuple[str, ...] = ("facility manager", "assessor")
