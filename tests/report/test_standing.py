"""How a campaign stands is counted in the record, and is what all of its trials would say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autolab.core.objectives import Objective
from autolab.core.problem import Problem
from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from autolab.report.facts import Facts
from autolab.report.standing import Standing, last_ended
from tests.report.journals import PROBLEM, write_journal

PROBLEMS = {
    "a target and a constraint": PROBLEM,
    "the largest": replace(PROBLEM, objective=Objective("colour_distance", "maximize"), outcome_constraints=()),
    "no trial keeps it": replace(PROBLEM, outcome_constraints=(replace(PROBLEM.outcome_constraints[0], bound=-1.0),)),
    "a weighted sum": replace(
        PROBLEM,
        objective=Objective("colour_distance", "minimize", weight=1.0),
        others=(Objective("turbidity", "minimize", weight=3.0),),
        outcome_constraints=(),
    ),
    "a front": replace(PROBLEM, outcome_constraints=(), others=(Objective("turbidity", "minimize"),)),
}


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "running"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS.keys())
def test_it_is_what_all_trials_say(tmp_path: Path, problem: Problem, ended: bool) -> None:
    identity = write_journal(tmp_path, problem=problem, ended=ended)
    reader = JournalReader.open(tmp_path)
    record = reader.campaign(identity)
    standing, facts = Standing.read(reader, record), Facts.read(reader, record)
    lab_s, last = reader.lab_seconds(identity), last_ended(reader, identity, 5)
    reader.close()
    assert standing.counts == {state: facts.count(state) for state in TrialState if facts.count(state)}
    assert standing.n_measured == len(facts.measured) > 0
    assert standing.n_without_outcome == len(facts.without_outcome) > 0
    assert standing.best == (None if facts.best is None else (facts.best.trial.number, facts.best.estimate))
    assert standing.front == facts.front
    assert standing.recommended_trial == facts.recommended_trial
    assert standing.target_is_met == facts.target_is_met
    assert lab_s == facts.lab_seconds > 0
    assert last == [t for t in facts.trials if t.outcome is not None or t in facts.without_outcome][-5:]
