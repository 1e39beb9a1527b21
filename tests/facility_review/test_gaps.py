"""The gap list and the path: what they say is enough, nothing of it is left out for free, and it is in order."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility_review.assessment import Assessment, Gap
from facility_review.inputs import Answer, Inputs
from facility_review.levels import LEVELS
from facility_review.paths import Choice, cheapest_cover
from facility_review.raises import Raise
from tests.facility_review.examples import assess, assessed, inputs_of, instrument
from tests.facility_review.strategies import BETTER_FACTS, units

B = inputs_of("B")


def _raised(unit: Inputs, name: str, target: float) -> Answer:
    """An answer that scores what a gap or path asks for."""
    criterion = instrument().criteria[name]
    if criterion.metric is None:
        return Answer("measured", "physical", step=math.ceil(target - 1e-9))
    value = criterion.metric.cut_points[math.ceil(target - 1e-9) - 1]
    if criterion.metric.value_used != "point":
        value = 1.0 if criterion.metric.better == "higher" else 0.0
    return Answer("measured", "physical", value=value, n=100_000, interval=(value, value))


@pytest.mark.parametrize("name", ["A", "B", "D"])
def test_the_path_leads_to_the_level_that_it_names(name: str) -> None:
    found, unit = assessed(name), inputs_of(name)
    path = found.path_to_next
    assert path is not None
    assert path.is_complete
    records = {**unit.records, **{key: _raised(unit, key, target) for key, target in path.targets}}
    extra = {key: replace(answer, evidence_class="measured") for key, answer in unit.extra_metrics.items()}
    after = assess(replace(unit, records=records, extra_metrics=extra))
    assert LEVELS.index(after.level) >= LEVELS.index(path.target)


def test_no_step_of_the_path_can_be_left_out() -> None:
    path = assessed("B").path_to_next
    assert path is not None
    for left_out, _ in path.targets:
        records = {**B.records, **{key: _raised(B, key, to) for key, to in path.targets if key != left_out}}
        assert assess(replace(B, records=records)).level == "R3"


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([3.0, 13.0, 40.5]), st.integers(1, 3), st.floats(0.1, 1), st.booleans(), st.integers(1, 3)
        ),
        min_size=1,
        max_size=4,
    ),
    st.floats(0.05, 1.0),
)
def test_the_cheapest_cover_is_that_of_trying_everything(
    rows: list[tuple[float, int, float, bool, int]], part: float
) -> None:
    """Criteria with a cost of each step, a weight, and a first step that may be small, as metrics have."""
    choices = [
        Choice(
            column,
            tuple(Raise(float(step), cost * step, 0, step) for step in range(1, steps + 1)),
            tuple(weight * (first + step - 1) for step in range(1, steps + 1)),
            is_key,
        )
        for column, (cost, weight, first, is_key, steps) in enumerate(rows)
    ]
    need = part * sum(choice.gains[-1] for choice in choices)
    ways = [[(0.0, 0.0), *((way.days, gain) for way, gain in zip(c.ways, c.gains, strict=True))] for c in choices]
    cheapest = min(
        sum(days for days, _ in some)
        for some in itertools.product(*ways)
        if sum(gain for _, gain in some) >= need - 1e-9
    )
    found = cheapest_cover(choices, need - 1e-9)
    assert found is not None
    assert sum(way.days for way in found.values()) == pytest.approx(cheapest)
    assert sum(choices[column].gains[way.steps - 1] for column, way in found.items()) >= need - 1e-6
    assert cheapest_cover(choices, 2 * need / part + 1) is None


@settings(max_examples=40)
@given(units(), st.booleans())
def test_a_complete_path_leads_to_the_level_whatever_the_unit(unit: Inputs, is_production: bool) -> None:
    good = {"m_estop_coverage": Answer("measured", "physical", value=1.0)}
    roles = frozenset({"production"}) if is_production else frozenset[str]()
    unit = replace(unit, facts=BETTER_FACTS, extra_metrics=good, roles=roles)
    path = assess(unit, draws=20).path_to_next
    assert path is not None
    assert path.is_complete
    assert not path.blockers
    records = {**unit.records, **{name: _raised(unit, name, target) for name, target in path.targets}}
    after = assess(replace(unit, records=records), draws=20)
    assert LEVELS.index(after.level) >= LEVELS.index(path.target), (path, after.blocking)


def test_an_extra_condition_on_a_metric_is_a_part_of_the_path() -> None:
    higher = {"OPS-01": 4, "SAF-09": 4}
    records = {**B.records, **{name: replace(B.records[name], step=step) for name, step in higher.items()}}
    autonomous = {"AUT-03": replace(B.records["AUT-03"], value=20.0), "AUT-05": replace(B.records["AUT-05"], value=300)}
    short = replace(B, records={**records, **autonomous})
    found = assess(short)
    assert found.path_to_next is not None
    assert found.path_to_next.targets == (("AUT-03", 3.0),)
    assert found.path_to_next.is_complete
    gap = next(gap for gap in found.gaps if gap.criterion == "AUT-03")
    assert gap.level_unlocked == "R4"
    few = assess(replace(B, records=records, facts={**B.facts, "closed_loop_campaigns": 2})).path_to_next
    assert few is not None
    assert few.blockers == ("R4: closed_loop_campaigns >= 3.0 is asked for, and it is 2",)


def test_the_path_is_cheapest_by_trying_every_single_step() -> None:
    """OPS is short by one step; no criterion of it costs less than the one that the path takes."""
    path, gaps = assessed("B").path_to_next, assessed("B").gaps
    assert path is not None
    cheapest = min(sum(gap.person_days) for gap in gaps if (gap.criterion or "").startswith("OPS"))
    chosen = next(gap for gap in gaps if gap.criterion == "OPS-01")
    assert sum(chosen.person_days) == cheapest
    assert path.person_days == (2, 10)


def test_hold_gates_come_first_then_ceilings_then_key_criteria() -> None:
    order = ["hold gate", "ceiling gate", "key criterion", "other"]
    for name in "ABCDE":
        ranks = [order.index(gap.priority_class) for gap in assessed(name).gaps]
        assert ranks == sorted(ranks)
        assert [gap.priority for gap in assessed(name).gaps] == list(range(1, len(ranks) + 1))


def test_an_overdue_interlock_can_be_mended_by_tomorrow() -> None:
    gap = assessed("A").gaps[0]
    assert (gap.gate, gap.criterion, gap.kind) == ("G02", "SAF-03", "performance gap")
    assert (gap.command, gap.is_quick, gap.effort) == ("autolab safety proof-test LAB", True, "S")
    assert gap.delta_p_level == 1
    assert gap.level_unlocked == "R1"


def test_replicates_that_are_too_few_can_be_made_by_tomorrow() -> None:
    few = replace(B, records={**B.records, "PER-01": replace(B.records["PER-01"], n=3, interval=None)})
    gap = _gap(assess(few), "PER-01")
    assert (gap.kind, gap.command, gap.is_quick) == ("evidence gap", "autolab repeat ID N", True)
    assert gap.missing == "better evidence: n = 3 is below a third of 10"
    short = replace(B, records={**B.records, "PER-04": replace(B.records["PER-04"], n=20)})
    assert (_gap(assess(short), "PER-04").command, _gap(assess(short), "PER-04").is_quick) == (
        "autolab run CAMPAIGN",
        True,
    )
    assert not _gap(assessed("B"), "OPS-01").is_quick


def _gap(found: Assessment, criterion: str) -> Gap:
    return next(gap for gap in found.gaps if gap.criterion == criterion)


def test_missing_proof_is_told_from_missing_practice_and_missing_performance() -> None:
    assert _gap(assessed("D"), "CAP-01").kind == "evidence gap"
    assert _gap(assessed("D"), "CAP-01").effort == "S"
    assert _gap(assessed("B"), "OPS-01").kind == "practice gap"
    assert _gap(assessed("B"), "SAF-11").kind == "performance gap"
    assert _gap(assessed("E"), "AIG-01").kind == "evidence gap"
    assert _gap(assessed("B"), "OPS-01").missing.startswith("step 4: Changes need review")
    assert _gap(assessed("B"), "SAF-11").missing.endswith("1.2 now, 1 second would score 4")


def test_a_review_by_peers_is_a_gap_without_a_criterion() -> None:
    alone = replace(B, facts={**B.facts, "assessor_independence": "self"})
    gap = next(gap for gap in assess(alone).gaps if gap.gate == "G16")
    assert gap.criterion is None
    assert gap.priority_class == "ceiling gate"
    assert gap.evidence_needed.startswith("assessor_independence: peer = not in the unit's line management")


def test_what_no_criterion_can_mend_is_said() -> None:
    path = assessed("E").path_to_next
    assert path is not None
    assert not path.is_complete
    assert path.blockers == ("software_can_actuate is false: R1 is the highest level",)


@settings(max_examples=30)
@given(units())
def test_gaps_and_path_agree(unit: Inputs) -> None:
    found = assess(unit, draws=40)
    ids = [gap.gap_id for gap in found.gaps]
    assert len(set(ids)) == len(ids)
    path = found.path_to_next
    if path is None:
        return
    assert set(path.gaps) <= set(ids)
    listed = {gap.criterion for gap in found.gaps if gap.gap_id in path.gaps}
    assert {name for name, _ in path.targets} <= listed
    scores = {item.criterion: item.score for item in found.criteria}
    assert all(0 < target <= 5 and target >= scores[name] for name, target in path.targets)
    assert path.person_days[0] <= path.person_days[1]
    assert {gap.gate for gap in found.gaps if gap.gate} == {gate.gate for gate in found.gates if gate.is_open}
