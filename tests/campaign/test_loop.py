"""The loop: what it records, what a suggestion may see, and when it ends."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from autolab.campaign.asking import Asking
from autolab.campaign.confirming import Confirming
from autolab.campaign.events import StopRequested, TrialEnded, TrialStarted
from autolab.campaign.recovery import recovered
from autolab.campaign.stopping import End
from autolab.campaign.supplies import Supplies
from autolab.config.specs import ExpectedGain, NoImprovement, Stopping
from autolab.core.clock import ScaledClock
from autolab.core.data import TrialData
from autolab.core.errors import DeviceError, EnvelopeError, NoPermittedTrialError
from autolab.core.explanations import Explanation
from autolab.core.objectives import Objective
from autolab.core.proposing import EngineSpec, SuggestRequest
from autolab.core.trials import Estimate, Outcome, Suggestion, TrialState
from optimizer.engine import suggest
from tests.campaign.softlab import PROBLEM, LineProposer, SoftLab, with_objective


def test_a_trial_passes_through_every_state_in_order_and_keeps_its_outcome():
    lab = SoftLab(trials=3)
    result = lab.run()
    assert (result.state, result.exit_code, result.trials) == ("finished", 0, 3)
    trial = lab.trials_of()[1]
    assert [t.state for t in trial.transitions] == [
        TrialState.SUGGESTED, TrialState.SCREENED, TrialState.RUNNING,
        TrialState.ACQUIRED, TrialState.REDUCED, TrialState.INGESTED,
    ]  # fmt: skip
    assert trial.outcome == {"y": Estimate(0.5)}
    assert trial.verdict is not None
    assert trial.verdict.decision == "allowed"
    assert len(trial.runs) == 1


def test_lab_times_on_the_virtual_clock_are_those_of_the_work_alone():
    lab = SoftLab(trials=2)
    lab.run()
    first, second = lab.trials_of()
    assert first.lab_s(TrialState.RUNNING) == 0.0
    assert first.lab_s(TrialState.ACQUIRED) == pytest.approx(2.0)
    assert second.lab_s(TrialState.ACQUIRED) == pytest.approx(4.0)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_what_a_suggestion_sees_depends_on_trial_numbers_alone(lanes: int):
    lab = SoftLab(trials=7, lanes=lanes, clock=ScaledClock(200.0))
    lab.run()
    for request in lab.proposer.requests:
        seen = [o.trial for o in request.observations]
        pending = [p.trial for p in request.pending]
        assert seen == list(range(1, max(1, request.trial - lanes)))
        assert pending == list(range(max(1, request.trial - lanes), request.trial))
        assert all(o.outcome is not None for o in request.observations)


def test_two_lanes_run_at_the_same_time_and_each_document_names_its_lane_and_trial():
    lab = SoftLab(trials=4, lanes=2, clock=ScaledClock(20.0))
    lab.run()
    starts = [event for event in lab.events if isinstance(event, TrialStarted)]
    ends = [event for event in lab.events if isinstance(event, TrialEnded)]
    assert {start.lane for start in starts} == {1, 2}
    assert lab.events.index(starts[1]) < lab.events.index(ends[0])
    for trial in lab.trials_of():
        documents = list(lab.reader.documents("soft-1", trial.number))
        assert [name for name, _ in documents] == ["start", "descriptor", "event", "stop"]
        assert documents[0][1]["trials"] == [trial.number]
        assert documents[0][1]["lane"] == trial.lane
        assert documents[2][1]["data"]["pump_amount"] in (1.0, 0.5, 1 / 3, 0.25)


def test_lanes_that_share_a_station_take_turns():
    lab = SoftLab(trials=4, lanes=2, clock=ScaledClock(100.0), stations=frozenset({"pump"}))
    lab.run()
    running = 0
    for event in lab.events:
        running += isinstance(event, TrialStarted) - isinstance(event, TrialEnded)
        assert running <= 1


def test_every_action_is_journalled_as_intended_and_then_as_done():
    lab = SoftLab(trials=2)
    lab.run()
    intents = lab.reader.intents("soft-1")
    assert [intent.operation for intent in intents] == ["soft1.t1.r1.pour.a1", "soft1.t2.r1.pour.a1"]
    assert all(intent.state == "done" for intent in intents)
    assert intents[0].settled_lab_s == pytest.approx(2.0)
    assert intents[0].action["amount"] == 1.0


def test_a_failed_trial_is_recorded_told_to_the_proposer_and_does_not_end_the_campaign():
    lab = SoftLab(trials=4, fails=lambda x: DeviceError("pump: it leaks") if x == 0.5 else None)
    result = lab.run()
    assert (result.state, result.trials) == ("finished", 3)
    failed = lab.trials_of()[1]
    assert (failed.state, failed.failure) == (TrialState.FAILED, "pump: it leaks")
    assert lab.reader.intents("soft-1")[1].state == "failed"
    assert lab.proposer.requests[-1].observations[1].outcome is None


def test_three_failures_in_a_row_end_the_campaign():
    lab = SoftLab(trials=9, fails=lambda x: DeviceError("pump: it leaks"))
    result = lab.run()
    assert (result.state, result.exit_code) == ("failed", 4)
    assert result.reason == "3 trials in a row have no outcome; the last one: pump: it leaks"
    assert len(lab.pump.poured) == 3


def test_a_device_that_answers_no_more_ends_the_campaign_at_once():
    lab = SoftLab(trials=9, fails=lambda x: DeviceError("pump: it leaks"), silent=("pump: does not answer",))
    result = lab.run()
    assert (result.exit_code, result.reason) == (4, "pump: does not answer")
    assert len(lab.pump.poured) == 1


def test_a_write_outside_the_envelope_ends_the_campaign_as_stopped_by_safety():
    lab = SoftLab(trials=9, fails=lambda x: EnvelopeError("pump.amount: refused to write 2 mL"))
    result = lab.run()
    assert (result.state, result.exit_code) == ("failed", 3)


def test_a_suggestion_that_is_no_point_of_the_space_is_refused_and_never_runs():
    lab = SoftLab(trials=3, proposer=LineProposer(lambda trial: 7.0 if trial == 2 else 0.5))
    lab.run()
    refused = lab.trials_of()[1]
    assert refused.state is TrialState.REFUSED
    assert refused.verdict is not None
    assert refused.verdict.reasons == ("x = 7.0 is outside what the parameter allows",)
    assert len(lab.pump.poured) == 2


def test_a_reducer_that_fails_fails_its_trial_and_not_the_campaign():
    def reduce(data):
        if data.column("pump_amount")[0] == 0.5:
            raise ZeroDivisionError("by zero")
        return {"y": Estimate(1.0)}

    lab = SoftLab(trials=3, reduce=reduce)
    assert lab.run().trials == 2
    assert lab.trials_of()[1].failure == "the reducer failed with ZeroDivisionError: by zero"


def test_the_target_ends_the_campaign_and_the_suggestion_in_hand_is_abandoned():
    problem = with_objective(Objective("y", "minimize", target=0.34))
    lab = SoftLab(trials=9, problem=problem, clock=ScaledClock(5.0))
    result = lab.run()
    assert (result.state, result.exit_code) == ("finished", 0)
    assert result.reason == "target reached: trial 3 has y = 0.3333"
    assert lab.trials_of()[3].state is TrialState.ABANDONED
    assert len(lab.pump.poured) == 3


def test_where_nothing_may_be_proposed_the_campaign_pauses_with_the_reason_and_can_go_on():
    class Stuck(LineProposer):
        def suggest(self, request):
            if request.trial == 3:
                raise NoPermittedTrialError("no trial is proposed: loosen the bound")
            return super().suggest(request)

    lab = SoftLab(trials=4, proposer=Stuck())
    result = lab.run()
    assert (result.state, result.exit_code, result.trials) == ("paused", 5, 2)
    assert result.reason == "no trial is proposed: loosen the bound"


def test_a_front_is_recommended_by_its_middle_and_ends_when_one_trial_reaches_all_targets():
    def both(data):
        x = float(data.column("pump_amount").mean())
        return {"y": Estimate(x), "z": Estimate((1 - x) ** 2)}

    low = Objective("y", "minimize")
    problem = replace(PROBLEM, objective=low, others=(Objective("z", "minimize"),))
    result = SoftLab(trials=4, problem=problem, reduce=both).run()
    assert result.recommendation is not None
    assert result.recommendation.front == (1, 2, 3, 4)
    assert result.recommendation.trial in (2, 3)
    assert result.target_met is None
    met = replace(problem, objective=replace(low, target=0.4), others=(Objective("z", "minimize", 0.5),))
    result = SoftLab(trials=4, problem=met, reduce=both).run()
    assert (result.trials, result.reason, result.target_met) == (3, "all targets reached by trial 3", True)


def test_no_improvement_ends_the_campaign():
    lab = SoftLab(trials=9, proposer=LineProposer(lambda trial: 0.5), stopping=Stopping(NoImprovement(3)))
    assert lab.run().reason == "no improvement: the last 3 trials gained 0 in y"
    assert len(lab.pump.poured) == 4


def test_the_budget_of_hours_counts_lab_time():
    lab = SoftLab(trials=99, hours=5 / 3600)
    assert lab.run().reason == "budget used up: 0.00138889 h of lab time"
    assert len(lab.pump.poured) == 3


def test_without_a_free_well_the_campaign_waits_for_a_person():
    wells = (("strip-1", "rack_1", 0), ("strip-1", "rack_1", 1))
    lab = SoftLab(trials=9, uses_samples=True, wells=wells)
    result = lab.run()
    assert (result.state, result.exit_code) == ("paused", 5)
    assert result.reason == "no free well is left: put in fresh labware, then resume the campaign"
    assert [trial.samples[0].well for trial in lab.trials_of()[:2]] == [0, 1]


class _StopsAtTrial:
    def __init__(self, stop, trial: int, at_once: bool, for_good: bool = False) -> None:
        self._stop, self._trial, self._at_once, self._for_good = stop, trial, at_once, for_good

    def notify(self, event) -> None:
        if isinstance(event, TrialStarted) and event.suggestion.trial == self._trial:
            self._stop.request("ada pressed stop", self._at_once, for_good=self._for_good)


def test_a_stop_for_good_abandons_the_running_trial_before_its_next_action():
    lab = SoftLab(trials=9, clock=ScaledClock(50.0))
    lab.observers = (_StopsAtTrial(lab.stop, 2, at_once=False, for_good=True),)
    result = lab.run()
    assert (result.state, result.exit_code) == ("stopped", 5)
    assert lab.trials_of()[1].state in (TrialState.ABANDONED, TrialState.INGESTED)
    assert len(lab.pump.poured) <= 2
    assert lab.reader.interventions("soft-1")[0].detail == "ada pressed stop"


def test_a_pause_at_once_stops_the_device_and_leaves_the_trial_to_be_settled():
    lab = SoftLab(trials=9, clock=ScaledClock(0.5))
    lab.observers = (_StopsAtTrial(lab.stop, 1, at_once=True),)
    result = lab.run()
    assert (result.state, result.exit_code, result.trials) == ("paused", 5, 0)
    assert lab.trials_of()[0].state is TrialState.RUNNING
    assert any(isinstance(event, StopRequested) and event.at_once for event in lab.events)
    assert all(intent.state != "done" for intent in lab.reader.intents("soft-1"))


def test_an_observer_that_fails_disturbs_nothing_and_is_told_nothing_more(caplog: pytest.LogCaptureFixture):
    class Broken:
        told = 0

        def notify(self, event) -> None:
            self.told += 1
            raise RuntimeError("the display fell over")

    broken = Broken()
    lab = SoftLab(trials=2, observers=(broken,))
    assert lab.run().trials == 2
    assert broken.told == 1
    assert "Broken failed" in caplog.text


def test_the_recommendation_falls_back_to_the_best_measured_and_says_so():
    lab = SoftLab(trials=3)
    recommendation = lab.run().recommendation
    assert recommendation is not None
    assert (recommendation.trial, recommendation.mean, recommendation.reason) == (3, 1 / 3, "the best value measured")


class _StopsBeforeTheWait:
    """Asks to stop at the last moment before the loop waits: when it begins to compute the next suggestion."""

    def __init__(self, lab: SoftLab, at_once: bool) -> None:
        self._lab, self._at_once = lab, at_once

    def notify(self, event) -> None:
        if isinstance(event, TrialStarted) and event.suggestion.trial == 1:
            self._lab.stop.request("first", at_once=False)
            if self._at_once:
                self._lab.stop.request("second", at_once=True)


@pytest.mark.parametrize("at_once", [False, True])
def test_a_stop_that_comes_before_the_loop_waits_is_not_waited_past(at_once: bool):
    lab = SoftLab(trials=9, clock=ScaledClock(0.5 if at_once else 50.0))
    lab.observers = (_StopsBeforeTheWait(lab, at_once),)
    begin = lab.clock.real()
    assert lab.run().state == "paused"
    assert lab.clock.real() - begin < 3.5
    assert len(lab.trials_of()) <= 2


def test_a_campaign_leaves_no_engine_behind():
    """Each would keep a thread and three open files for ever. A proposer that still thinks is not waited for."""
    before = set(threading.enumerate())
    SoftLab(trials=2).run()
    names = [thread.name for thread in set(threading.enumerate()) - before]
    assert [name for name in names if not name.startswith("autolab-proposer")] == []


class Hoping(LineProposer):
    """Expects of each trial what it is told."""

    def __init__(self, gains: list[float | None]) -> None:
        super().__init__()
        self._gains = gains

    def suggest(self, request: SuggestRequest) -> Suggestion:
        gain = self._gains[request.trial - 1]
        return replace(super().suggest(request), explanation=Explanation(gain=gain))


@pytest.mark.parametrize(
    ("gains", "n_run"),
    [
        ([None, None, 0.5, 0.05, 0.04, 0.03, 9.0, 9.0], 5),
        ([None, 0.01, 0.01, 0.5, 0.01, 0.01, 0.3, 0.01], 8),  # never three in a row
        ([0.01, 0.01, None, 0.01, 0.01, 0.01, 0.3, 0.01], 5),  # what has no model is not below
    ],
)
def test_little_to_gain_ends_the_campaign_before_the_last_suggestion_is_run(gains: list[float | None], n_run: int):
    lab = SoftLab(trials=8, proposer=Hoping(gains), stopping=Stopping(expected_gain=ExpectedGain(0.1)))
    result = lab.run()
    assert (result.state, result.exit_code, result.trials) == ("finished", 0, n_run)
    if n_run == 8:
        return
    wanted = "little to gain: 3 suggestions in a row were each expected to gain less than 0.1, the last one"
    assert result.reason == f"{wanted} {gains[n_run]:.3g}"
    assert lab.trials_of()[-1].state is TrialState.ABANDONED
    past = recovered(lab.trials_of(), lab.reader.intents("soft-1")).book  # as one that resumes would see it
    confirming = Confirming(lab._setup(), past, lab.proposer, lab.journal, "simulated")
    supplies = Supplies(lab._setup(), lab.open_lab(), lab.journal)
    asking = Asking(lab._setup(), past, lab.proposer, supplies, confirming)
    assert asking.end() == End("finished", result.reason, 0)


class Learning(LineProposer):
    """The lean engine itself."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        return suggest(replace(request, engine=EngineSpec("lean", 4)))


def test_a_real_engine_stops_in_time_near_the_best_with_the_reason_on_record():
    def run(stopping: Stopping) -> tuple[int, float, str]:
        lab = SoftLab(trials=25, proposer=Learning(), reduce=bowl, stopping=stopping)
        result = lab.run()
        return result.trials, min(t.outcome["y"].value for t in lab.trials_of() if t.outcome), result.reason

    n_run, best, reason = run(Stopping(expected_gain=ExpectedGain(0.001, 2)))
    assert n_run < 20
    assert best < 0.002
    assert reason.startswith("little to gain: 2 suggestions in a row")
    assert run(Stopping())[0] == 25


def bowl(data: TrialData) -> Outcome:
    return {"y": Estimate((float(data.column("pump_amount").mean()) - 0.4) ** 2)}
