"""What a damaged file, a folder that nobody may write, and a clock that jumps back do: nothing is overwritten."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.core.clock import VirtualClock
from autolab.core.errors import StorageError
from autolab.core.trials import TrialState
from autolab.journal.audit import audit
from autolab.journal.database import check_whole
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from benchmarks.powerloss import five_actions
from tests.campaign.softlab import SoftLab
from tests.journal.test_journal import begun

PAGE = 4096
REPLAY = Path(__file__).resolve().parents[2] / "examples" / "replay" / "campaign.yaml"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a campaign of three trials, closed."""
    folder = tmp_path_factory.mktemp("whole")
    lab = SoftLab(trials=3, folder=folder, make_plan=five_actions)
    lab.run()
    lab.journal.close()
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def read(folder: Path) -> tuple[object, ...]:
    reader = JournalReader.open(folder)
    try:
        return reader.campaigns(), reader.trials("soft-1"), reader.intents("soft-1"), list(reader.documents("soft-1"))
    finally:
        reader.close()


def read_or_refused(folder: Path) -> object:
    try:
        return read(folder)
    except StorageError as error:
        return "damaged" if "damaged" in str(error) else error


def test_a_page_that_is_damaged_is_found_before_anything_is_written(whole: Path, tmp_path: Path):
    right = read(whole)
    for page in range((whole / "journal.sqlite").stat().st_size // PAGE):
        folder = tmp_path / str(page)
        shutil.copytree(whole, folder)
        overwrite(folder / "journal.sqlite", page * PAGE, random.Random(page).randbytes(PAGE))
        before = files(folder)
        with pytest.raises(StorageError, match=r"journal.sqlite: damaged \(.*\): nothing was changed; copy the folder"):
            check_whole(folder / "journal.sqlite")
        assert read_or_refused(folder) in (right, "damaged")
        assert {name: files(folder)[name] for name in before} == before


def test_a_controller_does_not_start_on_a_damaged_journal(tmp_path: Path):
    options = RunOptions(data=tmp_path, simulate=True, virtual=True, engine="sobol", trials=2, seed=1)
    run_campaign(REPLAY, options)
    path = tmp_path / "journal.sqlite"
    overwrite(path, path.stat().st_size - PAGE, b"\xff" * PAGE)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="damaged") as refused:
        run_campaign(REPLAY, options)
    assert refused.value.exit_code == 6
    assert path.read_bytes() == before


def test_the_states_are_read_though_the_documents_are_damaged_or_gone(whole: Path, tmp_path: Path):
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    for content in (b"\xff" * 3 * PAGE, None):
        (tmp_path / "documents.sqlite").unlink()
        if content is not None:
            (tmp_path / "documents.sqlite").write_bytes(content)
        reader = JournalReader.open(tmp_path)
        assert [trial.state for trial in reader.trials("soft-1")] == [TrialState.INGESTED] * 3
        with pytest.raises(StorageError, match=r"documents\.sqlite"):
            list(reader.documents("soft-1"))
        reader.close()


def test_a_write_ahead_log_that_was_cut_is_read_as_far_as_it_goes_and_signed_heads_show_the_cut(tmp_path: Path):
    (tmp_path / "whole").mkdir()
    lab = SoftLab(trials=3, folder=tmp_path / "whole", make_plan=five_actions)
    lab.run(lambda journal: journal.export_heads(tmp_path / "heads.jsonl"))
    shutil.copytree(tmp_path / "whole", tmp_path / "copied")  # while the controller still has it open
    intents = lab.reader.intents("soft-1")
    lab.journal.close()
    shutil.copy(tmp_path / "whole" / "heads.jsonl", tmp_path / "copied")
    size = (tmp_path / "copied" / "journal.sqlite-wal").stat().st_size
    for left in range(size // 2, size, size // 10):
        folder = tmp_path / str(left)
        shutil.copytree(tmp_path / "copied", folder)
        os.truncate(folder / "journal.sqlite-wal", left)
        reader = JournalReader.open(folder)
        operations = [intent.operation for intent in reader.intents("soft-1")]
        reader.close()
        assert operations == [intent.operation for intent in intents][: len(operations)]
        (finding,) = audit(folder, tmp_path / "heads.jsonl").findings
        assert "the end of the log was cut off" in finding.text


@contextmanager
def no_right_to_write(folder: Path) -> Iterator[None]:
    """Be somebody who may read the folder, and not write it."""
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:  # to whom the mode of a folder means nothing
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


@pytest.fixture
def shared(whole: Path) -> Iterator[Path]:
    """A copy of the data folder that everybody may read."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("*.key", "*-shm", "*-wal"))
        Path(place).chmod(0o755)
        yield folder


def test_a_folder_that_nobody_may_write_is_read_and_its_controller_is_refused(whole: Path, shared: Path):
    expected, before = read(whole), files(shared)
    with no_right_to_write(shared):
        assert read(shared) == expected
        with pytest.raises(StorageError, match="no right to write") as refused:
            Journal(shared, VirtualClock())
    assert refused.value.exit_code == 6
    assert files(shared) == before


@pytest.mark.parametrize("name", ["50% #1", "what?", "ümlaut"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path):
    (tmp_path / name).mkdir()
    journal = Journal(tmp_path / name, VirtualClock())
    begun(journal)
    journal.close()
    reader = JournalReader.open(tmp_path / name)
    assert reader.campaign().id == "c-1"
    reader.close()


class JumpingClock(VirtualClock):
    """Its date goes back by a day each time it is asked."""

    jumps = 0

    def date(self) -> datetime:
        self.jumps += 1
        return super().date() - timedelta(days=self.jumps)


def test_a_date_that_jumps_back_changes_no_order_and_no_lab_time(tmp_path: Path):
    lab = SoftLab(trials=3, folder=tmp_path, make_plan=five_actions, clock=JumpingClock())
    assert lab.run().state == "finished"
    lab.journal.close()
    lab.trials = 5
    assert lab.resume().state == "finished"
    trials = lab.trials_of()
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * 5
    times = [transition.lab_s for trial in trials for transition in trial.transitions]
    assert all(time >= 0 for time in times)
    for trial in trials:
        dates = [transition.date for transition in trial.transitions]
        assert dates == sorted(dates, reverse=True)
        assert [str(t.state) for t in trial.transitions][-4:] == ["running", "acquired", "reduced", "ingested"]
    lab.journal.close()
    assert audit(tmp_path, None).findings == ()
