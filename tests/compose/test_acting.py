"""Who acts at a terminal: the account where a lab names nobody, and else a person with a key and the right."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.compose.resetting import reset_lab
from autolab.core.clock import real_clock
from autolab.core.errors import NotAuthorisedError
from autolab.journal import trips
from autolab.journal.journal import Journal
from autolab.journal.keys import make_personal_key
from tests.compose.files import example

WHY = "a cable was loose"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab that has tripped, where ada may reset and bob may not."""
    monkeypatch.setenv("AUTOLAB_KEYS", str(tmp_path / "keys"))
    file = example("replay", tmp_path).with_name("lab.yaml")
    rights = {"ada": "reset", "bob": "approve"}
    people = "".join(f"  {name}: {{key: {make_personal_key(name)}, may: [{may}]}}\n" for name, may in rights.items())
    file.write_text(f"{file.read_text()}people:\n{people}")
    (tmp_path / "data").mkdir()
    journal = Journal(tmp_path / "data", real_clock())
    trips.record(journal, "c-1", "replay", "bench", "it was pulled")
    journal.close()
    return file


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (None, r"reset a trip \(replay\): an account proves nothing in a lab that names its people: .* of ada, bob"),
        ("bob", r"bob may not reset a trip \(replay\): ask somebody who may: ada"),
        ("eve", r"--as eve: the lab file names ada, bob: its owner adds the line that 'autolab key eve' prints"),
    ],
)
def test_whoever_may_not_reset_a_lab_does_not(name: str | None, why: str, lab: Path, tmp_path: Path):
    with pytest.raises(NotAuthorisedError, match=why):
        reset_lab(tmp_path / "data", lab, WHY, name)
    journal = Journal(tmp_path / "data", real_clock())
    assert len(trips.latched(journal, "replay")) == 1
    journal.close()


def test_a_reset_is_kept_with_the_person_who_proved_who_they_are(lab: Path, tmp_path: Path):
    assert reset_lab(tmp_path / "data", lab, WHY, "ada") == "replay is reset (it was pulled)"
    journal = Journal(tmp_path / "data", real_clock())
    query = "SELECT p.name, p.kind FROM trips t JOIN principals p ON p.id = t.reset_by"
    assert [tuple(row.values()) for row in journal.states.rows(query)] == [("ada", "person")]
    journal.close()


def test_without_the_key_a_name_is_nothing(lab: Path, tmp_path: Path):
    (tmp_path / "keys" / "ada.key").unlink()
    with pytest.raises(NotAuthorisedError, match="nobody can sign as ada from here"):
        reset_lab(tmp_path / "data", lab, WHY, "ada")


def test_with_the_key_of_another_a_name_is_nothing(lab: Path, tmp_path: Path):
    (tmp_path / "keys" / "bob.key").replace(tmp_path / "keys" / "ada.key")
    with pytest.raises(NotAuthorisedError, match="the signature is not that of ada"):
        reset_lab(tmp_path / "data", lab, WHY, "ada")
