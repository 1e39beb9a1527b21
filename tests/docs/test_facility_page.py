"""The evidence that the how-to for facility managers shows is evidence that the program reads."""

from __future__ import annotations

from pathlib import Path

from facility_review.collecting import collect
from facility_review.instrument import load_instrument
from facility_review.reduction import examine
from facility_review.review import review
from facility_review.units import load_units
from tests.docs import pages
from tests.facility_review.compiled import AS_OF

PAGE = "docs/how-to/assess-a-facility.md"


def test_the_evidence_on_the_page_is_read_and_only_its_files_are_missed(tmp_path: Path) -> None:
    text = "\n".join(block.text for block in pages.blocks("yaml") if block.page == PAGE)
    file = tmp_path / "evidence.yaml"
    file.write_text(text, encoding="utf-8")
    units = load_units([file])
    assert (units[0].id, units[0].findings) == ("bench-3", ())
    (evidence,) = collect(units, [], load_instrument(), AS_OF)
    assert sorted(each.subject for each in evidence.records) == ["m_estop_coverage", "open_serious_events"]
    said = [str(each) for each in examine(load_instrument(), evidence, AS_OF).findings]
    missed = ("the file is gone", "is missing or cannot be read")
    refused = [each for each in said if each.startswith(str(file)) and not any(words in each for words in missed)]
    assert not refused, refused


def test_a_unit_without_a_lab_file_is_not_told_to_test_one(tmp_path: Path) -> None:
    file = tmp_path / "evidence.yaml"
    file.write_text("unit: bench-3\nlaboratory: Example National Laboratory\n", encoding="utf-8")
    (found,) = review([file], [], load_instrument(), AS_OF, then=lambda one: one)
    commands = [each.command for each in found.document.gaps.items if each.command]
    assert not [each for each in commands if "LAB" in each or "evidence.yaml" in each]
