"""Interlocks, hazards and the safe state of a lab file: what is right is read, and the rest is refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.core.errors import FileError
from autolab.core.interlocks import (
    RELAY,
    And,
    Comparison,
    Held,
    Number,
    Rate,
    SetStep,
    Signal,
    SignalSpec,
    StopStep,
    Vote,
    measures_in,
)
from tests.ruleslab import LAB, read_rules

VOTE = "2oo3(bath.temperature > 95 degC, bath.spare > 95 degC, bath.third > 95 degC)"
DOOR = "door.closed == true"
OF = "of: [arm, stirrer.speed]"
SET = "{set: heater.setpoint, to: 68 degF}"
HAZARD = "{name: boiling, when: bath.temperature > 100 degC and bath.spare > 100 degC}"
LEVEL = "bath.level: {unit: percent}"

REFUSED = [
    ("grammar", VOTE, "bath.temperature >", "25: bath-too-hot: column 19: the end stands here"),
    (
        "unknown-signal",
        DOOR,
        "door.close == true",
        "42: door-shut: column 1: door.close is not a signal that the envelope or 'signals' lists: "
        "did you mean 'door.closed'?",
    ),
    (
        "unlike-any",
        DOOR,
        "x.y > 1",
        "42: door-shut: column 1: x.y is not a signal that the envelope or 'signals' lists",
    ),
    ("unit", VOTE, "bath.spare > 95 mm", "25: bath-too-hot: column 1: '95 mm': 'mm' is a length, and a temperature is"),
    ("no-unit", VOTE, "bath.spare > 95", "25: bath-too-hot: column 1: 95.0: without a unit it is a pure number, and"),
    ("rate-unit", "> 2 K/min", "> 2 K", "34: runaway: column 1: '2 K': 'K' is a temperature, and a heating rate is"),
    ("integral-unit", "> 5 kJ", "> 5 W", "38: exposure: column 1: '5 W': 'W' is a power, and an energy is wanted"),
    ("never", VOTE, "bath.spare > 200 degC", "25: bath-too-hot: column 1: bath.spare > 200 degC is never true, as it"),
    ("always", VOTE, "bath.spare >= -10 degC", "25: bath-too-hot: column 1: bath.spare >= -10 degC is always true, as"),
    ("no-range", "lamp.power: {min: 0 W, max: 10 W}", "lamp.power: {unit: W}", "38: exposure: column 1: integral(lamp"),
    ("boolean-number", DOOR, "bath.level == true", "42: door-shut: column 1: bath.level is a number, and true is"),
    ("order", DOOR, "arm.place > 5", "42: door-shut: column 1: arm.place reads values without an order: use == or !="),
    (
        "typo",
        DOOR,
        "arm.place == 'racks'",
        "42: door-shut: column 1: arm.place never reads 'racks': did you mean 'rack'?",
    ),
    ("text", DOOR, "arm.label == 5", "42: door-shut: column 1: arm.label reads texts, and 5.0 is a number: put it in"),
    (
        "value-unit",
        DOOR,
        "arm.place == 5 mm",
        "42: door-shut: column 1: arm.place reads values without a unit: write 5",
    ),
    ("text-rate", DOOR, "rate(arm.place over 1 s) > 1", "42: door-shut: column 1: rate(arm.place over 1 s): arm.place"),
    (
        "two-units",
        DOOR,
        "bath.spare > bath.temperature",
        "42: door-shut: column 1: bath.spare and bath.temperature are in 'degC' and 'K': declare both",
    ),
    ("unlike", DOOR, "bath.spare == door.closed", "42: door-shut: column 1: bath.spare and door.closed cannot be"),
    ("second-column", DOOR, "door.closed == true and a.b > 1", "42: door-shut: column 25: a.b is not a signal"),
    ("permits-nothing", "    " + OF + "\n", "", "41: door-shut: a permissive permits something: add 'of: [device]'"),
    ("trip-of", "effect: alarm", "effect: alarm\n    of: [arm]", "37: exposure: 'of' goes with permissives: remove it"),
    (
        "of-typo",
        OF,
        "of: [amr]",
        "44: door-shut: 'amr' is not in the envelope, so there is nothing to permit: did you ",
    ),
    ("of-read-only", OF, "of: [lamp]", "44: door-shut: 'lamp' is not in the envelope, so there is nothing to permit"),
    ("twice", "name: runaway", "name: exposure", "37: exposure: the name stands in line 33 already: choose another"),
    ("relay", "name: runaway", f"name: {RELAY}", "33: 'relay' is the name of the relay's own trip: choose another"),
    (
        "stale-unit",
        "stale_after: 2 s",
        "stale_after: 2 mm",
        "32: hot-and-unstirred: stale_after '2 mm': 'mm' is a length",
    ),
    (
        "stale-zero",
        "stale_after: 2 s",
        "stale_after: 0 s",
        "32: hot-and-unstirred: stale_after '0 s' is not above zero",
    ),
    (
        "effect",
        "effect: permissive",
        "effect: permisive",
        "43: interlocks, item 5.effect: 'permisive' is not known: did",
    ),
    ("no-why", "    why: the sample bleaches\n", "", "37: interlocks, item 4: the key 'why' is missing: add 'why: hot"),
    ("hazard", HAZARD, "{name: boiling, when: bath.hot > 1}", "47: boiling: column 1: bath.hot is not a signal"),
    ("hazard-key", HAZARD, "{name: boiling}", "47: hazards, item 1: the key 'when' is missing"),
    ("step-kinds", SET, "{set: heater.setpoint}", "50: safe_state, item 2: give either device and do, or set and to"),
    ("step-both", SET, "{set: heater.setpoint, to: 20 degC, do: stop}", "50: safe_state, item 2: give either device"),
    (
        "step-device",
        "{device: arm, do: stop}",
        "{device: amr, do: stop}",
        "49: 'amr' is not a device of this lab: did you",
    ),
    (
        "step-do",
        "{device: arm, do: stop}",
        "{device: arm, do: dance}",
        "49: safe_state, item 1.do: 'dance' is not known",
    ),
    (
        "step-signal",
        SET,
        "{set: heater.setpont, to: 20 degC}",
        "50: 'heater.setpont' is not in the envelope, so it can",
    ),
    (
        "step-outside",
        SET,
        "{set: heater.setpoint, to: 95 degC}",
        "50: heater.setpoint: '95 degC' is outside the envelope",
    ),
    (
        "step-unit",
        SET,
        "{set: heater.setpoint, to: 20 mm}",
        "50: heater.setpoint: '20 mm': 'mm' is a length, and a tem",
    ),
    ("step-boolean", SET, "{set: heater.setpoint, to: true}", "50: heater.setpoint: true is a boolean, and a number"),
    ("step-value", SET, "{set: arm.place, to: shelf}", "50: arm.place: 'shelf' is not allowed: allowed are 'rack' and"),
    ("step-pattern", SET, "{set: arm.label, to: A1}", "50: arm.label: 'A1' does not match the pattern '[a-z]+' of the"),
    (
        "step-too-large",
        SET,
        "{set: stirrer.speed, to: 0 rpm}",
        "50: stirrer.speed: it may be 1200 rpm away, and max_step is 400 rpm, so the guard could refuse it: "
        "raise max_step, or stop the device instead",
    ),
    ("signal-device", LEVEL, "bat.level: {unit: percent}", "19: bat.level: 'bat' is not a device of this lab: did you"),
    ("signal-kinds", LEVEL, "bath.level: {}", "19: bath.level: give either min and max, or allowed, or unit, and here"),
    (
        "signal-both",
        LEVEL,
        "bath.level: {unit: percent, min: 0, max: 1}",
        "19: bath.level: give either min and max, or",
    ),
    (
        "signal-half",
        LEVEL,
        "bath.level: {min: 0 percent}",
        "19: bath.level: max is missing: add 'max: ...' with its unit",
    ),
    ("signal-unit", LEVEL, "bath.level: {unit: percnt}", "19: bath.level: unit 'percnt' is not a unit: did you mean"),
    ("signal-swapped", LEVEL, "bath.level: {min: 5 mm, max: 1 mm}", "19: bath.level: min 5 must be below max 1"),
    ("signal-mixed", LEVEL, "bath.level: {min: 5 mm, max: 1 s}", "19: bath.level: max '1 s': 's' is a time, and a"),
    (
        "signal-against-envelope",
        LEVEL,
        "heater.setpoint: {allowed: [1, 2]}",
        "19: heater.setpoint: here it reads values, and in the envelope it takes numbers: make them agree",
    ),
    (
        "signal-unit-against-envelope",
        LEVEL,
        "heater.setpoint: {unit: mm}",
        "19: heater.setpoint: unit 'mm' is a length",
    ),
    ("numbers-against-values", LEVEL, "arm.place: {unit: mm}", "19: arm.place: here it reads numbers, and in the"),
]


@pytest.mark.parametrize(("old", "new", "message"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_a_rule_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert LAB.count(old) == 1
    with pytest.raises(FileError) as caught:
        read_rules(tmp_path, LAB.replace(old, new))
    assert str(caught.value).removeprefix(f"{tmp_path}/lab.yaml:").startswith(message)


def test_numbers_are_converted_to_the_unit_of_their_signal(tmp_path: Path) -> None:
    rules = read_rules(tmp_path).rules
    assert [rule.name for rule in rules] == ["bath-too-hot", "hot-and-unstirred", "runaway", "exposure", "door-shut"]
    vote, held = rules[0].when, rules[1].when
    assert isinstance(vote, Vote)
    assert vote.terms[0] == Comparison(Signal("bath.temperature"), ">", Number(368.15, "K"))
    assert isinstance(held, Held)
    assert isinstance(held.term, And)
    assert rules[2].when == Comparison(Rate("bath.spare", 30.0), ">", Number(0.0333333333333333, "degC/s"))
    assert measures_in(rules[3].when)[0] == rules[3].when.left
    assert rules[3].when.right == Number(5000.0, "W*s")


def test_a_rule_keeps_its_text_its_line_and_its_patience(tmp_path: Path) -> None:
    rules = read_rules(tmp_path, LAB.replace("when: (bath.spare", "when: >-\n      (bath.spare")).rules
    assert rules[1].text == "(bath.spare > 60 degC and stirrer.measured < 10 rpm) for 5 s"
    assert [rule.line for rule in rules[:2]] == [24, 28]
    assert [rule.stale_after_s for rule in rules[:2]] == [5.0, 2.0]
    assert rules[4].covers("stirrer.speed")


def test_the_safe_state_keeps_its_order(tmp_path: Path) -> None:
    stop, write = read_rules(tmp_path).safe_state
    assert stop == StopStep("arm")
    assert isinstance(write, SetStep)
    assert (write.signal, write.value, write.unit) == ("heater.setpoint", pytest.approx(20.0), "degC")


def test_a_trip_needs_a_safe_state(tmp_path: Path) -> None:
    text = LAB[: LAB.index("safe_state:")].replace("effect: trip", "effect: alarm", 2)
    with pytest.raises(FileError, match="33: runaway: a trip brings the lab into its safe state, and there is none"):
        read_rules(tmp_path, text)


def test_signals_of_the_envelope_have_its_unit_and_no_range_of_readings(tmp_path: Path) -> None:
    signals = read_rules(tmp_path).signals
    assert signals["heater.setpoint"] == SignalSpec("heater.setpoint", "degC")
    assert signals["arm.place"].values == ("rack", "bath")
    assert signals["arm.label"].is_text
    assert signals["door.closed"].values == (True, False)
    assert signals["bath.level"] == SignalSpec("bath.level", "percent")


def test_a_range_of_readings_is_in_the_unit_of_the_envelope(tmp_path: Path) -> None:
    text = LAB.replace(LEVEL, "heater.setpoint: {min: 273.15 K, max: 373.15 K}")
    assert read_rules(tmp_path, text).signals["heater.setpoint"] == SignalSpec("heater.setpoint", "degC", 0.0, 100.0)
