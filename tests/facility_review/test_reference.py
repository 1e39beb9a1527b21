"""The published names: 17 laboratories and 44 challenges of two lists, each under one id."""

from __future__ import annotations

from collections import Counter

import pytest

from autolab.core.errors import InputError
from facility_review.reference import reference


def test_there_are_17_laboratories_with_one_name_each() -> None:
    known = reference().laboratories
    assert len(known) == 17
    assert len({each.name for each in known.values()}) == 17


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ORNL", "ORNL"),
        ("oak ridge national laboratory", "ORNL"),
        ("Oak Ridge National Laboratory (ORNL)", "ORNL"),
        ("NREL", "NLR"),
        ("National Renewable Energy Laboratory", "NLR"),
        ("Jefferson Lab", "TJNAF"),
        ("Example National Laboratory", None),
        ("", None),
    ],
)
def test_a_laboratory_is_known_by_any_of_its_names(text: str, expected: str | None) -> None:
    found = reference().laboratory(text)
    assert (found.id if found else None) == expected


def test_both_lists_of_challenges_are_whole() -> None:
    numbers = Counter(name for each in reference().challenges.values() for name in each.lists)
    assert numbers == {"doe-2026-02-12": 26, "cross-agency-2026-07-22": 18}
    for name, n in numbers.items():
        assert sorted(each.lists[name] for each in reference().challenges.values() if name in each.lists) == [
            *range(1, n + 1)
        ]


def test_a_challenge_that_is_on_both_lists_has_one_id() -> None:
    found = reference().challenge("achieving-ai-driven-autonomous-laboratories")
    assert found.lists == {"doe-2026-02-12": 10, "cross-agency-2026-07-22": 12}


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("achieving-ai-driven-autonomous-laboratorys", "did you mean 'achieving-ai-driven-autonomous-laboratories'?"),
        ("autonomous-laboratories", "did you mean 'achieving-ai-driven-autonomous-laboratories'?"),
        ("make-tea", "published are scaling-the-grid-to-power-the-american-economy, "),
        ("", "published are "),
    ],
)
def test_an_unknown_challenge_is_refused_with_advice(wrong: str, hint: str) -> None:
    with pytest.raises(InputError, match="is no published challenge") as refused:
        reference().challenge(wrong)
    assert hint in str(refused.value)
