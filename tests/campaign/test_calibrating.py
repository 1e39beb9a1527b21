"""Calibrations in the loop: no instrument is used without, each is recorded, and half of one never counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.campaign.setup import CalibrationPlan, CampaignSetup
from autolab.core.calibrations import Calibration, Drift, Standing, Validity, duration, why_invalid
from autolab.core.data import TrialData
from autolab.core.errors import DeviceError, InputError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.operations import CALIBRATING, OperationId, Operations
from autolab.core.samples import Sample
from autolab.core.trials import Estimate, Outcome, TrialState
from autolab.journal import calibrations
from autolab.journal.calibrations import Performed, of_campaign, relied_on
from autolab.journal.journal import Journal
from plans.conventions import act, phase
from tests.campaign.softlab import ADA, Pour, SoftLab
from tests.campaign.test_resume import Crash, Crashing

ZERO = -1.0
"""What a calibration pours: less than any trial."""


def zero(valid: Validity, name: str = "zero", **more: Any) -> Calibration:
    facts: dict[str, Any] = {
        "kind": "blank",
        "of": ("pump",),
        "plan": "lab.zero",
        "reduce": "lab.value",
        "valid": valid,
    }
    return Calibration(name, **{**facts, **more})


@dataclass
class CalibratedLab(SoftLab):
    """A lab whose pump has to be zeroed."""

    declared: tuple[Calibration, ...] = (zero(Validity(trials=2)),)
    gives: Callable[[str, int], float] = lambda name, n: 0.5
    """Value of a calibration when it is performed for the n-th time."""
    asked: tuple[str, ...] = ()
    takes_samples: bool = False
    takes_s: float = 0.0
    given: list[Sample | None] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)

    def _setup(self) -> CampaignSetup:
        plans = tuple(
            CalibrationPlan(one, self._maker(one), self._reducer(one) if one.reduce else None, self.takes_samples)
            for one in self.declared
        )
        return replace(super()._setup(), calibrations=plans, calibrate=self.asked)

    def _maker(self, calibration: Calibration):
        def make(operations: Operations, sample: Sample | None):
            self.given.append(sample)

            @bpp.run_decorator(md={"about": calibration.name})
            def plan():
                yield from act(self.pump, Pour(ZERO, operations("zero")))
                yield from phase("measure", bps.trigger_and_read([self.pump]))
                yield from bps.sleep(self.takes_s)

            return plan

        return make

    def _reducer(self, calibration: Calibration):
        def reduce(data: TrialData) -> Outcome:
            assert data.column("pump_amount").tolist() == [ZERO], "it is reduced from its own data"
            assert data.starts[0]["calibration"] == calibration.name
            self.times[calibration.name] = self.times.get(calibration.name, 0) + 1
            return {"offset": Estimate(self.gives(calibration.name, self.times[calibration.name]))}

        return reduce

    def performed(self) -> list[Performed]:
        return of_campaign(self.journal.states, "soft-1")

    def before(self) -> list[tuple[str, int]]:
        """Name and trial of each that ended well."""
        return [(one.name, one.trial) for one in self.performed() if one.state == "done"]

    def stood(self) -> dict[int, list[tuple[str, int]]]:
        """For each trial, the calibrations that it relied on, and the trial before which they were performed."""
        numbers = [trial.number for trial in self.trials_of()]
        return {n: [(one.name, one.trial) for _, one in relied_on(self.journal.states, "soft-1", n)] for n in numbers}


def kinds(lab: CalibratedLab) -> list[TrialState]:
    return [trial.state for trial in lab.trials_of()]


def test_a_calibration_is_performed_before_the_first_trial_and_whenever_it_is_used_up():
    lab = CalibratedLab(trials=5)
    assert lab.run().trials == 5
    assert lab.before() == [("zero", 1), ("zero", 3), ("zero", 5)]
    assert lab.stood() == {n: [("zero", (n + 1) // 2 * 2 - 1)] for n in range(1, 6)}
    first = lab.performed()[0]
    assert (first.by, first.kind, first.instruments, first.values) == (
        "ada", "blank", {"pump": ""}, {"offset": Estimate(0.5)},
    )  # fmt: skip
    assert [o.replicate for o in lab.pump.poured if o.phase == "zero"] == [CALIBRATING] * 3
    runs = [d["uid"] for name, d in lab.reader.documents("soft-1", 0) if name == "start"]
    assert [uid for one in lab.performed() for uid in one.runs] == runs, "what it recorded belongs to no trial"
    assert {uid for trial in lab.trials_of() for uid in trial.runs}.isdisjoint(runs)


@pytest.mark.parametrize(
    ("valid", "before"),
    [
        (Validity(time_s=12.5), [1, 4]),  # each trial takes four seconds, so that a fourth would outlast it
        (Validity(measurements=3), [1, 3, 5]),  # one pour and one reading each: used up in the middle of the second
        (Validity(time_s=3600.0, trials=4), [1, 5]),
    ],
    ids=["time", "measurements", "whichever-is-first"],
)
def test_it_lasts_for_a_time_or_a_count_whichever_is_used_up_first(valid: Validity, before: list[int]):
    lab = CalibratedLab(trials=5, declared=(zero(valid),), make_plan=triggered)
    assert lab.run().trials == 5
    assert [trial for _, trial in lab.before()] == before


def triggered(pump: Any, x: float, operations: Operations, md: Any):
    @bpp.run_decorator(md=dict(md))
    def run():
        yield from act(pump, Pour(x / 2, operations("first")))
        yield from act(pump, Pour(x, operations("second")))
        yield from bps.trigger_and_read([pump])

    yield from run()


def test_a_lab_file_that_says_refuse_has_the_campaign_wait_for_a_person(tmp_path: Path):
    lab = CalibratedLab(trials=3, folder=tmp_path, declared=(zero(Validity(trials=2), if_invalid="refuse"),))
    paused = lab.run()
    assert (paused.state, paused.exit_code, lab.pump.poured) == ("paused", 5, [])
    assert paused.reason.startswith("blank 'zero' of pump does not stand: it was never performed; have it performed")
    assert "'autolab resume soft-1 --calibrate zero'" in paused.reason
    assert [(i.cause, i.principal) for i in lab.reader.interventions("soft-1")] == [("request", "autolab")]
    lab.journal.close()
    lab.asked = ("zero",)
    paused = lab.resume()
    assert (paused.state, paused.trials, lab.before()) == ("paused", 2, [("zero", 1)])
    assert "2 trials were made with it, and it is valid for 2" in paused.reason
    lab.journal.close()
    assert lab.resume().trials == 3
    assert lab.before() == [("zero", 1), ("zero", 3)]


def test_a_calibration_whose_time_is_over_in_the_middle_of_a_trial_fails_it_before_the_instrument_is_used():
    def slow(pump: Any, x: float, operations: Operations, md: Any):
        @bpp.run_decorator(md=dict(md))
        def run():
            yield from bps.trigger_and_read([pump])
            yield from bps.sleep(10.0 if x == 0.5 and operations.attempt == 1 else 0.0)
            yield from act(pump, Pour(x, operations("pour")))
            yield from bps.trigger_and_read([pump])

        yield from run()

    lab = CalibratedLab(trials=3, declared=(zero(Validity(time_s=9.0)),), make_plan=slow, reduce=last)
    assert lab.run().trials == 3
    second = lab.trials_of()[1]
    assert second.attempt == 2, "a fault of this kind is tried once more by default"
    why = next(t.detail for t in second.transitions if t.state is TrialState.FAILED)
    assert why == (
        "pump: blank 'zero' of pump does not stand in the middle of the trial: it is 12 s old, and is valid for 9 s"
    )
    assert second.fault == FaultKind.CALIBRATION
    assert "soft1.t2.r1.pour.a1" not in map(str, lab.pump.poured)
    assert lab.before() == [("zero", 1), ("zero", 2)]


def last(data: TrialData) -> Outcome:
    return {"y": Estimate(float(data.column("pump_amount")[-1]))}


def test_a_calibration_that_gives_nothing_usable_never_counts_and_a_person_is_asked_after_a_second_try():
    def gives(name: str, n: int) -> float:
        raise InputError("the lamp is dark")

    lab = CalibratedLab(trials=3, gives=gives)
    ended = lab.run()
    assert (ended.state, ended.trials, ended.exit_code) == ("paused", 0, 5)
    assert "trial 1 failed (calibration): blank 'zero' of pump gave nothing usable: the lamp is dark" in ended.reason
    assert [(one.state, one.attempt, one.failure) for one in lab.performed()] == [
        ("failed", 1, "the lamp is dark"), ("failed", 2, "the lamp is dark"),
    ]  # fmt: skip
    assert all(o.replicate >= CALIBRATING for o in lab.pump.poured), "the trial itself never touched the instrument"


def test_a_device_that_fails_in_a_calibration_fails_the_trial_with_its_own_kind():
    fails = iter([DeviceError("pump: the drain is blocked")])
    lab = CalibratedLab(trials=2, fails=lambda amount: next(fails, None) if amount == ZERO else None)
    lab.on_failure = {FaultKind.DEVICE: FaultPolicy(retry=1)}
    assert lab.run().trials == 2
    assert [(one.state, one.failure) for one in lab.performed()] == [
        ("failed", "it did not come to its end"), ("done", None),
    ]  # fmt: skip
    assert lab.trials_of()[0].attempt == 2


TILE = Calibration("tile", "reference", ("pump",), "lab.zero", "lab.value", Validity(trials=1))
GAIN = zero(Validity(drift=Drift("tile", "offset", 0.1)), "gain", kind="calibration")


def test_a_reference_that_has_drifted_makes_its_calibration_due_and_is_measured_anew_after_it():
    drifts = iter([0.0, 0.05, 0.12, 0.0, 0.0])
    lab = CalibratedLab(trials=4, declared=(GAIN, TILE), gives=lambda name, n: next(drifts) if name == "tile" else 1.0)
    assert lab.run().trials == 4
    assert lab.before() == [
        ("gain", 1), ("tile", 1), ("tile", 2), ("tile", 3), ("gain", 3), ("tile", 3), ("tile", 4),
    ]  # fmt: skip
    assert lab.stood()[2] == [("gain", 1), ("tile", 2)]
    assert lab.stood()[3] == [("gain", 3), ("tile", 3)]


def test_a_reference_that_never_holds_still_does_not_keep_the_lab_calibrating_for_ever():
    tile = replace(TILE, valid=Validity(time_s=1.0))
    lab = CalibratedLab(trials=2, declared=(tile,), takes_s=2.0)
    slow = replace(tile, name="slow", valid=Validity(time_s=0.5))
    lab.declared = (slow, tile)
    ended = lab.run()
    assert ended.state == "paused"
    assert "was performed twice, and does not stand" in ended.reason


def test_a_calibration_gets_a_well_of_its_own_which_no_trial_gets():
    wells = tuple(("strip-1", "rack_1", n) for n in range(4))
    lab = CalibratedLab(trials=3, wells=wells, uses_samples=True, takes_samples=True)
    ended = lab.run()
    assert [sample and sample.well for sample in lab.given] == [1]
    assert [trial.samples[0].well for trial in lab.trials_of() if trial.samples] == [0, 2]
    assert (ended.state, ended.trials) == ("paused", 2), "the third trial needs a well for itself and one to zero in"
    assert ended.reason.startswith("no free well is left")


@pytest.mark.parametrize(
    ("how", "before"),
    [
        ({}, []),
        ({"plan": "lab.other"}, [("zero", 1)]),
        ({"instruments": {"pump": "another no. 7"}}, [("zero", 1)]),
        ({"bench": "another"}, [("zero", 1)]),
        ({"hours": 9.0}, [("zero", 1)]),
        ({"hours": -9.0}, [("zero", 1)]),
        ({"state": "failed"}, [("zero", 1)]),
    ],
    ids=["the-same", "another-plan", "another-instrument", "another-bench", "too-old", "clock-set-back", "failed"],
)
def test_what_an_earlier_campaign_performed_stands_if_it_was_the_same_on_the_same_bench(
    how: dict[str, Any], before: list[tuple[str, int]]
):
    declared = zero(Validity(time_s=8 * 3600.0))
    lab = CalibratedLab(trials=1, declared=(declared,))

    def performed_before(journal: Journal) -> None:
        row = "INSERT INTO campaigns SELECT 'earlier', 'earlier', name, lab, laboratory, realm, state, reason, seed, "
        rest = "created, principal, settings, problem, campaign_file, campaign_hash, lab_file, lab_hash, ?, environment"
        columns = "recommendation, options, envelope_hash, envelope_version FROM campaigns"
        journal.states.write(f"{row}{rest}, {columns}", (how.get("bench", "bench"),))
        other = replace(declared, plan=how.get("plan", declared.plan))
        begun = calibrations.begin(journal, other, how.get("instruments", {"pump": ""}), "earlier", 1, 1, ADA)
        calibrations.done(journal, begun, ["r"], None)
        ended = lab.clock.date() - timedelta(hours=how.get("hours", 0.0))
        state = how.get("state", "done")
        journal.states.write("UPDATE calibrations SET ended = ?, state = ?", (ended.isoformat(), state))

    assert lab.run(performed_before).trials == 1
    assert [(one.name, one.trial) for one in lab.performed() if one.state == "done"] == before


def test_a_crash_at_any_commit_leaves_no_trial_without_a_calibration_and_none_that_was_half_done(tmp_path: Path):
    every_trial = (zero(Validity(trials=1)),)
    whole = CalibratedLab(trials=1, folder=_made(tmp_path / "whole"), declared=every_trial)
    counting = Crashing(whole, 10**9, after=False)
    whole.run(counting)
    assert counting.count > 15
    for at in range(1, counting.count + 1):
        lab = CalibratedLab(trials=1, folder=_made(tmp_path / str(at)), declared=every_trial)
        with pytest.raises(Crash):
            lab.run(Crashing(lab, at, after=at % 2 == 0))
        lab.journal.close()
        lab.resume()
        assert kinds(lab) == [TrialState.INGESTED]
        assert len(lab.pump.poured) == len(set(lab.pump.poured)), "nothing is done twice"
        done = {one.id for one in lab.performed() if one.state == "done"}
        assert {one.state for one in lab.performed()} <= {"done", "failed"}
        stood = relied_on(lab.journal.states, "soft-1", 1)
        assert stood, f"the trial says on which calibration it relied, after a crash at commit {at}"
        assert {one.id for _, one in stood} <= done
        assert all(calibrations.uses_of(lab.journal.states, one)[0] <= 1 for one in done)
        lab.journal.close()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_trial_that_was_interrupted_in_the_middle_is_not_moved_aside_for_a_calibration(tmp_path: Path):
    def two(pump: Any, x: float, operations: Operations, md: Any):
        @bpp.run_decorator(md=dict(md))
        def run():
            yield from act(pump, Pour(x / 2, operations("first")))
            yield from bps.sleep(1.0 if operations.attempt == 1 else 0.0)
            yield from act(pump, Pour(x, operations("second")))
            yield from bps.trigger_and_read([pump])

        yield from run()

    lab = CalibratedLab(trials=1, folder=tmp_path, make_plan=two, declared=(zero(Validity(time_s=60.0)),))
    crashing = Crashing(lab, 10**9, after=False)

    def crash_at_second(journal: Journal) -> None:
        intend = journal.intend

        def intended(operation: OperationId, *facts: Any) -> None:
            if operation.phase == "second":
                crashing.at = crashing.count
            intend(operation, *facts)

        crashing(journal)
        journal.intend = intended  # type: ignore[method-assign]

    with pytest.raises(Crash):
        lab.run(crash_at_second)
    lab.journal.close()
    lab.declared = (zero(Validity(time_s=2.5)),)
    lab.resume()
    assert [str(o).removeprefix("soft1.t1.") for o in lab.pump.poured] == [
        "r900.zero.a1", "r1.first.a1", "r900.zero.a2", "r1.first.a2", "r1.second.a2",
    ], "its first attempt could not go on without a calibration"  # fmt: skip


times = st.none() | st.floats(0.1, 1e6)
counts = st.none() | st.integers(1, 100)


@given(times, counts, counts, st.floats(0.0, 2e6), st.integers(0, 200), st.integers(0, 200))
def test_a_calibration_stands_exactly_while_none_of_its_limits_is_used_up(
    time_s: float | None, trials: int | None, measurements: int | None, age_s: float, n: int, m: int
):
    one = zero(Validity(time_s, trials, measurements))
    used_up = [limit is not None and used >= limit for limit, used in ((time_s, age_s), (trials, n), (measurements, m))]
    assert (why_invalid(one, Standing(age_s, n, m)) is not None) == any(used_up)
    assert why_invalid(one, None) == "it was never performed"
    if time_s is not None:
        assert why_invalid(one, Standing(None, 0, 0)) == "nobody knows how old it is: a clock was set back"


def test_times_are_said_in_the_unit_that_people_would_use():
    assert [duration(s) for s in (0.5, 90.0, 600.0, 3600.0, 7200.0, 86_400.0, 259_200.0)] == [
        "0.5 s", "90 s", "10 min", "1 h", "2 h", "1 d", "3 d",
    ]  # fmt: skip
