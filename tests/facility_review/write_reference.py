"""Writes criteria, file of evidence and schema anew: ``python -m tests.facility_review.write_reference``."""

from __future__ import annotations

import json
from pathlib import Path

from facility_review.criteriapage import criteria_page
from facility_review.document import document_schema
from facility_review.filekinds import evidence_page
from facility_review.instrument import load_instrument

REFERENCE = Path(__file__).parents[2] / "docs/reference"

if __name__ == "__main__":
    (REFERENCE / "readiness-criteria.md").write_text(criteria_page(load_instrument()), encoding="utf-8")
    (REFERENCE / "evidence-file.md").write_text(evidence_page(), encoding="utf-8")
    schema = json.dumps(document_schema(), indent=2, ensure_ascii=False)
    (REFERENCE / "assessment.schema.json").write_text(schema + "\n", encoding="utf-8")
