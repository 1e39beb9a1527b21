"""Our engines inside bluesky-adaptive's own plans, on a RunEngine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky_adaptive.plans import optimize, sample_suggestions
from bluesky_adaptive.protocols import (
    CanRegisterSuggestions,
    Checkpointable,
    OptimizationProblem,
    Optimizer,
    SupportsStoppingCriteria,
    TrialFaultAware,
)
from ophyd.sim import SynAxis, SynSignal

from autolab.core.errors import InputError
from autolab.core.objectives import Objective
from autolab.core.parameters import RangeParameter
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec, Observation
from autolab.core.trials import Estimate
from optimizer.adaptive import AdaptiveOptimizer
from optimizer.engine import suggest
from tests.optimizer.builders import request

SPACE = Space((RangeParameter("tilt", -5.0, 5.0, step=0.1), RangeParameter("focus", -3.0, 3.0, step=0.1)))
PROBLEM = Problem(SPACE, Objective("width", "minimize"))
LEAN = EngineSpec("lean", 5)


class Beamline:
    """Two axes, a detector that sees how wide the beam is, and the readings by run."""

    def __init__(self, is_broken: bool = False) -> None:
        self.axes = [SynAxis(name="tilt"), SynAxis(name="focus")]
        self.detector = SynSignal(func=self._width, name="detector")
        self.readings: dict[str, list[float]] = {}
        self._is_broken = is_broken
        self.engine = RunEngine({}, context_managers=[])
        self.engine.subscribe(self._hear)
        self._runs: dict[str, str] = {}

    def _width(self) -> float:
        tilt, focus = (axis.readback.get() for axis in self.axes)
        return (tilt - 1.2) ** 2 + 2.0 * (focus + 0.7) ** 2

    def _hear(self, name: str, document: dict[str, Any]) -> None:
        if name == "descriptor":
            self._runs[document["uid"]] = document["run_start"]
        if name == "event" and "detector" in document["data"]:
            run = self._runs[document["descriptor"]]
            self.readings.setdefault(run, []).append(document["data"]["detector"])

    def evaluate(self, uid: str, suggestions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        if self._is_broken:
            raise OSError("the file of the detector is gone")
        (reading,) = self.readings[uid]
        return [{"_id": suggestions[0]["_id"], "width": reading}]

    def problem(self, optimizer: AdaptiveOptimizer) -> OptimizationProblem[str]:
        axes: Any = self.axes  # ophyd's simulated axes name no protocol
        detector: Any = self.detector
        return OptimizationProblem(optimizer, axes, [detector], self.evaluate)


def test_it_meets_their_protocols() -> None:
    ours = AdaptiveOptimizer(PROBLEM, LEAN, 1)
    for protocol in (Optimizer, CanRegisterSuggestions, TrialFaultAware, SupportsStoppingCriteria, Checkpointable):
        assert isinstance(ours, protocol)


def test_their_plan_with_our_engine_finds_the_optimum() -> None:
    line, ours = Beamline(), AdaptiveOptimizer(PROBLEM, LEAN, 1)
    line.engine(optimize(line.problem(ours), iterations=12))
    ((_, values, outcomes),) = ours.get_best_points()
    assert len(line.readings) == 12
    assert outcomes["width"] < 0.1
    assert abs(values["tilt"] - 1.2) < 0.3


def test_suggestions_are_those_that_a_campaign_would_get() -> None:
    seen: list[Observation] = []
    ours = AdaptiveOptimizer(PROBLEM, LEAN, 3)
    for trial in range(1, 8):
        (point,) = ours.suggest()
        wanted = suggest(request(PROBLEM, "lean", trial, seen, root=3, initial=5)).values
        assert point == {"_id": trial, **wanted}
        seen.append(Observation(trial, wanted, {"width": Estimate(float(wanted["tilt"]) ** 2)}))
        ours.ingest([{"_id": trial, "width": float(wanted["tilt"]) ** 2}])


def test_what_is_told_again_is_corrected() -> None:
    ours = AdaptiveOptimizer(PROBLEM, LEAN, 1)
    (point,) = ours.suggest()
    ours.ingest([{**point, "width": 4.0}])
    ours.ingest([{"_id": 1, "width": 2.0}])
    ours.ingest([{"tilt": 0.5, "focus": 0.5, "width": 3.0}])
    assert [(identity, outcome) for identity, _, outcome in ours.get_best_points()] == [(1, {"width": 2.0})]


def test_a_target_ends_their_loop() -> None:
    line = Beamline()
    problem = Problem(SPACE, Objective("width", "minimize", target=5.0))
    ours = AdaptiveOptimizer(problem, LEAN, 1)
    line.engine(optimize(line.problem(ours), iterations=None))
    assert ours.should_stop() == (True, f"trial {len(line.readings)} has reached the target of width, 5")


def test_a_persons_points_go_through_their_plan() -> None:
    line, ours = Beamline(), AdaptiveOptimizer(PROBLEM, LEAN, 1)
    line.engine(sample_suggestions(line.problem(ours), [{"tilt": 1.2, "focus": -0.7}]))
    assert ours.get_best_points() == [(1, {"tilt": 1.2, "focus": -0.7}, {"width": pytest.approx(0.0)})]
    with pytest.raises(InputError, match=r"is no point of the space: tilt = 9\.0"):
        ours.register_suggestions([{"tilt": 9.0, "focus": 0.0}])


def test_what_failed_is_not_suggested_again() -> None:
    line, ours = Beamline(is_broken=True), AdaptiveOptimizer(PROBLEM, EngineSpec("sobol"), 1)
    for _ in range(3):
        with pytest.raises(OSError, match="is gone"):
            line.engine(optimize(line.problem(ours), iterations=1))
    once = AdaptiveOptimizer(PROBLEM, EngineSpec("sobol"), 1)
    failed = [{**point, "_id": 0} for point in once.suggest(3)]
    assert len(line.readings) == 3
    assert all({**point, "_id": 0} not in failed for point in ours.suggest(20))


def test_it_goes_on_from_its_checkpoint_as_if_nothing_had_happened(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    ours = AdaptiveOptimizer(PROBLEM, LEAN, 1, file)
    for point in ours.suggest(6):
        ours.ingest([{"_id": point["_id"], "width": (float(point["tilt"]), 0.1)}])
    ours.suggest()
    ours.checkpoint()
    again = AdaptiveOptimizer(PROBLEM, LEAN, 1, file)
    assert again.suggest() == ours.suggest()
    with pytest.raises(InputError, match="was written with seed 1, not 2: give that seed"):
        AdaptiveOptimizer(PROBLEM, LEAN, 2, file)
    file.write_text("[]")
    with pytest.raises(InputError, match=r"known.json: no checkpoint of this optimizer .*: move it away"):
        AdaptiveOptimizer(PROBLEM, LEAN, 1, file)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"_id": 1}, "an outcome lacks the metric 'width'"),
        ({"_id": 1, "width": "wide"}, "width = 'wide' is no number"),
        ({"_id": 9, "width": 1.0}, "point 9 was not suggested, and lacks the parameter 'tilt'"),
    ],
)
def test_bad_outcomes_are_refused_and_none_is_taken(point: Mapping[str, Any], said: str) -> None:
    ours = AdaptiveOptimizer(PROBLEM, LEAN, 1)
    ours.suggest()
    with pytest.raises(InputError, match=said):
        ours.ingest([{"_id": 1, "width": 1.0}, point])
    assert ours.get_best_points() == []
