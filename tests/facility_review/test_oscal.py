"""The OSCAL files: compliance-trestle loads them, and every id in them leads somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from facility_review.files import spaced_json
from facility_review.oscal import assessment_results, plan_of_action
from tests.facility_review.compiled import document
from tests.facility_review.examples import NAMES

PINS = Path(__file__).with_name("oscal-requirements.txt")
LOAD = """
import sys
from pathlib import Path
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.poam import PlanOfActionAndMilestones
for name in sys.argv[1:]:
    kind = PlanOfActionAndMilestones if "poam" in name else AssessmentResults
    model = kind.oscal_read(Path(name))
    print(type(model).__name__, len(getattr(model, "poam_items", None) or model.results[0].findings))
"""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="session")
def trestle(repository: Path) -> Path:
    """Python of an environment of its own with compliance-trestle, made once and kept beside the project's."""
    folder = repository / ".venv-oscal"
    python, mark = folder / "bin" / "python", folder / "pins.txt"
    known = f"{sys.version_info[:2]}\n{PINS.read_text(encoding='utf-8')}"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != known:
        venv.create(folder, clear=True, with_pip=True)
        command = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--constraint",
            PINS,
        ]
        done = subprocess.run([*command, "compliance-trestle"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"compliance-trestle cannot be installed into {folder}:\n{done.stderr}"
        mark.write_text(known, encoding="utf-8")
    return python


def found(plain: Any, key: str) -> list[str]:
    """All values of a key, wherever it stands."""
    if isinstance(plain, dict):
        mine = [plain[key]] if isinstance(plain.get(key), str) else []
        return mine + [each for value in plain.values() for each in found(value, key)]
    return [each for item in plain for each in found(item, key)] if isinstance(plain, list) else []


def test_compliance_trestle_loads_both_files_of_every_example(trestle: Path, tmp_path: Path) -> None:
    names = []
    for name in NAMES:
        for kind, model in (("results", assessment_results), ("poam", plan_of_action)):
            path = tmp_path / f"{name}-{kind}.json"
            path.write_text(spaced_json(model(document(name))), encoding="utf-8")
            names.append(str(path))
    done = subprocess.run([trestle, "-c", LOAD, *names], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    applicable = [sum(each.is_applicable for each in document(name).criteria) for name in NAMES]
    assert lines[::2] == [f"AssessmentResults {count}" for count in applicable]
    assert lines[1::2] == [f"PlanOfActionAndMilestones {len(document(name).gaps.items)}" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_leads_to_something_in_the_file(name: str) -> None:
    for model in (assessment_results(document(name)), plan_of_action(document(name))):
        ids = found(model, "uuid")
        assert len(ids) == len(set(ids))
        assert all(UUID.fullmatch(each) for each in ids)
        for key in ("observation-uuid", "risk-uuid"):
            assert set(found(model, key)) <= set(ids), key


def test_the_plan_is_imported_and_says_that_it_is_a_proposal() -> None:
    results = assessment_results(document("B"))["assessment-results"]
    (resource,) = results["back-matter"]["resources"]
    assert results["import-ap"]["href"] == f"#{resource['uuid']}"
    assert "Independent proposal" in resource["description"]


def test_findings_say_satisfied_by_what_the_next_level_asks_for() -> None:
    (result,) = assessment_results(document("B"))["assessment-results"]["results"]
    states = {each["target"]["target-id"]: each["target"]["status"] for each in result["findings"]}
    assert (states["AIG-01"]["state"], states["AIG-01"]["reason"]) == ("satisfied", "pass")
    assert (states["OPS-04"]["state"], states["OPS-04"]["reason"]) == ("not-satisfied", "fail")


def test_risks_of_both_files_are_the_same_risks() -> None:
    (result,) = assessment_results(document("A"))["assessment-results"]["results"]
    plan = plan_of_action(document("A"))["plan-of-action-and-milestones"]
    assert [each["uuid"] for each in result["risks"]] == [each["uuid"] for each in plan["risks"]]
    assert any("deadline" in each for each in plan["risks"])


def test_simulated_evidence_is_marked_in_both_files() -> None:
    for model in (assessment_results, plan_of_action):
        assert "SIMULATED PROFILE" in json.dumps(model(document("C")))
        assert "SIMULATED PROFILE" not in json.dumps(model(document("B")))


def test_the_same_assessment_gives_the_same_ids_and_another_unit_gives_others() -> None:
    assert spaced_json(assessment_results(document("B"))) == spaced_json(assessment_results(document("B")))
    first, second = (set(found(assessment_results(document(name)), "uuid")) for name in ("A", "B"))
    assert first.isdisjoint(second)
