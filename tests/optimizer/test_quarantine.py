"""No engine suggests what lies in quarantine."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolab.core.errors import ProposerError
from autolab.core.parameters import IntegerParameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import Observation
from autolab.core.quarantine import Quarantine
from autolab.core.trials import Estimate
from optimizer.engine import suggest
from tests.optimizer.builders import problem, request, response
from tests.optimizer.strategies import spaces

PLAIN = Space((RangeParameter("x", 0.0, 10.0), RangeParameter("y", 0.0, 10.0)))


@given(space=spaces(), engine=st.sampled_from(["sobol", "random"]), region=st.sampled_from([0.05, 0.2]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_points_of_a_design_keep_out_of_every_closed_region(space: Space, engine: str, region: float):
    posed, observations = problem(space), []
    for trial in range(1, 5):
        try:
            values = suggest(request(posed, engine, trial, observations)).values
        except ProposerError:
            return  # nothing of a small space is left
        closed = [Quarantine(o.trial, o.values, region) for o in observations]
        assert not any(quarantine.holds(values, space) for quarantine in closed)
        observations.append(Observation(trial, values, None, region))


@pytest.mark.parametrize("engine", ["ax", "botorch"])
def test_a_model_looks_elsewhere_when_its_favourite_region_is_closed(engine: str):
    points = [{"x": 1.2, "y": 1.2}, {"x": 8.0, "y": 3.0}, {"x": 4.0, "y": 9.0}, {"x": 6.0, "y": 6.0}]
    observations = [Observation(n, v, {"y": Estimate(response(v))}) for n, v in enumerate(points, 1)]
    observations.append(Observation(5, {"x": 1.0, "y": 1.0}, None, 0.3))
    values = suggest(request(problem(PLAIN), engine, 6, observations)).values
    assert not Quarantine(5, {"x": 1.0, "y": 1.0}, 0.3).holds(values, PLAIN)


def test_a_region_is_open_again_when_its_trial_has_an_outcome_after_all():
    space = Space((IntegerParameter("n", 0, 1),))
    closed = [Observation(1, {"n": 0}, None, 1.0)]
    with pytest.raises(ProposerError, match="no point of the space is left"):
        suggest(request(problem(space), "sobol", 2, closed))
    measured = [Observation(1, {"n": 0}, {"y": Estimate(1.0)}, 1.0)]
    assert suggest(request(problem(space), "sobol", 2, measured)).values == {"n": 1}
