"""Units are read and converted once, at the edge."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.config.units import (
    check_unit,
    convert,
    convert_difference,
    dimension_of,
    parse_quantity,
    read_quantity,
)
from autolab.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("250 mL", 250.0, "mL"),
        ("1e3uL", 1000.0, "uL"),
        ("3 µL", 3.0, "µL"),
        ("-5 degC", -5.0, "degC"),
        (" .5  mm/s ", 0.5, "mm/s"),
        ("7", 7.0, ""),
        ("2 1/s", 2.0, "1/s"),
        ("30 min", 30.0, "min"),
        ("50 %", 50.0, "%"),
    ],
)
def test_a_quantity_is_a_number_with_its_unit(text: str, value: float, unit: str) -> None:
    quantity = parse_quantity(text)
    assert (quantity.value, quantity.unit) == (value, unit)


@pytest.mark.parametrize(
    ("value", "source", "target", "wanted"),
    [
        (250.0, "mL", "uL", 250_000.0),
        (3.0, "µL", "uL", 3.0),
        (20.0, "degC", "K", 293.15),
        (0.5, "min", "s", 30.0),
        (50.0, "percent", "", 0.5),
        (30.0, "cm", "mm", 300.0),
    ],
)
def test_values_convert_free_of_binary_dust(value: float, source: str, target: str, wanted: float) -> None:
    assert convert(value, source, target) == wanted


@pytest.mark.parametrize(("value", "source", "target", "wanted"), [(9.0, "degF", "degC", 5.0), (5.0, "K", "degC", 5.0)])
def test_differences_of_temperature_ignore_the_zero_points(
    value: float, source: str, target: str, wanted: float
) -> None:
    assert convert_difference(value, source, target) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5 mLL", "'5 mLL': 'mLL' is not a unit: did you mean 'mL'?"),
        ("5 ", None),
        ("five mL", "'five mL' is not a number with a unit: write for example '250 mL'"),
        ("5 m**999", "'5 m**999': 'm**999' is not a unit: write for example 'uL', 'mm/s' or 'degC'"),
        ("5 m**9**9**9", "'5 m**9**9**9': 'm**9**9**9' is not a unit: write for example 'uL', 'mm/s' or 'degC'"),
        ("5 __import__('os')", None),
    ],
)
def test_what_is_no_quantity_is_refused_with_advice(text: str, message: str | None) -> None:
    if text == "5 ":
        assert parse_quantity(text).unit == ""
        return
    with pytest.raises(InputError) as caught:
        parse_quantity(text)
    if message is not None:
        assert str(caught.value) == message


def test_a_unit_of_another_dimension_is_refused_by_name() -> None:
    with pytest.raises(InputError) as caught:
        read_quantity("5 s", "uL")
    assert str(caught.value) == "'5 s': 's' is a time, and a volume is wanted: use 'uL' or a unit like it"


@pytest.mark.parametrize(("unit", "words"), [("", "a pure number"), ("uL", "a volume"), ("mbar", "a pressure")])
def test_dimensions_have_plain_names(unit: str, words: str) -> None:
    assert dimension_of(unit) == words


@given(st.text(max_size=40))
def test_any_text_is_a_quantity_or_an_input_error(text: str) -> None:
    try:
        quantity = parse_quantity(text)
    except InputError:
        return
    check_unit(quantity.unit)


@given(st.floats(-1e6, 1e6), st.sampled_from([("mL", "uL"), ("degC", "K"), ("min", "s"), ("mm", "m")]))
def test_converting_there_and_back_changes_nothing_that_matters(value: float, units: tuple[str, str]) -> None:
    there, back = units
    assert math.isclose(convert(convert(value, there, back), back, there), value, rel_tol=1e-9, abs_tol=1e-9)


def test_a_damaged_cache_of_the_definitions_changes_nothing(tmp_path: Path) -> None:
    question = "from autolab.config.units import convert; print(convert(1.0, 'inch', 'mm'))"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", question], env=environment, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("25.4\n", "")
        kept = list(tmp_path.rglob("*.pickle"))
        assert kept
        for file in kept:
            file.write_bytes(b"no pickle")
