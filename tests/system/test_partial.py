"""Some devices simulated beside the hardware of the others, and nobody takes one for the other."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.compose.options import RunOptions
from autolab.compose.resuming import options_of
from autolab.journal.reader import JournalReader
from benchmarks.warm import WarmCommand
from tests.compose.files import EXAMPLES
from tests.rigs import until
from tests.system.command import PATIENCE_S, autolab, ctrl_c, started

LAB = """\
name: site
laboratory: Example
packages: [siteplans]
devices:
  instrument:
    class: devices.measuring.ZmqInstrument
    at: {zmq: "tcp://127.0.0.1:5638"}
    options: {parameters: {cyan: uL, magenta: uL, yellow: uL}, metrics: {colour_distance: ""}}
    simulator:
      class: simulators.replay.ReplayServer
      options: {table: table.csv, metrics: [colour_distance]}
  stage:
    class: devices.motion.EpicsStage
    at: {epics: "SITE:STAGE:"}
    simulator: {class: simulators.motion.StageServer}
stations: {instrument: {}, stage: {}}
envelope:
  instrument.cyan:     {min: 0 uL, max: 120 uL, proven: all}
  instrument.magenta:  {min: 0 uL, max: 120 uL, proven: all}
  instrument.yellow:   {min: 0 uL, max: 120 uL, proven: all}
  stage.position:      {min: 0 mm, max: 300 mm}
  stage.velocity:      {min: 1 mm/s, max: 100 mm/s}
"""

PLANS = """\
import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from devices.measuring import Measure
from plans.conventions import act


def scan(instrument, stage, *, cyan, magenta, yellow, operations, md):
    @bpp.run_decorator(md=dict(md))
    def run():
        yield from bps.mv(stage, 10 + cyan / 10)
        values = {"cyan": cyan, "magenta": magenta, "yellow": yellow}
        yield from act(instrument, Measure(values, operations("measure")))
        yield from bps.trigger_and_read([stage, instrument])
    yield from run()
"""

CAMPAIGN = """\
name: site
lab: lab.yaml
parameters:
  cyan:    {bounds: [0, 120], unit: uL}
  magenta: {bounds: [0, 120], unit: uL}
  yellow:  {bounds: [0, 120], unit: uL}
objectives: {colour_distance: {goal: minimize}}
plan: siteplans.scan
reduce: plans.replay.measured
budget: {trials: 2}
engine: sobol
"""


def write_site(folder: Path) -> Path:
    (folder / "lab.yaml").write_text(LAB)
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    (folder / "siteplans.py").write_text(PLANS)
    (folder / "table.csv").write_bytes((EXAMPLES / "replay" / "table.csv").read_bytes())
    return folder / "campaign.yaml"


def site_running(folder: Path) -> WarmCommand:
    """All instruments of the site, at their own addresses: what the campaign takes for hardware."""
    site = started("simulate", folder / "lab.yaml", data=folder / "site")
    until((folder / "site" / "simulators" / "site" / "endpoints.json").exists, "the site")
    return site


def test_a_simulated_device_stands_in_for_one_that_is_there_and_does_not_move(tmp_path: Path) -> None:
    campaign = write_site(tmp_path)
    site = site_running(tmp_path)
    try:
        at = json.loads((tmp_path / "site" / "simulators" / "site" / "endpoints.json").read_text())
        state = tmp_path / "site" / "simulators" / "site"
        stage_before = _state(state / "stage.json")
        reached = {**os.environ, "EPICS_CA_ADDR_LIST": f"127.0.0.1:{at['ca_ports'][0]}", "OMP_NUM_THREADS": "1"}
        words = ("run", campaign, "--simulate=stage", "--seed", 3, "--data", tmp_path / "data")
        command = WarmCommand(words, reached)
        _, said = command.communicate(timeout=PATIENCE_S)
        assert command.wait() == 0, said
        assert _state(state / "stage.json") == stage_before, "the site's own stage has moved"
        assert _state(state / "instrument.json") is not None, "the site's instrument has measured"
    finally:
        ctrl_c(site)
        site.communicate(timeout=PATIENCE_S)
    reader = JournalReader.open(tmp_path / "data")
    record = reader.campaign()
    assert {device.name: device.realm for device in reader.devices(record.id)} == {
        "instrument": "emulated",  # it says itself that it is a simulator
        "stage": "simulated",
    }
    trials = reader.trials(record.id)
    assert [(str(trial.state), trial.realm) for trial in trials] == [("ingested", "simulated")] * 2
    moved = [reader.data(record.id, trial.number).column("stage_position").tolist() for trial in trials]
    assert moved == [[pytest.approx(10 + trial.suggestion.values["cyan"] / 10)] for trial in trials]
    reader.close()
    again = options_of(replace(record, state="paused"), tmp_path / "data")
    assert again == RunOptions(tmp_path / "data", simulate=True, only=("stage",), seed=3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--simulate=stag",), "--simulate=stag: site has no device 'stag'; did you mean 'stage'?"),
        (("--simulate=stage,instrument",), "these are all devices of site; write --simulate alone"),
        (("--simulate=stage", "--virtual"), "--virtual needs --simulate for all devices"),
        (("--simulate=stage", "--time-factor", 10), "--time-factor needs --simulate for all devices"),
    ],
)
def test_what_cannot_be_simulated_in_part_is_refused_before_anything_is_made(
    tmp_path: Path, words: tuple[object, ...], said: str
) -> None:
    done = autolab("run", write_site(tmp_path), *words, data=tmp_path / "data")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "data" / "journal.sqlite").exists()


def _state(file: Path) -> dict[str, object] | None:
    return json.loads(file.read_text()) if file.exists() else None
