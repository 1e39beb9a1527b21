"""Caps, bounds, tracks, provisional results and the profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from facility_review.assessment import CriterionScore
from facility_review.inputs import Answer, Inputs, NotApplicable
from facility_review.sensitivity import rank_stability
from tests.facility_review.examples import assess, assessed, inputs_of, instrument

B = inputs_of("B")


def _with(name: str, **changes: Any) -> Inputs:
    return replace(B, records={**B.records, name: replace(B.records[name], **changes)})


def _criterion(unit: Inputs, name: str) -> CriterionScore:
    return next(item for item in assess(unit, draws=20).criteria if item.criterion == name)


@pytest.mark.parametrize(
    ("name", "changes", "score", "kinds"),
    [
        ("CAP-01", {"n": 9}, 3.0, ["sample size"]),
        ("CAP-01", {"n": 3}, 2.0, ["sample size"]),
        ("CAP-01", {"n": 4}, 3.0, ["sample size"]),
        ("PER-02", {"n": 1, "value": 0.5}, 3.0, ["sample size"]),
        ("PER-02", {"n": 3, "value": 0.5}, 5.0, []),
        ("CAP-01", {"n": None}, 3.0, ["interval"]),
        ("CAP-04", {"interval": None}, 3.0, ["interval"]),
        ("CAP-01", {"evidence_class": "documented"}, 3.0, ["class"]),
        ("CAP-01", {"evidence_class": "attested"}, 1.0, ["class"]),
        (
            "CAP-01",
            {"evidence_class": "attested", "realm": "simulated", "n": 2},
            1.0,
            ["class", "realm", "sample size"],
        ),
        ("CAP-02", {"evidence_class": "documented", "step": 5}, 4.0, ["class"]),
        ("SAF-01", {"evidence_class": "documented", "step": 5}, 5.0, []),
        ("CAP-02", {"realm": "emulated"}, 3.0, ["realm"]),
    ],
)
def test_a_cap_says_what_it_is_and_why(name: str, changes: dict[str, Any], score: float, kinds: list[str]) -> None:
    found = _criterion(_with(name, **changes), name)
    assert (found.score, [cap.kind for cap in found.caps]) == (score, kinds)
    assert not kinds or found.caps[0].reason in found.reason


def test_no_failure_in_few_tests_cannot_earn_a_high_score() -> None:
    scores = [_criterion(_with("SAF-04", value=1.0, n=n), "SAF-04").score for n in (29, 59, 149, 299, 999)]
    assert scores == pytest.approx([1, 2, 3, 4, 5], abs=0.04)
    unknown = _criterion(_with("SAF-04", value=1.0, n=None), "SAF-04")
    assert unknown.score == 0
    assert "n is not known" in unknown.reason


def test_a_bound_is_taken_from_a_given_interval_where_n_is_not_known() -> None:
    found = _criterion(_with("SAF-04", value=1.0, n=None, interval=(0.99, 1.0)), "SAF-04")
    assert found.value_used == 0.99
    assert found.score == pytest.approx(4.0)


def test_the_exact_bound_goes_before_a_given_interval() -> None:
    found = _criterion(_with("SAF-04", value=1.0, n=59, interval=(0.999, 1.0)), "SAF-04")
    assert found.value_used == pytest.approx(0.05 ** (1 / 59))


def test_beyond_the_ends_of_a_scale_scores_stay_within_it() -> None:
    assert _criterion(_with("REL-03", value=0.0), "REL-03").score == 5
    assert _criterion(_with("AUT-01", value=0.0), "AUT-01").score == 0
    assert _criterion(_with("AUT-01", value=1e6), "AUT-01").score == 5


def test_a_record_without_its_value_counts_as_0() -> None:
    assert "has no value" in _criterion(_with("CAP-01", value=None), "CAP-01").reason
    assert "no step is answered" in _criterion(_with("CAP-02", step=None), "CAP-02").reason


def test_what_is_not_applicable_leaves_the_weights_and_no_gate() -> None:
    claims = {name: NotApplicable("no people enter", "R. Roe") for name in ("SAF-07", "SAF-05")}
    found = assess(replace(B, not_applicable=claims))
    scores = {item.criterion: item for item in found.criteria}
    assert not scores["SAF-07"].is_applicable
    assert scores["SAF-07"].reason == "not applicable: no people enter (agreed by R. Roe)"
    assert next(gate.state for gate in found.gates if gate.gate == "G07") == "not demonstrated"
    assert found.level == "R0"


def test_few_machine_records_make_a_result_provisional() -> None:
    def documented(answer: Answer) -> Answer:
        return replace(answer, evidence_class="documented") if answer.evidence_class == "measured" else answer

    few = replace(B, records={name: documented(answer) for name, answer in B.records.items()})
    assert assess(few).level == "R1"
    assert assess(replace(B, agreement=0.6)).provisional == ("the raters' agreement 0.60 is below 0.67",)
    assert "not physical: REL-04" in assess(_with("REL-04", realm="emulated")).provisional[0]
    assert assessed("D").provisional == ("coverage 0.00 is below 0.8",)


def test_production_units_answer_for_two_tracks() -> None:
    production = replace(B, roles=frozenset({"production"}))
    without = assess(production)
    assert [track.level for track in without.tracks] == ["R3", "R1"]
    assert without.level == "R1"
    cpk = Answer("measured", "physical", value=1.4, n=60)
    ready = {**B.records, "CAP-08": Answer("documented", "physical", step=3), "CAP-09": cpk}
    found = assess(replace(production, records=ready))
    assert [track.level for track in found.tracks] == ["R3", "R3"]
    low = assess(replace(production, records={**ready, "CAP-09": replace(cpk, value=1.2)}))
    assert (low.level, [track.level for track in low.tracks]) == ("R3", ["R3", "R2"])
    assert low.tracks[1].reasons == ("CAP-09 is 2.61, and R3 asks for 3",)
    assert [track.is_applicable for track in assessed("B").tracks] == [True, False]


def test_extra_conditions_count_only_what_hardware_has_shown() -> None:
    higher = {"OPS-01": 4, "SAF-09": 4}
    records = {**B.records, **{name: replace(B.records[name], step=step) for name, step in higher.items()}}
    unit = replace(B, records=records)
    assert assess(unit).level == "R4"
    assert assess(replace(unit, facts={**B.facts, "closed_loop_campaigns": 2})).level == "R3"
    short = replace(unit, records={**records, "AUT-03": replace(B.records["AUT-03"], value=23.9)})
    assert assess(short).level == "R3"
    twin = replace(unit, records={**records, "AUT-03": replace(B.records["AUT-03"], realm="emulated")})
    assert any("measured and emulated" in why for why in assess(twin).blocking)
    told = replace(unit, records={**records, "AUT-03": replace(B.records["AUT-03"], evidence_class="attested")})
    assert any("m_unattended_max" in why and "attested and physical" in why for why in assess(told).blocking)


def test_the_autonomy_axes_are_derived_from_metrics_on_hardware() -> None:
    hardware, software = assessed("B").profile
    assert (hardware.grade, software.grade) == (None, 3)
    handy = replace(
        B,
        records={**B.records, "CAP-04": replace(B.records["CAP-04"], value=0.92)},
        facts={**B.facts, "decision_interventions_per_campaign": 0.5},
    )
    hardware, software = assess(handy).profile
    assert (hardware.grade, software.grade) == (4, 4)
    assert software.meaning.startswith("software runs campaigns")
    assert [axis.grade for axis in assessed("C").profile] == [None, None]


def test_the_weights_move_the_index_and_seldom_the_order() -> None:
    low, high = assessed("B").sensitivity.index_interval
    assert low < assessed("B").index < high
    assert rank_stability(instrument(), [assessed("B"), assessed("C"), assessed("D")], seed=7) > 0.99
    assert rank_stability(instrument(), [assessed("B")], seed=7) == 1
    assert 0.5 < rank_stability(instrument(), [assessed("A"), assessed("B")], seed=7) <= 1
