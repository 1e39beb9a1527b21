"""Images and arrays in files: named by Bluesky's resource documents, hashed, and missed when they change."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.core.clock import VirtualClock
from autolab.core.errors import InputError, WireError
from autolab.journal.assets import assets, check_assets, keep_assets
from autolab.journal.audit import audit
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.trialdata import trial_data
from tests.cli.running import autolab
from tests.report.journals import write_journal

CAMERA = '''
import numpy as np
import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from ophyd.sim import SynSignalWithRegistry
from autolab.core.trials import Estimate
from plans.conventions import Seconds
from plans.reducers import reducer

class Camera(SynSignalWithRegistry):
    """ophyd's simulated detector: each image goes into a file, and the event names it."""
    def __init__(self, *, name, folder):
        super().__init__(name=name, func=lambda: np.full((4, 6), 7.0), save_path=folder)

def photograph(camera: Camera, *, exposure: Seconds, md=None):
    @bpp.stage_decorator([camera])
    @bpp.run_decorator(md={"plan_name": "photograph", **(md or {})})
    def run():
        yield from bps.sleep(exposure)
        yield from bps.trigger_and_read([camera])
        yield from bps.trigger_and_read([camera])
    return (yield from run())

@reducer(metrics=("brightness",))
def brightness(data):
    images = [np.load(file) for file in data.files("camera")]
    return {"brightness": Estimate(float(np.mean(images)), float(len(images)))}
'''
LAB = """
name: camera-bench
laboratory: Example National Laboratory
packages: [camera_bench]
devices:
  camera: {{class: camera_bench.Camera, options: {{folder: {folder}}}}}
stations: {{camera: {{}}}}
"""
CAMPAIGN = """
name: bright
lab: lab.yaml
parameters: {exposure: {bounds: [1, 9], unit: s}}
objectives: {brightness: {goal: maximize}}
plan: camera_bench.photograph
reduce: camera_bench.brightness
budget: {trials: 2}
engine: random
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a campaign on a bench with a camera; its images are in ``images`` beside it."""
    folder = tmp_path_factory.mktemp("camera")
    (folder / "images").mkdir()
    (folder / "camera_bench.py").write_text(CAMERA)
    (folder / "lab.yaml").write_text(LAB.format(folder=folder / "images"))
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    options = RunOptions(folder / "data", simulate=True, virtual=True, seed=1)
    result = run_campaign(folder / "campaign.yaml", options)
    assert (result.state, result.trials) == ("finished", 2), result.reason
    return folder / "data"


def test_the_files_of_each_trial_are_recorded_with_their_hashes_and_a_reducer_reads_them(ran: Path) -> None:
    with closing(JournalReader.open(ran)) as reader:
        record = reader.campaign()
        kept = assets(reader.states, record.id)
        trials = reader.trials(record.id)
    assert [one.trial for one in kept] == [1, 1, 2, 2]
    assert {one.path for one in kept} == {str(file) for file in (ran.parent / "images").iterdir()}
    assert all(one.state(by_hash=True) == "there" for one in kept)
    assert [(t.outcome or {})["brightness"].value for t in trials] == [7.0, 7.0]
    assert [(t.outcome or {})["brightness"].sem for t in trials] == [2.0, 2.0]


def test_show_names_the_files_and_verify_misses_what_was_changed_or_removed(ran: Path) -> None:
    with closing(JournalReader.open(ran)) as reader:
        record = reader.campaign()
        first, _, third, _ = assets(reader.states, record.id)
    show = ("show", record.id, "--trial", "1", "--data", str(ran))
    assert f"file {first.path}: {first.size} bytes, SHA-256 {first.sha256[:16]}…" in autolab(*show, cwd=ran).stdout
    good = autolab("audit", "verify", "--data", str(ran), cwd=ran)
    assert "4 files of devices: what they hold is what was recorded" in good.stdout
    content = Path(first.path).read_bytes()
    np.save(first.path, np.full((4, 6), 8.0))  # the same size
    Path(third.path).rename(f"{third.path}.away")
    bad = autolab("audit", "verify", "--data", str(ran), cwd=ran)
    Path(first.path).write_bytes(content)
    assert bad.returncode == 2
    assert f"{first.path}: is not what trial 1 of {record.id} recorded: it was changed, or exchanged" in bad.stderr
    assert f"{third.path}: is gone, and trial 2 of {record.id} rests on it: put it back" in bad.stderr
    gaps = autolab("show", record.id, "--trial", "2", "--data", str(ran), cwd=ran).stdout
    assert f"{third.path}: is missing" in gaps
    Path(f"{third.path}.away").rename(third.path)
    assert check_assets(ran) == (4, [])


@pytest.fixture
def journal(tmp_path: Path):
    write_journal(tmp_path, campaign="teal", trials=1)
    with closing(Journal(tmp_path, VirtualClock())) as opened:
        yield opened


def test_a_hash_that_was_exchanged_with_its_file_shows_in_the_log(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "image.npy"
    file.write_bytes(b"measured")
    keep_assets(journal, "teal", 1, [("resource", {"uid": "r", "root": str(tmp_path), "resource_path": "image.npy"})])
    journal.close()
    assert audit(tmp_path, None).findings == ()
    import sqlite3

    file.write_bytes(b"better")
    connection = sqlite3.connect(tmp_path / "journal.sqlite")
    connection.execute("UPDATE assets SET size = 6, sha256 = 'of what is better'")
    connection.commit()
    connection.close()
    assert any("assets" in finding.text for finding in audit(tmp_path, None).findings)


def test_a_stream_in_one_file_is_kept_as_ophyd_async_names_it(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "frames 1.h5"
    file.write_bytes(b"frames")
    uri = f"file://localhost{tmp_path}/frames%201.h5"
    documents = [
        ("stream_resource", {"uid": "s", "run_start": "run", "data_key": "camera", "uri": uri}),
        ("stream_datum", {"uid": "s/0", "stream_resource": "s", "descriptor": "d", "indices": {"start": 0, "stop": 2}}),
        ("stream_resource", {"uid": "t", "run_start": "run", "data_key": "far", "uri": "s3://bucket/frames.h5"}),
    ]
    for name, document in documents:
        journal.record("teal", 1, 1, name, document)
    keep_assets(journal, "teal", 1, documents)
    (kept,) = assets(journal.states, "teal")
    assert (kept.path, kept.size) == (str(file), 6)
    assert trial_data(documents).files("camera") == (file,)
    with pytest.raises(InputError, match="no run of the trial recorded a file for 'spectrum'"):
        trial_data(documents).files("spectrum")


def test_a_file_that_is_named_and_not_there_is_a_fault_of_the_trial(journal: Journal, tmp_path: Path) -> None:
    resource = {"uid": "r", "root": "/", "resource_path": "no/such/image.tif"}
    with pytest.raises(WireError, match=r"its data are in /no/such/image\.tif, and there is no such file here: mount"):
        keep_assets(journal, "teal", 1, [("resource", resource)])


def test_a_folder_stands_for_the_files_in_it_in_their_order(journal: Journal, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for n in (10, 2, 1):
        (folder / f"frame_{n}.tif").write_bytes(b"x")
    keep_assets(journal, "teal", 1, [("resource", {"uid": "r", "root": str(tmp_path), "resource_path": "frames"})])
    assert [Path(one.path).stem for one in assets(journal.states, "teal")] == ["frame_1", "frame_2", "frame_10"]
