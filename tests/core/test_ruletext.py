"""What a condition says is what is read, and what is not in the grammar gets one plain sentence with its column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.errors import InputError
from autolab.core.interlocks import (
    And,
    Comparison,
    Condition,
    Held,
    Integral,
    Not,
    Number,
    Or,
    Rate,
    Rule,
    Signal,
    SignalSpec,
    Vote,
    measures_in,
)
from autolab.core.ruletext import MAX_DEPTH, parse_condition
from tests.conditions import conditions

A = Comparison(Signal("a.x"), ">", Number(1.0, "mm"))
B = Comparison(Signal("b.y"), "==", True)

READ: list[tuple[str, Condition]] = [
    ("stage.position > 290 mm for 2 s", Held(Comparison(Signal("stage.position"), ">", Number(290.0, "mm")), 2.0)),
    ("rate(bath.temperature over 30 s) > 2 K/min", Comparison(Rate("bath.temperature", 30.0), ">", Number(2, "K/min"))),
    ("integral(lamp.power over 1 h) > 5 kJ", Comparison(Integral("lamp.power", 3600.0), ">", Number(5.0, "kJ"))),
    ("2oo3(a.x > 1 mm, b.y == true, a.x > 1 mm)", Vote(2, (A, B, A))),
    ("a.x > 1 mm and not (b.y == true)", And((A, Not(B)))),
    ("not b.y == true", Not(B)),
    ("(a.x > 1 mm or b.y == true) for 500 ms", Held(Or((A, B)), 0.5)),
    ("a.x > 1 mm and (b.y == true for 2 min)", And((A, Held(B, 120.0)))),
    ("(a.x > 1 mm) and b.y == true and a.x > 1 mm", And((A, B, A))),
    ("arm.gripper == 'closed'", Comparison(Signal("arm.gripper"), "==", "closed")),
    ('arm.gripper != "it\'s"', Comparison(Signal("arm.gripper"), "!=", "it's")),
    ("a.x <= -1.5e-3 m**2/s", Comparison(Signal("a.x"), "<=", Number(-0.0015, "m**2/s"))),
    ("a.x >= 5 %", Comparison(Signal("a.x"), ">=", Number(5.0, "%"))),
    (
        "a.n < 3 and a.n > 1",
        And((Comparison(Signal("a.n"), "<", Number(3.0)), Comparison(Signal("a.n"), ">", Number(1)))),
    ),
    ("a.x > b.x", Comparison(Signal("a.x"), ">", Signal("b.x"))),
    ("a.f > 5 1/s", Comparison(Signal("a.f"), ">", Number(5.0, "1/s"))),
    ("a.b.c == false", Comparison(Signal("a.b.c"), "==", False)),
]

REFUSED = [
    (
        "",
        "column 1: the end stands here: a signal such as 'stage.position', rate(...), integral(...), ",
    ),
    ("a.x", "column 4: the end stands here: a comparison is wanted, such as 'a.x > 5 mm' or 'a.x == true'"),
    ("a.x = 1", "column 5: '=' is not part of a condition: write '==' for equal"),
    ("a.x > 1 & b.y > 2", "column 9: '&' is not part of a condition: write 'and', 'or', 'not'"),
    ("a.x == 'open", "column 8: \"'\" is not part of a condition: close the text with '"),
    ("a.x > 1; b", "column 8: ';' is not part of a condition: allowed are signals"),
    ("5 mm < a.x", "column 1: '5 mm' stands here: put the signal first, and the number after it"),
    ("1 mm < a.x < 5 mm", "column 1: '1 mm' stands here: put the signal first"),
    ("a.x < b.x < c.x", "column 11: a second comparison follows: join two comparisons with 'and'"),
    ("a.x > 1 mm or b.y > 2 and c.z > 3", "column 23: 'and' and 'or' are mixed: put brackets around what belongs"),
    ("a.x > 1 mm and b.y > 2 for 2 s", "column 28: it is not plain what 'for' is about: put brackets"),
    ("a.x > 1 mm for 2 s and b.y > 2", "column 16: it is not plain what 'for' is about: put brackets"),
    ("not a.x > 1 mm for 2 s", "column 16: it is not plain what 'for' is about: write (not ...) for"),
    ("not not a.x > 1", "column 5: 'not' stands twice: remove both"),
    ("a.x > 1 mm for 2", "column 16: '2' stands here: a time such as '2 s', in ms, s, min or h, is wanted"),
    ("a.x > 1 mm for 2 mm", "column 16: '2 mm' stands here: a time such as"),
    ("a.x > 1 mm for 0 s", "column 16: '0 s' is no possible time: give one above zero, of at most 24 h"),
    ("a.x > 1 mm for 200 h", "column 16: '200 h' is no possible time"),
    ("rate(a.x) > 1 K/s", "column 9: ')' stands here: a window is wanted: a.x over 30 s"),
    ("rate(5 over 3 s) > 1", "column 6: '5' stands here: a signal such as 'bath.temperature' is wanted"),
    ("2oo3(a.x > 1, b.x > 1)", "column 1: 2oo3 is given 2 conditions: give as many as it says"),
    ("3oo2(a.x > 1, b.x > 1)", "column 1: 3oo2 is given 2 conditions"),
    ("0oo2(a.x > 1, b.x > 1)", "column 1: 0oo2 is given 2 conditions"),
    ("2oo2 a.x > 1", "column 6: 'a.x' stands here: '(' is wanted"),
    ("(a.x > 1", "column 9: the end stands here: ')' is wanted"),
    ("a.x > 1)", "column 8: ')' stands here: 'and', 'or', 'for' or the end is wanted"),
    ("a.x > true", "column 1: a.x is compared with a text or a truth value by >: use == or !="),
    ("a.x > 1e999", "column 7: '1e999' is not a finite number: correct it"),
    ("a.x > and", "column 7: 'and' stands here: a number with its unit, a text in quotes, true, false or a signal"),
    ("x > 1", "column 1: 'x' stands here: a signal such as 'stage.position'"),
    ("__import__('os').system('x') == 1", "column 17: '.' is not part of a condition: allowed are"),
    ("a.x > 1 " * 200, "a condition has at most 1000 characters, and this one has 1600: split it"),
    ("(" * 21 + "a.x > 1" + ")" * 21, f"column 21: brackets are nested more than {MAX_DEPTH} deep: split the rule"),
]


@pytest.mark.parametrize(("text", "condition"), READ, ids=[case[0] for case in READ])
def test_a_condition_is_read_as_it_is_meant(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition
    assert parse_condition(str(condition)) == condition


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[case[0][:40] or "empty" for case in REFUSED])
def test_what_is_not_in_the_grammar_is_refused_with_its_column(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_condition(text)
    assert str(caught.value).startswith(message)


@given(conditions(st.floats(-1e6, 1e6), st.sampled_from([0.5, 1.0, 2.0, 60.0, 90.0, 3600.0])))
def test_the_text_of_a_condition_says_the_whole_condition(condition: Condition) -> None:
    assert parse_condition(str(condition)) == condition


@given(st.text(alphabet="ab.x12o()<>=!' ,for notandrMs\"", max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        condition = parse_condition(text)
    except InputError:
        return
    assert parse_condition(str(condition)) == condition


def test_the_place_of_a_comparison_is_known() -> None:
    condition = parse_condition("a.x > 1 mm and b.y == true")
    assert isinstance(condition, And)
    assert [term.column for term in condition.terms if isinstance(term, Comparison)] == [1, 16]


def test_measures_are_found_on_both_sides() -> None:
    condition = parse_condition("(a.x > rate(b.y over 2 s)) or not a.x > 1 for 1 s".replace(" for 1 s", ""))
    assert measures_in(condition) == (Signal("a.x"), Rate("b.y", 2.0), Signal("a.x"))


def test_a_permissive_says_what_it_permits() -> None:
    rule = Rule("door", B, "permissive", of=("stage", "arm.gripper"))
    assert [rule.covers(name) for name in ("stage.position", "arm.gripper", "arm.place", "stages.x")] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(InputError, match="a permissive permits something"):
        Rule("door", B, "permissive")
    with pytest.raises(InputError, match="'of' goes with permissives"):
        Rule("door", B, "trip", of=("stage",))
    with pytest.raises(InputError, match="stale_after nan"):
        Rule("door", B, "trip", stale_after_s=float("nan"))


@pytest.mark.parametrize(
    ("effect", "acting"), [("permissive", (False, None)), ("trip", (True, None)), ("alarm", (True, None))]
)
def test_unknown_acts(effect: str, acting: tuple[bool | None, ...]) -> None:
    rule = Rule("r", B, effect, of=("stage",) if effect == "permissive" else ())
    assert tuple(truth for truth in (True, False, None) if rule.acts(truth)) == tuple(
        truth for truth in (True, False, None) if truth in acting
    )


@pytest.mark.parametrize(
    "facts",
    [
        {"lower": 1.0},
        {"lower": 2.0, "upper": 1.0},
        {"lower": 0.0, "upper": float("inf")},
        {"lower": 0.0, "upper": 1.0, "values": (1,)},
    ],
    ids=str,
)
def test_a_range_makes_sense(facts: dict[str, float]) -> None:
    with pytest.raises(InputError):
        SignalSpec("a.x", **facts)
