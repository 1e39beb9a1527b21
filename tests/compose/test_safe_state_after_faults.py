"""Whatever fault ends a campaign, its lab is in its safe state afterwards: on the bench in memory."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.stopping import StopSwitch
from autolab.compose.conducting import conduct
from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.compose.running import campaign_start, make_setup, open_all
from autolab.core.faults import FaultKind
from autolab.core.principals import Principal
from autolab.core.proposing import SuggestRequest
from autolab.core.trials import Suggestion, TrialState
from autolab.journal.reader import JournalReader
from tests.compose.files import example

ADA = Principal("ada", "person")
DEVICES = """
from autolab.core import errors
from devices.dispensers import Mix, SerialDispenser
from plans.reducers import reducer

ERRORS = {
    "timeout": errors.DeviceTimeoutError, "refused": errors.CommandRefusedError, "readback": errors.ReadbackError,
    "wire": errors.WireError, "disconnected": errors.NotConnectedError, "device": errors.DeviceError,
    "calibration": errors.CalibrationError, "unknown": RuntimeError,
    "trip": errors.TripError, "outside": errors.EnvelopeError,
}


class Failing(SerialDispenser):
    def __init__(self, *, fails, **options):
        super().__init__(**options)
        self._fails = fails

    def set(self, action):
        if isinstance(action, Mix) and self._fails in ERRORS:
            raise ERRORS[self._fails]("it fails")
        return super().set(action)


@reducer(metrics=("colour_distance",))
def nothing(data):
    raise ValueError("no outcome")


@reducer(metrics=("colour_distance",))
def doubted(data):
    raise errors.QualityError("its outcome is not believed")
"""
STEPS = "[{device: arm, do: stop}, {set: stage.velocity, to: 20 mm/s}, {set: stage.position, to: 9 mm}]"


class Middle:
    """Proposes the middle of the space."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        values = {"cyan": 50.0, "magenta": 50.0, "yellow": 50.0, "mixing_time": 5.0}
        return Suggestion(request.trial, values, "random", "the middle", request.seed, (), ())

    def recommend(self, *_: Any) -> None:
        return None


@pytest.mark.parametrize("fault", [*FaultKind, "trip", "outside"])
def test_after_every_fault_the_lab_is_in_its_safe_state(fault: str, tmp_path: Path):
    file = example("colour", tmp_path, {"lab.yaml": ("safe_state: []", f"safe_state: {STEPS}\npackages: [faulty]")})
    lab_file = file.with_name("lab.yaml")
    ours = "class: devices.dispensers.SerialDispenser"
    text = lab_file.read_text(encoding="utf-8").replace(ours, "class: faulty.Failing")
    channels = "options: {channels: [cyan, magenta, yellow, clear]}\n    simulator"
    lab_file.write_text(text.replace(channels, channels.replace("]}", f"], fails: {fault}}}")), encoding="utf-8")
    (file.parent / "faulty.py").write_text(DEVICES, encoding="utf-8")
    reducers = {FaultKind.BAD_OUTCOME: "faulty.nothing", FaultKind.QUALITY: "faulty.doubted"}
    if fault in reducers:
        campaign = file.read_text(encoding="utf-8").replace("plans.colour.colour_distance", reducers[FaultKind(fault)])
        file.write_text(campaign, encoding="utf-8")
    options = RunOptions(data=Path(), simulate=True, virtual=True, in_memory=True, trials=1, seed=0, engine="random")
    bound = bind_files(file, options)
    with ExitStack() as stack:
        journal, lab = open_all(stack, bound, options, None, 0, "faulty")
        setup = make_setup(bound, lab, "faulty", 0, ADA, "faulty", None)
        journal.start_campaign(campaign_start(bound, lab, setup, file, options), ADA)
        conduct(stack, bound, setup, lab, Middle(), journal, (), StopSwitch())
        reader = JournalReader(journal.states, journal.documents)
        (trial,) = reader.trials("faulty")
        said = {item.cause: item.detail for item in reader.interventions("faulty")}["safe state"]
        reading = lab.devices["stage"].read()
        assert trial.state is TrialState.FAILED, trial
        assert fault in (trial.fault, "trip", "outside")
        assert said == "arm: stop; stage.velocity = 20.0; stage.position = 9.0"
        assert reading["stage_position"]["value"] == pytest.approx(9.0, abs=0.1)
