"""The winner is measured again before it is claimed: which trials, when, and what is said afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autolab.campaign.claiming import claimed
from autolab.core.clock import ScaledClock
from autolab.core.confirming import Confirm
from autolab.core.data import TrialData
from autolab.core.errors import DeviceError
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.proposing import EngineSpec, Recommendation, SuggestRequest
from autolab.core.trials import CONFIRM, PERSON, Estimate, Outcome, Suggestion, TrialState
from optimizer.engine import suggest
from optimizer.recommendation import recommend
from tests.campaign.softlab import PROBLEM, LineProposer, SoftLab, with_objective
from tests.campaign.test_resume import Crash, Crashing

TWO_TWICE = Confirm(2, 2)


def of_confirming(lab: SoftLab) -> list[Any]:
    return [trial for trial in lab.trials_of() if trial.suggestion.engine == CONFIRM]


def test_the_best_trials_take_turns_beyond_the_budget_and_the_campaign_ends_as_it_would_have():
    lab = SoftLab(trials=4, confirm=TWO_TWICE)
    result = lab.run()
    assert (result.state, result.reason, result.trials) == ("finished", "budget used up: 4 trials", 8)
    again = of_confirming(lab)
    assert [(trial.number, trial.repeat_of) for trial in again] == [(5, 4), (6, 3), (7, 4), (8, 3)]
    assert [trial.suggestion.values["x"] for trial in again] == [0.25, 1 / 3, 0.25, 1 / 3]
    assert again[2].suggestion.reason == "measurement 2 of 2 to confirm trial 4, number 1 of the best"
    assert all(trial.state is TrialState.INGESTED and trial.workflow == "automated" for trial in again)
    assert result.recommendation is not None
    assert (result.recommendation.trial, result.recommendation.confirmed) == (4, 2)
    assert len(lab.proposer.requests) == 4  # nothing was proposed meanwhile


def test_a_search_that_ends_early_is_confirmed_and_what_was_not_begun_is_given_up():
    problem = with_objective(Objective("y", "minimize", target=0.3))
    lab = SoftLab(trials=20, confirm=TWO_TWICE, problem=problem, clock=ScaledClock(10.0))
    result = lab.run()
    assert result.reason == "target reached: trial 4 has y = 0.25"
    assert result.target_met is True
    given_up = [trial.number for trial in lab.trials_of() if trial.state is TrialState.ABANDONED]
    assert given_up == [5]
    assert [trial.number for trial in of_confirming(lab)] == [6, 7, 8, 9]


def test_a_lucky_outcome_does_not_survive_its_confirmation():
    calls: list[float] = []

    def lucky(data: TrialData) -> Outcome:
        amount = float(data.column("pump_amount").mean())
        calls.append(amount)
        return {"y": Estimate(0.05 if len(calls) == 1 else amount)}

    lab = SoftLab(trials=3, confirm=Confirm(2, 2), reduce=lucky)
    result = lab.run()
    assert [trial.repeat_of for trial in of_confirming(lab)] == [1, 3, 1, 3]
    assert result.recommendation is not None
    assert (result.recommendation.trial, result.recommendation.mean) == (3, pytest.approx(1 / 3))


def test_trials_that_fail_confirm_nothing():
    lab = SoftLab(
        trials=3,
        confirm=Confirm(2, 2),
        fails=lambda _: DeviceError("pump: it leaks") if len(lab.pump.poured) in (4, 6) else None,
    )
    result = lab.run()
    assert [trial.state for trial in of_confirming(lab)][::2] == [TrialState.FAILED] * 2
    assert result.recommendation is not None
    assert (result.recommendation.trial, result.recommendation.confirmed) == (2, 2)


def test_a_crash_at_any_commit_while_confirming_leaves_the_same_campaign(tmp_path: Path):
    whole = SoftLab(trials=3, confirm=TWO_TWICE)
    whole.run()
    expected = [(t.number, t.suggestion.engine, t.repeat_of, t.outcome) for t in whole.trials_of()]
    counting = Crashing(SoftLab(), 10**9, after=False)
    (tmp_path / "counted").mkdir()
    SoftLab(trials=3, confirm=TWO_TWICE, folder=tmp_path / "counted").run(counting)
    for at in range(counting.count // 3, counting.count + 1, 7):
        folder = tmp_path / f"{at}"
        folder.mkdir()
        lab = SoftLab(trials=3, confirm=TWO_TWICE, folder=folder)
        try:
            lab.run(Crashing(lab, at, after=at % 2 == 0))
        except Crash:
            lab.journal.close()
            result = lab.resume()
            assert (result.state, result.reason) == ("finished", "budget used up: 3 trials")
        assert [(t.number, t.suggestion.engine, t.repeat_of, t.outcome) for t in lab.trials_of()] == expected
        assert len(lab.pump.poured) == len(set(lab.pump.poured)) == 7
        lab.journal.close()


def test_an_early_end_is_found_again_after_an_interruption(tmp_path: Path):
    lab = SoftLab(
        trials=9, confirm=TWO_TWICE, folder=tmp_path, problem=with_objective(Objective("y", "minimize", target=0.5))
    )

    class Pauses:
        def notify(self, event: Any) -> None:
            if getattr(event, "trial", 0) == 4 and type(event).__name__ == "TrialEnded":
                lab.stop.request("ada pressed pause")

    lab.observers = (Pauses(),)
    assert lab.run().state == "paused"
    lab.observers = ()
    lab.journal.close()
    result = lab.resume()
    assert (result.state, result.reason) == ("finished", "target reached: trial 2 has y = 0.5")
    assert [trial.number for trial in of_confirming(lab)] == [3, 4, 5, 6]


def test_the_claim_is_of_fresh_outcomes_that_keep_the_constraints():
    problem = PROBLEM.__class__(PROBLEM.space, PROBLEM.objective, (OutcomeConstraint("z", "<=", 1.0),))

    def row(trial: int, x: float, y: float, z: float, engine: str) -> tuple[Suggestion, Outcome]:
        return Suggestion(trial, {"x": x}, engine, "", 1, (), ()), {"y": Estimate(y), "z": Estimate(z)}

    search = [row(1, 0.1, 1.0, 0.5, "lean"), row(2, 0.2, 2.0, 0.5, "lean"), row(3, 0.3, 0.1, 0.1, PERSON)]
    fresh = [row(4, 0.1, 3.0, 1.5, CONFIRM), row(5, 0.2, 4.0, 0.5, CONFIRM)]
    fresh += [row(6, 0.1, 3.2, 1.7, CONFIRM), row(7, 0.2, 4.2, 0.7, CONFIRM)]
    before = Recommendation(3, {"x": 0.3}, 0.1, None, "as measured")
    assert claimed(problem, before, search) == before
    found = claimed(problem, before, search + fresh)
    assert found is not None
    assert (found.trial, found.confirmed) == (2, 2)
    assert found.mean == pytest.approx(4.1, abs=0.2)
    assert found.reason == "best of 2 recipes that were measured again, by these fresh measurements alone (2 of it)"


@dataclass
class Lean(LineProposer):
    """The lean engine and its recommendation."""

    requests: list[SuggestRequest] = field(default_factory=list)

    def suggest(self, request: SuggestRequest) -> Suggestion:
        from dataclasses import replace

        return suggest(replace(request, engine=EngineSpec("lean", 4)))

    def recommend(self, problem: Any, observations: Any, seed: int) -> Any:
        return recommend(problem, observations, seed, engine="lean")


def test_over_seeds_the_claim_is_honest_where_the_best_measurement_is_not():
    """A few seeds of `benchmarks.confirming`, on a parabola with noise as large as what is left to gain."""
    errors, lucky, covered = [], [], 0
    for seed in range(8):
        rng = np.random.default_rng(seed)

        def noisy(data: TrialData, rng: Any = rng) -> Outcome:
            x = float(data.column("pump_amount").mean())
            return {"y": Estimate(truth(x) + float(rng.normal(0.0, 0.5)))}

        lab = SoftLab(trials=12, proposer=Lean(), reduce=noisy, confirm=Confirm(3, 3))
        found = lab.run().recommendation
        assert found is not None
        assert found.confirmed == 3
        assert found.interval is not None
        true = truth(float(found.values["x"]))
        errors.append((found.mean - true) / (found.sem or 1.0))
        lucky.append(
            min(t.outcome["y"].value - truth(float(t.suggestion.values["x"])) for t in lab.trials_of() if t.outcome)
        )
        covered += found.interval[0] <= true <= found.interval[1]
    assert abs(np.mean(errors)) < 0.75
    assert covered >= 6
    assert np.mean(lucky) < -0.6


def truth(x: float) -> float:
    return 4.0 * (x - 0.4) ** 2
