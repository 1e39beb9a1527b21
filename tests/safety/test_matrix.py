"""The technician's page says in words what the rules say."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.core.ruletext import parse_condition
from safety.matrix import matrix_page, words
from tests.ruleslab import read_rules

GOLDEN = Path(__file__).parent / "interlocks_page.md"


def test_the_page_of_the_example_is_the_one_that_was_read_by_a_person(tmp_path: Path) -> None:
    """Write it again after a wanted change, and read it: ``GOLDEN.write_text(page)``."""
    lab = read_rules(tmp_path)
    page = matrix_page("reactor-bench", lab.rules, lab.signals, lab.safe_state, lab.hazards)
    assert page == GOLDEN.read_text(encoding="utf-8")


def test_a_lab_without_interlocks_says_so() -> None:
    assert "This lab has no interlocks" in matrix_page("bare", (), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.x > 5 mm", "a.x is above 5 mm"),
        ("a.x <= 5 mm", "a.x is at most 5 mm"),
        ("a.x < b.y", "a.x is below b.y"),
        ("a.x == 'open'", "a.x is open"),
        ("a.x != true", "a.x is not true"),
        ("not a.x != true", "a.x is true"),
        ("not a.x > 5 mm", "a.x is not above 5 mm"),
        ("not a.x == 'open'", "a.x is not open"),
        ("a.x > 5 mm for 90 s", "a.x is above 5 mm, without a break for 90 s"),
        ("not (a.x > 1 mm or a.x < 0 mm)", "it is not so that (a.x is above 1 mm **or** a.x is below 0 mm)"),
        (
            "(a.x > 1 mm or a.y == 2) and a.z < 1 s",
            "(a.x is above 1 mm **or** a.y is 2) **and** a.z is below 1 s",
        ),
        ("1oo2(a.x > 1 mm, not a.y > 2 mm)", "at least 1 of these 2: a.x is above 1 mm; a.y is not above 2 mm"),
        ("rate(a.x over 2 min) > 1 K/s", "the change of a.x, as the mean over 2 min, is above 1 K/s"),
        ("integral(a.x over 1 h) >= 5 kJ", "the sum of a.x over the last 1 h is at least 5 kJ"),
    ],
)
def test_a_condition_in_words(text: str, said: str) -> None:
    assert words(parse_condition(text)) == said
