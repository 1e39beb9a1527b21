"""The colour bench's plan: strips come to the stage, also after a transfer that was interrupted."""

from __future__ import annotations

from typing import Any

import pytest

from autolab.core.envelope import AllowedValues
from autolab.core.operations import Operations
from devices.robots import Transfer, ZmqArm
from plans.colour import bring
from simulators.robots import ArmServer
from tests.wires import Bench, Rig, memory

PLACES = ("rack_1", "rack_2", "stage")
LIMITS = {
    "place": AllowedValues("arm.place", PLACES),
    "gripper": AllowedValues("arm.gripper", ("open", "closed")),
}
BENCH = Bench(
    server=ArmServer,
    device="arm",
    labware={"strip": (("rack_1", "rack_2"), 24)},
    world={"stage": {"position": 0.0, "moving": False}},
)


def run(rig: Rig, plan: Any) -> None:
    """Send a plan's messages to its device, and wait for each action."""
    answer: Any = None
    status: Any = None
    try:
        while True:
            msg = plan.send(answer)
            answer = None
            if msg.command == "read":
                answer = msg.obj.read()
            elif msg.command == "set":
                answer = status = msg.obj.set(*msg.args)
            elif msg.command == "wait":
                assert rig.end(status) is None
    except StopIteration:
        pass


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ("strip-1", {"rack_1": None, "rack_2": "strip-2", "stage": "strip-1"}),
        ("strip-2", {"rack_1": "strip-1", "rack_2": None, "stage": "strip-2"}),
    ],
    ids=["the one wanted", "another"],
)
def test_a_strip_that_was_left_in_the_gripper_is_put_down_before_a_strip_is_brought(wanted: str, places: Any):
    rig = memory(BENCH)
    arm = rig.build(ZmqArm, LIMITS)
    status = arm.set(Transfer("strip-1", "rack_1", "stage", Operations()("bring-strip")))
    rig.until(lambda: rig.state["holding"] == "strip-1")
    arm.stop()
    assert rig.end(status) is not None
    run(rig, bring(arm, wanted, Operations(attempt=2)))
    assert rig.state["places"] == places
    assert rig.state["holding"] is None
    rig.close()
