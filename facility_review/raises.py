"""What it takes to raise one criterion: to which score, by what, and with how much effort."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from facility_review.assessment import Effort, GapKind
from facility_review.criteria import Scored
from facility_review.inputs import EvidenceClass
from facility_review.instrument import Instrument
from facility_review.instrumentmodel import EffortClass, MetricScale

__all__ = [
    "COMMANDS",
    "QUICK",
    "Raise",
    "class_for",
    "effort_of",
    "kind_of_gap",
    "middle",
    "missing",
    "raises_of",
    "value_for",
]

PROOF_TEST, VERIFY, REPEAT, RUN = (
    "autolab safety proof-test LAB",
    "autolab audit verify",
    "autolab repeat ID N",
    "autolab run CAMPAIGN",
)
COMMANDS: Mapping[str, str] = {
    "m_estop_ratio": PROOF_TEST,
    "m_estop_coverage": PROOF_TEST,
    "m_interlock_assured": PROOF_TEST,
    "m_log_integrity": VERIFY,
    "m_precision_ratio": REPEAT,
    "m_rerun_agree": REPEAT,
    "m_closed_loop_hours": RUN,
    "m_cl_iterations": RUN,
    "m_param_coverage": RUN,
    "m_valid_yield": RUN,
    "m_pi_miscoverage": RUN,
}
"""The command that makes evidence for a metric. Against simulators it makes simulated evidence, which opens no gate."""
QUICK = (PROOF_TEST, VERIFY, REPEAT)
"""Those that are done within a day."""


@dataclass(frozen=True, slots=True)
class Raise:
    """One way up for a criterion."""

    score: float
    """What it would score then."""
    days: float
    """Person-days, the middle of the planning range."""
    proofs: int
    """1 where better evidence for what exists already is a part of it."""
    steps: int
    """How many steps of its remediation are a part of it."""


def raises_of(instrument: Instrument, scored: Scored) -> tuple[Raise, ...]:
    """The ways up for a criterion, cheapest first: better evidence for what exists, then step by step to 5.

    Better evidence takes the smallest effort class where the practice runs on hardware. Each step, and each cut point
    of a metric, takes the effort of the criterion's remediation.
    """
    score, raw = scored.score.score, scored.score.raw
    efforts = instrument.file.gap_list.effort_classes
    per_step = middle(efforts[scored.criterion.remediation.effort])
    found: list[Raise] = []
    proofs = 0
    if raw > score + 1e-9 and scored.answer.realm == "physical":
        proofs = 1
        found.append(Raise(raw, middle(efforts["S"]), 1, 0))
        score = raw
    first = math.floor(score + 1e-9) + 1
    return (
        *found,
        *(
            Raise(float(target), proofs * middle(efforts["S"]) + step * per_step, proofs, step)
            for step, target in enumerate(range(first, 6), start=1)
        ),
    )


def middle(effort: EffortClass) -> float:
    """Middle of an effort class's range, in person-days."""
    return sum(effort.person_days) / 2


def kind_of_gap(scored: Scored) -> GapKind:
    """Whether proof, performance or practice is missing."""
    answer = scored.answer
    if scored.score.raw > scored.score.score + 1e-9:
        return "evidence gap"
    if scored.criterion.metric is None:
        return "practice gap"
    return "evidence gap" if answer.evidence_class == "none" or answer.value is None else "performance gap"


def class_for(instrument: Instrument, scored: Scored, target: float) -> EvidenceClass:
    """The weakest class of evidence that can carry a score."""
    caps = instrument.file.evidence.class_caps[scored.criterion.kind]
    if caps["attested"] >= target:
        return "attested"
    return "documented" if caps["documented"] >= target else "measured"


def value_for(scale: MetricScale, target: float) -> float:
    """The value that scores ``target``: the inverse of the scale."""
    points = np.asarray((scale.zero_at, *scale.cut_points))
    if scale.scale == "log":
        return float(10 ** np.interp(target, np.arange(6.0), np.log10(points)))
    return float(np.interp(target, np.arange(6.0), points))


def missing(instrument: Instrument, scored: Scored, target: float) -> str:
    """What is missing for a score: the next steps of a ladder, or the value that a metric needs."""
    criterion, answer = scored.criterion, scored.answer
    if scored.score.raw >= target - 1e-9 and scored.score.caps:
        return f"better evidence: {scored.score.caps[0].reason}"
    if criterion.metric is None:
        first = (answer.step or 0) + 1
        return "; ".join(f"step {n}: {criterion.steps[n - 1]}" for n in range(first, math.ceil(target - 1e-9) + 1))
    metric = instrument.metrics[criterion.metric.id]
    wanted = f"{value_for(criterion.metric, target):.4g} {metric.unit}"
    if answer.value is None:
        return f"{metric.name}: there is no value; {wanted} would score {target:.3g}"
    if criterion.metric.value_used != "point":
        return f"{metric.name}: the one-sided 95 % bound must be {wanted}, from {answer.value:g} with n = {answer.n}"
    return f"{metric.name}: {answer.value:g} now, {wanted} would score {target:.3g}"


def effort_of(scored: Scored, way: Raise) -> Effort:
    """The effort class of a way up: that of the remediation where a step of it is needed, else the smallest."""
    return scored.criterion.remediation.effort if way.steps else "S"
