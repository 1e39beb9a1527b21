"""Gates: which evidence decides them, and what a failed one does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from autolab.core.errors import InputError
from facility_review.assessment import GateResult
from facility_review.inputs import Answer, Inputs, Waiver
from tests.facility_review.examples import assess, inputs_of

B = inputs_of("B")


def _gate(unit: Inputs, name: str) -> GateResult:
    return next(gate for gate in assess(unit, draws=20).gates if gate.gate == name)


def _with(name: str, **changes: Any) -> Inputs:
    return replace(B, records={**B.records, name: replace(B.records[name], **changes)})


def _fact(name: str, answer: Answer) -> Inputs:
    return replace(B, fact_answers={name: answer})


@pytest.mark.parametrize(
    ("unit", "gate", "state"),
    [
        (B, "G06", "pass"),
        (_with("SAF-04", n=58), "G06", "not demonstrated"),
        (_with("SAF-04", n=None), "G06", "not demonstrated"),
        (_with("SAF-04", value=0.99), "G06", "fail"),
        (_with("SAF-04", evidence_class="documented"), "G06", "pass"),
        (_with("SAF-04", evidence_class="attested"), "G06", "not demonstrated"),
        (_with("SAF-04", evidence_class="attested", value=0.5), "G06", "not demonstrated"),
        (_with("SAF-04", realm="emulated"), "G06", "not demonstrated"),
        (_with("SAF-11", value=2.0), "G04", "pass"),
        (_with("SAF-11", value=2.1), "G04", "fail"),
        (replace(B, facts={**B.facts, "unit.hold_time_limit_s": 1.0}), "G04", "fail"),
        (replace(B, facts={k: v for k, v in B.facts.items() if k != "unit.hold_time_limit_s"}), "G04", "pass"),
        (_fact("hold_requests_honoured_share", Answer("measured", "physical", n=19)), "G04", "not demonstrated"),
        (_fact("hold_requests_honoured_share", Answer("measured", "physical", n=20)), "G04", "pass"),
        (_fact("open_serious_events", Answer("measured", "simulated")), "G05", "not demonstrated"),
        (_fact("open_serious_events", Answer("attested", "physical")), "G05", "not demonstrated"),
        (replace(B, facts={k: v for k, v in B.facts.items() if k != "open_serious_events"}), "G05", "not demonstrated"),
        (_with("SEC-03", evidence_class="documented"), "G08", "not demonstrated"),
        (_with("SEC-03", value=0.98), "G08", "fail"),
        (_with("AIG-03", evidence_class="documented"), "G12", "not demonstrated"),
        (_with("SEC-01", realm="simulated"), "G10", "not demonstrated"),
        (_with("SEC-02", step=2), "G10", "fail"),
        (_with("AUT-07", interval=(0.9, 7.5)), "G15", "fail"),
        (_with("AUT-07", interval=None), "G15", "not demonstrated"),
        (_with("AUT-01", value=39.0), "G13", "fail"),
        (replace(B, facts={**B.facts, "assessor_independence": "self"}), "G16", "fail"),
        (_with("INT-07", step=4), "G17", "pass"),
    ],
)
def test_what_decides_a_gate(unit: Inputs, gate: str, state: str) -> None:
    assert _gate(unit, gate).state == state, _gate(unit, gate).reasons


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer("measured", "physical"), "pass"),
        (Answer("attested", "physical"), "fail"),
        (Answer("none", "physical"), "fail"),
        (Answer("measured", "simulated"), "fail"),
    ],
)
def test_a_limit_counts_only_with_the_evidence_that_its_gate_asks_for(answer: Answer, state: str) -> None:
    name = "unit.hold_time_limit_s"
    unit = _with("SAF-11", value=900.0)
    lax = replace(unit, facts={**B.facts, name: 1000.0}, fact_answers={name: answer})
    assert _gate(lax, "G04").state == state
    assert ("wanted: <= 5" in _gate(lax, "G04").reasons[0]) == (state == "fail")


@pytest.mark.parametrize(
    ("name", "value", "gate", "state"),
    [
        ("open_serious_events", "none", "G05", "not demonstrated"),
        ("open_serious_events", False, "G05", "not demonstrated"),
        ("hazard_analysis_config_hash_matches", 1, "G03", "not demonstrated"),
        ("hold_requests_honoured_share", True, "G04", "not demonstrated"),
        ("hold_requests_honoured_share", 95.0, "G04", "not demonstrated"),
        ("unit.hold_time_limit_s", "5", "G04", "pass"),
        ("software_can_actuate", "no", "G07", "pass"),
        ("software_can_actuate", 0, "G07", "pass"),
    ],
)
def test_a_fact_of_a_wrong_type_counts_as_not_known(name: str, value: Any, gate: str, state: str) -> None:
    found = _gate(replace(B, facts={**B.facts, name: value}), gate)
    assert found.state == state
    assert state == "pass" or any(f"{name} = {str(value)!r} counts as not known" in why for why in found.reasons)


def test_a_condition_of_a_wrong_type_holds_the_level_and_says_so() -> None:
    found = assess(replace(B, facts={**B.facts, "closed_loop_campaigns": "three"}), draws=20)
    assert any("closed_loop_campaigns = 'three' counts as not known" in why for why in found.blocking)


def test_a_failure_outweighs_what_is_not_demonstrated() -> None:
    records = {**B.records, "AUT-01": Answer("none", "simulated"), "AUT-05": replace(B.records["AUT-05"], value=5.0)}
    assert _gate(replace(B, records=records), "G13").state == "fail"


def test_of_two_answers_to_one_metric_the_worse_stands() -> None:
    worse = replace(B, extra_metrics={**B.extra_metrics, "m_interlock_assured": Answer("measured", "physical", 0.9)})
    assert _gate(worse, "G02").state == "fail"


def test_a_ceiling_holds_the_level() -> None:
    assert assess(_with("SEC-05", value=0.999)).level == "R1"
    assert assess(_with("SEC-03", value=0.98)).level == "R2"


def test_a_ceiling_can_be_waived_and_a_hold_gate_cannot() -> None:
    waiver = Waiver("R. Roe, division director", date(2027, 1, 1), "second log on order")
    unit = replace(_with("SEC-05", value=0.999), waivers={"G09": waiver})
    assert _gate(unit, "G09").state == "waived"
    assert "R. Roe, division director until 2027-01-01" in _gate(unit, "G09").reasons[-1]
    assert assess(unit).level == "R3"
    unseen = replace(_with("SEC-05", evidence_class="none"), waivers={"G09": waiver})
    assert _gate(unseen, "G09").state == "waived"
    unit = replace(_with("SAF-03", value=0.9), waivers={"G02": waiver})
    assert _gate(unit, "G02").state == "fail"
    assert assess(unit).level == "R0"


def test_gates_are_not_lifted_by_a_claim_without_evidence() -> None:
    manual = {**B.facts, "software_can_actuate": False}
    assert _gate(replace(B, facts=manual), "G07").state == "not applicable"
    unproven = {"software_can_actuate": Answer("none", "physical")}
    assert _gate(replace(B, facts=manual, fact_answers=unproven), "G07").state == "pass"
    attested = {"software_can_actuate": Answer("attested", "physical")}
    assert _gate(replace(B, facts=manual, fact_answers=attested), "G07").state == "not applicable"


def test_a_gate_says_what_it_saw_and_what_it_wants() -> None:
    gate = _gate(_with("SAF-03", value=0.96, evidence=("e-7",)), "G02")
    assert gate.reasons == ("m_interlock_assured is 0.96; wanted: >= 1.0",)
    assert gate.evidence == ("e-7",)


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (replace(B, records={**B.records, "CAP-77": Answer("none", "simulated")}), "has no criterion 'CAP-77'"),
        (replace(B, facts={**B.facts, "is_nice": True}), "has no fact 'is_nice'"),
        (replace(B, facts={**B.facts, "assessor_independence": "friend"}), "'friend' is none of self, peer"),
        (replace(B, extra_metrics={"m_x": Answer("none", "simulated")}), "has no metric 'm_x'"),
        (replace(B, waivers={"G99": Waiver("a", date(2027, 1, 1), "b")}), "has no gate 'G99'"),
        (_with("PER-04", value=1.2), "is a share: give a value from 0 to 1"),
        (_with("REL-03", value=-1.0), "cannot be negative"),
        (_with("AUT-02", value=-1.0), "cannot be negative"),
        (_with("PER-01", value=-0.1), "m_precision_ratio = -0.1 ratio: it cannot be negative"),
    ],
)
def test_inputs_that_cannot_be_are_refused_by_name(unit: Inputs, message: str) -> None:
    with pytest.raises(InputError, match=message):
        assess(unit)
