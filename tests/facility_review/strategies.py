"""Units that could be: any mixture of classes, realms, counts and values that the instrument allows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from facility_review.inputs import CLASSES, REALMS, Answer, EvidenceClass, Inputs, Realm
from facility_review.instrumentmodel import Criterion
from facility_review.scales import COUNTED
from tests.facility_review.examples import instrument

__all__ = ["BETTER_FACTS", "answers", "facts", "metrics_of_gates", "units"]

COUNTS = st.none() | st.integers(0, 2000)
BETTER_FACTS: dict[str, Any] = {
    "hazard_analysis_config_hash_matches": True,
    "hold_requests_honoured_share": 1.0,
    "open_serious_events": 0,
    "assessor_independence": "peer",
    "closed_loop_campaigns": 4,
    "unit.hold_time_limit_s": 2.0,
}


@st.composite
def answers(draw: st.DrawFn, criterion: Criterion, realms: tuple[Realm, ...] = REALMS) -> Answer:
    """An answer to one criterion."""
    evidence_class: EvidenceClass = draw(st.sampled_from(CLASSES))
    realm: Realm = draw(st.sampled_from(realms))
    if criterion.metric is None:
        return Answer(evidence_class, realm, step=draw(st.none() | st.integers(0, 5)))
    scale, metric = criterion.metric, instrument().metrics[criterion.metric.id]
    points = sorted((scale.zero_at, *scale.cut_points))
    is_share = metric.ci_method in COUNTED
    low, high = (0.0, 1.0) if is_share else (points[0] - 1 if metric.may_be_negative else 0.0, 2 * points[-1])
    value = draw(st.sampled_from(points) | st.floats(low, high, allow_nan=False))
    width = draw(st.none() | st.floats(0, points[-1] - points[0]))
    interval = None if width is None else (value - width / 2, value + width / 2)
    return Answer(evidence_class, realm, value=value, n=draw(COUNTS), interval=interval)


def facts() -> st.SearchStrategy[dict[str, Any]]:
    """Facts about a unit, some of them missing."""
    return st.fixed_dictionaries(
        {},
        optional={
            "hazard_analysis_config_hash_matches": st.booleans(),
            "hold_requests_honoured_share": st.floats(0, 1),
            "open_serious_events": st.integers(0, 3),
            "assessor_independence": st.sampled_from(["self", "peer", "third_party"]),
            "closed_loop_campaigns": st.integers(0, 6),
            "unit.hold_time_limit_s": st.floats(0.1, 10),
            "software_can_actuate": st.booleans(),
            "sustained_days_at_R4": st.integers(0, 400),
        },
    )


def metrics_of_gates(realms: tuple[Realm, ...] = REALMS) -> st.SearchStrategy[dict[str, Answer]]:
    """The metric that a gate asks for and no criterion scores."""
    return st.fixed_dictionaries(
        {},
        optional={
            "m_estop_coverage": st.builds(
                Answer, st.sampled_from(CLASSES), st.sampled_from(realms), value=st.sampled_from([0.9, 1.0])
            )
        },
    )


@st.composite
def units(draw: st.DrawFn, realms: tuple[Realm, ...] = REALMS) -> Inputs:
    """A unit with answers to about half of the criteria."""
    records = {
        criterion.id: draw(answers(criterion, realms))
        for criterion in instrument().file.criteria
        if draw(st.booleans())
    }
    return Inputs(
        unit="any",
        name="Any",
        roles=draw(st.sampled_from([frozenset[str](), frozenset({"production"})])),
        facts=draw(st.just(BETTER_FACTS) | facts()),
        extra_metrics=draw(metrics_of_gates(realms)),
        records=records,
    )
