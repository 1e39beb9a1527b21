"""Bypasses as two people make them: signed, limited, verified again, and of no use to whoever writes to the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autolab.compose import bypassing
from autolab.compose.bypassing import bypasses_of, in_force
from autolab.config.lab import load_lab
from autolab.core.clock import real_clock
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.journal.journal import Journal
from autolab.journal.keys import make_personal_key
from tests.compose.files import example

RULES = """\
signals: {arm.holding: {allowed: ['', strip-1]}}
interlocks:
  - {name: far, when: stage.position > 15 cm, effect: trip, why: it hits the hood}
  - {name: slow, when: stage.velocity < 50 mm/s, effect: permissive, of: [arm], why: a strip could fall}
  - {name: end, when: stage.position > 29 cm, effect: trip, why: it hits the end}
  - {name: warn, when: stage.position > 14 cm, effect: alarm, why: close}
"""
SAFE = "safe_state: [{device: arm, do: stop}]\n"
WORDS = ("30min", "the sensor is swapped", "a person watches the stage")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab of three people, all of whom have keys here; carol may not bypass."""
    monkeypatch.setenv("AUTOLAB_KEYS", str(tmp_path / "keys"))
    may = {"alice": "[bypass]", "bob": "[bypass]", "carol": "[approve]"}
    people = "".join(f"  {name}: {{key: {make_personal_key(name)}, may: {each}}}\n" for name, each in may.items())
    text = f"{RULES}people:\n{people}{SAFE}"
    return example("colour", tmp_path, {"lab.yaml": ("interlocks: []\nsafe_state: []\n", text)}).with_name("lab.yaml")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def heeded(data: Path, lab: Path, after_s: float = 0.0) -> list[str]:
    """Names of the rules that a controller would let be."""
    journal = Journal(data, real_clock())
    try:
        now_s = journal._clock.date().timestamp() + after_s
        return [record.rule for record in in_force(journal.states, load_lab(lab), now_s)]
    finally:
        journal.close()


def write(data: Path, sql: str, *values: object) -> None:
    journal = Journal(data, real_clock())
    journal.states.write(sql, values)
    journal.close()


def make(data: Path, lab: Path, rule: str = "far") -> None:
    bypassing.ask(data, lab, rule, WORDS, "alice")
    bypassing.approve(data, lab, rule, "bob")


def test_a_bypass_needs_two_people_and_ends_by_itself(data: Path, lab: Path):
    said = bypassing.ask(data, lab, "far", WORDS, "alice")
    assert "far is not bypassed yet: another person approves it" in said
    assert "(bob)" in said
    assert heeded(data, lab) == []
    with pytest.raises(NotAuthorisedError, match="ask another person who may: bob"):
        bypassing.approve(data, lab, "far", "alice")
    assert bypassing.approve(data, lab, "far", "bob").startswith("far is bypassed until ")
    assert heeded(data, lab) == ["far"]
    assert heeded(data, lab, after_s=30 * 60.0) == []
    (bypass,) = bypasses_of(data, "colour-bench")
    assert (bypass.requester.name, bypass.approver and bypass.approver.name) == ("alice", "bob")


def test_a_bypass_is_ended_and_a_request_is_withdrawn(data: Path, lab: Path):
    make(data, lab)
    assert bypassing.end(data, lab, "far", "bob") == "far is not bypassed any more"
    assert (heeded(data, lab), bypasses_of(data, "colour-bench")) == ([], ())
    bypassing.ask(data, lab, "far", WORDS, "bob")
    bypassing.end(data, lab, "far", "alice")
    with pytest.raises(InputError, match="nobody has asked for a bypass of far"):
        bypassing.approve(data, lab, "far", "alice")


@pytest.mark.parametrize(
    ("rule", "words", "person", "message"),
    [
        ("relay", WORDS, "alice", "the relay's own trip cannot be bypassed"),
        ("warn", WORDS, "alice", "warn is no interlock of colour-bench that can be bypassed: there are far, slow, end"),
        ("near", WORDS, "alice", "near is no interlock of colour-bench"),
        ("far", ("9 h", *WORDS[1:]), "alice", "a bypass of far for 9 h: it lasts above 0 and at most 8 h"),
        ("far", ("30", *WORDS[1:]), "alice", "--for: '30'"),
        ("far", ("30 mm", *WORDS[1:]), "alice", "--for: '30 mm'"),
        ("far", ("30min", " ", "x"), "alice", "a bypass of far needs a reason and a compensating measure"),
        ("far", WORDS, "carol", "carol may not ask for a bypass"),
        ("far", WORDS, None, "an account proves nothing in a lab that names its people"),
        ("far", WORDS, "mallory", "--as mallory: the lab file names alice, bob, carol"),
    ],
)
def test_what_may_not_be_is_refused(
    rule: str, words: tuple[str, str, str], person: str | None, message: str, data: Path, lab: Path
):
    with pytest.raises(InputError) as refusal:
        bypassing.ask(data, lab, rule, words, person)
    assert message in str(refusal.value)
    assert bypasses_of(data, "colour-bench") == ()


def test_a_lab_that_names_nobody_bypasses_nothing(data: Path, tmp_path: Path):
    text = f"{RULES}{SAFE}"
    folder = tmp_path / "bare"
    folder.mkdir()
    file = example("colour", folder, {"lab.yaml": ("interlocks: []\nsafe_state: []\n", text)}).with_name("lab.yaml")
    for person in (None, "alice"):
        with pytest.raises(NotAuthorisedError):
            bypassing.ask(data, file, "far", WORDS, person)


def test_two_at_a_time_are_the_most(data: Path, lab: Path):
    make(data, lab)
    make(data, lab, "slow")
    assert heeded(data, lab) == ["far", "slow"]
    with pytest.raises(InputError, match="2 bypasses are there already"):
        bypassing.ask(data, lab, "end", WORDS, "alice")


@pytest.mark.parametrize(
    ("column", "value"),
    [("until_s", 4e9), ("until_s", "for ever"), ("rule", "end"), ("measure", "nothing"), ("since_s", 0.0)],
)
def test_what_was_changed_in_the_journal_after_it_was_signed_bypasses_nothing(
    column: str, value: object, data: Path, lab: Path
):
    make(data, lab)
    write(data, f"UPDATE bypasses SET {column} = ?", value)
    assert heeded(data, lab) == []


def test_an_approval_of_ones_own_that_was_written_into_the_journal_is_none(data: Path, lab: Path):
    bypassing.ask(data, lab, "far", WORDS, "alice")
    journal = Journal(data, real_clock())
    row = journal.states.rows("SELECT * FROM bypasses")[0]
    journal.close()
    forged = {**json.loads(row["request"]), "action": "approve a bypass"}
    sql = "UPDATE bypasses SET approver = requester, approved_s = since_s, approval = ?"
    for text in (row["request"], json.dumps(forged), json.dumps({**forged, "by": "bob"})):
        write(data, sql, text)
        assert heeded(data, lab) == []


def test_a_rule_that_has_changed_is_not_bypassed_by_what_was_said_of_the_old_one(data: Path, lab: Path):
    make(data, lab)
    lab.write_text(lab.read_text().replace("stage.position > 15 cm", "stage.position > 16 cm"))
    assert heeded(data, lab) == []


def test_a_person_whom_the_lab_file_names_no_more_has_approved_nothing(data: Path, lab: Path):
    make(data, lab)
    lab.write_text("".join(line for line in lab.read_text().splitlines(keepends=True) if "  bob:" not in line))
    assert heeded(data, lab) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_what_holds_no_signed_words_is_refused_with_what_to_do(text: str, data: Path, lab: Path):
    make(data, lab)
    write(data, "UPDATE bypasses SET approval = ?", text)
    with pytest.raises(NotAuthorisedError, match=r"far in the journal holds no signed words .* audit verify"):
        heeded(data, lab)
