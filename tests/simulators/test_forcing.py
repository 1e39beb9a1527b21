"""Forced readings: only where a simulator was started to take them, in-band, and nothing moves."""

from __future__ import annotations

import math
from typing import Any

import pytest

from autolab.core.clock import VirtualClock
from devices.messages import Reply, Request
from simulators.base import MemoryStore, Settings
from simulators.motion import StageCore
from simulators.robots import ArmServer

LABWARE = {"strip": (("rack_1",), 24)}


def settings(takes_forces: bool) -> Settings:
    return Settings("device", VirtualClock(), MemoryStore(), labware=LABWARE, takes_forces=takes_forces)


@pytest.fixture
def stage() -> StageCore:
    core = StageCore(settings(True))
    core.take_forces()
    return core


def arm(core: Any, op: str, **args: Any) -> Reply:
    return Reply.from_bytes(core.handle(Request("q1", op, args).to_bytes(), 0.0, 0.0))


def test_a_stage_that_was_not_started_for_it_has_no_such_variable():
    core = StageCore(settings(False))
    assert not {"FORCE", "FORCED"} & set(core.pvs)
    with pytest.raises(KeyError):
        core.write("FORCE", "READBACK=1", 0.0)


def test_a_forced_reading_is_read_and_shown_until_it_is_let_go(stage: StageCore):
    stage.write("FORCE", "READBACK=151.5", 0.0)
    assert stage.read("READBACK", 0.0).value == 151.5
    assert stage.read("FORCED", 0.0).value == "READBACK=151.5"
    assert stage.read("TARGET", 0.0).value == 5.0, "nothing has moved"
    stage.write("FORCE", "", 0.0)
    assert (stage.read("READBACK", 0.0).value, stage.read("FORCED", 0.0).value) == (5.0, "")


def test_what_is_no_number_and_a_state_can_be_forced(stage: StageCore):
    stage.write("FORCE", "READBACK=nan", 0.0)
    assert math.isnan(stage.read("READBACK", 0.0).value)
    stage.write("FORCE", "STATE=refused", 0.0)
    assert stage.read("STATE", 0.0).value == 4


@pytest.mark.parametrize("text", ["NOTHING=1", "SETPOINT=1", "MODEL=x", "READBACK=far", "READBACK", "STATE=lost"])
def test_what_cannot_be_forced_has_no_effect(text: str, stage: StageCore):
    stage.write("FORCE", text, 0.0)
    assert stage.read("FORCED", 0.0).value == ""


def test_an_arm_says_that_it_takes_forced_readings_and_takes_them():
    core = ArmServer(settings(True)).core
    assert arm(core, "hello").values["takes_forces"] is True
    arm(core, "force", name="holding", value="strip-1")
    arm(core, "force", name="places.rack_1", value=None)
    inventory = arm(core, "inventory").values
    assert (inventory["holding"], inventory["places"]["rack_1"]) == ("strip-1", None)
    assert arm(core, "force", name=3).kind == "refused"
    arm(core, "force")
    assert arm(core, "inventory").values["places"]["rack_1"] == "strip-1"


def test_an_arm_that_was_not_started_for_it_refuses():
    core = ArmServer(settings(False)).core
    assert "takes_forces" not in arm(core, "hello").values
    assert arm(core, "force", name="holding", value="strip-1").values["code"] == "unknown_op"
