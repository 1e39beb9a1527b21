"""The recovery plan of the colour bench, on the bench."""

from __future__ import annotations

from pathlib import Path

from bluesky import RunEngine
from ophyd.sim import SynAxis

from autolab.campaign.events import CampaignResult
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.core.operations import Operations
from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from devices.robots import Transfer
from plans.colour import NOZZLE_MM, put_back
from tests.compose.files import example
from tests.devices.test_robots import SLOW, build, transfer
from tests.wires import memory

SATURATED = """\
from autolab.core.errors import InputError
from plans.colour import colour_distance
from plans.reducers import reducer


@reducer(metrics=colour_distance.metrics)
def distance(data):
    if data.starts[0]["trials"] == [2]:
        raise InputError("the spectrum is saturated")
    return colour_distance(data)
"""
WRECK = """\
import bluesky.plan_stubs as bps

def wreck(stage):
    yield from bps.mv(stage, 10_000.0)
"""
POLICY = "on_failure: {bad_outcome: {recover: plans.colour.put_back}}"


def test_a_campaign_puts_the_strip_back_before_it_goes_on_after_a_bad_outcome(tmp_path: Path):
    result = run_recovering(tmp_path, POLICY)
    assert (result.state, result.trials) == ("finished", 3), result.reason
    reader = JournalReader.open(tmp_path / "data")
    moves = [
        (i.trial, i.operation.split(".")[2], i.action["target"]) for i in reader.intents(result.campaign)
        if i.device == "arm"
    ]  # fmt: skip
    reader.close()
    assert moves == [(1, "r1", "stage"), (3, "r0", "rack_1"), (3, "r1", "stage")]


def test_a_recovery_plan_that_would_leave_the_envelope_is_not_run(tmp_path: Path):
    result = run_recovering(tmp_path, POLICY.replace("plans.colour.put_back", "bench.data.wreck"))
    assert result.trials == 1
    reader = JournalReader.open(tmp_path / "data")
    third = reader.trials(result.campaign)[2]
    intents = reader.intents(result.campaign, 3)
    reader.close()
    assert third.state is TrialState.REFUSED
    assert "stage.position" in str(third.transitions[-1].detail)
    assert intents == []


def run_recovering(folder: Path, policy: str) -> CampaignResult:
    """Run four trials on the bench in memory, of which the second has a bad outcome."""
    reduce = "reduce: plans.colour.colour_distance"
    file = example("colour", folder, {"campaign.yaml": (reduce, f"reduce: bench.data.distance\n{policy}")})
    lab = file.with_name("lab.yaml")
    lab.write_text(f"{lab.read_text()}packages: [bench]\n")
    (file.parent / "bench").mkdir()
    (file.parent / "bench" / "__init__.py").write_text("")
    (file.parent / "bench" / "data.py").write_text(f"{WRECK}\n{SATURATED}")
    options = RunOptions(data=folder / "data", simulate=True, virtual=True, trials=4, seed=1, engine="random")
    return run_campaign(file, options)


def test_it_puts_down_what_the_gripper_still_holds():
    rig = memory(SLOW)
    arm = build(rig)
    status = arm.set(transfer("strip-2", "rack_2", "stage"))
    rig.clock.run_until(lambda: rig.state["holding"] is not None)
    arm.stop()
    rig.end(status)
    assert rig.state["holding"] == "strip-2"
    stage = SynAxis(name="stage")
    rack_1 = Transfer("strip-1", "rack_1", "stage", Operations("k1", 1)("bring"))
    engine = RunEngine(context_managers=[])
    plan = put_back(stage, arm, operations=Operations("k1", 2, replicate=0))
    engine.waiting_hook = lambda waiting: waiting and rig.clock.run_until(lambda: all(s.done for s in waiting))
    engine(plan)
    assert rig.state["holding"] is None
    assert (arm.where("strip-2"), stage.position) == ("rack_2", NOZZLE_MM)
    assert rig.end(arm.set(rack_1)) is None
    engine(put_back(stage, arm, operations=Operations("k1", 3, replicate=0)))
    assert arm.where("strip-1") == "rack_1"
    rig.release()
