"""Agreement against published values, and against what the definition says of simple cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.errors import InputError
from facility_review.agreement import agreement_of, krippendorff_alpha_ordinal, quadratic_weighted_kappa
from tests.facility_review.examples import instrument

KRIPPENDORFF_2011: list[list[int | None]] = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
"""Four observers, twelve units, missing data: example C of the 2011 paper."""


def _units(table: list[list[int | None]]) -> list[list[int]]:
    return [[value for value in column if value is not None] for column in zip(*table, strict=True)]


def test_alpha_is_that_of_krippendorffs_example() -> None:
    """The paper gives 0.815 for ordinal data."""
    assert krippendorff_alpha_ordinal(_units(KRIPPENDORFF_2011)) == pytest.approx(0.815, abs=0.0005)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [(((20, 5), (10, 15)), 0.4000), (((45, 15), (25, 15)), 0.1304), (((25, 35), (5, 35)), 0.2593)],
)
def test_kappa_of_two_categories_is_that_of_textbooks(
    table: tuple[tuple[int, int], tuple[int, int]], kappa: float
) -> None:
    """With two categories weights make no difference; the two last are those of Smeeton (1985)."""
    assert quadratic_weighted_kappa(*_raters(table)) == pytest.approx(kappa, abs=5e-5)


def test_kappa_weighs_by_the_square_of_the_distance() -> None:
    """The table of Cohen (1968), whose unweighted kappa is 0.492, with quadratic weights by hand."""
    table = ((88, 14, 18), (10, 40, 10), (2, 6, 12))
    observed = (14 + 10 + 10 + 6 + 4 * (18 + 2)) / 200
    by_chance = (0.6 * 0.3 + 0.3 * 0.5 + 0.3 * 0.2 + 0.1 * 0.3) + 4 * (0.6 * 0.2 + 0.1 * 0.5)
    assert quadratic_weighted_kappa(*_raters(table)) == pytest.approx(1 - observed / by_chance)


def _raters(table: tuple[tuple[int, ...], ...]) -> tuple[list[int], list[int]]:
    pairs = [(row, column) for row, counts in enumerate(table) for column, n in enumerate(counts) for _ in range(n)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def test_two_raters_who_always_agree_agree_fully() -> None:
    assert krippendorff_alpha_ordinal([[1, 1], [4, 4], [5, 5]]) == 1
    assert krippendorff_alpha_ordinal([[2, 2], [2, 2]]) == 1
    assert quadratic_weighted_kappa([2, 2], [2, 2]) == 1


def test_one_step_apart_weighs_less_than_four() -> None:
    near = krippendorff_alpha_ordinal([[0, 1], [2, 2], [3, 3], [5, 5], [4, 4], [1, 1]])
    far = krippendorff_alpha_ordinal([[0, 4], [2, 2], [3, 3], [5, 5], [4, 4], [1, 1]])
    assert far < near < 1


@given(st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=4), min_size=2, max_size=12), st.randoms())
def test_alpha_does_not_depend_on_order(units: list[list[int]], random: object) -> None:
    shuffled = [unit[::-1] for unit in units[::-1]]
    assert krippendorff_alpha_ordinal(shuffled) == pytest.approx(krippendorff_alpha_ordinal(units))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_kappa_is_at_most_one_and_symmetric(pairs: list[tuple[int, int]]) -> None:
    first, second = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    kappa = quadratic_weighted_kappa(first, second)
    assert kappa <= 1
    assert kappa == pytest.approx(quadratic_weighted_kappa(second, first))


def test_what_needs_a_joint_review_is_named() -> None:
    ratings = {"R. Roe": {"CAP-02": 4, "SAF-05": 2, "SEC-02": 3}, "J. Doe": {"CAP-02": 3, "SAF-05": 4, "SEC-02": 3}}
    found = agreement_of(instrument(), ratings)
    assert found.to_adjudicate == ("SAF-05",)
    assert found.kappa is not None
    assert found.band == "redo"
    assert agreement_of(instrument(), {"a": ratings["R. Roe"], "b": ratings["R. Roe"]}).band == "strong"


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ({"R. Roe": {"CAP-02": 4}}, "at least 2 are needed"),
        ({"R. Roe": {"CAP-01": 4}, "J. Doe": {}}, "no criterion that is rated by steps"),
        ({"R. Roe": {"CAP-02": 6}, "J. Doe": {}}, "a step from 0 to 5"),
        ({"R. Roe": {"CAP-02": 4}, "J. Doe": {"SAF-05": 1}}, "rated by two raters"),
    ],
)
def test_ratings_that_cannot_be_compared_are_refused(ratings: dict[str, dict[str, int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        agreement_of(instrument(), ratings)


def test_ratings_of_unequal_length_are_refused() -> None:
    with pytest.raises(InputError, match="3 and 2 ratings"):
        quadratic_weighted_kappa([1, 2, 3], [1, 2])
