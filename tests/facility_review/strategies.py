"""Units that could be: any mixture of classes, realms, counts and values that the instrument allows."""

from __future__ import annotations

from functools import cache
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


Kind = tuple[EvidenceClass, Realm]


@cache
def _kinds(realms: tuple[Realm, ...]) -> tuple[Kind, ...]:
    return tuple((evidence_class, realm) for evidence_class in CLASSES for realm in realms)


@cache
def _values(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """What an answer to a criterion says beside its class and realm. Made once: there are thousands of draws."""
    criterion = instrument().criteria[name]
    if criterion.metric is None:
        return st.sampled_from([None, 0, 1, 2, 3, 4, 5]).map(lambda step: {"step": step})
    scale, metric = criterion.metric, instrument().metrics[criterion.metric.id]
    points = sorted((scale.zero_at, *scale.cut_points))
    is_share = metric.ci_method in COUNTED
    low, high = (0.0, 1.0) if is_share else (points[0] - 1 if metric.may_be_negative else 0.0, 2 * points[-1])
    value = st.sampled_from(points) | st.floats(low, high, allow_nan=False)
    width = st.none() | st.floats(0, points[-1] - points[0])
    return st.tuples(value, COUNTS, width).map(_said)


def _said(of: tuple[float, int | None, float | None]) -> dict[str, Any]:
    value, n, width = of
    interval = None if width is None else (value - width / 2, value + width / 2)
    return {"value": value, "n": n, "interval": interval}


@st.composite
def answers(draw: st.DrawFn, criterion: Criterion, realms: tuple[Realm, ...] = REALMS) -> Answer:
    """An answer to one criterion."""
    evidence_class, realm = draw(st.sampled_from(_kinds(realms)))
    return Answer(evidence_class, realm, **draw(_values(criterion.id)))


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
    kinds = _kinds(realms)
    kind = st.sampled_from([*kinds, *(None for _ in kinds)])
    records = {
        criterion.id: Answer(*chosen, **draw(_values(criterion.id)))
        for criterion in instrument().file.criteria
        if (chosen := draw(kind)) is not None
    }
    return Inputs(
        unit="any",
        name="Any",
        roles=draw(st.sampled_from([frozenset[str](), frozenset({"production"})])),
        facts=draw(st.just(BETTER_FACTS) | facts()),
        extra_metrics=draw(metrics_of_gates(realms)),
        records=records,
    )
