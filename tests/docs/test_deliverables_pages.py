"""The pages of challenges and of the deliverables' files say what the code knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from facility_review.agreements import AgreementsModel
from facility_review.annualmodels import AnnualModel
from facility_review.entries import read_entries
from facility_review.registermodels import RegistersModel
from tests.docs import pages
from tests.docs.write_deliverables import FOLDER, challenges_page, files_page

HOW_TO = pages.ROOT / "docs/how-to/registers-and-annual-chapter.md"


PAGES = {"challenges.md": challenges_page, "deliverables-files.md": files_page}
EXAMPLES = {"registers.yaml": RegistersModel, "agreements.yaml": AgreementsModel, "annual.yaml": AnnualModel}


@pytest.mark.parametrize(("name", "write"), PAGES.items(), ids=PAGES)
def test_the_page_is_what_the_code_would_write(name: str, write: Callable[[], str]) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text == write(), "run 'python -m tests.docs.write_deliverables'"


def test_the_examples_of_the_how_to_are_read(tmp_path: Path) -> None:
    blocks = re.findall(r"## (\w+\.yaml)\n\n```yaml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [name for name, _ in blocks] == list(EXAMPLES)
    for name, block in blocks:
        (tmp_path / name).write_text(block, encoding="utf-8")
        assert read_entries(tmp_path / name, EXAMPLES[name], date(2026, 11, 22)) is not None
