"""The evidence pack: all of a campaign, the same bytes each time, and a check that finds any change."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autolab.core.errors import InputError
from facility_review.campaigns import CampaignFacts, read_campaigns
from facility_review.crate import HASHES, METADATA, verify_pack
from facility_review.pack import Pack, choose_campaign, write_pack
from facility_review.reference import reference
from tests.facility_review.deliverables import AS_OF, CHALLENGE, FIRST, SECOND, write_campaigns
from tests.report.journals import write_journal

THE_CHALLENGE = reference().challenge(CHALLENGE)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_campaigns(folder)
    return folder


@pytest.fixture(scope="module")
def pack(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    out = tmp_path_factory.mktemp("out")
    return write_pack(data, SECOND, THE_CHALLENGE, out, AS_OF, marking="INTERNAL")


@pytest.fixture
def copy(pack: Pack, tmp_path: Path) -> Path:
    return shutil.copytree(pack.folder, tmp_path / "copy")


def entities(folder: Path) -> dict[str, dict[str, Any]]:
    return {each["@id"]: each for each in json.loads((folder / METADATA).read_text())["@graph"]}


def test_it_holds_all_that_the_journal_has_of_the_campaign(pack: Pack) -> None:
    assert sorted(path.relative_to(pack.folder).as_posix() for path in pack.folder.rglob("*.*")) == [
        "campaign.yaml",
        "documents.jsonl",
        "journal/actions.json",
        "journal/alarms.json",
        "journal/audit.json",
        "journal/campaign.json",
        "journal/devices.json",
        "journal/interventions.json",
        "journal/movements.json",
        "journal/trials.csv",
        "journal/trials.json",
        "lab.yaml",
        HASHES,
        "report.html",
        METADATA,
    ]
    assert pack.files == 15
    assert len(json.loads((pack.folder / "journal/trials.json").read_text())) == 30
    assert f"challenge: {CHALLENGE}" in (pack.folder / "campaign.yaml").read_text()
    assert "options" not in json.loads((pack.folder / "journal/campaign.json").read_text())
    said = json.loads((pack.folder / "journal/audit.json").read_text())
    assert (said["findings"], said["covered"]["data"]) == ([], ".")
    for path in pack.folder.rglob("*.json"):
        assert str(pack.folder.parent) not in path.read_text(), f"{path.name} says where it was made"
    assert pack.audit_holds


def test_its_metadata_say_what_it_is_and_that_it_was_simulated(pack: Pack) -> None:
    found = entities(pack.folder)
    root = found["./"]
    assert root["name"] == "Evidence of the campaign teal-again (simulated)"
    assert "nothing in it comes from hardware" in root["description"]
    assert root["datePublished"] == "2026-11-22"
    assert found["#challenge"]["termCode"] == CHALLENGE
    assert found["#terms"]["name"] == "INTERNAL"
    action = found["#campaign"]
    assert action["startTime"] < action["endTime"]
    assert found["#person"]["name"] == "ada"
    assert found["documents.jsonl"]["encodingFormat"] == "application/jsonl"


def test_it_is_verified_as_folder_and_as_zip(pack: Pack) -> None:
    assert pack.zip is not None
    assert verify_pack(pack.folder) == ()
    assert verify_pack(pack.zip) == ()


def test_another_program_agrees_with_the_list_of_hashes(pack: Pack) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", HASHES], cwd=pack.folder, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert pack.sha256 == hashlib.sha256((pack.folder / HASHES).read_bytes()).hexdigest()


def test_the_same_journal_gives_the_same_bytes(data: Path, pack: Pack, tmp_path: Path) -> None:
    again = write_pack(data, SECOND, THE_CHALLENGE, tmp_path, AS_OF, marking="INTERNAL")
    assert again.zip is not None
    assert pack.zip is not None
    assert again.zip.read_bytes() == pack.zip.read_bytes()
    once_more = write_pack(data, SECOND, THE_CHALLENGE, tmp_path, AS_OF, marking="INTERNAL")
    assert once_more.sha256 == pack.sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"evidence-{SECOND}", f"evidence-{SECOND}.zip"]


def edit_trials(folder: Path) -> None:
    path = folder / "journal/trials.csv"
    path.write_text(path.read_text().replace("ingested", "refused", 1))


def rehash(folder: Path) -> None:
    """Change a file and the list of hashes, as somebody would who knows the list."""
    edit_trials(folder)
    lines = (folder / HASHES).read_text().splitlines()
    digest = hashlib.sha256((folder / "journal/trials.csv").read_bytes()).hexdigest()
    (folder / HASHES).write_text("".join(f"{digest if x.endswith('trials.csv') else x[:64]}{x[64:]}\n" for x in lines))


def edit_metadata(change: Callable[[dict[str, dict[str, Any]]], Any]) -> Callable[[Path], None]:
    """Change the metadata, with the list of hashes made to agree."""

    def spoil(folder: Path) -> None:
        found = entities(folder)
        change(found)
        crate = json.loads((folder / METADATA).read_text())
        crate["@graph"] = list(found.values())
        (folder / METADATA).write_text(json.dumps(crate))
        digest = hashlib.sha256((folder / METADATA).read_bytes()).hexdigest()
        lines = (folder / HASHES).read_text().splitlines()
        (folder / HASHES).write_text("".join(f"{digest if METADATA in x else x[:64]}{x[64:]}\n" for x in lines))

    return spoil


SPOILT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a file changed": (edit_trials, "journal/trials.csv: was changed"),
    "a file and its hash changed": (rehash, "journal/trials.csv: its SHA-256 is not the one of the metadata"),
    "a file gone": (lambda f: (f / "lab.yaml").unlink(), "lab.yaml: is in the list of hashes, and missing"),
    "a file added": (lambda f: (f / "more.txt").write_text("x"), "more.txt: is not in the list of hashes"),
    "no list": (lambda f: (f / HASHES).unlink(), f"{HASHES} is missing"),
    "no metadata": (lambda f: (f / METADATA).unlink(), f"{METADATA} is missing"),
    "no JSON": (lambda f: (f / METADATA).write_text("{"), "is no JSON-LD"),
    "no licence": (edit_metadata(lambda e: e["./"].pop("license")), "./: license is missing"),
    "no date": (edit_metadata(lambda e: e["./"].pop("datePublished")), "./: datePublished is missing"),
    "no root": (edit_metadata(lambda e: e.pop("./")), "there is no root Dataset"),
    "no descriptor": (edit_metadata(lambda e: e.pop(METADATA)), "there is no CreativeWork of this name"),
    "no conformance": (edit_metadata(lambda e: e[METADATA].pop("conformsTo")), "do not say that they conform"),
    "no action": (edit_metadata(lambda e: e.pop("#campaign")), "mentions no CreateAction"),
    "no agent": (edit_metadata(lambda e: e["#campaign"].pop("agent")), "#campaign: agent is missing"),
    "a person unknown": (edit_metadata(lambda e: e.pop("#person")), "#person: an action refers to it"),
    "a part forgotten": (edit_metadata(lambda e: e["./"]["hasPart"].pop(0)), "campaign.yaml: is not in hasPart"),
    "a part not described": (edit_metadata(lambda e: e.pop("report.html")), "report.html: has no File entity"),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT)
def test_any_change_is_found(copy: Path, spoil: Callable[[Path], Any], said: str) -> None:
    spoil(copy)
    assert said in "\n".join(verify_pack(copy))


def test_a_zip_that_would_write_outside_its_folder_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil.txt", "x")
    assert verify_pack(path) == ("../evil.txt: the zip holds a path that leaves its folder",)


@pytest.mark.parametrize("name", ["nowhere", "text.zip"])
def test_what_is_no_pack_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.zip").write_text("x")
    with pytest.raises(InputError, match="name"):
        verify_pack(tmp_path / name)


def test_the_newest_campaign_for_the_challenge_that_has_ended_is_chosen(data: Path) -> None:
    campaigns = read_campaigns(data, "colour-bench", AS_OF)
    assert choose_campaign(campaigns, THE_CHALLENGE).id == SECOND
    assert choose_campaign(campaigns, THE_CHALLENGE, "teal-again").id == SECOND


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (FIRST, "names no challenge"),
        ("teal", "several campaigns begin with 'teal'"),
        ("purple", "no campaign begins with 'purple'"),
    ],
)
def test_a_campaign_that_does_not_fit_is_refused(data: Path, name: str, said: str) -> None:
    campaigns = read_campaigns(data, "colour-bench", AS_OF)
    with pytest.raises(InputError, match=said):
        choose_campaign(campaigns, THE_CHALLENGE, name)


def test_a_challenge_without_a_campaign_is_refused(data: Path) -> None:
    campaigns = read_campaigns(data, "colour-bench", AS_OF)
    with pytest.raises(InputError, match=f"campaigns of this lab name {CHALLENGE}; write 'challenge: predicting"):
        choose_campaign(campaigns, reference().challenge("predicting-living-systems"))


def test_a_campaign_that_still_runs_is_not_packed(tmp_path: Path) -> None:
    write_journal(tmp_path, ended=False, challenge=CHALLENGE, trials=2)
    campaigns: tuple[CampaignFacts, ...] = read_campaigns(tmp_path, "colour-bench", AS_OF)
    with pytest.raises(InputError, match="is running: end it"):
        choose_campaign(campaigns, THE_CHALLENGE)
