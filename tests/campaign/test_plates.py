"""Plates: trials prepared one by one, each in its well, and measured in one run; nothing is lost or done twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autolab.campaign.events import PhaseChanged
from autolab.campaign.rules import visible
from autolab.core.confirming import Confirm
from autolab.core.errors import DeviceError, DeviceTimeoutError, InputError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.operations import Operations
from autolab.core.plates import Prepared, plate_of
from autolab.core.samples import Sample
from autolab.core.trials import TrialState
from plans.conventions import act
from tests.campaign.softlab import Pour, SoftLab, prepare_well
from tests.campaign.test_resume import Crash, Crashing

WELLS = tuple(("strip-1", "rack_1", well) for well in range(40))


def plated(trials: int, per_plate: int = 3, **more: Any) -> SoftLab:
    return SoftLab(
        trials=trials, per_plate=per_plate, make_plan=prepare_well, uses_samples=True, wells=WELLS, **more
    )  # fmt: skip


def states(lab: SoftLab) -> list[list[str]]:
    return [[str(t.state) for t in trial.transitions] for trial in lab.trials_of()]


def test_each_trial_is_prepared_in_its_well_and_one_run_measures_them_all():
    lab = plated(5)
    result = lab.run()
    assert (result.state, result.trials) == ("finished", 5)
    assert [(trial.outcome or {})["y"].value for trial in lab.trials_of()] == [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    one = ["suggested", "screened", "running", "prepared", "running", "acquired", "reduced", "ingested"]
    assert states(lab) == [one] * 5
    runs = [set(trial.runs) for trial in lab.trials_of()]
    first, last = runs[0] & runs[1] & runs[2], runs[3] & runs[4]
    assert len(first) == len(last) == 1  # the last plate is not full
    assert not first & last
    starts = [doc for name, doc in lab.reader.documents("soft-1") if name == "start" and doc["uid"] in first | last]
    assert [start["trials"] for start in starts] == [[1, 2, 3], [4, 5]]
    assert len({(trial.samples[0].labware, trial.samples[0].well) for trial in lab.trials_of()}) == 5


def test_a_trial_reads_back_its_own_events_of_the_shared_run():
    lab = plated(3)
    lab.run()
    for trial in lab.trials_of():
        assert trial.outcome is not None
        data = lab.reader.data("soft-1", trial.number)
        assert [event["pump_amount"] for event in data.events] == [trial.outcome["y"].value]
        names = [name for name, _ in lab.reader.documents("soft-1", trial.number)]
        assert names.count("start") == names.count("stop") == 2  # its preparation, and the plate


def test_suggestions_see_all_plates_before_theirs_and_of_their_own_the_values_only():
    lab = plated(7)
    lab.run()
    for request in lab.proposer.requests:
        seen, pending = visible(request.trial, 1, 3)
        assert [o.trial for o in request.observations] == list(seen)
        assert [p.trial for p in request.pending] == list(pending)
    assert [len(request.observations) for request in lab.proposer.requests] == [0, 0, 0, 3, 3, 3, 6]


def test_the_same_seed_gives_the_same_campaign_with_plates():
    def run() -> list[Any]:
        lab = plated(6)
        lab.run()
        return [(t.suggestion, t.outcome, [(x.state, x.lab_s) for x in t.transitions]) for t in lab.trials_of()]

    assert run() == run()


def test_a_trial_that_fails_in_preparation_is_missing_on_its_plate():
    lab = plated(3, fails=lambda x: DeviceError("pump: it leaks") if x == 0.5 else None)
    result = lab.run()
    assert result.trials == 2
    assert [trial.state for trial in lab.trials_of()] == [TrialState.INGESTED, TrialState.FAILED, TrialState.INGESTED]
    starts = [doc["trials"] for name, doc in lab.reader.documents("soft-1") if name == "start"]
    assert [1, 3] in starts


def test_a_failed_measurement_befalls_all_trials_of_the_plate_as_declared():
    def fails(x: float) -> Exception | None:
        rinses = [o for o in lab.pump.poured if o.phase == "rinse"]
        return DeviceTimeoutError("pump: late") if len(rinses) == 1 and lab.pump.poured[-1].phase == "rinse" else None

    lab = plated(3, fails=fails, on_failure={FaultKind.TIMEOUT: FaultPolicy(retry=1)})
    result = lab.run()
    assert (result.state, result.trials) == ("finished", 3)
    assert [trial.attempt for trial in lab.trials_of()] == [2, 2, 2]
    assert [len(trial.samples) for trial in lab.trials_of()] == [2, 2, 2]  # each on a fresh well
    assert [str(o) for o in lab.pump.poured if o.phase == "rinse"] == [
        "soft1.t1.r999.rinse.a1",
        "soft1.t1.r999.rinse.a2",
    ]


def test_without_a_retry_a_failed_measurement_fails_all_trials_of_the_plate():
    lab = plated(3, fails=lambda x: DeviceError("pump: it leaks") if x == 0.0 else None)
    lab.run()
    assert [(t.state, t.failure) for t in lab.trials_of()] == [(TrialState.FAILED, "pump: it leaks")] * 3


def commits(tmp_path: Path, **more: Any) -> int:
    lab = plated(4, folder=tmp_path, **more)
    counting = Crashing(lab, 10**9, after=False)
    lab.run(counting)
    return counting.count


def test_a_crash_at_any_commit_loses_no_outcome_and_repeats_no_action(tmp_path: Path):
    whole = plated(4)
    whole.run()
    expected = [(t.suggestion, t.outcome, t.samples) for t in whole.trials_of()]
    (tmp_path / "counted").mkdir()
    total = commits(tmp_path / "counted")
    for at in range(4, total + 1, 5):
        folder = tmp_path / f"{at}"
        folder.mkdir()
        lab = plated(4, folder=folder)
        with pytest.raises(Crash):
            lab.run(Crashing(lab, at, after=at % 2 == 0))
        lab.journal.close()
        lab.resume()
        assert [(t.suggestion, t.outcome, t.samples) for t in lab.trials_of()] == expected, at
        poured = [str(operation) for operation in lab.pump.poured]
        assert len(poured) == len(set(poured)) == 4 + 2 + 4, at
        assert {intent.state for intent in lab.reader.intents("soft-1")} == {"done"}
        lab.journal.close()


def test_a_pause_between_preparing_and_measuring_leaves_the_trials_prepared(tmp_path: Path):
    lab = plated(3, folder=tmp_path)

    class Pauses:
        def notify(self, event: Any) -> None:
            if isinstance(event, PhaseChanged) and (event.trial, event.phase) == (2, "pour"):
                lab.stop.request("ada pressed pause")

    lab.observers = (Pauses(),)
    assert lab.run().state == "paused"
    assert [str(trial.state) for trial in lab.trials_of()][:2] == ["prepared", "prepared"]
    lab.observers = ()
    lab.journal.close()
    assert lab.resume().trials == 3
    assert len(lab.pump.poured) == len(set(lab.pump.poured)) == 3 + 1 + 3


def test_what_is_prepared_when_a_campaign_is_stopped_for_good_is_given_up():
    lab = plated(3)

    class Stops:
        def notify(self, event: Any) -> None:
            if isinstance(event, PhaseChanged) and (event.trial, event.phase) == (2, "pour"):
                lab.stop.request("ada has seen enough", for_good=True)

    lab.observers = (Stops(),)
    assert lab.run().state == "stopped"
    assert {trial.state for trial in lab.trials_of()} <= {TrialState.ABANDONED}


def test_what_is_prepared_when_the_hours_are_over_is_measured_first():
    lab = plated(9, per_plate=9, hours=5.0 / 3600.0)
    result = lab.run()
    assert result.state == "finished"
    assert result.reason.startswith("budget used up: 0.00138889 h")
    assert result.trials == 3


def test_a_name_that_the_preparation_has_used_is_refused_and_nothing_is_taken_for_done():
    def careless(pump: Any, plate: Any, operations: Operations, md: Any):
        yield from act(pump, Pour(0.1, plate[0].operations("pour")))

    lab = plated(2, measure=careless)
    lab.run()
    assert "uses 'soft1.t1.r1.pour.a1' again, which a preparation has used" in (lab.trials_of()[0].failure or "")


def test_the_winner_of_a_campaign_with_plates_is_confirmed_on_a_plate():
    lab = plated(3, confirm=Confirm(2, 2))
    result = lab.run()
    assert result.trials == 7
    assert result.recommendation is not None
    assert (result.recommendation.trial, result.recommendation.confirmed) == (3, 2)


def test_two_trials_in_one_well_are_no_plate():
    def one(trial: int, well: int) -> Prepared:
        return Prepared(trial, Sample(f"s{trial}", "strip-1", "rack_1", well), Operations("k", trial))

    assert [each.trial for each in plate_of([one(2, 7), one(1, 3)])] == [1, 2]
    with pytest.raises(InputError, match="trials 1 and 2 are both in well 3 of strip-1"):
        plate_of([one(1, 3), one(2, 3)])
    with pytest.raises(InputError, match="each trial of a plate needs a well of its own"):
        plate_of([one(1, 3), one(1, 4)])
