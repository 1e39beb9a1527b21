"""What the interpreter says of a rule: true, false, or unknown, and unknown acts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.core.errors import SafetyError
from autolab.core.interlocks import (
    And,
    Comparison,
    Condition,
    Held,
    Measure,
    Not,
    Number,
    Or,
    Rate,
    Reading,
    Rule,
    Signal,
    SignalSpec,
    Truth,
    Vote,
)
from autolab.core.parameters import Value
from autolab.core.ruletext import parse_condition
from safety.interpreter import Interpreter, acting
from tests.conditions import NUMERIC, SWITCH, conditions

LOWER, UPPER = -4.0, 4.0
SPECS = {
    **{name: SignalSpec(name, "K", LOWER, UPPER) for name in NUMERIC},
    SWITCH: SignalSpec(SWITCH, values=(True, False)),
    "arm.place": SignalSpec("arm.place", values=("rack", "bath")),
    "arm.slot": SignalSpec("arm.slot", values=(0, 1)),
    "arm.label": SignalSpec("arm.label", is_text=True),
    "tank.level": SignalSpec("tank.level", "mm"),
}
Trace = Sequence[tuple[float, dict[str, Value | None]]]
"""Time of each scan, and what was read."""


def _rule(text: str, **facts: object) -> Rule:
    return Rule("r", parse_condition(text), "alarm", **facts)


def _good(values: dict[str, Value | None]) -> dict[str, Reading]:
    return {name: Reading(value, True, 0.0) for name, value in values.items()}


def _truths(text: str, trace: Trace) -> list[Truth]:
    interpreter = Interpreter([_rule(text)], SPECS)
    return [interpreter.scan(at_s, _good(values))["r"] for at_s, values in trace]


def _now(text: str, reading: Reading | None, name: str = "bath.temperature") -> Truth:
    readings = {} if reading is None else {name: reading}
    return Interpreter([_rule(text)], SPECS).scan(0.0, readings)["r"]


def _temperatures(*values: float | None, every_s: float = 1.0) -> Trace:
    return [(i * every_s, {"bath.temperature": value}) for i, value in enumerate(values)]


# What is known of a reading


@pytest.mark.parametrize(
    ("reading", "truth"),
    [
        pytest.param(Reading(2.0, True, 0.0), True, id="good"),
        pytest.param(Reading(0, True, 0.0), False, id="whole-number"),
        pytest.param(Reading(4.0, True, 5.0), True, id="just-fresh, just-in-range"),
        pytest.param(Reading(-4.0, True, 0.0), False, id="just-in-range-below"),
        pytest.param(Reading(2.0, True, 5.001), None, id="stale"),
        pytest.param(Reading(2.0, True, -0.001), None, id="from-the-future"),
        pytest.param(Reading(2.0, True, math.nan), None, id="age-nan"),
        pytest.param(Reading(2.0, False, 0.0), None, id="bad"),
        pytest.param(Reading(None, True, 0.0), None, id="no-answer"),
        pytest.param(Reading(math.nan, True, 0.0), None, id="nan"),
        pytest.param(Reading(math.inf, True, 0.0), None, id="infinite"),
        pytest.param(Reading(4.001, True, 0.0), None, id="impossible"),
        pytest.param(Reading(-4.001, True, 0.0), None, id="impossible-below"),
        pytest.param(Reading("2", True, 0.0), None, id="text"),
        pytest.param(Reading(True, True, 0.0), None, id="truth-value"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_a_reading_is_known_only_where_it_is_good_fresh_and_possible(reading: Reading | None, truth: Truth) -> None:
    assert _now("bath.temperature > 1 K", reading) is truth


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "5", True])
def test_without_a_range_a_number_must_be_finite_still(value: Value) -> None:
    assert _now("tank.level > 1 mm", Reading(value, True, 0.0), "tank.level") is None
    assert _now("tank.level > 1 mm", Reading(1e9, True, 0.0), "tank.level") is True


@pytest.mark.parametrize(
    ("text", "value", "truth"),
    [
        ("arm.place == 'rack'", "rack", True),
        ("arm.place != 'rack'", "bath", True),
        ("arm.place == 'rack'", "moving", None),
        ("door.closed == true", True, True),
        ("door.closed == true", 1, None),
        ("arm.slot == 1", True, None),
        ("arm.slot == 1", 1, True),
        ("arm.label == 'a'", "b", False),
        ("arm.label == 'a'", 5, None),
    ],
)
def test_a_value_is_known_where_it_is_one_of_those_declared(text: str, value: Value, truth: Truth) -> None:
    rule = Rule("r", _plain_numbers(parse_condition(text)), "alarm")
    name = text.split(" ")[0]
    assert Interpreter([rule], SPECS).scan(0.0, {name: Reading(value, True, 0.0)})["r"] is truth


def _plain_numbers(condition: Condition) -> Condition:
    """Signals of values are compared with plain numbers."""
    assert isinstance(condition, Comparison)
    right = condition.right.value if isinstance(condition.right, Number) else condition.right
    return Comparison(condition.left, condition.relation, right)


def test_each_rule_has_its_own_patience_with_old_readings() -> None:
    patient = Rule("patient", parse_condition("bath.temperature > 1 K"), "trip", stale_after_s=10.0)
    hasty = Rule("hasty", parse_condition("bath.temperature > 1 K"), "trip", stale_after_s=1.0)
    interpreter = Interpreter([patient, hasty], SPECS)
    assert interpreter.scan(0.0, {"bath.temperature": Reading(2.0, True, 3.0)}) == {"patient": True, "hasty": None}
    assert interpreter.signals == ("bath.temperature",)


# Logic

TERMS: dict[Truth, str] = {True: "bath.temperature > 1 K", False: "bath.temperature < 1 K", None: "lamp.power > 1 K"}


@pytest.mark.parametrize("one", TERMS)
@pytest.mark.parametrize("other", TERMS)
def test_logic_is_kleenes(one: Truth, other: Truth) -> None:
    trace = [(0.0, {"bath.temperature": 2.0, "lamp.power": None})]
    both = False if False in {one, other} else None if None in {one, other} else True
    either = True if True in {one, other} else None if None in {one, other} else False
    assert _truths(f"{TERMS[one]} and {TERMS[other]}", trace) == [both]
    assert _truths(f"{TERMS[one]} or {TERMS[other]}", trace) == [either]
    assert _truths(f"not {TERMS[one]}", trace) == [None if one is None else not one]


@pytest.mark.parametrize(
    ("votes", "truth"),
    [
        ((True, True, None), True),
        ((True, True, False), True),
        ((True, None, None), None),
        ((True, False, None), None),
        ((False, False, None), False),
        ((True, False, False), False),
        ((False, None, None), None),
        ((None, None, None), None),
    ],
)
def test_two_out_of_three_goes_on_with_the_sensors_that_are_left(votes: tuple[Truth, ...], truth: Truth) -> None:
    trace = [(0.0, {"bath.temperature": 2.0, "lamp.power": None})]
    assert _truths(f"2oo3({', '.join(TERMS[vote] for vote in votes)})", trace) == [truth]


# Windows


def test_for_waits_without_a_break() -> None:
    trace = _temperatures(0, 2, 2, 2, 0, 2, 2, 2)
    assert _truths("bath.temperature > 1 K for 2 s", trace) == [False, False, False, True, False, False, False, True]


def test_one_bad_reading_does_not_trip_a_rule_that_waits_and_many_do() -> None:
    trace = _temperatures(0, None, 0, None, None, None, None, 0)
    assert _truths("bath.temperature > 1 K for 2 s", trace) == [False, False, False, False, False, None, None, False]


def test_what_was_before_the_first_scan_is_unknown_to_for() -> None:
    assert _truths("bath.temperature > 1 K for 2 s", _temperatures(2, 2, 2)) == [None, None, True]


def test_a_rate_is_the_mean_over_its_window() -> None:
    trace = _temperatures(0, 0, 1, 2, 2, 2, None, 4)
    assert _truths("rate(bath.temperature over 2 s) > 0.6 K/s", trace) == [
        *(None, None),
        *(False, True, False, False),
        *(None, True),
    ]


def test_a_rate_from_an_unknown_reading_is_unknown() -> None:
    trace = _temperatures(None, 0, 0, 0)
    assert _truths("rate(bath.temperature over 2 s) > 0 K/s", trace) == [None, None, None, False]


@pytest.mark.parametrize(("gap_s", "truth"), [(4.0, True), (4.001, None)])
def test_a_rate_over_missing_scans_is_unknown_beyond_twice_its_window(gap_s: float, truth: Truth) -> None:
    trace = [(0.0, {"bath.temperature": 0.0}), (gap_s, {"bath.temperature": 4.0})]
    assert _truths("rate(bath.temperature over 2 s) >= 0.5 K/s", trace)[1] is truth


def test_an_integral_counts_what_was_not_seen_as_anything_possible() -> None:
    trace = _temperatures(4, 4, 4, 4, 4, None, 0, 0, 0, 0, 0)
    # So many of the last 4 s were seen: 0 1 2 3 4 4 3 3 3 3 4; the others held anything from -4 to 4.
    assert _truths("integral(bath.temperature over 4 s) > 7 K*s", trace) == [
        *(None, None, None, True, True, True),
        *(True, None, None, False, False),
    ]


def test_an_integral_of_a_signal_without_a_range_is_known_where_all_was_seen() -> None:
    trace = [(float(i), {"tank.level": 5.0}) for i in range(4)]
    assert _truths("integral(tank.level over 2 s) > 1 mm*s", trace) == [None, None, True, True]


@pytest.mark.parametrize(("relation", "truths"), [("==", [None, None, True, False]), ("!=", [None, None, False, True])])
def test_an_integral_that_was_seen_in_full_equals_one_number(relation: str, truths: list[Truth]) -> None:
    trace = [(float(i), {"tank.level": 5.0 if i != 2 else 6.0}) for i in range(4)]
    assert _truths(f"integral(tank.level over 2 s) {relation} 10 mm*s", trace) == truths


def test_time_must_go_on() -> None:
    interpreter = Interpreter([_rule("bath.temperature > 1 K for 2 s")], SPECS)
    interpreter.scan(5.0, _good({"bath.temperature": 0.0}))
    for at_s in (5.0, 4.0, math.nan, math.inf):
        with pytest.raises(SafetyError, match="time must go on"):
            interpreter.scan(at_s, _good({"bath.temperature": 2.0}))
    assert interpreter.scan(6.0, _good({"bath.temperature": 2.0})) == {"r": False}


def test_a_lab_warms_up_for_its_longest_rate_or_wait() -> None:
    rules = [_rule("bath.temperature > 1 K for 2 s"), _rule("rate(lamp.power over 30 s) > 1 K/s")]
    assert Interpreter(rules, SPECS).warm_up_s == 30.0
    assert Interpreter([rules[0], _rule("integral(lamp.power over 1 h) > 1 K*s")], SPECS).warm_up_s == 2.0
    assert Interpreter([], SPECS).warm_up_s == 0.0


# Against the definition


def _known(name: str, trace: Trace, i: int) -> Value | None:
    return trace[i][1].get(name)


def _measured(measure: Measure, trace: Trace, i: int) -> tuple[float, float] | None:
    """Between which numbers a measure lies by its definition, from the whole trace."""
    now_s = trace[i][0]
    if isinstance(measure, Signal):
        value = _known(measure.name, trace, i)
        return None if value is None else (float(value), float(value))
    start_s = now_s - measure.over_s
    if isinstance(measure, Rate):
        old = [j for j in range(i + 1) if trace[j][0] <= start_s]
        if not old or now_s - trace[old[-1]][0] > 2 * measure.over_s:
            return None
        first, last = _known(measure.signal, trace, old[-1]), _known(measure.signal, trace, i)
        if first is None or last is None:
            return None
        rate = (float(last) - float(first)) / (now_s - trace[old[-1]][0])
        return (rate, rate)
    lowest = highest = 0.0
    unseen_s = measure.over_s
    for j in range(i):
        overlap_s = trace[j + 1][0] - max(trace[j][0], start_s)
        value = _known(measure.signal, trace, j)
        if overlap_s > 0 and value is not None:
            lowest, highest = lowest + float(value) * overlap_s, highest + float(value) * overlap_s
            unseen_s -= overlap_s
    return lowest + LOWER * unseen_s, highest + UPPER * unseen_s


def _defined(condition: Condition, trace: Trace, i: int) -> Truth:
    """The truth of a condition by its definition, from the whole trace."""
    match condition:
        case Comparison(left, relation, right):
            if isinstance(right, bool):
                value = _known(SWITCH, trace, i)
                return None if value is None else (value == right) is (relation == "==")
            one = _measured(left, trace, i)
            other = (right.value, right.value) if isinstance(right, Number) else _measured(right, trace, i)
            if one is None or other is None:
                return None
            corners = [(a, b) for a in one for b in other]
            answers = {
                {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[relation]
                for a, b in corners
            }
            is_inside = one[0] <= other[1] and other[0] <= one[1]
            if relation in {"==", "!="} and is_inside and len(set(corners)) > 1:
                return None
            return answers.pop() if len(answers) == 1 else None
        case Not(term):
            truth = _defined(term, trace, i)
            return None if truth is None else not truth
        case And(terms) | Or(terms) | Vote(_, terms):
            truths = [_defined(term, trace, i) for term in terms]
            needed = len(terms) if isinstance(condition, And) else 1
            needed = condition.needed if isinstance(condition, Vote) else needed
            if truths.count(True) >= needed:
                return True
            return False if truths.count(True) + truths.count(None) < needed else None
        case Held(term, for_s):
            start_s = trace[i][0] - for_s
            seen = {_defined(term, trace, j) for j in range(i) if trace[j + 1][0] > start_s}
            seen |= {_defined(term, trace, i)} | ({None} if trace[0][0] > start_s else set())
            return False if False in seen else None if None in seen else True


def _traces() -> st.SearchStrategy[Trace]:
    values = st.one_of(st.none(), st.integers(-4, 4))
    scans = st.tuples(
        st.integers(1, 3),
        st.fixed_dictionaries({**dict.fromkeys(NUMERIC, values), SWITCH: st.one_of(st.none(), st.booleans())}),
    )

    def timed(steps: list[tuple[int, dict[str, Value | None]]]) -> Trace:
        times = [sum(step for step, _ in steps[: i + 1]) for i in range(len(steps))]
        return [(float(time), values) for time, (_, values) in zip(times, steps, strict=True)]

    return st.lists(scans, min_size=1, max_size=9).map(timed)


SMALL = conditions(st.integers(-9, 9).map(float), st.sampled_from([1.0, 2.0, 4.0]))


@settings(max_examples=300)
@given(SMALL, _traces())
def test_each_scan_says_what_the_definition_says_of_the_whole_past(condition: Condition, trace: Trace) -> None:
    interpreter = Interpreter([Rule("r", condition, "alarm")], SPECS)
    for i, (at_s, values) in enumerate(trace):
        assert interpreter.scan(at_s, _good(values))["r"] is _defined(condition, trace, i), f"at {at_s}"


@settings(max_examples=100)
@given(st.lists(SMALL, min_size=2, max_size=4), _traces())
def test_rules_do_not_disturb_each_other(several: list[Condition], trace: Trace) -> None:
    rules = [Rule(f"r{i}", condition, "alarm") for i, condition in enumerate(several)]
    together, alone = Interpreter(rules, SPECS), [Interpreter([rule], SPECS) for rule in rules]
    for at_s, values in trace:
        truths = together.scan(at_s, _good(values))
        assert truths == {k: v for one in alone for k, v in one.scan(at_s, _good(values)).items()}


@settings(max_examples=200)
@given(SMALL, _traces(), st.data())
def test_losing_a_reading_never_turns_the_answer_round(condition: Condition, trace: Trace, data: st.DataObject) -> None:
    """What is known with fewer readings is known to be the same with all of them: unknown never hides a trip."""
    lost = [(at_s, {k: None if data.draw(st.booleans()) else v for k, v in values.items()}) for at_s, values in trace]
    full, poor = (Interpreter([Rule("r", condition, "alarm")], SPECS) for _ in range(2))
    for (at_s, values), (_, fewer) in zip(trace, lost, strict=True):
        with_all, with_fewer = full.scan(at_s, _good(values))["r"], poor.scan(at_s, _good(fewer))["r"]
        assert with_fewer is None or with_fewer is with_all


# What follows


def test_unknown_and_missing_rules_act() -> None:
    condition = parse_condition("door.closed == true")
    door = Rule("door", condition, "permissive", of=("stage", "arm.gripper"))
    hot, warm = Rule("hot", condition, "trip"), Rule("warm", condition, "alarm")
    rules = [door, hot, warm]
    assert acting(rules, {"door": True, "hot": False, "warm": False}, "trip") == ()
    assert acting(rules, {"door": True, "hot": None}, "trip") == (hot,)
    assert acting(rules, {}, "alarm") == (warm,)
    assert acting(rules, {"door": False}, "permissive") == acting(rules, {}, "permissive") == (door,)
    assert [signal for signal in ("stage.position", "arm.gripper", "arm.place") if door.covers(signal)] == [
        "stage.position",
        "arm.gripper",
    ]


@pytest.mark.parametrize(
    ("relation", "truths"),
    [
        ("<", [True, False, False]),
        ("<=", [True, True, False]),
        (">", [False, False, True]),
        (">=", [False, True, True]),
        ("==", [False, True, False]),
        ("!=", [True, False, True]),
    ],
)
def test_a_rule_without_a_past_depends_on_the_reading_alone(relation: str, truths: list[Truth]) -> None:
    assert _truths(f"bath.temperature {relation} 1 K", _temperatures(0, 1, 2)) == truths
