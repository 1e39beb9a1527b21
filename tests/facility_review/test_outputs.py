"""Tables and comparison: made from the document alone."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.core.errors import InputError
from facility_review.comparing import changes
from facility_review.evidencemodel import EntryModel, EvidenceFileModel
from facility_review.filekinds import evidence_page
from facility_review.redaction import redacted
from facility_review.tables import TABLES, csv_tables
from tests.facility_review.compiled import document, document_of
from tests.facility_review.examples import NAMES, inputs_of


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", NAMES)
def test_the_four_tables_hold_a_row_for_each_thing(name: str) -> None:
    found = document(name)
    tables = csv_tables(found)
    assert list(tables) == ["criteria", "gaps", "evidence", "standards"]
    assert [line["id"] for line in rows(tables["criteria"])] == [each.id for each in found.criteria]
    assert [line["gap_id"] for line in rows(tables["gaps"])] == [each.gap_id for each in found.gaps.items]
    assert [line["id"] for line in rows(tables["evidence"])] == [each.id for each in found.evidence_index]
    assert len(rows(tables["standards"])) == len(found.standards_register)
    for table, text in tables.items():
        assert tuple(text.splitlines()[0].split(",")) == TABLES[table]


def test_a_row_of_the_criteria_says_what_the_document_says() -> None:
    line = next(each for each in rows(csv_tables(document("B"))["criteria"]) if each["id"] == "AUT-02")
    assert float(line["score"]) == pytest.approx(3.72, abs=0.005)
    assert (line["n"], line["evidence_class"], line["realm"]) == ("850", "measured", "physical")
    assert float(line["interval_low"]) < float(line["score"]) < float(line["interval_high"])


def test_no_cell_is_a_formula() -> None:
    found = document_of(replace(inputs_of("E"), unit="e"))
    evil = found.evidence_index[0].model_copy(update={"source": '=HYPERLINK("x")', "query": "+1", "value": -1.5})
    text = csv_tables(found.model_copy(update={"evidence_index": (evil,)}))["evidence"]
    (line,) = rows(text)
    assert (line["source"], line["query"], line["value"]) == ('\'=HYPERLINK("x")', "'+1", "-1.5")


def test_nothing_changed_is_said() -> None:
    assert changes(document("B"), document("B")) == ("Nothing changed since 2026-11-22.",)


def test_what_changed_comes_with_its_reason() -> None:
    good = document_of(replace(inputs_of("B"), unit="bench"))
    bad = document_of(replace(inputs_of("A"), unit="bench"))
    said = changes(good, bad)
    assert said[0] == "Level: R3 on 2026-11-22 became R0 on 2026-11-22."
    assert any(each.startswith("Gate G02 Credited interlocks proven: pass became fail.") for each in said)
    (score,) = [each for each in said if each.startswith("SAF-03")]
    assert "4.0" in score or "5.0" in score
    assert "because its value was 1 and is 0.96" in score


def test_a_lower_class_and_another_realm_are_named_as_reasons() -> None:
    before, after = (document_of(replace(inputs_of(name), unit="bench")) for name in ("B", "C"))
    assert any("because it was physical and is simulated" in each for each in changes(before, after))
    after = document_of(replace(inputs_of("D"), unit="bench"))
    assert any("its evidence was measured and is attested" in each for each in changes(before, after))


def test_another_instrument_is_said_first() -> None:
    old = document("B")
    other = old.instrument.model_copy(update={"version": "0.0.9", "sha256": "f" * 64})
    said = changes(old.model_copy(update={"instrument": other}), document("B"))
    assert said[0].startswith("Instrument: 0.0.9 became 0.1.0; scores of two instruments are no trend")


def test_two_units_and_redacted_views_are_not_compared() -> None:
    with pytest.raises(InputError, match="the earlier assessment is of A: name one of B"):
        changes(document("A"), document("B"))
    with pytest.raises(InputError, match="a redacted view cannot be compared"):
        changes(redacted(document("B")), document("B"))


def test_the_reference_of_the_file_of_evidence_is_that_of_its_models() -> None:
    page = Path(__file__).parents[2] / "docs/reference/evidence-file.md"
    made = evidence_page()
    assert page.read_text(encoding="utf-8") == made, "write it again: python -m tests.facility_review.write_reference"
    for model in (EvidenceFileModel, EntryModel):
        for name, field in model.model_fields.items():
            assert f"| `{field.alias or name}` |" in made
            assert field.description, f"{name} has no words"


def test_the_reference_of_criteria_is_that_of_the_instrument(repository: object) -> None:
    from facility_review.criteriapage import criteria_page
    from facility_review.instrument import load_instrument

    page = Path(str(repository)) / "docs/reference/readiness-criteria.md"
    made = criteria_page(load_instrument())
    assert page.read_text(encoding="utf-8") == made, "write it again: python -m tests.facility_review.write_reference"
    for criterion in load_instrument().criteria.values():
        assert f"### {criterion.id} {criterion.title}" in made
