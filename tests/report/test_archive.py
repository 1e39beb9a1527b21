"""The RO-Crate of a campaign: read by the library that others read it with, and checked against its hashes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import date
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from autolab.core.clock import VirtualClock
from autolab.core.errors import InputError, IntegrityError
from autolab.journal.assets import keep_assets
from autolab.journal.journal import Journal
from autolab.report.archive import write_archive
from tests.cli.running import autolab
from tests.report.journals import write_journal

DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a campaign in whose first trial a device wrote an image."""
    folder = tmp_path_factory.mktemp("archive") / "data"
    folder.mkdir()
    write_journal(folder, campaign="teal", trials=4)
    (folder.parent / "an image.tif").write_bytes(b"pixels")
    journal = Journal(folder, VirtualClock())
    resource = {"uid": "0123456789", "root": str(folder.parent), "resource_path": "an image.tif"}
    keep_assets(journal, "teal", 1, [("resource", resource)])
    journal.close()
    return folder


@pytest.fixture(scope="module")
def crate(data: Path) -> Path:
    write_archive(data, "teal", data.parent / "crate", DAY)
    return data.parent / "crate"


def test_the_library_of_others_reads_it_with_all_of_its_files(crate: Path) -> None:
    read = ROCrate(crate)
    listed = {entity.id for entity in read.data_entities}
    there = {file.relative_to(crate).as_posix().replace(" ", "%20") for file in crate.rglob("*") if file.is_file()}
    assert listed == there - {"ro-crate-metadata.json", "manifest-sha256.txt"}
    assert {"campaign.yaml", "lab.yaml", "journal/trials.csv", "documents.jsonl", "report.html"} <= listed
    assert read.name == "Campaign teal-in-thirty in colour-bench (simulated)"
    assert str(read.datePublished).startswith("2026-03-02")
    (action,) = read.get_by_type("CreateAction")
    assert action["instrument"].id == "#autolab"
    assert {one.id for one in action["object"]} == {"campaign.yaml", "lab.yaml"}
    assert {one.id for one in action["result"]} == listed - {"campaign.yaml", "lab.yaml"}
    assert all(one.type == "File" for one in action["result"])
    assert action["agent"]["affiliation"]["name"] == "Example National Laboratory"
    assert read.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert read.root_dataset["publisher"]["name"] == "Example National Laboratory"


def test_every_file_has_the_hash_that_the_list_and_the_metadata_give(crate: Path) -> None:
    lines = [line.split("  ", 1) for line in (crate / "manifest-sha256.txt").read_text().splitlines()]
    hashes = {name: digest for digest, name in lines}
    files = {file.relative_to(crate).as_posix(): file for file in crate.rglob("*") if file.is_file()}
    assert hashes.keys() == files.keys() - {"manifest-sha256.txt"}
    assert all(
        hashlib.sha256(file.read_bytes()).hexdigest() == hashes[name] for name, file in files.items() if name in hashes
    )
    graph = {each["@id"]: each for each in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}
    image = graph["files/trial-1/00001-an%20image.tif"]
    assert (image["sha256"], image["contentSize"]) == (hashlib.sha256(b"pixels").hexdigest(), "6")


def test_a_zip_holds_the_same_bytes_and_leaves_nothing_beside_it(data: Path, crate: Path) -> None:
    path = data.parent / "crate.zip"
    before = set(data.parent.iterdir())
    write_archive(data, "teal", path, DAY)
    assert set(data.parent.iterdir()) - before == {path}
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {
        file.relative_to(crate).as_posix(): file.read_bytes() for file in crate.rglob("*") if file.is_file()
    }


def test_a_folder_that_is_there_and_a_file_that_has_changed_are_refused(data: Path, crate: Path) -> None:
    with pytest.raises(InputError, match="is there already: name a new folder"):
        write_archive(data, "teal", crate, DAY)
    image = data.parent / "an image.tif"
    image.write_bytes(b"other!")
    with pytest.raises(IntegrityError, match=r"an image\.tif: is changed, and trial 1 of teal rests on it"):
        write_archive(data, "teal", data.parent / "other", DAY)
    assert not (data.parent / "other").exists()
    image.write_bytes(b"pixels")


def test_the_command_writes_it_and_asks_for_a_place(data: Path) -> None:
    words = ("export", "teal", "--format", "ro-crate", "--data", str(data))
    assert "name a new one, or a file that ends with .zip" in autolab(*words, cwd=data.parent).stderr
    done = autolab(*words, "--output", "by-hand", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    assert (data.parent / "by-hand" / "ro-crate-metadata.json").is_file()
