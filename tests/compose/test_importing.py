"""Imported rows are trials with a provenance: learned from, never doubled, and no evidence of the lab's work."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from autolab.cli.entry import main
from autolab.compose.amending import repeat_trial
from autolab.compose.earlier import with_earlier
from autolab.compose.importing import ImportWish, import_table
from autolab.config.campaign import load_campaign
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.core.proposing import SuggestRequest
from autolab.core.trials import TrialState
from autolab.journal.audit import audit
from autolab.journal.reader import JournalReader
from autolab.report.page import render_report
from autolab.report.provenance import provenance
from facility_review.campaigns import read_campaigns
from facility_review.ledger import read_ledgers
from optimizer.engine import suggest
from tests.compose.files import example

ADA = Principal("ada", "person")
HEADER = "cyan,magenta,yellow,colour_distance,barcode,day\n"
ROWS = "".join(f"{10 * i},{5 * i},{60 - 6 * i},{20 + i},B{i},mon\n" for i in range(8))


def wish(folder: Path, text: str, name: str = "old.csv", earlier: str = "") -> ImportWish:
    campaign = folder / "replay" / "campaign.yaml"
    if not campaign.exists():
        campaign = example("replay", folder)
    (folder / name).write_text(text)
    return ImportWish(campaign, folder / name, realm="physical")


def test_each_row_is_a_trial_that_tells_where_it_comes_from(tmp_path: Path) -> None:
    found = import_table(wish(tmp_path, HEADER + ROWS + "1,2,999,4,B9,tue\n"), tmp_path / "data", ADA)
    assert found.campaign is not None
    reader = JournalReader.open(tmp_path / "data")
    record, trials = reader.campaign(found.campaign), reader.trials(found.campaign)
    assert (record.state, record.realm, record.principal, record.lab) == ("imported", "physical", "ada", "replay")
    assert record.reason == f"8 of 9 rows of {tmp_path}/old.csv were taken"
    assert [trial.source and trial.source.row for trial in trials] == list(range(2, 10))
    assert {trial.state for trial in trials} == {TrialState.INGESTED}
    assert {trial.workflow for trial in trials} == {None}
    origin = provenance(reader, record, trials[2])
    assert origin.source is not None
    assert not origin.gaps
    assert str(origin.source.row) == "row 4, barcode B2"
    assert origin.source.table.sha256 == found.table.sha256
    assert (origin.source.table.by, origin.source.table.n_refused) == ("ada", 1)
    assert "It was imported: 8 of 9 rows" in render_report(reader, record)
    assert not audit(tmp_path / "data", None).findings
    reader.close()


def test_the_same_file_is_imported_once_and_one_that_has_grown_for_its_new_rows(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = import_table(wish(tmp_path, HEADER + ROWS), data, ADA)
    with pytest.raises(InputError, match=rf"imported by ada on .*, and is {first.campaign}: nothing is doubled"):
        import_table(wish(tmp_path, HEADER + ROWS), data, ADA)
    # Row 10 is a replicate with the same result, which its day and barcode tell apart.
    grown = HEADER + ROWS + "0,0,60,20,B10,tue\n1,2,3,4,B11,tue\n"
    second = import_table(wish(tmp_path, grown, "grown.csv"), data, ADA)
    assert [row.source.row for row in second.table.rows] == [10, 11]
    assert [refusal.reason for refusal in second.table.refused] == ["it was imported before: nothing is doubled"] * 8
    nothing = import_table(wish(tmp_path, HEADER + ROWS + "1,2,3,5,B3,tue\n", "again.csv"), data, ADA)
    assert nothing.campaign is None
    assert nothing.table.refused[8].reason == "row 5 has this barcode, too: a sample has one of its own"
    (taken,) = import_table(wish(tmp_path, HEADER + "1,2,3,5,B3,tue\n", "one.csv"), data, ADA).table.refused
    assert taken.reason == f"it is the barcode of {first.campaign}, trial 4: a sample has one of its own"
    reader = JournalReader.open(data)
    assert [len(reader.trials(record.id)) for record in reader.campaigns()] == [8, 2]
    reader.close()


def test_the_proposer_learns_from_imported_rows(tmp_path: Path) -> None:
    rows = "".join(f"{c},{m},{y},{abs(c - 90) + m + y}\n" for c in (0, 40, 80, 120) for m in (0, 90) for y in (0, 90))
    found = import_table(wish(tmp_path, "cyan,magenta,yellow,colour_distance\n" + rows), tmp_path / "data", ADA)
    file = tmp_path / "replay" / "campaign.yaml"
    file.write_text(file.read_text() + f"earlier: [{found.campaign}]\nengine: lean\n")
    campaign = with_earlier(load_campaign(file), tmp_path / "data")
    (source,) = campaign.problem.earlier
    assert (source.name, len(source.rows)) == (found.campaign, 16)
    suggestion = suggest(SuggestRequest(campaign.problem, campaign.engine, 1, seed=1, design_seed=1))
    assert suggestion.values.keys() == {"cyan", "magenta", "yellow"}


def test_what_was_imported_is_no_evidence_of_what_the_lab_has_done(tmp_path: Path) -> None:
    found = import_table(wish(tmp_path, HEADER + ROWS), tmp_path / "data", ADA)
    reader = JournalReader.open(tmp_path / "data")
    assert all(not ledger.campaigns for ledger in read_ledgers(reader, tmp_path / "data").values())
    reader.close()
    assert read_campaigns(tmp_path / "data", "replay", date(2100, 1, 1)) == ()
    assert found.campaign is not None
    with pytest.raises(InputError, match="was imported, and nothing can be run in it"):
        repeat_trial(tmp_path / "data", found.campaign, 1, "why not", ADA)


def test_more_rows_than_a_campaign_learns_from_are_taken_and_that_is_said(tmp_path: Path) -> None:
    rows = "".join(f"{i / 100},1,2,{i}\n" for i in range(2001))
    found = import_table(wish(tmp_path, "cyan,magenta,yellow,colour_distance\n" + rows), tmp_path / "data", ADA)
    assert len(found.table.rows) == 2001
    assert found.table.notes[-1].startswith("a campaign learns from at most 2000 rows of one source")


def test_a_mapping_says_where_the_rows_were_measured(tmp_path: Path) -> None:
    asked = wish(tmp_path, HEADER + ROWS)
    (tmp_path / "map.yaml").write_text("realm: simulated\n")
    found = import_table(ImportWish(asked.campaign, asked.file, tmp_path / "map.yaml"), tmp_path / "data", ADA)
    assert found.realm == "simulated"


def test_the_command_shows_writes_and_says_what_it_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = wish(tmp_path, HEADER + ROWS + '1,2,"3,5",4,B9,tue\n')
    words = ["import", str(asked.campaign), str(asked.file), "--data", str(tmp_path / "data")]
    assert main([*words, "--preview"]) == 0
    said = capsys.readouterr()
    assert "8 of 9 rows would be taken; nothing was written" in said.out
    assert f"{asked.file}: row 10, column 'yellow', '3,5': there is a comma in it" in said.err
    assert not (tmp_path / "data").exists()
    assert main(words) == 2
    assert "--realm: say where the rows were measured, physical, emulated or simulated" in capsys.readouterr().err
    assert main([*words, "--realm", "physical", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["taken"], answer["rows"], answer["refused"][0]["row"]) == (8, 9, 10)
    assert main(["show", answer["campaign"], "--trial", "3", "--data", str(tmp_path / "data")]) == 0
    assert f"row 4, barcode B2 of {asked.file} (SHA-256 {answer['sha256'][:12]})" in capsys.readouterr().out
    (tmp_path / "bad.csv").write_text(HEADER + "x,1,2,3,B1,tue\n")
    assert main([*words[:2], str(tmp_path / "bad.csv"), *words[3:], "--realm", "physical"]) == 2
    assert "no row can be taken: nothing was written" in capsys.readouterr().err
