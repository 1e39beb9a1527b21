"""A copy of the journal while a campaign runs: it opens, it is verified, and it lacks nothing of its moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autolab.campaign.events import CampaignEvent, TrialEnded
from autolab.cli import main
from autolab.core.errors import InputError, StorageError
from autolab.core.trials import TrialState
from autolab.journal.audit import Audit
from autolab.journal.backup import back_up
from autolab.journal.reader import JournalReader
from benchmarks.powerloss import five_actions
from tests.campaign.softlab import SoftLab


class Copyist:
    """Makes a copy each time a trial has ended."""

    def __init__(self, data: Path, copies: Path) -> None:
        self._data, self._copies = data, copies
        self.found: list[Audit] = []

    def notify(self, event: CampaignEvent) -> None:
        if isinstance(event, TrialEnded):
            self.found.append(back_up(self._data, self._copies / str(event.trial)))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def run(data: Path, *observers: object) -> None:
    lab = SoftLab(trials=4, folder=data, make_plan=five_actions, observers=observers)
    assert lab.run(lambda journal: journal.export_heads(None)).state == "finished"
    lab.journal.close()


def test_a_copy_made_while_a_campaign_runs_has_all_that_had_ended(data: Path, tmp_path: Path):
    copyist = Copyist(data, tmp_path / "copies")
    run(data, copyist)
    assert [found.findings for found in copyist.found] == [()] * 4
    for number in range(1, 5):
        reader = JournalReader.open(tmp_path / "copies" / str(number))
        trials = reader.trials("soft-1", state=TrialState.INGESTED)
        assert [trial.number for trial in trials] == list(range(1, number + 1))
        assert all(reader.data("soft-1", trial.number).events for trial in trials)
        assert reader.campaign().state == "running"
        reader.close()


def test_the_command_makes_a_copy_that_passes_audit_verify(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run(data)
    copy = tmp_path / "copy"
    assert main(["backup", str(copy), "--data", str(data)]) == 0
    assert "rows of the journal agree" in capsys.readouterr().out
    assert main(["audit", "verify", "--data", str(copy)]) == 0
    names = {path.name for path in copy.iterdir()}
    assert {"journal.sqlite", "documents.sqlite", "audit.pub", "heads.jsonl"} <= names
    assert "audit.key" not in names
    assert main(["backup", str(copy), "--data", str(data)]) == 2
    assert "is there already; name a new folder" in capsys.readouterr().err


def test_a_copy_of_a_record_that_was_changed_says_so(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run(data)
    with closing(sqlite3.connect(data / "journal.sqlite")) as connection:
        connection.execute("UPDATE trials SET outcome = '{}' WHERE number = 2")
        connection.commit()
    assert main(["backup", str(tmp_path / "copy"), "--data", str(data)]) == 2
    said = capsys.readouterr().err
    assert "is a true copy of a journal that is not sound" in said
    assert "trials campaign=soft-1 number=2: 'outcome'" in said


def test_where_no_copy_can_be_made_nothing_is_left(data: Path, tmp_path: Path):
    with pytest.raises(InputError, match="holds no campaigns"):
        back_up(data, tmp_path / "copy")
    run(data)
    with (data / "journal.sqlite").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(StorageError, match="damaged"):
        back_up(data, tmp_path / "copy")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Not a directory; name a folder where there is room and right to write"):
        back_up(data, tmp_path / "file" / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file"]
