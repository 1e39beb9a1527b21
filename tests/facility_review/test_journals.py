"""Several journals of one lab: what stands in two of them, and that their order does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from facility_review.collecting import UnitEvidence, collect
from facility_review.evidence import EvidenceRecord
from facility_review.instrument import load_instrument
from facility_review.units import load_units
from tests.facility_review.journals import bench, write_unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()


def journal(folder: Path, values: Sequence[float | None], before: int = 0) -> Path:
    with bench(folder) as made:
        made.n_campaigns = before
        run = made.begin()
        run.trials(values)
        run.end()
    return folder


def gathered(folder: Path, folders: Sequence[Path]) -> UnitEvidence:
    return collect(load_units([write_unit(folder / "files")]), folders, INSTRUMENT, AS_OF)[0]


def record(found: UnitEvidence, subject: str) -> EvidenceRecord | None:
    return next((each for each in found.records if each.subject == subject), None)


def test_a_campaign_that_differs_between_journals_does_not_count(tmp_path: Path) -> None:
    one = journal(tmp_path / "a", [5.0, 4.0])
    other = journal(tmp_path / "b", [5.0, None])
    found = gathered(tmp_path, [one, other])
    assert record(found, "m_valid_yield") is None
    said = [each.text for each in found.findings if "campaign bench-001 differs between the journals" in each.text]
    assert len(said) == 1
    assert f"{one}, {other}" in said[0]


def test_the_order_of_the_folders_does_not_matter(tmp_path: Path) -> None:
    folders = [journal(tmp_path / "a", [5.0, 4.0]), journal(tmp_path / "b", [5.0, None], before=1)]
    found, other = (gathered(tmp_path, order) for order in (folders, folders[::-1]))
    assert (found.records, found.findings) == (other.records, other.findings)
    whole = record(found, "m_valid_yield")
    assert whole is not None
    assert (whole.n, whole.successes) == (4, 3)


def test_the_entries_of_all_logs_are_summed(tmp_path: Path) -> None:
    folders = [journal(tmp_path / "a", [5.0, 4.0]), journal(tmp_path / "b", [5.0], before=1)]
    logs = [record(gathered(tmp_path, chosen), "m_log_integrity") for chosen in (folders[:1], folders[1:], folders)]
    counts = [each.n for each in logs if each is not None and each.n is not None]
    assert len(counts) == 3
    assert counts[2] == counts[0] + counts[1]
