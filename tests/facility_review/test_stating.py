"""Evidence that is added to a file: judged before, hashed now, at the end of the list, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autolab.config.yamlfile import read_yaml
from autolab.core.errors import InputError
from facility_review.declared import read_declared
from facility_review.evidence import EvidenceRecord
from facility_review.instrument import load_instrument
from facility_review.stating import documents_of, state
from facility_review.units import load_units
from tests.compose.files import example

INSTRUMENT = load_instrument()
ENTRY: dict[str, Any] = {
    "metric": "m_asset_coverage", "class": "documented", "realm": "simulated", "by": "Ada Lovelace",
    "date": "2026-10-01", "valid_until": "2027-10-01", "value": 0.9, "n": 40, "successes": 36, "notes": "yes: 'all'",
}  # fmt: skip
FILES = {
    "with a list": """\
# ours
unit: colour-bench  # the bench
evidence:
  - fact: software_can_actuate
    class: attested
    realm: simulated
    by: Bob Ray
    date: 2026-01-02
    valid_until: 2027-01-02
    value: true  # it can

# what follows
boundary: the bench
""",
    "with a list that ends in a text": """\
unit: colour-bench
evidence:
- fact: software_can_actuate
  class: attested
  realm: simulated
  by: Bob Ray
  date: 2026-01-02
  valid_until: 2027-01-02
  value: true
  notes: |
    one
    two
boundary: the bench
""",
    "without a list": "unit: colour-bench\nboundary: the bench",
}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return example("colour", tmp_path).with_name("lab.yaml")


@pytest.mark.parametrize("text", FILES.values(), ids=list(FILES))
def test_an_entry_goes_to_the_end_of_the_list_and_all_else_stays(lab: Path, text: str):
    file = lab.with_name("evidence.yaml")
    file.write_text(text)
    before = read_yaml(file).values
    state(lab, INSTRUMENT, ENTRY)
    after = read_yaml(file).values
    assert after == {**before, "evidence": [*before.get("evidence", []), ENTRY]}
    lines = file.read_text().splitlines()
    assert [line for line in lines if line in text.splitlines()] == text.splitlines()
    (unit,) = load_units([lab])
    records = [each for each in read_declared(unit) if isinstance(each, EvidenceRecord)]
    assert [record.subject for record in records][-1] == "m_asset_coverage"
    assert len(records) == len(after["evidence"])


def test_a_file_is_made_where_there_is_none_and_its_document_is_hashed(lab: Path):
    (lab.parent / "evidence").mkdir()
    (lab.parent / "evidence" / "walk.csv").write_text("stage,yes\n")
    assert documents_of(lab.parent) == ["evidence/walk.csv"]
    record, found = state(lab, INSTRUMENT, ENTRY, "evidence/walk.csv")
    assert (record.integrity, record.sha256 is not None, found) == ("verified", True, [])
    (lab.parent / "evidence" / "walk.csv").write_text("stage,no\n")
    (unit,) = load_units([lab])
    (read,) = [each for each in read_declared(unit) if isinstance(each, EvidenceRecord)]
    assert read.integrity == "failed", "the document is not what was hashed"


@pytest.mark.parametrize(
    ("change", "document", "said"),
    [
        ({"metric": "m_none"}, None, "'m_none' is no metric of the instrument, version"),
        ({"by": "unknown"}, None, "'unknown' is no named person"),
        ({"date": "2026-13-01"}, None, "2026-13-01"),
        ({"valid_until": "2025-01-01"}, None, "is before the day of the entry"),
        ({"value": "high"}, None, "'high' is no number"),
        ({"successes": 50}, None, "50"),
        ({}, "../lab.yaml", "a path without '..' is wanted"),
        ({}, "none.pdf", "none.pdf: No such file"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_would_not_count_is_refused_and_nothing_is_written(
    lab: Path, change: dict[str, Any], document: str | None, said: str
):
    with pytest.raises(InputError, match=said):
        state(lab, INSTRUMENT, {**ENTRY, **change}, document)
    assert not lab.with_name("evidence.yaml").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unit: another\n", "nothing was written, since evidence.yaml is refused: .*evidence of 'another'"),
        ("unit: colour-bench\nevidence: []\n", "its 'evidence' is no list with '- ' before each entry"),
    ],
)
def test_a_file_that_cannot_be_added_to_stays_as_it_is(lab: Path, text: str, said: str):
    lab.with_name("evidence.yaml").write_text(text)
    with pytest.raises(InputError, match=said):
        state(lab, INSTRUMENT, ENTRY)
    assert lab.with_name("evidence.yaml").read_text() == text
    assert sorted(path.name for path in lab.parent.glob("*.yaml")) == ["campaign.yaml", "evidence.yaml", "lab.yaml"]
