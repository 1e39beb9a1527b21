"""The first suggestion by a model is rehearsed while the initial design runs, and no suggestion is another for it."""

from __future__ import annotations

import threading

import pytest

from autolab.core.canonical import canonical_json
from autolab.core.problem import Space
from autolab.core.proposing import Observation, Pending, SuggestRequest
from autolab.core.trials import Suggestion
from optimizer import rehearsal
from optimizer.client import ProposerHost
from optimizer.engine import suggest
from optimizer.rehearsal import Rehearsal
from tests.optimizer.builders import observed, problem, request
from tests.optimizer.test_engines import BENCH, PLAIN, history


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> list[Suggestion]:
    """What was suggested to nobody."""
    made: list[Suggestion] = []

    def spy(asked: SuggestRequest) -> Suggestion:
        made.append(suggest(asked))
        return made[-1]

    monkeypatch.setattr(rehearsal, "suggest", spy)
    return made


def _join() -> None:
    for thread in threading.enumerate():
        if thread.name == "rehearsal":
            thread.join()


@pytest.mark.parametrize("engine", ["lean", "botorch"])
@pytest.mark.parametrize("space", [PLAIN, BENCH])
def test_a_rehearsal_goes_all_the_way_and_changes_no_answer(engine: str, space: Space, rehearsed: list[Suggestion]):
    posed, past = problem(space), history(space, 7)
    asked = request(posed, engine, 8, past[:6], [Pending(7, past[6].values)])
    before, made = suggest(asked), Rehearsal(f"optimizer.{engine}_learner")
    made.after(request(posed, engine, 1, initial=4))
    _join()
    assert not rehearsed
    for _ in range(2):
        made.after(request(posed, engine, 2, initial=4))
        _join()
    assert [(suggestion.trial, suggestion.engine) for suggestion in rehearsed] == [(5, engine)]
    made.before(asked)
    assert suggest(asked) == before


def test_where_a_model_is_asked_before_the_rehearsal_there_is_none(rehearsed: list[Suggestion]):
    made, early = Rehearsal("optimizer.lean_learner"), request(problem(PLAIN), "lean", 3, initial=4)
    made.before(request(problem(PLAIN), "lean", 5, history(PLAIN, 4)))
    made.after(early)
    _join()
    assert not rehearsed


def test_a_host_that_begins_in_the_middle_answers_as_one_that_was_there_from_the_start():
    """As after a crash or a resume."""
    asked: list[SuggestRequest] = []
    answers: list[str] = []
    past: list[Observation] = []
    with ProposerHost(warm="botorch") as host:
        for trial in range(1, 8):
            pending = [Pending(seen.trial, seen.values) for seen in past[-1:]]
            asked.append(request(problem(PLAIN), "botorch", trial, past[:-1], pending))
            made = host.suggest(asked[-1])
            answers.append(canonical_json(made))
            past.append(observed(trial, made.values))
    with ProposerHost(warm="botorch") as host:
        assert canonical_json(host.suggest(asked[-1])) == answers[-1]
