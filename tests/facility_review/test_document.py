"""The document that all outputs are made from: its shape, its schema, and how it is read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autolab.core.errors import FileError
from facility_review.document import AssessmentDocument, document_schema, json_text, read_document
from tests.facility_review.compiled import RUNS, document
from tests.facility_review.examples import NAMES, expected

TOP_LEVEL = (
    "instrument", "unit", "as_of", "window", "assessors", "level", "assured_level", "p_level", "gates", "dimensions",
    "criteria", "metrics", "profile", "gaps", "standards_register", "evidence_index", "coverage", "agreement",
    "sensitivity", "provenance", "marking", "signature",
)  # fmt: skip
"""As the instrument lists them."""


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_what_was_scored(name: str) -> None:
    found, wanted = document(name), expected(name)
    assert (found.level.id, found.assured_level.id) == (wanted["level"], wanted["assured_level"])
    assert {each.id: round(each.score, 2) for each in found.criteria if each.id in wanted["scores"]} == wanted["scores"]
    assert found.profile.index == pytest.approx(wanted["index"], abs=0.05)
    assert found.level.is_simulated_profile is (name == "C")


def test_the_top_level_is_that_of_the_instrument() -> None:
    assert tuple(json.loads(json_text(document("B")))) == TOP_LEVEL


@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_back_as_it_was_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / "assessment.json"
    path.write_text(json_text(document(name)), encoding="utf-8")
    assert read_document(path) == document(name)


def test_every_number_leads_to_records_and_every_record_to_its_runs() -> None:
    found = document("B")
    known = {each.id: each for each in found.evidence_index}
    for line in (*found.criteria, *found.metrics):
        if line.evidence_class != "none":
            assert line.evidence, line.id
            assert set(line.evidence) <= known.keys()
    assert all(each.runs == RUNS for each in known.values())


def test_the_schema_that_is_published_is_that_of_the_code(repository: Path) -> None:
    page = repository / "docs/reference/assessment.schema.json"
    said = json.loads(page.read_text(encoding="utf-8"))
    assert said == document_schema(), "write it again: python -m tests.facility_review.write_reference"


def test_a_document_meets_the_published_schema(repository: Path) -> None:
    import jsonschema

    schema = json.loads((repository / "docs/reference/assessment.schema.json").read_text(encoding="utf-8"))
    for name in NAMES:
        jsonschema.validate(json.loads(json_text(document(name))), schema)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is no assessment: instrument: Field required"),
        ("not json", "is no assessment: the whole file: Invalid JSON"),
        ('{"level": 3}', "is no assessment: instrument"),
    ],
)
def test_what_is_no_assessment_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_bytes_and_missing_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match=r"bytes\.json: is not UTF-8 text"):
        read_document(tmp_path / "bytes.json")
    with pytest.raises(FileError, match=r"gone\.json: cannot be read"):
        read_document(tmp_path / "gone.json")
    with pytest.raises(FileError, match=r"null: is no plain file"):
        read_document(Path("/dev/null"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"id": "R1"', '"id": "R9"'),
        ('"ceiling": "R0"', '"ceiling": "R7"'),
        ('"target": "R2"', '"target": "A"'),
        ('"coverage": ', '"coverage": NaN, "x": '),
    ],
)
def test_what_somebody_has_edited_into_an_assessment_is_refused(old: str, new: str, tmp_path: Path) -> None:
    text = json_text(document("E"))
    assert old in text
    (tmp_path / "assessment.json").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FileError, match="is no assessment: "):
        read_document(tmp_path / "assessment.json")


def test_a_key_that_nobody_declared_is_refused(tmp_path: Path) -> None:
    plain = json.loads(json_text(document("E"))) | {"stars": 5}
    path = tmp_path / "assessment.json"
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(FileError, match="stars: Extra inputs are not permitted"):
        read_document(path)


def test_the_same_inputs_give_the_same_bytes() -> None:
    from tests.facility_review.compiled import document_of
    from tests.facility_review.examples import inputs_of

    again: AssessmentDocument = document_of(inputs_of("B"))
    assert json_text(again) == json_text(document("B"))
