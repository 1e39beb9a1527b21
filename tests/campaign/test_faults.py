"""What a campaign does about faults, by their kind."""

from __future__ import annotations

from typing import Any

import pytest

from autolab.core.errors import DeviceError, DeviceTimeoutError, InputError, PlanError, WireError
from autolab.core.faults import FaultKind, FaultPolicy, kind_of
from autolab.core.trials import TrialState
from plans.conventions import act
from tests.campaign.softlab import Pour, SoftLab


def late(times: int) -> Any:
    """The second trial's action does not finish in time, so many times."""
    left = [times]

    def fails(amount: float) -> Exception | None:
        if amount == 0.5 and left[0] > 0:
            left[0] -= 1
            return DeviceTimeoutError("pump: did not finish in 2 s")
        return None

    return fails


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DeviceTimeoutError("x"), FaultKind.TIMEOUT),
        (WireError("x"), FaultKind.WIRE),
        (DeviceError("x"), FaultKind.DEVICE),
        (InputError("x"), FaultKind.BAD_OUTCOME),
        (PlanError("x"), FaultKind.UNKNOWN),
    ],
)
def test_each_error_has_a_kind(error: Any, kind: FaultKind):
    assert kind_of(error) is kind


def test_a_retry_is_a_new_attempt_with_operations_and_a_sample_of_its_own():
    wells = tuple(("strip-1", "rack_1", well) for well in range(9))
    policies = {FaultKind.TIMEOUT: FaultPolicy(retry=2)}
    lab = SoftLab(trials=3, fails=late(1), on_failure=policies, uses_samples=True, wells=wells)
    assert lab.run().state == "finished"
    trials = lab.trials_of()
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * 3
    assert [trial.attempt for trial in trials] == [1, 2, 1]
    assert [str(operation) for operation in lab.pump.poured] == [
        "soft1.t1.r1.pour.a1", "soft1.t2.r1.pour.a1", "soft1.t2.r1.pour.a2", "soft1.t3.r1.pour.a1",
    ]  # fmt: skip
    assert [sample.well for sample in trials[1].samples] == [1, 2]
    assert [str(t.state) for t in trials[1].transitions] == [
        "suggested", "screened", "running", "failed", "screened", "running", "acquired", "reduced", "ingested",
    ]  # fmt: skip


def test_after_the_last_retry_the_trial_has_failed_and_the_campaign_goes_on():
    lab = SoftLab(trials=3, fails=late(9), on_failure={FaultKind.TIMEOUT: FaultPolicy(retry=1)})
    assert lab.run().state == "finished"
    assert [trial.state for trial in lab.trials_of()] == [TrialState.INGESTED, TrialState.FAILED, TrialState.INGESTED]
    assert len(lab.pump.poured) == 4


@pytest.mark.parametrize(("then", "state", "code"), [("ask", "paused", 5), ("stop", "failed", 4)])
def test_a_fault_may_pause_or_end_the_campaign(then: Any, state: str, code: int):
    lab = SoftLab(trials=5, fails=late(9), on_failure={FaultKind.TIMEOUT: FaultPolicy(then=then)})
    result = lab.run()
    assert (result.state, result.exit_code) == (state, code)
    assert result.reason.startswith("trial 2 failed (timeout): pump: did not finish in 2 s; ")


def test_a_fault_that_nobody_has_named_never_continues_by_itself():
    def broken(pump: Any, x: float, operations: Any, md: Any):
        yield from act(pump, Pour(x, operations("pour")))
        raise KeyError("typo")

    result = SoftLab(trials=5, make_plan=broken).run()
    assert (result.state, result.exit_code) == ("paused", 5)
    assert result.reason == ("trial 1 failed (unknown): the plan failed with KeyError: 'typo'; look, then resume")
