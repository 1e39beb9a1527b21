"""What the power takes: nothing that was committed. Each image is what a disk may hold after a failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autolab.core.clock import VirtualClock
from autolab.journal.folder import make_folder
from autolab.journal.journal import Journal
from benchmarks.disk import Disk
from benchmarks.powerloss import ACTIONS, crash_often, record_campaign
from benchmarks.recorder import Recording, recording

TRIALS = 30
IMAGES = 200
MOST_SYNCS = 20
"""Commits of a trial of five actions that wait for the disk."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorded")


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Recording:
    return record_campaign(folder, TRIALS)


def test_no_committed_fact_is_lost_when_the_power_fails_and_every_image_opens(recorded: Recording, folder: Path):
    findings = crash_often(recorded, folder, IMAGES, seed=1)
    assert findings.faults == []
    assert findings.images == IMAGES
    assert findings.facts > 100 * IMAGES
    assert findings.lost_documents > 0  # something was lost indeed


def test_the_recording_holds_all_that_was_written(recorded: Recording, folder: Path, tmp_path: Path):
    """Played to its end it gives the files byte by byte, so what an image lacks the power took, not the recorder."""
    disk = Disk()
    for event in recorded.events:
        if event.what != "said":
            disk.play(event)
    disk.keep(tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    there = {path.name: path.read_bytes() for path in folder.glob("*.sqlite*") if path.suffix != ".sqlite-shm"}
    assert files == {name: content for name, content in there.items() if content}  # a reader makes an empty one
    assert recorded.count("sync", "journal.sqlite") >= 3  # the log was brought into the tables and begun anew


def test_a_journal_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The judge is judged: without synchronisation of the commits, facts are lost and it says so."""
    (tmp_path / "recorded").mkdir()
    prepare = Journal.__init__

    def careless(self: Journal, *arguments: object) -> None:
        prepare(self, *arguments)
        self.states.rows("PRAGMA synchronous = NORMAL")

    monkeypatch.setattr(Journal, "__init__", careless)
    recorded = record_campaign(tmp_path / "recorded", 4)
    monkeypatch.undo()
    findings = crash_often(recorded, tmp_path / "recorded", 30, seed=1)
    assert any("committed facts are lost" in fault for fault in findings.faults)


def test_a_trial_of_five_actions_waits_for_the_disk_twenty_times_at_most(recorded: Recording):
    assert ACTIONS == 5
    n_states = recorded.count("sync", "journal.sqlite-wal") / TRIALS
    n_documents = recorded.count("sync", "documents.sqlite-wal") / TRIALS
    assert 2 * ACTIONS < n_states + n_documents <= MOST_SYNCS


def test_an_empty_record_of_documents_is_on_the_disk_before_a_campaign_begins(tmp_path: Path):
    with recording(tmp_path) as recorded:
        journal = Journal(tmp_path, VirtualClock())
        recorded.say("open")
        journal.close()
    opened = next(at for at, event in enumerate(recorded.events) if event.what == "said")
    last = [event.what for event in recorded.events[:opened] if event.file.startswith("documents")][-1]
    assert last == "sync"


def test_a_new_folder_is_synchronised_with_those_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert seen == [str(tmp_path / "a"), str(tmp_path)]
    assert (tmp_path / "a" / "b").is_dir()
