"""Exported trials: the same bytes for the same journal, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pyarrow.parquet as pq

from autolab.core.parameters import ChoiceParameter
from autolab.core.problem import Problem, Space
from autolab.core.trials import Suggestion
from autolab.journal.reader import JournalReader
from autolab.report.table import csv_text, write_parquet
from tests.report.journals import PROBLEM, write_journal


def exported(folder: Path, **more: str) -> str:
    folder.mkdir()
    campaign = write_journal(folder, **more)  # type: ignore[arg-type]
    reader = JournalReader.open(folder)
    try:
        return csv_text(reader.campaign(campaign).problem, reader.trials(campaign))
    finally:
        reader.close()


def test_equal_campaigns_export_the_same_bytes_whatever_their_names(tmp_path: Path) -> None:
    first = exported(tmp_path / "a", campaign="one-20260101T000000", key="aaaa")
    second = exported(tmp_path / "b", campaign="two-20270101T000000", key="bbbb")
    assert first == second
    assert "one" not in first.replace("none", "")
    assert "2026" not in first


def test_the_columns_carry_units_and_the_numbers_read_back(tmp_path: Path) -> None:
    text = exported(tmp_path / "a")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == [
        "trial", "state", "cyan_uL", "magenta_uL", "yellow_uL", "mixing_time_s", "cycles", "solvent",
        "colour_distance", "colour_distance_sem", "turbidity", "turbidity_sem", "verdict", "engine", "workflow", "why",
        "suggested_s", "started_s", "ended_s",
    ]  # fmt: skip
    reader = JournalReader.open(tmp_path / "a")
    trials = reader.trials(reader.campaign().id)
    reader.close()
    for row, trial in zip(rows, trials, strict=True):
        assert float(row["cyan_uL"]) == trial.suggestion.values["cyan"]
        if trial.outcome:
            assert float(row["colour_distance"]) == trial.outcome["colour_distance"].value
    refused, failed = rows[8], rows[16]
    assert (refused["state"], refused["verdict"], refused["colour_distance"], refused["started_s"]) == (
        "refused", "refused", "", "",
    )  # fmt: skip
    assert (failed["state"], failed["colour_distance"], failed["ended_s"] != "") == ("failed", "", True)


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(tmp_path: Path) -> None:
    exported(tmp_path / "a", name="x")
    reader = JournalReader.open(tmp_path / "a")
    trial = reader.trials(reader.campaign().id)[0]
    reader.close()
    evil = '=HYPERLINK("http://x")'
    problem = Problem(Space((ChoiceParameter("solvent", (evil, "water")),)), PROBLEM.objective)
    suggestion = Suggestion(1, {"solvent": evil}, "@engine", '+why, "quoted"', 1, (), ())
    text = csv_text(problem, [dataclasses.replace(trial, suggestion=suggestion)])
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["solvent"], row["engine"], row["why"]) == (f"'{evil}", "'@engine", '\'+why, "quoted"')


def test_parquet_holds_the_same_table(tmp_path: Path) -> None:
    text = exported(tmp_path / "a")
    reader = JournalReader.open(tmp_path / "a")
    campaign = reader.campaign()
    write_parquet(campaign.problem, reader.trials(campaign.id), tmp_path / "trials.parquet")
    reader.close()
    table = pq.read_table(tmp_path / "trials.parquet")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert table.column_names == list(rows[0])
    assert table.column("colour_distance").to_pylist() == [
        float(row["colour_distance"]) if row["colour_distance"] else None for row in rows
    ]
