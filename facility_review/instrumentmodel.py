"""The shape of an instrument's file: keys and types. What the parts must say of each other: `consistency`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autolab.config.fields import FileModel
from facility_review.assessment import Effort, Level
from facility_review.inputs import EvidenceClass, Realm
from facility_review.ordermodel import Day, Order, Texts, Timeline

__all__ = [
    "Aggregation",
    "AutonomyAxis",
    "Condition",
    "Criterion",
    "Dimension",
    "EffortClass",
    "FactDefinition",
    "Gate",
    "InstrumentFile",
    "LevelRule",
    "Metric",
    "MetricScale",
    "Requirement",
    "Standard",
]

Kind = Literal["metric", "practice", "document"]
Op = Literal[">=", "<=", "==", ">", "<", "in"]
Numbers = Annotated[tuple[float, ...], Field(strict=False)]
CiMethod = Literal[
    "none",
    "wilson",
    "wilson_abs_diff",
    "clopper_pearson_lower",
    "poisson_garwood",
    "gamma_exact",
    "chi2_pooled_sd",
    "cpk_normal_approx",
    "order_statistics",
    "bootstrap",
    "bootstrap_by_campaign",
    "bootstrap_by_dataset",
    "bootstrap_by_day",
    "bootstrap_by_experiment",
]


class Head(FileModel):
    """What the instrument is, and what it is not."""

    id: str
    version: str
    date: Day
    status: Literal["proposal", "trial", "endorsed"]
    title: str
    disclaimer: str
    unit_of_assessment: str
    questions: Texts


class Scale(FileModel):
    """What 0 to 5 mean, and how a value or a step gets there."""

    anchors: Texts
    value_used: str
    metric_scoring: str
    log_floor: str
    ladder_scoring: str
    judgement: str


class SampleCaps(FileModel):
    """Highest scores of few or unquantified observations."""

    below_min_n: float
    below_third: float
    no_interval: float
    rule: str


class EvidenceRules(FileModel):
    """What evidence of each class and realm may earn."""

    class_caps: dict[Kind, dict[EvidenceClass, float]]
    class_note: str
    realm_caps: dict[Realm, float]
    realm_note: str
    sample_caps: SampleCaps
    freshness: str
    integrity: str
    independence: Texts
    independence_effect: str
    conflict: str
    missing: str


class Rating(FileModel):
    """Two raters, and when they agree well enough."""

    raters_min: int
    agreement: Texts
    usable_from: float
    strong_from: float
    redo: str
    adjudication: str
    rater_sd: dict[EvidenceClass, float]
    """Standard deviation, in steps, of one rater's answer by class of evidence."""


class Provisional(FileModel):
    """Below which coverage a result is called provisional."""

    coverage_below: float
    measured_share_below: float
    measured_share_from: Level


class SensitivityRule(FileModel):
    """How the weights are varied."""

    draws: int
    concentration: float
    """Sum of the parameters of the Dirichlet distribution; at 100 a weight of 0.1 has a standard deviation of 0.03."""
    rule: str


class Aggregation(FileModel):
    """From criteria to dimensions, index and level."""

    criterion: str
    dimension: str
    key_margin: float
    """A dimension is at most so much above its weakest key criterion."""
    index: str
    level: str
    draws: int
    seed: int
    metric_draw: str
    ladder_draw: str
    assured_level: str
    assured_probability: float
    coverage: str
    provisional: Provisional
    sensitivity: SensitivityRule


class Tracks(FileModel):
    """The two questions of Sec. 3(e)."""

    experimentation: str
    manufacturing: str
    manufacturing_minima: dict[str, dict[Level, float]]
    """By criterion, the least score for each level of the manufacturing track."""


class EffortClass(FileModel):
    """Planning range of one effort class, in person-days and days of lead time."""

    person_days: Numbers
    lead_days: Numbers


class GapRules(FileModel):
    """How gaps are sized and put in order."""

    effort_classes: dict[Effort, EffortClass]
    effort_basis: str
    kinds: Texts
    priority: str
    path_to_next: str


class RegisterRules(FileModel):
    """What the standards register tells apart."""

    purpose: str
    layers: Texts
    conformance: Texts


class Condition(FileModel):
    """A comparison of one metric or fact."""

    metric: str | None = None
    fact: str | None = None
    op: Op
    value: bool | float | str


class DerivedGrade(FileModel):
    """What the metrics must say for a grade of autonomy; the lower derived grades' conditions hold as well."""

    grade: int
    conditions: Annotated[tuple[Condition, ...], Field(strict=False)]


class AutonomyAxis(FileModel):
    """One axis of autonomy, graded 0 to 5."""

    grades: Texts
    derived: Annotated[tuple[DerivedGrade, ...], Field(strict=False)]


class AutonomyAxes(FileModel):
    """Hardware and software axis."""

    note: str
    hardware: AutonomyAxis
    software: AutonomyAxis


class Dimension(FileModel):
    """One of the ten dimensions."""

    id: str
    name: str
    weight: float
    eo_clauses: Texts


class LevelRule(FileModel):
    """What a level takes."""

    id: Level
    name: str
    meaning: str
    minima: dict[str, float] = Field(default_factory=dict[str, float])
    """Least score by dimension."""
    extra: Annotated[tuple[Condition, ...], Field(strict=False)] = ()


class GatesPolicy(FileModel):
    """How gates are judged, in words."""

    evidence: str
    hold: str
    ceiling: str
    not_demonstrated: str
    applies_if: str


class Requirement(FileModel):
    """One requirement of a gate: a comparison of a metric, a criterion's score or a fact."""

    metric: str | None = None
    criterion: str | None = None
    fact: str | None = None
    op: Op
    value: bool | float | str | Texts | None = None
    value_from: str | None = None
    """A fact that holds the value."""
    default: float | None = None
    """What is taken where that fact is not known."""
    bound: Literal["lower", "upper"] | None = None
    """Compare this bound of the 90 % interval instead of the value."""
    min_n: int | None = None
    min_class: EvidenceClass


class Gate(FileModel):
    """A hold gate, without which the unit stays at R0, or a ceiling that the level cannot pass."""

    id: str
    name: str
    type: Literal["hold", "ceiling"]
    ceiling: Level | None = None
    criteria: Texts
    require: Annotated[tuple[Requirement, ...], Field(strict=False)]
    eo_clauses: Texts
    applies_if: str | None = None
    """A fact; where it is false, neither the gate nor its criteria apply."""
    note: str | None = None


class FactDefinition(FileModel):
    """Something that is known of a unit without being scored."""

    id: str
    type: Literal["bool", "int", "float", "fraction", "enum"]
    values: Texts = ()
    definition: str
    sources: Texts
    default: bool | float | None = None
    highest_level_if_false: Level | None = None


class Metric(FileModel):
    """A quantity: its formula, its unit, and how its uncertainty is found."""

    id: str
    name: str
    formula: str
    unit: str
    better: Literal["higher", "lower"]
    may_be_negative: bool = False
    inputs: Texts
    window_days: int
    min_n: int
    ci_method: CiMethod
    note: str | None = None


class MetricScale(FileModel):
    """From a metric's value to a raw score."""

    id: str
    value_used: Literal["point", "ci95_lower_one_sided", "ci95_upper_one_sided"]
    better: Literal["higher", "lower"]
    scale: Literal["linear", "log"]
    zero_at: float
    cut_points: Numbers
    """Values that score 1, 2, 3, 4 and 5."""
    basis: str


class Remediation(FileModel):
    """What closes the gap, and the effort it takes."""

    action: str
    effort: Effort


class Criterion(FileModel):
    """One of the criteria: scored by a metric, or by the steps of a ladder."""

    id: str
    dimension: str
    title: str
    question: str
    weight: float
    key: bool
    kind: Kind
    applies_when: Literal["all", "production"]
    automation: Literal["full", "partial", "none"]
    sources: Texts
    metric: MetricScale | None = None
    steps: Texts = ()
    evidence: dict[EvidenceClass, str]
    eo_clauses: Texts
    standards: Texts
    remediation: Remediation


class Standard(FileModel):
    """A source of requirements, and how far it was verified."""

    title: str
    url: str
    verification: Literal["verified", "partly_verified", "unverified"]
    note: str | None = None


class Portfolio(FileModel):
    """How units are rolled up."""

    hierarchy: Texts
    rule: str
    views: Texts
    comparison_rule: str
    membership: str


class InstrumentFile(FileModel):
    """The file of one version."""

    instrument: Head
    order: Order
    timeline: Timeline
    scale: Scale
    evidence: EvidenceRules
    rating: Rating
    aggregation: Aggregation
    tracks: Tracks
    gap_list: GapRules
    standards_register: RegisterRules
    autonomy_axes: AutonomyAxes
    dimensions: Annotated[tuple[Dimension, ...], Field(strict=False)]
    levels: Annotated[tuple[LevelRule, ...], Field(strict=False)]
    gates_policy: GatesPolicy
    gates: Annotated[tuple[Gate, ...], Field(strict=False)]
    facts: Annotated[tuple[FactDefinition, ...], Field(strict=False)]
    evidence_sources: dict[str, str]
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)]
    criteria: Annotated[tuple[Criterion, ...], Field(strict=False)]
    portfolio: Portfolio
    standards: dict[str, Standard]
