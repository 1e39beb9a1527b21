"""A reset from a process that outlives the simulators, as the server of the pages does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autolab.compose.resetting import reset_lab
from autolab.core.errors import InputError, SafetyError
from tests.rigs import until
from tests.system.command import started

LAB = """\
name: axis
laboratory: Example National Laboratory
devices:
  stage:
    class: devices.motion.EpicsStage
    at: {epics: "AXIS:"}
    simulator: {class: simulators.motion.StageServer, options: {velocity_mm_s: VELOCITY}}
envelope:
  stage.position: {min: 0 mm, max: 300 mm, max_step: 300 mm, safe: hold}
  stage.velocity: {min: 1 mm/s, max: 100 mm/s}
interlocks: [{name: fast, when: stage.velocity > 60 mm/s, effect: trip, why: it spills}]
safe_state: [{device: stage, do: stop}]
"""


@contextmanager
def simulated(lab: Path, data: Path, velocity_mm_s: int) -> Iterator[None]:
    """The simulators of a lab, running by themselves, at other ports each time."""
    lab.write_text(LAB.replace("VELOCITY", str(velocity_mm_s)))
    simulators = started("simulate", lab, "--fresh", data=data)
    try:
        until(lambda: (data / "simulators/axis/endpoints.json").exists(), "the simulators")
        yield
    finally:
        simulators.send_signal(signal.SIGTERM)
        simulators.communicate(timeout=30)


def test_a_cause_is_looked_for_also_when_the_simulators_have_been_started_anew(tmp_path: Path):
    lab, data, before = tmp_path / "lab.yaml", tmp_path / "data", os.environ.get("EPICS_CA_ADDR_LIST")
    still_there = r"axis is not reset: interlock fast: .* holds \(it spills\); remove the cause"
    with simulated(lab, data, 90), pytest.raises(SafetyError, match=still_there):
        reset_lab(data, lab, "it looks fine")
    with simulated(lab, data, 50), pytest.raises(InputError, match="axis has not tripped: there is nothing to reset"):
        reset_lab(data, lab, "set back")
    assert os.environ.get("EPICS_CA_ADDR_LIST") == before, "where this process looks for its own devices"
