"""Descriptors of choices: models know which choices are alike, and the search goes by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autolab.core.parameters import ChoiceParameter, Descriptor, Parameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import EngineSpec, Observation
from optimizer.engine import suggest
from optimizer.evidence import Evidence
from optimizer.lean_learner import model_of
from optimizer.lean_model import Features, fit, log_posterior
from optimizer.routing import choose
from optimizer.space import UnitSpace
from tests.optimizer.builders import observed, problem, request

TRIED = {"u": 0.0, "v": 0.2, "w": 0.4, "x": 0.6, "y": 0.8}
UNTRIED = ("alpha", "omega")
TIME = RangeParameter("time", 0, 1, step=0.25)


def described(near: str, *more: Parameter) -> Space:
    """Two choices that nobody has tried: one lies between the two best of the others, one beyond the worst."""
    numbers = [*TRIED.values(), *(0.3 if name == near else 0.9 for name in UNTRIED)]
    boils = [80.0 + 50.0 * number**2 for number in numbers]
    descriptors = (Descriptor("polarity", tuple(numbers)), Descriptor("boils", tuple(boils)))
    return Space((ChoiceParameter("solvent", (*TRIED, *UNTRIED), descriptors=descriptors), TIME, *more))


def history() -> list[Observation]:
    """The best polarity is 0.3, the best time 0.5."""
    points = [(name, time) for name in TRIED for time in (0.25, 0.5, 0.75)]
    return [
        observed(n, {"solvent": name, "time": time}, (TRIED[name] - 0.3) ** 2 + 0.2 * (time - 0.5) ** 2)
        for n, (name, time) in enumerate(points, 1)
    ]


@pytest.mark.parametrize("engine", ["lean", "botorch"])
@pytest.mark.parametrize("near", UNTRIED)
def test_a_choice_like_a_good_one_is_tried_before_one_like_none(engine: str, near: str) -> None:
    suggestion = suggest(request(problem(described(near)), engine, 16, history()))
    assert suggestion.values["solvent"] == near


@pytest.mark.parametrize("engine", ["lean", "botorch"])
def test_described_choices_stand_beside_others_and_beside_ones_without(engine: str) -> None:
    space = described("alpha", ChoiceParameter("lid", ("open", "closed")))
    past = [replace(item, values={**item.values, "lid": ("open", "closed")[item.trial % 2]}) for item in history()]
    suggestion = suggest(request(problem(space), engine, 16, past))
    assert suggestion.engine == engine
    assert suggestion.values["solvent"] == "alpha"


def test_what_the_model_foretells_of_an_untried_choice_is_that_of_its_neighbours() -> None:
    space = described("alpha")
    evidence = Evidence(problem(space), tuple(history()), ())
    model = model_of(evidence, "y", evidence.losses)
    points = np.array([evidence.unit.encode({"solvent": name, "time": 0.5}) for name in (*TRIED, *UNTRIED)])
    means, deviations = model.predict(points)
    assert means[5] == pytest.approx(0.0, abs=0.01)  # alpha, at its true value
    assert means[6] > 0.2
    assert deviations[6] > deviations[5]


def test_the_gradient_of_the_density_is_right_with_a_lengthscale_for_each_descriptor() -> None:
    unit = UnitSpace(described("alpha"))
    features = Features.of(unit)
    points = np.array([unit.encode(item.values) for item in history()])
    y = np.array([item.outcome["y"].value for item in history() if item.outcome])
    y = (y - y.mean()) / y.std()
    assert (features.d, features.n_lengths) == (2, 3)
    assert len(fit(features, points, y).lengthscales) == 3
    theta, step = np.array([0.3, 0.5, 0.8, 0.02]), 1e-6
    _, gradient = log_posterior(features(points), features.owner, y, theta)
    for at in range(4):
        shift = step * np.eye(4)[at]
        ends = [log_posterior(features(points), features.owner, y, theta + sign * shift)[0] for sign in (1, -1)]
        assert gradient[at] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4)


def test_ax_hands_descriptors_to_botorch_and_says_so() -> None:
    routing = choose(problem(described("alpha")), EngineSpec("ax"))
    assert (routing.name, routing.why) == ("botorch", "Ax takes no descriptors of choices, such as those of solvent")
