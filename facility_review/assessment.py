"""What scoring gives: one unit's assessment, every number with the reason for it. Frozen values, canonical as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from facility_review.inputs import EvidenceClass, Realm

__all__ = [
    "LEVELS",
    "Assessment",
    "AxisGrade",
    "Cap",
    "CriterionScore",
    "DimensionScore",
    "Effort",
    "Gap",
    "GapKind",
    "GateResult",
    "GateState",
    "InstrumentUsed",
    "Level",
    "PathToNext",
    "PriorityClass",
    "Sensitivity",
    "TrackResult",
]

Level = Literal["R0", "R1", "R2", "R3", "R4", "R5"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Lowest first."""
Effort = Literal["S", "M", "L", "XL"]
GateState = Literal["pass", "fail", "not demonstrated", "not applicable", "waived"]
PriorityClass = Literal["hold gate", "ceiling gate", "key criterion", "other"]
GapKind = Literal["evidence gap", "performance gap", "practice gap", "standard gap"]


@dataclass(frozen=True, slots=True)
class InstrumentUsed:
    """Which instrument an assessment was made with."""

    id: str
    version: str
    content_hash: str
    """SHA-256 of the instrument's data in canonical JSON."""
    disclaimer: str


@dataclass(frozen=True, slots=True)
class Cap:
    """The highest score that the evidence allows, and why."""

    kind: Literal["class", "realm", "sample size", "interval"]
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """One criterion's score, 0 to 5."""

    criterion: str
    dimension: str
    is_applicable: bool
    raw: float
    """What the value or step alone would score."""
    score: float
    """``min(raw, every cap)``."""
    caps: tuple[Cap, ...]
    """Those below 5, lowest first."""
    interval: tuple[float, float]
    """90 % interval of the score."""
    evidence_class: EvidenceClass
    realm: Realm
    value: float | None
    value_interval: tuple[float, float] | None
    """90 % interval of the value, in the metric's unit: the record's own, or computed from n."""
    value_used: float | None
    """What was put on the scale: the value, or its one-sided 95 % bound."""
    step: int | None
    n: int | None
    reason: str
    """A sentence."""
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate."""

    gate: str
    name: str
    kind: Literal["hold", "ceiling"]
    ceiling: Level
    """The level that cannot be passed unless the gate passes: R0 for a hold gate."""
    state: GateState
    reasons: tuple[str, ...]
    """A sentence for each requirement."""
    criteria: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """True where the gate holds the level down."""
        return self.state in ("fail", "not demonstrated")


@dataclass(frozen=True, slots=True)
class DimensionScore:
    """One dimension's score, 0 to 5; None where none of its criteria applies."""

    dimension: str
    name: str
    weight: float
    score: float | None
    interval: tuple[float, float] | None
    """90 % interval."""
    mean: float | None
    """Weighted mean of its criteria, before the weakest key criterion is looked at."""
    weakest_key: str | None
    """The key criterion with the lowest score."""
    is_held_by_key: bool
    """True where the weakest key criterion holds the score below the mean."""
    next_minimum: float | None
    """What the level after the unit's asks for; None at R5."""


@dataclass(frozen=True, slots=True)
class TrackResult:
    """One of the two questions of Sec. 3(e): AI-directed experimentation, AI-directed manufacturing."""

    track: Literal["experimentation", "manufacturing"]
    is_applicable: bool
    level: Level | None
    reasons: tuple[str, ...]
    """What keeps the track from its next level."""


@dataclass(frozen=True, slots=True)
class AxisGrade:
    """Grade of one autonomy axis, derived from metrics."""

    axis: Literal["hardware", "software"]
    grade: int | None
    """3 or 4; None where the metrics do not show grade 3, below which nothing can be derived from them."""
    meaning: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How much the index depends on the weights of the dimensions."""

    draws: int
    seed: int
    index_interval: tuple[float, float]
    """5 % and 95 % quantile of the index over the weights drawn."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that stands between the unit and a higher level."""

    gap_id: str
    unit_id: str
    kind: GapKind
    criterion: str | None
    gate: str | None
    current_score: float
    current_class: EvidenceClass
    target_score: float
    missing: str
    """The step that is missing, or the difference that a number must make."""
    evidence_needed: str
    action: str
    command: str | None
    """The command that makes the missing evidence, where there is one; ``LAB`` and ``CAMPAIGN`` stand for files."""
    is_quick: bool
    """True for what can be done by tomorrow."""
    effort: Effort
    person_days: tuple[float, float]
    lead_days: tuple[float, float]
    standards: tuple[str, ...]
    eo_clauses: tuple[str, ...]
    priority: int = 0
    """From 1, first to be done."""
    priority_class: PriorityClass = "other"
    level_unlocked: Level | None = None
    """The level that closing this gap alone could bring."""
    delta_dimension: float = 0.0
    """By how much the dimension's score would rise."""
    delta_p_level: float = 0.0
    """By how much the probability of the next level would rise if this gap alone were closed."""
    depends_on: tuple[str, ...] = ()
    """Ids of gaps to be closed first. The instrument states none; a site's gap register may."""


@dataclass(frozen=True, slots=True)
class PathToNext:
    """The cheapest set of gaps whose closing gives the next level."""

    target: Level
    gaps: tuple[str, ...]
    """Gap ids in the order of priority; a gap is closed to the score that `targets` names."""
    targets: tuple[tuple[str, float], ...]
    """Criterion and the score that it needs."""
    person_days: tuple[float, float]
    lead_days: tuple[float, float]
    """Longest lead time of the set: its gaps may be closed side by side."""
    is_complete: bool
    """False where not all that is missing can be closed by raising criteria; `blockers` says what else is needed."""
    blockers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """One unit, assessed."""

    instrument: InstrumentUsed
    unit: str
    name: str
    roles: tuple[str, ...]
    level: Level
    level_name: str
    assured_level: Level
    p_level: tuple[tuple[Level, float], ...]
    """Probability that the level is at least R1, R2 … R5."""
    gates: tuple[GateResult, ...]
    dimensions: tuple[DimensionScore, ...]
    criteria: tuple[CriterionScore, ...]
    index: float
    """0 to 100. Shown beside level, gates, interval and coverage only; never for ranking across levels."""
    index_interval: tuple[float, float]
    """90 % interval."""
    coverage: float
    measured_share: float
    provisional: tuple[str, ...]
    """Why the result is provisional: sentences; empty where it is not."""
    is_simulated_profile: bool
    """True where nothing was measured on hardware: the report bears a watermark."""
    tracks: tuple[TrackResult, ...]
    profile: tuple[AxisGrade, ...]
    blocking: tuple[str, ...]
    """What keeps the unit from its next level, gates first: sentences."""
    gaps: tuple[Gap, ...]
    path_to_next: PathToNext | None
    """None at R5."""
    sensitivity: Sensitivity
    seed: int
    draws: int
    claims: tuple[str, ...] = ()
    """Criteria that somebody says do not apply."""
    claimed_share: float = 0.0
    """Their share of the weight that would apply without them."""
