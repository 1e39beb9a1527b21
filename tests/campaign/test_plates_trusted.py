"""Plates that may be believed: none is measured without its calibrations, and each trial is judged by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
import pytest
from ophyd.sim import SynSignalWithRegistry

from autolab.campaign.setup import CampaignSetup
from autolab.core.calibrations import Validity
from autolab.core.data import TrialData
from autolab.core.errors import DeviceTimeoutError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.operations import CALIBRATING, SHARED, Operations
from autolab.core.plates import stream_of
from autolab.core.quality import QualityCheck
from autolab.core.trials import Estimate, Outcome, TrialState
from autolab.journal.calibrations import relied_on, uses_of
from autolab.journal.judgements import judgements
from autolab.journal.recoveries import owed
from autolab.journal.trialdata import trial_data
from autolab.report.provenance import provenance
from plans.conventions import act
from tests.campaign.softlab import Pour, prepare_well
from tests.campaign.test_aftermath import RinsedLab, poured
from tests.campaign.test_calibrating import zero
from tests.campaign.test_plates import WELLS
from tests.campaign.test_reducing import JudgedLab
from tests.campaign.test_resume import Crash, Crashing


def at_once(pump: Any, plate: Any, operations: Operations, md: Any):
    """Rinses once, and reads all wells in no time."""

    @bpp.run_decorator(md=dict(md))
    def run():
        yield from act(pump, Pour(0.0, operations("rinse")))
        for one in plate:
            pump.amount = pump.wells[one.trial]
            yield from bps.trigger_and_read([pump], name=stream_of(one.trial))

    yield from run()


@dataclass
class TrustedLab(JudgedLab):
    """A lab that measures by the plate, with a pump that has to be zeroed."""

    quality: tuple[QualityCheck, ...] = ()
    per_plate: int | None = 3
    uses_samples: bool = True
    wells: tuple[tuple[str, str, int], ...] = WELLS
    make_plan: Any = prepare_well
    measure: Any = at_once

    def _setup(self) -> CampaignSetup:
        setup = super()._setup()
        return replace(setup, calibrations=tuple(replace(one, is_for_plates=True) for one in setup.calibrations))

    def poured(self) -> list[str]:
        return [f"t{o.trial}.r{o.replicate}.{o.phase}.a{o.attempt}" for o in self.pump.poured]


EXPIRES = Validity(time_s=5.5)
"""Each preparation takes two seconds: it stands when each of three begins, and not when they are measured."""
ONE_BY_ONE = ["t1.r900.zero.a1", "t1.r1.pour.a1", "t2.r1.pour.a1", "t3.r1.pour.a1"]


def test_a_plate_whose_calibration_has_expired_waits_for_one_and_each_trial_shows_what_stood():
    lab = TrustedLab(trials=3, declared=(zero(EXPIRES),))
    assert lab.run().trials == 3
    assert lab.poured() == [*ONE_BY_ONE, "t1.r901.zero.a1", "t1.r999.rinse.a1"]
    first, second = lab.performed()
    (shared,) = set.intersection(*(set(trial.runs) for trial in lab.trials_of()))
    for trial in lab.trials_of():
        stood = {use.run: one.id for use, one in relied_on(lab.journal.states, "soft-1", trial.number)}
        (own,) = set(trial.runs) - {shared}
        assert stood == {own: first.id, shared: second.id}
    assert uses_of(lab.journal.states, second.id) == (3, 0)
    runs = [uid for one in (first, second) for uid in one.runs]
    assert {uid for trial in lab.trials_of() for uid in trial.runs}.isdisjoint(runs)


def test_a_plate_whose_calibration_has_expired_is_refused_where_the_lab_file_says_so(tmp_path: Path):
    lab = TrustedLab(trials=3, declared=(zero(EXPIRES, if_invalid="refuse"),), asked=("zero",), folder=tmp_path)
    paused = lab.run()
    assert (paused.state, paused.trials, lab.poured()) == ("paused", 0, ONE_BY_ONE)
    assert paused.reason.startswith("blank 'zero' of pump does not stand: it is 6 s old, and is valid for 5.5 s")
    assert {trial.state for trial in lab.trials_of()} == {TrialState.PREPARED}
    assert [i.cause for i in lab.reader.interventions("soft-1")] == ["request"]
    lab.journal.close()
    assert lab.resume().trials == 3, "a person had it performed, as the message says"
    assert lab.poured() == [*ONE_BY_ONE, "t1.r901.zero.a1", "t1.r999.rinse.a1"]


def test_a_calibration_whose_time_is_over_in_the_middle_of_a_plate_fails_all_of_its_trials():
    def slow(pump: Any, plate: Any, operations: Operations, md: Any):
        @bpp.run_decorator(md=dict(md))
        def run():
            yield from bps.sleep(9.0)
            yield from act(pump, Pour(0.0, operations("rinse")))

        yield from run()

    only = {FaultKind.CALIBRATION: FaultPolicy()}
    lab = TrustedLab(trials=3, declared=(zero(Validity(time_s=10.0)),), measure=slow, on_failure=only)
    assert lab.run().trials == 0
    assert [trial.fault for trial in lab.trials_of()] == [FaultKind.CALIBRATION] * 3
    assert all("does not stand in the middle of the trial" in str(trial.failure) for trial in lab.trials_of())
    assert lab.poured() == ONE_BY_ONE


def test_a_plate_counts_as_its_trials_for_what_is_valid_for_so_many():
    lab = TrustedLab(trials=5, declared=(zero(Validity(trials=4)),))
    assert lab.run().trials == 5
    zeroed = [lab.poured()[at + 1] for at, name in enumerate(lab.poured()) if ".zero." in name]
    assert zeroed == ["t1.r1.pour.a1", "t1.r999.rinse.a1", "t5.r1.pour.a1"]
    assert all(uses_of(lab.journal.states, one.id)[0] <= 4 for one in lab.performed())


def test_a_quality_check_judges_each_trial_of_a_plate_by_itself():
    small = QualityCheck("small", "range", "y", max=0.6)
    lab = TrustedLab(trials=3, quality=(small,), on_failure={FaultKind.QUALITY: FaultPolicy(retry=1)})
    assert lab.run().trials == 2
    assert [t.state for t in lab.trials_of()] == [TrialState.FAILED, TrialState.INGESTED, TrialState.INGESTED]
    found = [
        (one.trial, one.attempt, one.passed, one.raw["y"].value) for one in judgements(lab.journal.states, "soft-1")
    ]
    assert found == [(1, 1, False, 1.0), (1, 2, False, 1.0), (2, 1, True, 1 / 2), (3, 1, True, 1 / 3)]
    starts = [doc["trials"] for name, doc in lab.reader.documents("soft-1") if name == "start"]
    assert [len(one) for one in starts].count(3) == 1, "the others are not measured again"
    assert len(lab.trials_of()[0].samples) == 2


def test_a_recovery_plan_that_is_owed_comes_before_the_plate_under_a_name_of_its_own():
    once = [1.0]

    def fails(x: float) -> Exception | None:
        if x in once or x == 1 / 3:
            once.clear()
            return DeviceTimeoutError("pump: late")
        return None

    policy = {FaultKind.TIMEOUT: FaultPolicy(retry=1, recover="lab.rinse")}
    lab = RinsedLab(
        trials=3, per_plate=3, make_plan=prepare_well, measure=at_once, uses_samples=True, wells=WELLS,
        fails=fails, on_failure=policy,
    )  # fmt: skip
    assert lab.run().trials == 2
    assert poured(lab)[1:3] == ["t1.r0.rinse.a2", "t1.r0.rinse-again.a2"], "the first trial has used the usual name"
    assert poured(lab)[-3:] == ["t1.r998.rinse.a2", "t1.r998.rinse-again.a2", "t1.r999.rinse.a2"]
    assert owed(lab.journal, "soft-1") == []


def test_a_stalled_instrument_is_seen_within_a_plate():
    stall = QualityCheck("alive", "stall", "pump.amount")
    lab = TrustedLab(trials=3, quality=(stall,), on_failure={FaultKind.QUALITY: FaultPolicy()})
    lab.proposer._values = lambda trial: 0.5 if trial < 3 else 0.25
    assert lab.run().trials == 2
    assert [t.state for t in lab.trials_of()] == [TrialState.INGESTED, TrialState.FAILED, TrialState.INGESTED]


def test_a_crash_at_any_commit_measures_no_plate_without_a_calibration_and_does_nothing_twice(tmp_path: Path):
    def made(name: str) -> TrustedLab:
        (tmp_path / name).mkdir()
        return TrustedLab(trials=3, declared=(zero(EXPIRES),), folder=tmp_path / name)

    whole = made("whole")
    counting = Crashing(whole, 10**9, after=False)
    whole.run(counting)
    for at in range(4, counting.count + 1, 6):
        lab = made(str(at))
        with pytest.raises(Crash):
            lab.run(Crashing(lab, at, after=at % 4 == 0))
        lab.journal.close()
        assert lab.resume().trials == 3
        assert len(lab.poured()) == len(set(lab.poured())), at
        done = {one.id for one in lab.performed() if one.state == "done"}
        for trial in lab.trials_of():
            stood = relied_on(lab.journal.states, "soft-1", trial.number)
            assert {one.id for _, one in stood} <= done
            assert trial.runs[-1] in {use.run for use, _ in stood}, at
        zeros = [o.replicate for o in lab.pump.poured if o.phase == "zero"]
        assert all(CALIBRATING <= replicate < SHARED - 1 for replicate in zeros)
        lab.journal.close()


def test_a_stream_of_files_is_that_of_its_trial():
    def of(trial: int) -> list[tuple[str, dict[str, Any]]]:
        image = {"data_key": "camera", "uri": f"file://localhost/images/{trial}.h5", "uid": f"r{trial}"}
        return [
            ("descriptor", {"uid": f"d{trial}", "name": stream_of(trial)}),
            ("stream_resource", image),
            ("stream_datum", {"uid": f"s{trial}", "stream_resource": f"r{trial}", "descriptor": f"d{trial}"}),
        ]

    data = trial_data([*of(1), *of(2)], 2)
    assert [document["uid"] for _, document in data.assets] == ["r2", "s2"]
    assert len(trial_data([*of(1), *of(2)]).assets) == 4


def test_a_file_of_the_shared_run_is_found_from_each_trial_of_the_plate(tmp_path: Path):
    camera = SynSignalWithRegistry(name="camera", func=lambda: np.full((4, 6), 7.0), save_path=str(tmp_path))

    def photographed(pump: Any, plate: Any, operations: Operations, md: Any):
        @bpp.run_decorator(md=dict(md))
        def run():
            for one in plate:
                yield from bps.stage(camera)  # a file of its own for each trial
                yield from bps.trigger_and_read([camera], name=stream_of(one.trial))
                yield from bps.unstage(camera)

        yield from run()

    def images(data: TrialData) -> Outcome:
        return {"y": Estimate(float(len(data.files("camera"))))}

    lab = TrustedLab(trials=2, per_plate=2, measure=photographed, reduce=images)
    assert lab.run().trials == 2
    for trial in lab.trials_of():
        assert (trial.outcome or {})["y"].value == 1.0, "its own image alone"
        files = provenance(lab.reader, lab.reader.campaign("soft-1"), trial).files
        assert [Path(one.path).suffix for one in files] == [".npy", ".npy"], "those of the run, which it shares"
