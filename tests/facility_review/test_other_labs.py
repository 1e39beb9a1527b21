"""Labs that do not run autolab: what their documents and tables count for, and what is said of bad ones."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from facility_review.collecting import collect
from facility_review.instrument import load_instrument
from facility_review.reduction import Examined, examine
from facility_review.units import load_units
from tests.facility_review.journals import IDENTITY

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()
HEAD = "trial,begun,ended,status,chosen_by,realm,person\n"


def examined(folder: Path, key: str, name: str, text: str, identity: bool = True) -> Examined:
    head = IDENTITY.format(name="cell") if identity else "unit: cell\n"
    said = f"laboratory: Example National Laboratory\n{head}{key}: [{name}]\n"
    (folder / "evidence.yaml").write_text(said, encoding="utf-8")
    (folder / name).write_text(text, encoding="utf-8")
    units = load_units([folder / "evidence.yaml"])
    return examine(INSTRUMENT, collect(units, [], INSTRUMENT, AS_OF)[0], AS_OF)


def rows(n: int, status: str = "valid", chosen_by: str = "ai", realm: str = "physical", start: int = 0) -> str:
    return "".join(
        f"t{start + i},2026-11-{1 + i % 20:02d}T10:00:00+00:00,,{status},{chosen_by},{realm},Ada\n" for i in range(n)
    )


def test_a_trial_table_is_documented_at_best(tmp_path: Path) -> None:
    found = examined(tmp_path, "tables", "trials.csv", HEAD + rows(30) + rows(10, "failed", "design", start=30))
    answer = found.inputs.records["PER-04"]
    assert (answer.evidence_class, answer.realm, answer.value, answer.n) == ("documented", "physical", 0.75, 40)
    assert found.inputs.records["AUT-04"].value == 0.75


def test_a_table_without_identity_is_simulated(tmp_path: Path) -> None:
    found = examined(tmp_path, "tables", "trials.csv", HEAD + rows(30), identity=False)
    assert found.inputs.records["PER-04"].realm == "simulated"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("x,2026-11-01,,good,ai,physical,Ada\n", "status 'good' is not known"),
        ("x,yesterday,,valid,ai,physical,Ada\n", "begun 'yesterday' is no date"),
        ("t1,2026-11-01T10:00:00+00:00,,valid,ai,physical,Ada\n", "stands in line 3 too"),
        (",2026-11-01,,valid,ai,physical,Ada\n", "the trial has no id"),
        ("x,2026-11-01,,valid,ai,real,Ada\n", "realm 'real' is not known"),
    ],
)
def test_a_bad_row_is_said_with_its_line_and_the_others_count(tmp_path: Path, row: str, sentence: str) -> None:
    found = examined(tmp_path, "tables", "trials.csv", HEAD + rows(4) + row)
    finding = next(each for each in found.findings if sentence in each.text)
    assert (finding.line, found.inputs.records["PER-04"].n) == (6, 4)


def test_a_table_without_a_column_or_a_file_is_said(tmp_path: Path) -> None:
    found = examined(tmp_path, "tables", "trials.csv", "trial,begun\nx,2026-11-01\n")
    assert any("has no column 'ended'" in each.text for each in found.findings)
    (tmp_path / "trials.csv").unlink()
    units = load_units([tmp_path / "evidence.yaml"])
    assert any("cannot be read" in each.text for each in collect(units, [], INSTRUMENT, AS_OF)[0].findings)


def documents(n: int, bad: int, **start: object) -> str:
    lines: list[str] = []
    for i in range(n):
        at = datetime(2026, 11, 1 + i, tzinfo=UTC).timestamp()
        lines.append(json.dumps(["start", {"uid": f"u{i}", "time": at, **start}]))
        lines.append(json.dumps(["stop", {"run_start": f"u{i}", "exit_status": "fail" if i < bad else "success"}]))
    return "\n".join(lines) + "\n"


def test_bluesky_documents_give_what_they_say(tmp_path: Path) -> None:
    text = documents(10, 2, realm="physical", operator="Ada", proposed_by="ai")
    found = examined(tmp_path, "bluesky", "runs.jsonl", text)
    answer = found.inputs.records["PER-04"]
    assert (answer.evidence_class, answer.realm, answer.value, answer.n) == ("documented", "physical", 0.8, 10)
    assert found.inputs.records["AUT-04"].value == 1.0


def test_runs_that_do_not_say_where_they_ran_are_simulated(tmp_path: Path) -> None:
    found = examined(tmp_path, "bluesky", "runs.jsonl", documents(10, 2, operator="Ada") + "{\n")
    assert found.inputs.records["PER-04"].realm == "simulated"
    assert "AUT-04" not in found.inputs.records
    assert any("no Bluesky document" in each.text and each.line == 21 for each in found.findings)


START = {"time": 1793000000, "realm": "physical", "operator": "Ada", "proposed_by": "ai"}


def lines(*documents: object) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in documents)


def test_lines_that_no_parser_or_report_can_take_are_said(tmp_path: Path) -> None:
    text = lines(["start", {"uid": "\ud800", **START}], ["start", {"uid": "a", **START}]) + "[" * 100_000 + "\n"
    found = examined(tmp_path, "bluesky", "runs.jsonl", text)
    refused = [each.line for each in found.findings if "no Bluesky document" in each.text]
    assert (refused, found.inputs.records["PER-04"].n) == ([1, 3], 1)


def test_a_device_that_says_it_is_simulated_makes_its_run_simulated(tmp_path: Path) -> None:
    configuration = {"stage": {"data": {"stage_is_simulated": True}}}
    text = lines(
        ["descriptor", {"uid": "d", "run_start": "a", "configuration": configuration}],
        ["start", {"uid": "a", **START}],
        ["stop", {"run_start": "a", "exit_status": "success"}],
    )
    assert examined(tmp_path, "bluesky", "runs.jsonl", text).inputs.records["PER-04"].realm == "simulated"
    real = text.replace("true", "false")
    assert examined(tmp_path, "bluesky", "runs.jsonl", real).inputs.records["PER-04"].realm == "physical"


def test_the_first_stop_document_of_a_run_stands(tmp_path: Path) -> None:
    stops = [["stop", {"run_start": "a", "exit_status": status}] for status in ("fail", "success")]
    found = examined(tmp_path, "bluesky", "runs.jsonl", lines(["start", {"uid": "a", **START}], *stops))
    assert found.inputs.records["PER-04"].value == 0
    assert any("has a stop document already" in each.text and each.line == 3 for each in found.findings)


def test_runs_with_one_start_time_are_said(tmp_path: Path) -> None:
    text = lines(*(["start", {"uid": uid, **START}] for uid in "abc"))
    found = examined(tmp_path, "bluesky", "runs.jsonl", text)
    assert any("3 runs have the start time 1793000000 (a, b, c)" in each.text for each in found.findings)


@pytest.mark.parametrize("begun", ["0001-01-01T00:00:00+23:00", "1970-01-01", "9999-12-30"])
def test_a_trial_of_a_year_that_nothing_is_reviewed_of_does_not_count(tmp_path: Path, begun: str) -> None:
    row = f"x,{begun},,valid,ai,physical,Ada\n"
    found = examined(tmp_path, "tables", "trials.csv", HEAD + rows(4) + row)
    assert any("is no date from 1990 to 2100" in each.text and each.line == 6 for each in found.findings)
    assert found.inputs.records["PER-04"].n == 4


def test_a_run_of_a_year_that_nothing_is_reviewed_of_does_not_count(tmp_path: Path) -> None:
    text = lines(["start", {"uid": "a", **START}], ["start", {"uid": "b", **START, "time": 0.0}])
    found = examined(tmp_path, "bluesky", "runs.jsonl", text)
    assert any("time 0.0 is not from 1990 to 2100" in each.text and each.line == 2 for each in found.findings)


@pytest.mark.parametrize("key", ["bluesky", "tables", "workbook"])
@pytest.mark.parametrize("name", ["/etc/hostname", "../other.csv", "away", "pipe", "."])
def test_only_plain_files_of_the_unit_are_read_for_collectors(tmp_path: Path, key: str, name: str) -> None:
    (tmp_path / "away").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    head = f"laboratory: Example National Laboratory\n{IDENTITY.format(name='cell')}"
    named = name if key == "workbook" else f"[{name}]"
    (tmp_path / "evidence.yaml").write_text(f"{head}{key}: {named}\n", encoding="utf-8")
    (unit,) = load_units([tmp_path / "evidence.yaml"])
    assert (unit.bluesky, unit.tables, unit.workbook) == ((), (), None)
    (finding,) = unit.findings
    assert str(finding).startswith(f"{tmp_path}/evidence.yaml:9: {name}: ")
    assert not finding.is_routine
