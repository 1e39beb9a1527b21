"""Outcomes are corrected and judged before anybody learns from them, and both are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from autolab.campaign.setup import CampaignSetup
from autolab.core.calibrations import Correction, Validity
from autolab.core.data import TrialData
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.quality import QualityCheck
from autolab.core.trials import Estimate, Outcome, TrialState
from autolab.journal.judgements import judgements, last_judgement
from tests.campaign.test_calibrating import CalibratedLab, zero

SMALL = QualityCheck("small", "range", "y", max=0.6)
"""The soft lab's trials give 1, 1/2, 1/3 …, so that the first one is bad."""


@dataclass
class JudgedLab(CalibratedLab):
    """A lab whose outcomes are judged."""

    declared: tuple[Any, ...] = ()
    quality: tuple[QualityCheck, ...] = (SMALL,)
    readings: list[float] = field(default_factory=list)

    def _setup(self) -> CampaignSetup:
        return replace(super()._setup(), quality=self.quality)


def test_a_bad_outcome_is_repeated_once_and_then_held_for_a_person():
    lab = JudgedLab(trials=3)
    ended = lab.run()
    assert (ended.state, ended.trials, ended.exit_code) == ("paused", 0, 5)
    assert ended.reason == (
        "trial 1 failed (quality): its outcome is not believed: small: y is 1 (-∞ to 0.6 is possible); look, then "
        "resume"
    )
    (first,) = lab.trials_of()
    assert (first.state, first.fault, first.attempt, first.outcome) == (TrialState.FAILED, "quality", 2, None)
    found = judgements(lab.journal.states, "soft-1")
    assert [(one.trial, one.attempt, one.passed, one.raw) for one in found] == [
        (1, attempt, False, {"y": Estimate(1.0)}) for attempt in (1, 2)
    ]


def test_the_proposer_never_sees_a_bad_outcome_nor_takes_it_for_a_fault_of_the_recipe():
    lab = JudgedLab(trials=4, on_failure={FaultKind.QUALITY: FaultPolicy()})
    assert lab.run().trials == 3
    seen = {o.trial: (o.outcome, o.fault) for request in lab.proposer.requests for o in request.observations}
    assert seen[1] == (None, "quality")
    assert seen[2] == ({"y": Estimate(0.5)}, None)
    assert "quality" not in lab.problem.recipe_faults
    good = last_judgement(lab.journal.states, "soft-1", 2)
    assert good is not None
    assert (good.passed, [finding.said for finding in good.findings]) == (True, ["y is 0.5 (-∞ to 0.6 is possible)"])


def test_what_is_not_asked_for_is_not_recorded():
    lab = JudgedLab(trials=2, quality=())
    assert lab.run().trials == 2
    assert judgements(lab.journal.states, "soft-1") == []
    assert last_judgement(lab.journal.states, "soft-1", 1) is None


def test_an_instrument_that_gives_the_same_reading_in_the_next_trial_is_one_that_hangs():
    stall = QualityCheck("alive", "stall", "pump.amount")
    lab = JudgedLab(trials=3, quality=(stall,), on_failure={FaultKind.QUALITY: FaultPolicy()})
    lab.proposer._values = lambda trial: 0.5 if trial < 3 else 0.25
    assert lab.run().trials == 2
    assert [trial.state for trial in lab.trials_of()] == [TrialState.INGESTED, TrialState.FAILED, TrialState.INGESTED]


@pytest.mark.parametrize(("how", "wanted"), [("difference", 1.0 / 3 - 0.2), ("ratio", 1.0 / 3 * 0.5 / 0.7)])
def test_what_a_reference_shows_to_have_drifted_is_taken_out_and_the_raw_value_is_kept(how: Any, wanted: float):
    tile = zero(Validity(trials=1), "tile", kind="reference", corrects=(Correction("y", "offset", how),))
    lab = JudgedLab(trials=4, declared=(tile,), quality=(), gives=lambda name, n: 0.4 + 0.1 * n)
    assert lab.run().trials == 4
    outcomes = [trial.outcome["y"].value for trial in lab.trials_of() if trial.outcome]
    assert outcomes[0] == 1.0, "nothing has drifted yet"
    assert outcomes[2] == pytest.approx(wanted)
    third = last_judgement(lab.journal.states, "soft-1", 3)
    assert third is not None
    assert third.raw == {"y": Estimate(1.0 / 3)}
    (correction,) = third.corrections
    assert (correction.metric, correction.raw, correction.corrected.value) == ("y", Estimate(1.0 / 3), outcomes[2])
    assert correction.calibration == lab.performed()[2].id
    assert correction.said == f"offset of tile was 0.5 at first and is 0.7: by their {how}"
    assert [o.outcome["y"].value for o in lab.proposer.requests[-1].observations if o.outcome] == outcomes[:2]


def test_the_errors_of_the_references_are_in_that_of_the_corrected_value():
    def noisy(data: TrialData) -> Outcome:
        return {"y": Estimate(float(data.column("pump_amount").mean()), 0.3)}

    class Noisy(JudgedLab):
        def _reducer(self, calibration: Any):
            return lambda data: {"offset": Estimate(2.0, 0.4)}

    tile = zero(Validity(trials=1), "tile", kind="reference", corrects=(Correction("y", "offset", "difference"),))
    lab = Noisy(trials=1, declared=(tile,), quality=(), reduce=noisy)
    lab.run()
    (trial,) = lab.trials_of()
    assert trial.outcome is not None
    assert trial.outcome["y"].sem == pytest.approx((0.3**2 + 2 * 0.4**2) ** 0.5)


def test_a_reference_out_of_control_holds_the_outcomes_that_come_after_it():
    values = [0.1, 0.2, 0.1, 0.2, 0.15, 0.9]
    tile = zero(Validity(trials=1), "tile", kind="reference")
    chart = QualityCheck("true", "drift", "tile", metric="offset")
    lab = JudgedLab(
        trials=6, declared=(tile,), quality=(chart,), gives=lambda name, n: values[n - 1],
        on_failure={FaultKind.QUALITY: FaultPolicy()},
    )  # fmt: skip
    assert lab.run().trials == 5
    held = last_judgement(lab.journal.states, "soft-1", 6)
    assert held is not None
    assert [(f.passed, f.said) for f in held.findings] == [
        (False, "offset of tile breaks 1_3s (beyond three standard deviations)")
    ]
