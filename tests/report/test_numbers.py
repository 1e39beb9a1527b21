"""Numbers as people read them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.objectives import Objective
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter
from autolab.core.proposing import Recommendation
from autolab.report.numbers import (
    claim_text,
    duration_text,
    estimate_text,
    number_text,
    quantity_text,
    target_text,
    unit_text,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (1.0, "1"),
        (0.1 + 0.2, "0.3"),
        (1234.5678, "1235"),
        (123456, "123456"),
        (-0.00123456, "-0.001235"),
        (1.5e9, "1.500e9"),
        (3e-7, "3.000e-7"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_has_few_digits(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("value", "sem", "text"),
    [
        (1.42857, 0.0812, "1.429 ± 0.081"),
        (1.42857, None, "1.429"),
        (1.42857, 0.0, "1.429"),
        (13.2737, 0.0996, "13.27 ± 0.10"),
        (1543.2, 120.0, "1540 ± 120"),
        (2.0, 1e-12, "2 ± 1.0e-12"),
    ],
)
def test_a_value_has_the_digits_that_its_error_allows(value: float, sem: float | None, text: str) -> None:
    assert estimate_text(value, sem) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e6))
def test_what_is_shown_is_within_a_standard_error_of_the_value(value: float, sem: float) -> None:
    shown, error = estimate_text(value, sem).split(" ± ")
    assert abs(float(shown) - value) <= max(sem, 1e-3 * abs(value))
    assert math.isclose(float(error), sem, rel_tol=0.06)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0123, "12 ms"),
        (1.26, "1.3 s"),
        (42.4, "42 s"),
        (60, "1 min"),
        (190, "3 min 10 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (3 * 86400 + 7200, "3 d 2 h"),
        (math.nan, "unknown"),
    ],
)
def test_a_duration_is_in_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_units_are_written_as_people_write_them() -> None:
    assert [unit_text(u) for u in ("uL", "um/s", "degC", "percent", "rpm", "mm/s**2", "unit")] == [
        "µL",
        "µm/s",
        "°C",
        "%",
        "rpm",
        "mm/s²",
        "unit",
    ]


def test_a_parameter_is_shown_to_the_digits_of_its_step_with_its_unit() -> None:
    assert quantity_text(RangeParameter("v", 0, 1, "uL", 0.00001), 0.12345) == "0.12345 µL"
    assert quantity_text(RangeParameter("v", 0, 1, "uL"), 0.123456789) == "0.1235 µL"
    assert quantity_text(IntegerParameter("n", 1, 5), 3) == "3"
    assert quantity_text(ChoiceParameter("s", (True, False)), True) == "yes"


def test_a_target_is_said_in_words() -> None:
    assert target_text(Objective("d", "minimize", 2.0)) == "at most 2"
    assert target_text(Objective("y", "maximize", 90, unit="percent")) == "at least 90 %"
    assert target_text(Objective("t", "target", 25, 0.5, unit="degC")) == "25 ± 0.5 °C"
    assert target_text(Objective("d", "minimize")) == ""


def test_a_claim_says_whether_it_is_confirmed_and_within_which_interval():
    claim = Recommendation(3, {}, 2.184, 0.1234, "")
    assert claim_text(claim, "uL") == "2.18 ± 0.12 µL (not confirmed)"
    confirmed = replace(claim, interval=(2.0051, 2.401), confirmed=3)
    assert claim_text(confirmed) == "2.18 ± 0.12 (90 % interval 2.01 to 2.40; confirmed by 3 replicates)"
    assert claim_text(replace(claim, confirmed=1, sem=None)) == "2.184 (confirmed by 1 replicate)"
