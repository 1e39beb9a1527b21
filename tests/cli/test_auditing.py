"""``autolab audit verify``: each way to change the record is seen, and said in words."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autolab.cli import main
from autolab.core.clock import VirtualClock
from autolab.core.errors import InputError, StorageError
from autolab.core.trials import Estimate
from autolab.journal import headwriter
from autolab.journal.audit import audit
from autolab.journal.journal import Journal
from autolab.journal.merkle import leaf_hash
from tests.cli.running import autolab
from tests.journal.test_journal import ADA, begun

Write = Callable[[Journal], None]
HOUR_0, HOUR_1, HOUR_2 = (f"2000-01-01T0{hour}:00:00.000+00:00" for hour in range(3))
ROOT = Path(__file__).parents[2]
REST = "Keep the folder as it is, and compare it with a backup of the time of the last head that agrees."


class Record:
    """A data folder, and the place to which its heads are exported."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data = root / "data"
        self.place = root / "elsewhere" / "heads.jsonl"
        self._capsys = capsys
        for folder in (self.data, self.place.parent):
            folder.mkdir()

    def write(self, write: Write, hour: int, *, place: bool = True) -> None:
        """One session of a controller; it signs a head at its end."""
        clock = VirtualClock()
        clock.sleep(3600.0 * hour)
        journal = Journal(self.data, clock)
        journal.export_heads(self.place if place else None)
        write(journal)
        journal.close()

    def sql(self, *statements: str, **values: Any) -> None:
        """What somebody with the right to write does, with another program."""
        with closing(sqlite3.connect(self.data / "journal.sqlite")) as connection:
            for statement in statements:
                connection.execute(statement, values)
            connection.commit()

    def entry(self, seq: int) -> str:
        with closing(sqlite3.connect(self.data / "journal.sqlite")) as connection:
            return str(connection.execute("SELECT entry FROM log WHERE seq = ?", (seq,)).fetchone()[0])

    def verify(self, *words: str) -> tuple[int, str, str]:
        code = main(["audit", "verify", "--data", str(self.data), *words])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def complaints(self, *, exported: bool = True) -> list[str]:
        """The findings, as they are said to a person."""
        code, out, err = self.verify(*(("--heads", str(self.place)) if exported else ()))
        first, *lines = [line for line in err.splitlines() if not line.startswith("note: ")]
        assert (code, out) == (2, "")
        assert first == f"{self.data}: the record is not what was written"
        assert lines.pop() == REST
        return [line.removeprefix("- ") for line in lines]

    @property
    def size(self) -> int:
        """Entries of the log."""
        with closing(sqlite3.connect(self.data / "journal.sqlite")) as connection:
            return int(connection.execute("SELECT count(*) FROM log").fetchone()[0])


def measured(journal: Journal) -> None:
    begun(journal)
    journal.acquired("c-1", 1)
    journal.reduced("c-1", 1, 1, 1, {"y": Estimate(2.0, 0.1)})


def noted(text: str) -> Write:
    return lambda journal: journal.intervene("c-1", 1, ADA, "note", text)


@pytest.fixture
def record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Record:
    record = Record(tmp_path, capsys)
    record.write(measured, 0)
    record.write(noted("looks fine"), 1)
    return record


def test_a_record_that_nobody_touched_holds(record: Record) -> None:
    code, out, err = record.verify("--heads", str(record.place))
    assert (code, err) == (0, "")
    agree, heads = out.splitlines()
    assert agree.startswith(f"{record.data}: {record.size} entries of the log and ")
    assert heads == f"2 signed heads agree; the newest covers {record.size} entries and was signed on {HOUR_1}"


def test_a_program_gets_the_same_answer(record: Record) -> None:
    code, out, _ = record.verify("--json", "--heads", str(record.place))
    answer = json.loads(out)
    assert (code, answer["holds"], answer["findings"]) == (0, True, [])
    record.sql("UPDATE trials SET failure = 'none'")
    code, out, err = record.verify("--json")
    (finding,) = json.loads(out)["findings"]
    assert (code, err) == (2, "")
    assert (finding["table"], finding["row"]) == ("trials", "campaign=c-1 number=1")


def test_a_flipped_entry_is_seen(record: Record) -> None:
    changed = record.entry(5).replace("2000", "2001", 1)
    record.sql("UPDATE log SET entry = :text WHERE seq = 5", text=changed)
    kind, table = (json.loads(changed)[name] for name in ("kind", "table"))
    first, *heads = record.complaints()
    assert first.startswith(f"entry 5 of the log ({kind} of {table} ")
    assert first.endswith(") does not have the hash with which it was written: it was changed")
    assert [head.partition(": between")[0] for head in heads] == [
        f"entries 1 to {record.size - 1} of the log are not those that were signed on {HOUR_0}",
        f"entries 1 to {record.size} of the log are not those that were signed on {HOUR_1}",
    ]


def test_an_entry_that_was_rewritten_with_its_hash_and_its_row_is_seen_by_the_head_alone(record: Record) -> None:
    last = record.size
    changed = record.entry(last).replace("looks fine", "looks bad!")
    record.sql("UPDATE interventions SET detail = 'looks bad!'")
    record.sql(
        "UPDATE log SET entry = :text, leaf = :leaf WHERE seq = :seq",
        text=changed, leaf=leaf_hash(changed.encode()), seq=last,
    )  # fmt: skip
    assert record.complaints() == [
        f"entries 1 to {last} of the log are not those that were signed on {HOUR_1}: between entry {last} and entry "
        f"{last} something was changed, moved or deleted, or an older copy of the journal was put back and continued"
    ]


def test_a_deleted_entry_is_seen(record: Record) -> None:
    size = record.size
    record.sql("DELETE FROM log WHERE seq = 5")
    complaints = record.complaints()
    assert complaints[0] == "entry 5 is missing from the log: deleted"
    assert any(
        text.startswith(f"the log has {size - 1} entries, and the head signed on {HOUR_1}") for text in complaints
    )


def test_entries_that_were_exchanged_are_seen(record: Record) -> None:
    record.sql(
        "UPDATE log SET seq = -5 WHERE seq = 5", "UPDATE log SET seq = 5 WHERE seq = 6",
        "UPDATE log SET seq = 6 WHERE seq = -5",
    )  # fmt: skip
    complaints = record.complaints()
    assert complaints[0].startswith("entry 5 of the log (")
    assert complaints[0].endswith(") was written as entry 6: entries were moved")
    assert any(f"were signed on {HOUR_0}: between entry 1 and" in text for text in complaints)


def test_a_log_whose_end_was_cut_off_is_seen(record: Record) -> None:
    size = record.size
    record.sql(f"DELETE FROM log WHERE seq > {size - 1}", "DELETE FROM interventions")
    (record.data / "heads.jsonl").write_text(record.place.read_text().splitlines()[0] + "\n")
    assert record.verify()[0] == 0, "inside the folder everything agrees"
    assert record.complaints() == [
        f"the log has {size - 1} entries, and the head signed on {HOUR_1} covers {size}: the end of the log was cut "
        "off, or an older copy of the journal was put back"
    ]


def test_an_older_copy_of_the_folder_that_was_put_back_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    record = Record(tmp_path, capsys)
    record.write(measured, 0)
    shutil.copytree(record.data, tmp_path / "copy")
    record.write(noted("looks bad"), 1)
    size = record.size
    shutil.rmtree(record.data)
    shutil.copytree(tmp_path / "copy", record.data)
    assert record.verify()[0] == 0, "inside the folder everything agrees"
    assert record.complaints() == [
        f"the log has {record.size} entries, and the head signed on {HOUR_1} covers {size}: the end of the log was cut "
        "off, or an older copy of the journal was put back"
    ]


def test_two_copies_that_were_continued_differently_are_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    record = Record(tmp_path, capsys)
    record.write(measured, 0)
    begin = record.size
    shutil.copytree(record.data, tmp_path / "copy")
    record.write(noted("looks bad"), 1)
    shutil.rmtree(record.data)
    shutil.copytree(tmp_path / "copy", record.data)
    record.write(noted("looks fine"), 2)
    size = record.size
    assert record.verify()[0] == 0, "inside the folder everything agrees"
    assert record.complaints() == [
        f"entries 1 to {size} of the log are not those that were signed on {HOUR_1}: between entry {begin + 1} and "
        f"entry {size} something was changed, moved or deleted, or an older copy of the journal was put back and "
        "continued",
        f"two different logs of {size} entries were signed, on {HOUR_1} and on {HOUR_2}: the journal was copied, and "
        "both copies were continued",
    ]


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (
            "UPDATE trials SET outcome = '{}'",
            "trials campaign=c-1 number=1: 'outcome' is '{}' in the table, and "
            '\'{"y":{"sem":0.1,"value":2.0}}\' in the log (last entry on this row: ',
        ),
        (
            "UPDATE trials SET failure = 'x'",
            "trials campaign=c-1 number=1: 'failure' is 'x' in the table, and empty in",
        ),
        (
            "INSERT INTO leases (epoch, holder, begun) VALUES (77, 'me', '')",
            "leases epoch=77: is in the table and not in the log: it was added without the log",
        ),
        (
            "DELETE FROM replicates",
            "replicates attempt=1 campaign=c-1 replicate=1 trial=1: is in the log, last in entry ",
        ),
        (
            "DROP TABLE replicates",
            "replicates attempt=1 campaign=c-1 replicate=1 trial=1: is in the log, last in entry ",
        ),
        (
            "DROP TABLE replicates; CREATE TABLE replicates (campaign, trial, replicate, attempt, outcome)",
            "replicates attempt=1 campaign=c-1 replicate=1 trial=1: is in the log, last in entry ",
        ),
        (
            "ALTER TABLE replicates ADD COLUMN more GENERATED ALWAYS AS (7)",
            "replicates attempt=1 campaign=c-1 replicate=1 trial=1: 'more' is 7 in the table, and empty in the log",
        ),
        ("UPDATE replicates SET outcome = x'00ff'", "replicates attempt=1 campaign=c-1 replicate=1 trial=1: 'outcome'"),
        ("CREATE TABLE extra AS SELECT 1 AS one", "extra : is in the table and not in the log"),
        ("DROP TABLE log", "the journal has no log any more: it was removed"),
        (
            "UPDATE log SET entry = '[]' WHERE seq = 4",
            "entry 4 of the log is no entry (it is not JSON): it was changed",
        ),
        ("UPDATE log SET entry = x'00ff' WHERE seq = 4", "entry 4 of the log is no entry (it is not JSON)"),
        ("UPDATE log SET leaf = 'x' WHERE seq = 4", "entry 4 of the log ("),
        (
            'UPDATE log SET entry = \'{"kind":"insert","seq":4,"table":"t","key":{"a":[]},"row":{}}\' WHERE seq = 4',
            "entry 4 of the log is no entry (its parts are not those of an entry)",
        ),
    ],
)
def test_a_table_that_was_edited_without_the_log_is_seen(statement: str, complaint: str, record: Record) -> None:
    record.sql(*statement.split("; "))
    complaints = record.complaints(exported=False)
    assert [text for text in complaints if text.startswith(complaint)], complaints
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autolab.journal.audit.LONG", 1)
        assert audit(record.data, None, processes=3) == audit(record.data, None), "whoever does the work"


def test_a_head_that_was_changed_is_seen(record: Record) -> None:
    lines = record.place.read_text().splitlines()
    record.place.write_text(lines[0].replace(HOUR_0, HOUR_2) + "\n{}\n" + lines[1] + '\n{"data":"/cut o')
    code, _, err = record.verify("--heads", str(record.place))
    assert code == 2
    assert err.splitlines()[:4] == [
        f"note: {record.place}, line 4: was cut off while it was written; the next head covers the same entries",
        f"{record.data}: the record is not what was written",
        f"- {record.place}, line 1: the signature does not fit the head of {record.size - 1} entries: it was changed",
        f"- {record.place}, line 2: is no head: it was changed",
    ]


def test_a_key_that_was_exchanged_is_seen(record: Record) -> None:
    for name in ("audit.key", "audit.pub", "heads.jsonl"):
        (record.data / name).unlink()
    record.write(noted("with another key"), 2)
    assert record.verify()[0] == 0, "inside the folder everything agrees"
    assert record.complaints() == [
        f"{record.place}, line {line}: the head of {size} entries is signed with another key than audit.pub: the key "
        "was exchanged, or data folders of the same path export to one file (name one file for each)"
        for line, size in ((1, record.size - 2), (2, record.size - 1))
    ]


def test_heads_of_another_folder_are_passed_over_but_do_not_stand_for_ours(record: Record, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    journal = Journal(tmp_path / "second", VirtualClock())
    journal.export_heads(record.place)
    begun(journal)
    journal.close()
    code, _, err = record.verify("--heads", str(record.place))
    assert code == 0
    assert err == f"note: {record.place}, line 3: a head of another data folder, {tmp_path / 'second'}: passed over\n"
    record.place.write_text(record.place.read_text().splitlines()[2])
    assert record.complaints() == [
        f"{record.place}: holds no head that the key of {record.data} signed: the key was exchanged, the heads were "
        "removed, or the file belongs to another data folder"
    ]


def test_what_no_head_covers_yet_is_said(record: Record) -> None:
    journal = Journal(record.data, VirtualClock())
    noted("while it runs")(journal)
    code, _, err = record.verify("--heads", str(record.place))
    assert code == 0
    assert err == "note: the newest 1 entries are under no signed head yet: that they were cut off would not show\n"
    journal.close()


def test_a_file_of_heads_that_is_not_there_is_refused(record: Record) -> None:
    code, out, err = record.verify("--heads", "nowhere.jsonl")
    assert (code, out) == (2, "")
    assert err == (
        "nowhere.jsonl: cannot be read (No such file or directory); name with --heads the file to which the lab "
        "exports the heads\n"
    )
    assert main(["audit", "verify", "--data", "nowhere"]) == 2


def test_a_head_is_signed_each_so_many_entries_also_while_a_campaign_runs(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headwriter, "EVERY", 10)
    journal = Journal(record.data, VirtualClock())
    journal.export_heads(None)
    before = record.size
    for _ in range(25):
        noted("again")(journal)
    sizes = [json.loads(line)["size"] for line in (record.data / "heads.jsonl").read_text().splitlines()]
    assert sizes[2:] == [before + 10, before + 20]
    journal.close()
    assert record.verify()[0] == 0


def test_the_key_is_its_owners_alone_and_a_lost_one_is_not_replaced_in_silence(record: Record) -> None:
    assert stat.S_IMODE((record.data / "audit.key").stat().st_mode) == 0o600
    (record.data / "audit.key").unlink()
    journal = Journal(record.data, VirtualClock())
    with pytest.raises(
        StorageError, match=r"audit.key: is gone, and audit.pub is still there: restore it from a backup"
    ):
        journal.export_heads(None)
    journal.close()


def test_a_key_file_that_holds_no_key_is_refused(record: Record) -> None:
    (record.data / "audit.key").write_text("no key")
    journal = Journal(record.data, VirtualClock())
    with pytest.raises(StorageError, match=r"audit.key: holds no Ed25519 key: restore it from a backup"):
        journal.export_heads(None)
    journal.close()


def test_a_second_place_that_cannot_be_written_is_refused_at_the_start(record: Record, tmp_path: Path) -> None:
    journal = Journal(record.data, VirtualClock())
    with pytest.raises(StorageError, match=r"cannot be written \(No such file or directory\): the lab file names it"):
        journal.export_heads(tmp_path / "missing" / "heads.jsonl")
    with pytest.raises(InputError, match="is in the data folder, and goes with it"):
        journal.export_heads(record.data / "more.jsonl")
    journal.close()


def test_a_second_place_that_is_lost_on_the_way_stops_nothing(record: Record, caplog: pytest.LogCaptureFixture) -> None:
    def lose(journal: Journal) -> None:
        shutil.rmtree(record.place.parent)
        noted("it goes on")(journal)

    record.write(lose, 2)
    assert "heads.jsonl: the head of" in caplog.text
    assert record.verify()[0] == 0


def test_a_campaign_exports_its_heads_to_where_its_lab_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "replay", tmp_path / "replay")
    with (tmp_path / "replay" / "lab.yaml").open("a") as lab:
        lab.write("audit: {heads: ../heads.jsonl}\n")
    run = ("run", "replay/campaign.yaml", "--simulate", "--virtual", "--engine", "sobol", "--trials", "2")
    done = autolab(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = autolab("audit", "verify", "--heads", "heads.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 signed heads agree; the newest covers " in done.stdout
