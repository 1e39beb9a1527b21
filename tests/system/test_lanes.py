"""Two lanes with devices of three kinds: ours over ZeroMQ, classic ophyd, and ophyd-async."""

from __future__ import annotations

from pathlib import Path

from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from tests.compose.files import EXAMPLES
from tests.system.command import autolab

LAB = """\
name: mixed
laboratory: Example
packages: [mixedplans]
devices:
  instrument:
    class: devices.measuring.ZmqInstrument
    at: {zmq: "tcp://127.0.0.1:5601"}
    options: {parameters: {cyan: uL, magenta: uL, yellow: uL}, metrics: {colour_distance: ""}}
    simulator:
      class: simulators.replay.ReplayServer
      options: {table: table.csv, metrics: [colour_distance]}
  motor: {class: mixedplans.AsyncMotor}
  knob: {class: ophyd.Signal, options: {value: 0.0}}
stations: {instrument: {}, motor: {}, knob: {}}
envelope:
  instrument.cyan:     {min: 0 uL, max: 120 uL}
  instrument.magenta:  {min: 0 uL, max: 120 uL}
  instrument.yellow:   {min: 0 uL, max: 120 uL}
  motor.setpoint:      {min: 0 mm, max: 10 mm}
  knob.value:          {min: 0, max: 120}
"""

PLANS = """\
import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from devices.measuring import Measure
from ophyd_async.core import AsyncStatus, StandardReadable, soft_signal_rw
from plans.conventions import act


class AsyncMotor(StandardReadable):
    def __init__(self, name=""):
        with self.add_children_as_readables():
            self.setpoint = soft_signal_rw(float, units="mm")
        super().__init__(name=name)

    @AsyncStatus.wrap
    async def set(self, position):
        await self.setpoint.set(position)


def scan(instrument, motor, knob, *, cyan, magenta, yellow, operations, md):
    @bpp.run_decorator(md=dict(md))
    def run():
        for position in (1.0, OVER):
            yield from bps.mv(motor, position, knob, cyan)
            yield from act(instrument, Measure({"cyan": cyan, "magenta": magenta, "yellow": yellow},
                                               operations(f"at-{position:.0f}")))
            yield from bps.trigger_and_read([motor, knob, instrument])
    yield from run()
"""

CAMPAIGN = """\
name: mixed
lab: lab.yaml
parameters:
  cyan:    {bounds: [0, 120], unit: uL}
  magenta: {bounds: [0, 120], unit: uL}
  yellow:  {bounds: [0, 120], unit: uL}
objectives: {colour_distance: {goal: minimize}}
plan: mixedplans.scan
reduce: plans.replay.measured
budget: {trials: 6}
engine: sobol
lanes: 2
"""


def write_lab(folder: Path, second_position: float) -> Path:
    (folder / "lab.yaml").write_text(LAB)
    (folder / "campaign.yaml").write_text(CAMPAIGN)
    (folder / "mixedplans.py").write_text(PLANS.replace("OVER", str(second_position)))
    (folder / "table.csv").write_bytes((EXAMPLES / "replay" / "table.csv").read_bytes())
    return folder / "campaign.yaml"


def test_an_asynchronous_device_scans_with_ours_in_each_of_two_lanes(tmp_path: Path):
    campaign = write_lab(tmp_path, second_position=2.0)
    done = autolab("run", campaign, "--simulate", "--seed", 1, data=tmp_path / "data")
    assert done.returncode == 0, done.stderr
    reader = JournalReader.open(tmp_path / "data")
    trials = reader.trials(reader.campaign().id)
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * 6
    assert {trial.lane for trial in trials} == {1, 2}
    for trial in trials:
        data = reader.data(reader.campaign().id, trial.number)
        assert data.column("motor-setpoint").tolist() == [1.0, 2.0]
        assert data.column("knob").tolist() == [trial.suggestion.values["cyan"]] * 2
    reader.close()


def test_a_plan_that_takes_a_foreign_device_outside_its_envelope_is_refused_before_it_runs(tmp_path: Path):
    campaign = write_lab(tmp_path, second_position=11.0)
    done = autolab("run", campaign, "--simulate", "--lanes", 1, data=tmp_path / "data")
    assert done.returncode == 3, done.stderr  # the screen has refused three trials in a row
    why = "motor.setpoint: refused to write 11 mm: the envelope allows 0 to 10 mm"
    assert f"trial 1: refused: message 17 of the plan: {why}" in done.stderr
    assert "Traceback" not in done.stderr


def test_lanes_that_would_move_one_device_at_the_same_time_are_refused(tmp_path: Path):
    campaign = write_lab(tmp_path, second_position=2.0)
    lab = tmp_path / "lab.yaml"
    lab.write_text(lab.read_text().replace("motor: {}, ", ""))
    done = autolab("run", campaign, "--simulate", data=tmp_path / "data")
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        "campaign.yaml:12: 2 lanes would use motor at the same time: "
        "list them under 'stations' in the lab file, so that one trial holds them at a time"
    )
