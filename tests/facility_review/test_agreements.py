"""Agreements and partners by function, as they stand on a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from autolab.core.errors import InputError
from facility_review.agreements import FUNCTIONS, Agreements, read_agreements
from facility_review.campaigns import CampaignFacts, read_campaigns
from tests.facility_review.deliverables import AGREEMENTS, AS_OF, SECOND, write_campaigns, write_files


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignFacts, ...]:
    folder = tmp_path_factory.mktemp("data")
    write_campaigns(folder)
    return read_campaigns(folder, "colour-bench", AS_OF)


def read(folder: Path, campaigns: tuple[CampaignFacts, ...], as_of: date = AS_OF, **files: str) -> Agreements:
    write_files(folder, **files)
    return read_agreements(folder, campaigns, as_of)


def test_each_function_has_its_agreements_or_none(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    found = read(tmp_path, campaigns)
    assert {name: [each.id for each in those] for name, those in found.by_function().items()} == {
        "frameworks": ["dyes", "sharing"],
        "ownership": ["dyes"],
        "data_access": [],
        "vetting": ["visitors"],
        "international": [],
    }
    assert set(found.by_function()) == set(FUNCTIONS)
    assert [partner.name for partner in found.agreements[0].partners] == ["Example University", "Dyes Inc."]
    assert found.agreements[0].campaigns == (SECOND,)


@pytest.mark.parametrize(
    ("as_of", "states"),
    [
        (date(2026, 1, 1), ["in force", "not begun", "not begun"]),
        (date(2026, 9, 30), ["in force", "ends soon", "in force"]),
        (date(2026, 10, 1), ["in force", "ended", "in force"]),
        (date(2026, 11, 22), ["in force", "ended", "ends soon"]),
        (date(2029, 1, 1), ["ended", "ended", "ended"]),
    ],
)
def test_an_agreement_stands_as_it_does_on_the_day(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...], as_of: date, states: list[str]
) -> None:
    assert [each.state for each in read(tmp_path, campaigns, as_of).agreements] == states


def test_what_ended_or_ends_soon_is_said(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    notes = read(tmp_path, campaigns).notes
    assert "agreements.yaml#agreements.visitors: ended on 2026-09-30" in notes
    assert "agreements.yaml#agreements.sharing: ends on 2026-12-31: renew it" in notes


def test_without_the_file_none_are_recorded(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    found = read_agreements(tmp_path, campaigns, AS_OF)
    assert (found.partners, found.agreements) == ((), ())
    assert "none recorded" in found.notes[0]


BAD = {
    "no such partner": (
        "[example-university, dyes-inc]",
        "[example-univ]",
        ":9: ",
        "did you mean 'example-university'?",
    ),
    "no such function": ("[vetting]", "[screening]", ":17: ", "'screening' is not known"),
    "no function": ("[vetting]", "[]", ":17: ", "at least 1 is wanted"),
    "no first day": ("    from: 2026-01-01\n", "", ":5: ", "the key 'from' is missing"),
    "swapped days": ("until: 2028-12-31", "until: 2025-12-31", ":11: ", "swap them"),
    "no such campaign": ("campaigns: [teal-again]", "campaigns: [red]", ":13: ", "no campaign of this lab"),
    "misspelt": ("    scope:", "    scoop:", ":12: ", "did you mean 'scope'?"),
    "partner kind": ("kind: industry", "kind: company", ":3: ", "'company' is not known"),
}


@pytest.mark.parametrize(("old", "new", "place", "said"), BAD.values(), ids=BAD)
def test_a_bad_line_is_refused_with_its_place(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...], old: str, new: str, place: str, said: str
) -> None:
    assert old in AGREEMENTS
    with pytest.raises(InputError) as refused:
        read(tmp_path, campaigns, agreements=AGREEMENTS.replace(old, new, 1))
    assert f"agreements.yaml{place}" in str(refused.value)
    assert said in str(refused.value)
