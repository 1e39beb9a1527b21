"""Each seeded fault in a rule file is found, with its rule, its line and readings that show it; sound rules pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.core.interlocks import Hazard, Reading, Rule, SignalSpec
from autolab.core.ruletext import parse_condition
from safety.consistency import Finding, check_consistency
from safety.interpreter import Interpreter
from safety.logic import Logic
from tests.conditions import NUMERIC, SWITCH, conditions
from tests.ruleslab import LAB, read_rules

SIGNALS = {
    **{name: SignalSpec(name, "K", -4.0, 4.0) for name in NUMERIC},
    SWITCH: SignalSpec(SWITCH, values=(True, False)),
}
DOOR = "when: door.closed == true"
STEP = "{set: heater.setpoint, to: 68 degF}"
HAZARD = "bath.temperature > 100 degC and bath.spare > 100 degC"


def _rule(name: str, when: str, effect: str = "trip", of: str = "") -> str:
    permits = f"\n    of: [{of}]" if of else ""
    return f"  - name: {name}\n    when: {when}\n    effect: {effect}{permits}\n    why: seeded\n"


def _before_hazards(text: str) -> tuple[str, str]:
    return ("hazards:\n", text + "hazards:\n")


FAULTS = [
    (
        "vacuous: a typo in a threshold makes the two sides exclude each other",
        ("bath.spare > 60 degC and stirrer.measured < 10 rpm", "bath.spare > 60 degC and bath.spare < 10 degC"),
        ("never", "hot-and-unstirred", "it can never be true, so it protects from nothing"),
        "",
    ),
    (
        "vacuous: a rate that the range of the signal cannot reach",
        ("rate(bath.spare over 30 s) > 2 K/min", "rate(bath.spare over 30 s) > 2000 K/min"),
        ("never", "runaway", "it can never be true, so it protects from nothing"),
        "",
    ),
    (
        "vacuous: an integral that the range of the signal cannot reach",
        ("> 5 kJ", "> 50 kJ"),
        ("never", "exposure", "it can never be true, so it never warns"),
        "",
    ),
    (
        "a permissive that can never hold",
        (DOOR, f"{DOOR} and door.closed == false"),
        ("never", "door-shut", "it can never hold, so what it permits can never be written"),
        "",
    ),
    (
        "a permissive that always holds",
        (DOOR, f"{DOOR} or stirrer.measured < 100 rpm or stirrer.measured > 50 rpm"),
        ("always", "door-shut", "it always holds, so it forbids nothing"),
        "",
    ),
    (
        "a trip that is always true",
        ("rate(bath.spare over 30 s) > 2 K/min", "bath.spare > 5 degC or bath.spare < 6 degC"),
        ("always", "runaway", "it is always true, so the lab can never run"),
        "",
    ),
    (
        "contradiction: two permissives of one device",
        _before_hazards(_rule("door-open", "door.closed == false", "permissive", "arm.place")),
        ("contradiction", "door-open", "it cannot hold together with door-shut, and both permit arm.place"),
        "",
    ),
    (
        "masked: a permissive holds only where a trip acts",
        _before_hazards(_rule("shut-in", DOOR.removeprefix("when: "))),
        ("masked", "door-shut", "it holds only where a trip acts (shut-in), so what it permits can never be written"),
        "",
    ),
    (
        "redundant: a second, higher threshold",
        _before_hazards(
            _rule("much-too-hot", "2oo3(bath.temperature > 97 degC, bath.spare > 98 degC, bath.third > 99 degC)")
        ),
        ("redundant", "much-too-hot", "it acts only where bath-too-hot acts too"),
        "",
    ),
    (
        "redundant: the same with a longer wait",
        _before_hazards(_rule("unstirred-long", "(bath.spare > 70 degC and stirrer.measured < 10 rpm) for 10 s")),
        ("redundant", "unstirred-long", "it acts only where hot-and-unstirred acts too"),
        "",
    ),
    (
        "redundant: a copy, and only the later one is reported",
        _before_hazards(_rule("copy", "rate(bath.spare over 30 s) > 120 K/h")),
        ("redundant", "copy", "it acts only where runaway acts too"),
        "",
    ),
    (
        "redundant: a permissive that a stricter one contains",
        _before_hazards(
            _rule("slow", "door.closed == true and stirrer.measured < 500 rpm", "permissive", "arm, stirrer")
        ),
        ("redundant", "door-shut", "it acts only where slow acts too"),
        "",
    ),
    (
        "masked: an alarm that comes after the trip",
        _before_hazards(_rule("heating-fast", "rate(bath.spare over 30 s) > 3 K/min", "alarm")),
        ("masked", "heating-fast", "it comes only where a trip acts, so it warns of nothing"),
        "",
    ),
    (
        "a reachable hazard",
        (HAZARD, "bath.temperature > 60 degC and stirrer.measured < 5 rpm"),
        ("hazard", "boiling", "no trip acts on this hazard, and no permissive forbids: add or widen a rule"),
        "bath.temperature = ",
    ),
    (
        "a hazard that a trip with a longer wait does not cover",
        (HAZARD, "(bath.spare > 60 degC and stirrer.measured < 10 rpm) for 2 s"),
        ("hazard", "boiling", "no trip acts on this hazard"),
        "bath.spare = ",
    ),
    (
        "a hazard that can never arise",
        (HAZARD, "bath.temperature > 100 degC and bath.temperature < 90 degC"),
        ("never", "boiling", "this hazard can never arise as it is written"),
        "",
    ),
    (
        "a safe state that trips",
        _before_hazards(_rule("cold", "heater.setpoint < 30 degC for 5 s")),
        ("safe state", "cold", "it is true in the safe state itself, so it can never be reset"),
        "heater.setpoint = 20 degC",
    ),
    (
        "a safe state that no permissive lets the lab leave",
        _before_hazards(_rule("warm", "heater.setpoint > 30 degC", "permissive", "arm")),
        ("safe state", "warm", "it can never hold in the safe state, so the lab cannot leave it"),
        "heater.setpoint = 20 degC",
    ),
    (
        "a safe state that is a hazard",
        (HAZARD, "heater.setpoint < 30 degC"),
        ("safe state", "boiling", "the safe state itself is this hazard"),
        "heater.setpoint = 20 degC",
    ),
    (
        "a permissive that forbids a step into the safe state",
        ("of: [arm, stirrer.speed]", "of: [arm, heater]"),
        (
            "masked",
            "door-shut",
            "it forbids to set heater.setpoint, a step into the safe state, while",
        ),
        "door.closed = false",
    ),
]


def _findings(folder: Path, text: str) -> tuple[Finding, ...]:
    lab = read_rules(folder, text)
    return check_consistency(lab.rules, lab.signals, lab.hazards, lab.safe_state)


@pytest.mark.parametrize(
    ("change", "expected", "witness"), [pytest.param(*case[1:], id=case[0].replace(" ", "-")) for case in FAULTS]
)
def test_a_seeded_fault_is_found(
    tmp_path: Path, change: tuple[str, str], expected: tuple[str, str, str], witness: str
) -> None:
    assert LAB.count(change[0]) == 1
    text = LAB.replace(*change)
    findings = _findings(tmp_path, text)
    found = [finding for finding in findings if (finding.kind, finding.rule) == expected[:2]]
    assert len(found) == 1, findings
    assert len(findings) == 1 or expected[2] == "the safe state itself is this hazard", "nothing else is wrong"
    assert found[0].message.startswith(expected[2])
    assert found[0].witness.startswith(witness)
    assert bool(found[0].witness) == bool(witness)
    assert expected[1] in text.splitlines()[(found[0].line or 0) - 1]


def test_sound_rules_give_no_finding(tmp_path: Path) -> None:
    assert _findings(tmp_path, LAB) == ()
    assert check_consistency((), {}) == ()


def test_three_permissives_that_hold_in_pairs_only_contradict() -> None:
    texts = ["a.x > a.y", "a.y > a.z", "a.z > a.x"]
    signals = {name: SignalSpec(name, "mm", 0.0, 9.0) for name in ("a.x", "a.y", "a.z")}
    rules = [Rule(text, parse_condition(text), "permissive", of=("b",), line=i) for i, text in enumerate(texts)]
    (finding,) = check_consistency(rules, signals)
    assert (finding.kind, finding.rule) == ("contradiction", "a.z > a.x")
    assert finding.message.startswith("it cannot hold together with a.x > a.y and a.y > a.z, and both permit b")


def test_rules_that_others_cover_together_are_redundant() -> None:
    signals = {"a.x": SignalSpec("a.x", "mm", 0.0, 9.0)}
    texts = ["a.x < 3", "a.x >= 2", "a.x > 1 and a.x < 4"]
    rules = [Rule(text, parse_condition(text), "alarm", line=i) for i, text in enumerate(texts)]
    (finding,) = check_consistency(rules, signals)
    assert str(finding) == (
        "a.x > 1 and a.x < 4: it acts only where one of a.x < 3, a.x >= 2 acts too: remove it, or correct the condition"
    )


def test_texts_of_any_kind_can_be_another() -> None:
    signals = {"arm.label": SignalSpec("arm.label", is_text=True)}
    rules = [Rule("a", parse_condition("arm.label == 'a' or arm.label == 'b'"), "trip", line=1)]
    hazards = [Hazard("not-a", parse_condition("arm.label != 'a'"), line=2)]
    (finding,) = check_consistency(rules, signals, hazards)
    assert str(finding).endswith("(for example arm.label = another text)")


@settings(max_examples=60)
@given(data=st.data())
def test_what_happens_in_a_scan_is_possible_to_z3(data: st.DataObject) -> None:
    """The abstraction leaves nothing out: whatever the interpreter finds true or false, z3 finds possible."""
    small = conditions(st.integers(-9, 9).map(float), st.sampled_from([1.0, 2.0, 4.0]))
    condition = data.draw(small)
    interpreter = Interpreter([Rule("r", condition, "alarm")], SIGNALS)
    logic = Logic(SIGNALS)
    formula = logic.formula(condition)
    at_s = 0.0
    for _ in range(data.draw(st.integers(1, 6))):
        at_s += data.draw(st.integers(1, 3))
        values = {name: Reading(data.draw(st.integers(-4, 4)), True, 0.0) for name in NUMERIC}
        truth = interpreter.scan(at_s, {**values, SWITCH: Reading(data.draw(st.booleans()), True, 0.0)})["r"]
        if truth is not None:
            assert logic.can_be(formula if truth else logic.negated(formula))
