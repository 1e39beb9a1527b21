"""The registers: what people wrote, what the journal knows, and what nobody has said."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from autolab.core.errors import InputError
from facility_review.campaigns import CampaignFacts, read_campaigns
from facility_review.registers import Registers, read_registers
from tests.facility_review.deliverables import AS_OF, CHALLENGE, FIRST, REGISTERS, SECOND, write_campaigns, write_files


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_campaigns(folder)
    return folder


@pytest.fixture(scope="module")
def campaigns(data: Path) -> tuple[CampaignFacts, ...]:
    return read_campaigns(data, "colour-bench", AS_OF)


def read(folder: Path, campaigns: tuple[CampaignFacts, ...], as_of: date = AS_OF, **files: str) -> Registers:
    write_files(folder, **files)
    return read_registers(folder, campaigns, as_of)


def test_the_journal_says_what_each_campaign_was(campaigns: tuple[CampaignFacts, ...]) -> None:
    first, second = campaigns
    assert (first.id, first.day, first.challenge, first.realm) == (FIRST, date(2026, 3, 2), None, "simulated")
    assert (second.challenge, second.trials, second.with_outcome) == (CHALLENGE, 30, 28)
    assert (first.directed, second.directed) == (0, 18), "trials 13 to 30 were chosen from outcomes"
    assert second.by_state == {"ingested": 28, "failed": 1, "refused": 1}
    assert (second.target, second.interventions) == ("not met", 1)


def test_campaigns_of_later_days_and_of_other_labs_do_not_count(data: Path) -> None:
    assert [each.id for each in read_campaigns(data, "colour-bench", date(2026, 8, 4))] == [FIRST]
    assert read_campaigns(data, "another", AS_OF) == ()


def test_what_people_wrote_is_joined_with_what_the_journal_knows(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...]
) -> None:
    found = read(tmp_path, campaigns)
    controller, store = found.resources
    assert (controller.kind, controller.owner_class, controller.connects) == ("computing", "federal", ("store",))
    assert (store.owner_class, store.facts["security"]) == ("partner", "letter of 2026-02-01")
    teal = found.data[0]
    assert (teal.campaigns, teal.trials, teal.realms, teal.is_written) == ((FIRST,), 12, ("simulated",), True)
    assert teal.metadata["variables"].startswith("cyan, magenta")
    assert teal.missing == ("description", "contact")
    assert "sha256" in teal.provenance[0]
    assert teal.approval is not None
    assert (teal.approval.by, teal.approval.is_in_force) == ("D. Steward", True)
    assert teal.proof.ref == "registers.yaml#data.teal"
    assert teal.proof.line == 18
    assert teal.proof.sha256 == hashlib.sha256(b"approved\n").hexdigest()


def test_a_data_set_that_nobody_described_is_listed_with_what_is_missing(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...]
) -> None:
    found = read(tmp_path, campaigns)
    other = found.data[1]
    assert (other.id, other.is_written, other.owner_class) == (f"campaign:{SECOND}", False, None)
    assert (other.digitisation, other.approval, other.missing) == (
        "born_digital",
        None,
        ("description", "licence", "contact"),
    )
    assert any("1 data set of the journal has no entry in registers.yaml" in note for note in found.notes)


def test_the_engines_that_campaigns_used_are_models(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    twin, engine = read(tmp_path, campaigns).models
    assert (twin.id, twin.trained_on, twin.campaigns) == ("twin", ("teal",), ())
    assert (engine.id, engine.campaigns) == ("engine:ax", (FIRST, SECOND))
    assert engine.kind == "proposes trials; learns from their outcomes"
    assert engine.proof.ids == (f"journal:{FIRST}", f"journal:{SECOND}")


def test_without_the_file_the_journal_alone_fills_the_registers(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...]
) -> None:
    found = read_registers(tmp_path, campaigns, AS_OF)
    assert found.resources == ()
    assert [each.id for each in found.data] == [f"campaign:{FIRST}", f"campaign:{SECOND}"]
    assert "resources: none recorded" in found.notes[0]


def test_a_document_that_changed_or_is_gone_is_said(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    hashed = REGISTERS.replace("document: approval.txt", f"document: approval.txt\n    sha256: {'a' * 64}")
    found = read(tmp_path, campaigns, registers=hashed)
    assert found.data[0].proof.state == "altered"
    assert "registers.yaml#data.teal: the document approval.txt is not the one that was approved" in found.notes[0]
    gone = REGISTERS.replace("document: approval.txt", "document: gone.txt")
    assert "the document gone.txt is missing" in read(tmp_path, campaigns, registers=gone).notes[0]


def test_an_approval_that_ended_is_said(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    ended = REGISTERS.replace("date: 2026-05-04", "date: 2026-05-04, until: 2026-06-30")
    found = read(tmp_path, campaigns, registers=ended)
    assert found.data[0].approval is not None
    assert not found.data[0].approval.is_in_force
    assert "registers.yaml#data.teal: its source approval ended on 2026-06-30" in found.notes


BAD = {
    "unknown key": ("kind: computing", "kind: computing\n    speed: 3", ":4: ", "unknown key 'speed'"),
    "owner class": ("owner_class: federal", "owner_class: state", ":6: ", "'state' is not known"),
    "missing owner": ("    owner: Example Cloud\n", "", ":10: ", "the key 'owner' is missing"),
    "no such resource": ("connects: [store]", "connects: [stor]", ":9: ", "did you mean 'store'?"),
    "no such data set": ("trained_on: [teal]", "trained_on: [spectra]", ":35: ", "'spectra' is no data set"),
    "no such campaign": ("campaigns: [teal-2026]", "campaigns: [purple]", ":24: ", "no campaign of this lab begins"),
    "two campaigns": ("campaigns: [teal-2026]", "campaigns: [teal]", ":24: ", "2 campaigns begin with 'teal'"),
    "no such day": ("date: 2026-05-04", "date: 2026-02-30", ":26: ", "is no day of the calendar"),
    "approved tomorrow": ("date: 2026-05-04", "date: 2026-11-23", ":26: ", "is after 2026-11-22"),
    "in use from tomorrow": ("since: 2026-01-10", "since: 2027-01-10", ":8: ", "is after 2026-11-22"),
    "approval ends before it": (
        "date: 2026-05-04",
        "date: 2026-05-04, until: 2026-05-03",
        ":26: ",
        "before 2026-05-04, the day of the approval",
    ),
    "hash of nothing": ("trained_on: [teal]", f"sha256: {'a' * 64}", ":35: ", "no effect without document"),
    "no hash": ("document: approval.txt", "document: approval.txt\n    sha256: abc", ":28: ", "64 hexadecimal digits"),
    "not digitised how": ("born_digital", "paper", ":22: ", "write one of born_digital, digitised"),
    "twice": ("  store:\n", "  controller:\n", ":10: ", "is given twice"),
    "empty": (REGISTERS, "", ": ", "the file is empty"),
    "a list": (REGISTERS, "- controller\n", ":1: ", "keys with values are wanted"),
}


@pytest.mark.parametrize(("old", "new", "place", "said"), BAD.values(), ids=BAD)
def test_a_bad_line_is_refused_with_its_place(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...], old: str, new: str, place: str, said: str
) -> None:
    assert old in REGISTERS
    with pytest.raises(InputError) as refused:
        read(tmp_path, campaigns, registers=REGISTERS.replace(old, new, 1))
    assert f"registers.yaml{place}" in str(refused.value)
    assert said in str(refused.value)


def test_all_that_is_wrong_is_reported_at_once(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    bad = REGISTERS.replace("connects: [store]", "connects: [shop]").replace("[teal-2026]", "[purple]")
    with pytest.raises(InputError) as refused:
        read(tmp_path, campaigns, registers=bad)
    assert len(str(refused.value).splitlines()) == 2
