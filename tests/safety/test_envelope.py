"""The envelope: nothing outside it is ever accepted, and what is unknown is outside."""

from __future__ import annotations

import math
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import EnvelopeError, InputError
from safety.envelope import check_rate, check_write, is_proven, plain_scalar
from safety.guard import Guard

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
BOUNDS = st.tuples(FINITE, FINITE).filter(lambda pair: pair[0] < pair[1])
NO_NUMBER = st.one_of(
    st.sampled_from(
        [
            math.nan,
            math.inf,
            -math.inf,
            None,
            True,
            False,
            np.bool_(True),
            np.array(1 > 0),
            np.array([1.0, 2.0]),
            np.array("0.5"),
        ]
    ),
    st.text(),
    st.binary(),
    st.lists(st.integers(), max_size=3),
    st.complex_numbers(),
    st.dictionaries(st.text(), st.integers()),
)


def _accepts(limit: Any, value: Any, present: float | None = None) -> bool:
    try:
        check_write("device.signal", limit, value, present)
    except EnvelopeError:
        return False
    return True


@given(BOUNDS, FINITE)
def test_a_number_is_accepted_exactly_inside_the_bounds(bounds: tuple[float, float], value: float) -> None:
    limit = RangeLimit("device.signal", *bounds, "mm")
    assert _accepts(limit, value) == (bounds[0] <= value <= bounds[1])


@given(BOUNDS, NO_NUMBER)
def test_what_is_no_finite_number_is_never_accepted(bounds: tuple[float, float], value: Any) -> None:
    assert not _accepts(RangeLimit("device.signal", *bounds, "mm"), value)


@given(NO_NUMBER | FINITE | st.integers())
def test_without_a_limit_nothing_is_accepted(value: Any) -> None:
    assert not _accepts(None, value)


@given(
    st.floats(-1000, 1000),
    st.floats(-1000, 1000) | st.sampled_from([None, math.nan, math.inf]),
    st.floats(0.001, 100),
)
def test_a_step_is_accepted_only_from_a_known_value_within_the_largest_step(
    value: float, present: float | None, step: float
) -> None:
    limit = RangeLimit("device.signal", -2000, 2000, "mm", max_step=step)
    if _accepts(limit, value, present):
        assert present is not None
        assert abs(value - present) <= step * (1 + 1e-6)
    else:
        assert present is None or not math.isfinite(present) or abs(value - present) > step


@given(st.lists(st.text(max_size=5) | st.integers() | st.booleans(), min_size=1, max_size=5), NO_NUMBER | st.integers())
def test_only_allowed_values_are_accepted(allowed: list[Any], value: Any) -> None:
    limit = AllowedValues("device.signal", tuple(allowed))
    if _accepts(limit, value):
        plain = value.item() if isinstance(value, np.generic | np.ndarray) else value
        assert isinstance(plain, str | int)
        assert any(plain == one and isinstance(plain, bool) == isinstance(one, bool) for one in allowed)
    for one in allowed:
        assert _accepts(limit, one)


@pytest.mark.parametrize(
    "value", [np.bool_(True), np.array(1 > 0), np.array([1.0, 2.0]), np.array([1]), np.array("1"), "1", b"1", [1], None]
)
def test_what_only_looks_like_an_allowed_value_is_refused(value: Any) -> None:
    assert not _accepts(AllowedValues("device.signal", (1, 2)), value)


def test_a_step_of_the_largest_size_is_one_that_rounding_may_stretch_and_nothing_else() -> None:
    limit = RangeLimit("device.signal", 0.0, 1000.0, "mm", max_step=100.0)
    assert _accepts(limit, 200.0, 100.0)
    assert _accepts(limit, 200.0 + 1e-8, 100.0)
    assert not _accepts(limit, 200.0 + 1e-6, 100.0)


def test_a_step_from_a_value_that_nobody_gives_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="its present value is not known"):
        check_write("device.signal", RangeLimit("device.signal", 0.0, 9.0, "mm", max_step=5.0), 1.0)


RATED = RangeLimit("device.signal", 0.0, 1000.0, "mm", max_rate=10.0)


@pytest.mark.parametrize(
    ("value", "before", "elapsed_s", "is_allowed"),
    [
        (200.0, 100.0, 10.0, True),
        (0.0, 100.0, 10.0, True),
        (200.0 + 1e-8, 100.0, 10.0, True),
        (200.0 + 1e-6, 100.0, 10.0, False),
        (100.0, 100.0, 0.0, True),
        (100.5, 100.0, 0.0, False),
        (104.0, 100.0, 0.5, True),
        (100.0, 100.0, -0.1, False),
        (100.0, 100.0, math.nan, False),
        (100.0, None, 1000.0, False),
        (100.0, math.nan, 1000.0, False),
        (100.0, math.inf, 1000.0, False),
        (math.nan, 100.0, 1000.0, False),
        ("100", 100.0, 1000.0, False),
        (True, 1.0, 1000.0, False),
    ],
)
def test_a_rate_is_accepted_only_where_it_is_known_to_be_slow_enough(
    value: Any, before: float | None, elapsed_s: float, is_allowed: bool
) -> None:
    if is_allowed:
        check_rate("device.signal", RATED, value, before, elapsed_s)
        return
    with pytest.raises(EnvelopeError, match=r"device\.signal: refused to write"):
        check_rate("device.signal", RATED, value, before, elapsed_s)


def test_where_no_rate_is_declared_none_is_asked_for() -> None:
    check_rate("device.signal", RangeLimit("device.signal", 0.0, 1.0, "mm"), 1.0, None, -1.0)


def test_a_refused_rate_says_how_long_to_wait() -> None:
    with pytest.raises(EnvelopeError) as refusal:
        check_rate("device.signal", RATED, 50.0, 20.0, 1.0)
    assert str(refusal.value) == (
        "device.signal: refused to write 50 mm: that is 30 mm from 20 after 1 s, and the envelope allows 10 mm/s: "
        "wait 2 s, or go in smaller steps"
    )


def test_a_number_too_large_for_any_instrument_is_refused_like_every_other() -> None:
    assert not _accepts(RangeLimit("device.signal", 0.0, 1.0, "mm"), 10**400)
    assert not is_proven(RangeLimit("device.signal", 0.0, 1.0, "mm", proven=(0.0, 1.0)), 10**400)


@pytest.mark.parametrize(
    ("limit", "inside", "outside"),
    [
        (RangeLimit("d.s", 0.0, 9.0, "mm", proven=(2.0, 4.0)), (2.0, 3, 4.0), (1.9, 4.1, math.nan, "3", True, None)),
        (RangeLimit("d.s", 0.0, 9.0, "mm"), (), (3.0,)),
        (AllowedValues("d.s", ("a", 1, True), proven=("a", True)), ("a", True, np.bool_(True)), (1, 1.0, "b", None)),
        (AllowedValues("d.s", ("a", 1), proven="all"), ("a", 1), ()),
        (AllowedValues("d.s", ("a", 1)), (), ("a", 1)),
    ],
    ids=["range", "no-range", "values", "all", "no-values"],
)
def test_a_value_is_proven_only_where_the_lab_file_says_so(limit: Limit, inside: Any, outside: Any) -> None:
    assert [is_proven(limit, value) for value in inside] == [True] * len(inside)
    assert [is_proven(limit, value) for value in outside] == [False] * len(outside)


class Gear(IntEnum):
    FIRST = 1


class Colour(Enum):
    RED = 1


class Pretender:
    """It has all that a number of numpy has, but its class."""

    shape = ()

    def item(self) -> float:
        return 1.0


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (True, True), (1, 1), (1.5, 1.5), ("a", "a"), (Gear.FIRST, 1), (np.float64(1.5), 1.5), (np.array(2), 2),
        (np.str_("a"), "a"), (np.bool_(False), False), (np.array([2]), None), (np.array([]), None),
        (Colour.RED, None), (Pretender(), None), (1j, None), (None, None), (b"a", None), ([1], None),
        (np.float64, None), (np.sin, None), (np.dtype("float64"), None),
    ],
)  # fmt: skip
def test_only_plain_values_and_those_of_numpy_and_enumerations_are_plain(value: Any, plain: Any) -> None:
    assert plain_scalar(value) == plain
    assert type(plain_scalar(value)) is type(plain)


class Masked(float):
    """It says of itself that it is another number; on a wire it is what it is."""

    def __float__(self) -> float:
        return 0.5


class Fickle:
    """It is another number each time it is asked."""

    def __init__(self) -> None:
        self._numbers = [0.5, 999.0]

    def __float__(self) -> float:
        self._numbers.reverse()
        return self._numbers[1]


class Agreeable(str):
    """It is equal to every other text."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Place(StrEnum):
    RACK = "rack"
    MOON = "moon"


def test_an_object_is_not_believed_what_it_says_of_itself() -> None:
    limit = RangeLimit("device.signal", 0.0, 1.0, "mm")
    assert not any(_accepts(limit, value) for value in (Masked(999.0), Fickle(), Masked(0.5), Fraction(1, 2)))
    assert not _accepts(AllowedValues("device.signal", ("rack",)), Agreeable("moon"))


def test_a_member_of_an_enumeration_is_the_text_that_it_is() -> None:
    limit = AllowedValues("device.signal", ("rack",))
    assert _accepts(limit, Place.RACK)
    assert not _accepts(limit, Place.MOON)


def test_a_number_out_of_an_array_is_accepted_as_the_number_that_it_is() -> None:
    assert _accepts(AllowedValues("device.signal", (1, 2)), np.int64(2))
    assert _accepts(AllowedValues("device.signal", (1, 2)), np.array(2.0))
    assert _accepts(AllowedValues("device.signal", (True,)), np.bool_(True))


@given(NO_NUMBER | st.integers() | st.from_regex(r"[a-z]+\d", fullmatch=True))
def test_a_pattern_accepts_whole_texts_only(value: Any) -> None:
    limit = AllowedValues("device.signal", (), pattern=r"[a-z]+\d")
    accepted = _accepts(limit, value)
    assert accepted == (isinstance(value, str) and value[-1:].isdigit() and _accepts(limit, value))
    assert not _accepts(limit, f"{value}\n")


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_a_limit_that_elsewhere_means_none_cannot_be_declared(lower: float, upper: float) -> None:
    if math.isfinite(lower) and math.isfinite(upper) and lower < upper:
        return
    with pytest.raises(InputError):
        RangeLimit("device.signal", lower, upper, "mm")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (301.0, "stage.position: refused to write 301 mm: the envelope allows 0 to 300 mm"),
        (math.nan, "stage.position: refused to write nan: it is not a finite number"),
        (
            250.0,
            "stage.position: refused to write 250 mm: from 10 that is a step of 240 mm, and the envelope allows 200",
        ),
    ],
    ids=["outside", "nan", "step"],
)
def test_a_refusal_names_signal_value_and_bound(value: float, sentence: str) -> None:
    guard = Guard("stage", {"position": RangeLimit("stage.position", 0, 300, "mm", max_step=200)})
    with pytest.raises(EnvelopeError) as refusal:
        guard.check("position", value, lambda: 10.0)
    assert str(refusal.value) == sentence


def test_a_present_value_that_cannot_be_read_refuses_the_write() -> None:
    def present() -> float:
        raise TimeoutError("no answer")

    guard = Guard("stage", {"position": RangeLimit("stage.position", 0, 300, "mm", max_step=200)})
    with pytest.raises(EnvelopeError, match=r"its present value could not be read \(no answer\)"):
        guard.check("position", 20.0, present)
