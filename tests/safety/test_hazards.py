"""Each hazard in the register has a control that is there, and a test that exists."""

from __future__ import annotations

import ast
from pathlib import Path
from pkgutil import resolve_name

import pytest

from safety.hazards import RegisteredHazard, hazard_page, hazards

REGISTER = hazards()


def test_the_page_is_the_one_that_the_register_gives(repository: Path):
    """``python -m tests.docs.write_hazards`` writes it."""
    assert (repository / "docs/reference/hazards.md").read_text(encoding="utf-8") == hazard_page(REGISTER)


@pytest.mark.parametrize("hazard", REGISTER, ids=lambda hazard: hazard.id)
def test_what_enforces_a_control_is_there(hazard: RegisteredHazard):
    for name in hazard.enforced:
        assert resolve_name(name) is not None, name


@pytest.mark.parametrize("hazard", REGISTER, ids=lambda hazard: hazard.id)
def test_the_test_of_a_control_exists(hazard: RegisteredHazard, repository: Path):
    for node in hazard.tests:
        file, _, name = node.partition("::")
        tree = ast.parse((repository / file).read_text(encoding="utf-8"))
        assert name in [item.name for item in tree.body if isinstance(item, ast.FunctionDef)], node


@pytest.mark.parametrize("part", ["control", "enforced", "tests", "residual"])
def test_a_hazard_without_a_part_is_no_hazard_of_the_register(part: str, tmp_path: Path):
    keys = ("id", "cause", "consequence", "control", "residual")
    whole = [f"{key}: x" for key in keys] + ["enforced: [x]", "tests: [x]"]
    file = tmp_path / "hazards.yaml"
    for missing in ([line for line in whole if not line.startswith(part)], [_empty(line, part) for line in whole]):
        file.write_text("- " + "\n  ".join(missing) + "\n")
        with pytest.raises(ValueError, match="hazard"):
            hazards(file)


def _empty(line: str, part: str) -> str:
    return f"{part}: ''" if line.startswith(part) else line
