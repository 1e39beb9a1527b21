"""What follows from a fault: waiting, bringing the lab in order, closing a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import pytest

from autolab.campaign.book import Book, request_for
from autolab.campaign.recovery import recovered
from autolab.campaign.setup import CampaignSetup
from autolab.config.specs import Stopping
from autolab.core.clock import ScaledClock
from autolab.core.errors import DeviceError, DeviceTimeoutError, InputError
from autolab.core.faults import SCREENED, FaultKind, FaultPolicy
from autolab.core.operations import Operations
from autolab.core.samples import Sample
from autolab.core.trials import TrialState, Verdict
from autolab.journal import amendments
from autolab.journal.recoveries import owed
from plans.conventions import act
from tests.campaign.softlab import LineProposer, Pour, SoftLab, amount
from tests.campaign.test_faults import late

NEAR = LineProposer(lambda trial: 0.5 + 0.01 * trial)
"""Suggests points that are close to each other."""


class RinsedLab(SoftLab):
    """A lab whose recovery plan rinses the pump."""

    rinse_fails = 0

    def _setup(self) -> CampaignSetup:
        return replace(super()._setup(), make_recovery={"lab.rinse": self._rinse})

    def _rinse(self, operations: Operations, sample: Sample | None):
        def plan():
            self.samples = [*getattr(self, "samples", []), sample]
            yield from act(self.pump, Pour(-1.0, operations("rinse")))
            yield from bps.null()
            if self.rinse_fails:
                self.rinse_fails -= 1
                raise DeviceError("pump: the drain is blocked")
            yield from act(self.pump, Pour(-2.0, operations("rinse-again")))

        return plan


def poured(lab: SoftLab) -> list[str]:
    return [str(operation).removeprefix("soft1.") for operation in lab.pump.poured]


def fails_at(number: int):
    """The reducer of a campaign in which the data of one trial are no good."""
    seen: list[int] = []

    def reduce(data: Any):
        seen.append(1)
        if len(seen) == number:
            raise InputError("the spectrum is saturated")
        return amount(data)

    return reduce


def quarantining(**more: Any) -> SoftLab:
    policy = FaultPolicy(then="quarantine", region=0.025)
    return SoftLab(
        proposer=more.pop("proposer", NEAR), reduce=fails_at(1), on_failure={FaultKind.BAD_OUTCOME: policy}, **more
    )


# waiting


def test_a_retry_waits_and_each_further_one_twice_as_long():
    policy = FaultPolicy(retry=2, wait_s=30.0)
    lab = SoftLab(trials=2, fails=late(2), on_failure={FaultKind.TIMEOUT: policy})
    assert lab.run().state == "finished"
    history = lab.trials_of()[1].transitions
    failed = [t.lab_s for t in history if t.state is TrialState.FAILED]
    begun = [intent.intended_lab_s for intent in lab.reader.intents("soft-1", 2)]
    assert [begun[1] - failed[0], begun[2] - failed[1]] == pytest.approx([30.0, 60.0], abs=0.1)


# bringing the lab in order


def test_a_recovery_plan_runs_once_before_the_next_attempt_with_actions_of_its_own():
    lab = RinsedLab(trials=3, fails=late(1), on_failure={FaultKind.TIMEOUT: FaultPolicy(retry=1, recover="lab.rinse")})
    assert lab.run().state == "finished"
    assert poured(lab) == [
        "t1.r1.pour.a1", "t2.r1.pour.a1", "t2.r0.rinse.a2", "t2.r0.rinse-again.a2", "t2.r1.pour.a2", "t3.r1.pour.a1",
    ]  # fmt: skip
    assert owed(lab.journal, "soft-1") == []
    trial = lab.trials_of()[1]
    assert trial.outcome is not None
    assert trial.outcome["y"].value == 0.5, "what a recovery plan does is not part of the trial's data"


def test_after_a_trial_that_is_given_up_it_runs_before_the_next_one_and_knows_the_sample_that_failed():
    wells = tuple(("strip-1", "rack_1", well) for well in range(9))
    lab = RinsedLab(
        trials=3, fails=late(1), on_failure={FaultKind.TIMEOUT: FaultPolicy(recover="lab.rinse")},
        wells=wells, uses_samples=True,
    )  # fmt: skip
    assert lab.run().state == "finished"
    assert poured(lab)[2:4] == ["t3.r0.rinse.a1", "t3.r0.rinse-again.a1"]
    assert [sample.well for sample in lab.samples if sample] == [1]


def test_one_that_fails_is_owed_again():
    policies = {kind: FaultPolicy(retry=2, recover="lab.rinse") for kind in (FaultKind.TIMEOUT, FaultKind.DEVICE)}
    lab = RinsedLab(trials=3, fails=late(1), on_failure=policies)
    lab.rinse_fails = 1
    assert lab.run().state == "finished"
    assert poured(lab)[2:6] == ["t2.r0.rinse.a2", "t2.r0.rinse.a3", "t2.r0.rinse-again.a3", "t2.r1.pour.a3"]


def test_after_a_crash_in_the_middle_of_it_nothing_of_it_is_repeated(tmp_path: Path):
    class CrashError(BaseException):
        pass

    def plan(pump: Any, x: float, operations: Operations, md: Mapping[str, Any]):
        yield from act(pump, Pour(x, operations("pour")))

    lab = RinsedLab(
        trials=3, folder=tmp_path, fails=late(1), reduce=lambda data: {},
        on_failure={FaultKind.TIMEOUT: FaultPolicy(retry=1, recover="lab.rinse")},
    )  # fmt: skip
    real = lab._rinse

    def crashing(operations: Operations, sample: Sample | None):
        def plan():
            yield from act(lab.pump, Pour(-1.0, operations("rinse")))
            raise CrashError

        return plan

    lab._rinse = crashing
    lab.reduce = amount
    with pytest.raises(CrashError):
        lab.run()
    lab.journal.close()
    lab._rinse = real
    assert lab.resume().state == "finished"
    assert poured(lab).count("t2.r0.rinse.a2") == 1
    assert poured(lab)[-3:] == ["t2.r0.rinse-again.a2", "t2.r1.pour.a2", "t3.r1.pour.a1"]
    lab.journal.close()


def test_where_no_trial_follows_the_campaign_says_what_is_owed():
    lab = RinsedLab(trials=2, fails=late(1), on_failure={FaultKind.TIMEOUT: FaultPolicy(recover="lab.rinse")})
    assert lab.run().reason == "budget used up: 2 trials; still owed to the lab: lab.rinse (for trial 2)"


def test_a_plan_that_the_file_does_not_name_any_more_stays_owed_and_the_campaign_goes_on(tmp_path: Path):
    policy = FaultPolicy(recover="lab.rinse", then="ask")
    lab = RinsedLab(trials=3, folder=tmp_path, fails=late(1), on_failure={FaultKind.TIMEOUT: policy})
    assert lab.run().state == "paused"
    lab.journal.close()
    lab._setup = lambda: SoftLab._setup(lab)
    assert lab.resume().reason == "budget used up: 3 trials; still owed to the lab: lab.rinse (for trial 2)"
    assert poured(lab)[-1] == "t3.r1.pour.a1"
    lab.journal.close()


# closing a region


def test_a_closed_region_refuses_what_lies_in_it_and_nothing_else():
    lab = quarantining(trials=5)
    assert lab.run().state == "finished"
    trials = lab.trials_of()
    assert [str(trial.state) for trial in trials] == ["failed", "refused", "refused", "ingested", "ingested"]
    assert (trials[0].fault, trials[0].closes) == ("bad_outcome", 0.025)
    assert "the region around trial 1, which failed there, is in quarantine" in str(trials[1].transitions[-1].detail)
    assert len(lab.pump.poured) == 3


def test_a_trial_that_was_allowed_before_its_region_was_closed_does_not_begin():
    lab = quarantining(trials=4, clock=ScaledClock(20.0))
    lab.run()
    states = [str(transition.state) for transition in lab.trials_of()[1].transitions]
    assert states == ["suggested", "screened", "refused"]


def test_a_region_stays_closed_after_a_resume_and_the_proposer_is_told(tmp_path: Path):
    lab = quarantining(trials=2, folder=tmp_path)
    lab.run()
    lab.journal.close()
    lab.trials, lab.proposer = 6, LineProposer(lambda trial: 0.5 + 0.01 * trial)
    assert lab.resume().state == "finished"
    assert [str(trial.state) for trial in lab.trials_of()] == [
        "failed", "refused", "refused", "ingested", "ingested", "ingested",
    ]  # fmt: skip
    assert lab.proposer.requests[-1].observations[0].closes == 0.025
    lab.journal.close()


def test_a_person_may_have_a_trial_repeated_in_a_closed_region(tmp_path: Path):
    lab = quarantining(trials=1, folder=tmp_path)
    lab.run()
    record = lab.reader.campaign("soft-1")
    (failed,) = lab.trials_of()
    amendments.repeat(lab.journal, failed, record, 2, lab._setup().principal, "the lamp was replaced")
    lab.journal.close()
    lab.trials = 2
    assert lab.resume().state == "finished"
    assert [str(trial.state) for trial in lab.trials_of()] == ["failed", "ingested"]
    lab.journal.close()


def test_a_late_answer_of_a_device_is_a_fault_like_any_other():
    lab = SoftLab(
        trials=3, fails=lambda x: DeviceTimeoutError("pump: late") if x == 0.5 else None,
        on_failure={FaultKind.TIMEOUT: FaultPolicy(then="quarantine")},
    )  # fmt: skip
    lab.run()
    assert lab.trials_of()[1].closes == 0.05


def test_the_proposer_hears_why_a_trial_failed_also_after_a_resume():
    lab = SoftLab(trials=5, reduce=fails_at(2), fails=late(1))
    lab.run()
    faults = [observation.fault for observation in lab.proposer.requests[-1].observations]
    assert faults == [None, "timeout", "bad_outcome"]
    again = recovered(lab.trials_of(), lab.reader.intents("soft-1")).book
    assert request_for(lab._setup(), again, 5) == lab.proposer.requests[-1]


def test_what_the_screen_refuses_is_the_recipe_s_fault_where_its_plan_was_walked_through():
    book = Book()
    book.refused(1, Verdict("refused", ("outside the envelope",), dry_run="proved"))
    book.refused(2, Verdict("refused", ("nobody knows",), dry_run="not analysable: the plan waits for a person"))
    book.refused(3, Verdict("refused", ("the region around trial 1, which failed there, is in quarantine",)))
    assert book.faults == {1: SCREENED}


def test_a_campaign_may_expect_many_failures():
    def reduce(data: Any):
        raise InputError("no film has formed")

    result = SoftLab(trials=9, reduce=reduce, stopping=Stopping(failures_in_a_row=5)).run()
    assert (result.state, result.reason) == (
        "failed",
        "5 trials in a row have no outcome; the last one: no film has formed",
    )
