"""Which units are reviewed together: those that share journals, each with all of its own and no others."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from facility_review.outlines import Outline, groups, read_outline
from tests.facility_review.journals import bench

NAMES = "abcde"
LABS = st.lists(st.frozensets(st.sampled_from([*NAMES, "x"])), max_size=6)


@given(labs=LABS)
def test_a_group_has_all_journals_of_its_units_and_none_that_is_of_others(labs: list[frozenset[str]]) -> None:
    outlines = [Outline(Path(str(number)), each, frozenset()) for number, each in enumerate(labs)]
    found = list(groups(NAMES, outlines))
    assert sorted(name for group in found for name in group.units) == list(NAMES), "each unit is in one group"
    for group in found:
        for outline in outlines:
            is_theirs = bool(outline.labs & group.units)
            assert (outline.folder in group.folders) == (is_theirs or not outline.labs)
            if is_theirs:
                assert outline.labs & set(NAMES) <= group.units, "units that share a journal are together"


def test_a_journal_says_whose_it_is_and_which_serial_numbers_are_simulated(tmp_path: Path) -> None:
    serials: list[frozenset[str]] = []
    for realm in ("simulated", "physical"):
        with bench(tmp_path / realm, realm=realm) as made:
            run = made.begin()
            run.trials([5.0])
            run.end()
            assert len(made.devices) == 2
        found = read_outline(tmp_path / realm)
        assert found.labs == {"bench"}
        serials.append(found.simulated)
    assert [len(each) for each in serials] == [2, 0]


def test_a_journal_that_cannot_be_read_is_reviewed_with_all_units(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 100)
    found = read_outline(tmp_path)
    assert found == Outline(tmp_path, frozenset(), frozenset())
    assert [group.folders for group in groups("ab", [found])] == [(tmp_path,), (tmp_path,)]
