"""Keys of people: made once, readable by their owner only, and worth nothing where others can read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from autolab.core.authority import Action, Authority, Person, Statement, verify
from autolab.core.errors import InputError, NotAuthorisedError, StorageError
from autolab.journal.keys import key_folder, make_personal_key, sign_as

SAID = Statement(Action.RESET, "bench", {})


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOLAB_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_a_key_signs_as_its_person(keys: Path):
    lab = Authority({"alice": Person("alice", make_personal_key("alice"), frozenset({"reset"}))})
    assert verify(sign_as(SAID, "alice"), lab).name == "alice"
    assert stat.S_IMODE((keys / "alice.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700


def test_a_key_is_never_written_over(keys: Path):
    public = make_personal_key("alice")
    before = (keys / "alice.key").read_bytes()
    with pytest.raises(InputError, match="alice has a key already, with the public half") as refused:
        make_personal_key("alice")
    assert public in str(refused.value)
    assert (keys / "alice.key").read_bytes() == before


def test_a_key_that_others_can_read_signs_nothing(keys: Path):
    make_personal_key("alice")
    (keys / "alice.key").chmod(0o640)
    with pytest.raises(NotAuthorisedError, match="others can read this key, so it proves nothing: 'chmod 600 "):
        sign_as(SAID, "alice")


def test_without_a_key_nobody_signs(keys: Path):
    with pytest.raises(NotAuthorisedError, match="nobody can sign as alice from here; make a key with 'autolab key al"):
        sign_as(SAID, "alice")
    keys.mkdir()
    (keys / "alice.key").write_text("no key")
    (keys / "alice.key").chmod(0o600)
    with pytest.raises(NotAuthorisedError, match="holds no Ed25519 key"):
        sign_as(SAID, "alice")


@pytest.mark.parametrize("name", ["", "../alice", "a/b", "-x", "a" * 65, "a b"])
def test_a_name_that_no_lab_file_takes_gets_no_key(name: str):
    with pytest.raises(InputError, match="is no name"):
        make_personal_key(name)


def test_a_folder_without_rights_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTOLAB_KEYS", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="choose a folder of yours with the environment variable AUTOLAB_KEYS"):
        make_personal_key("alice")


def test_keys_stand_in_the_configuration_of_the_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AUTOLAB_KEYS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert key_folder() == tmp_path / "autolab" / "keys"
