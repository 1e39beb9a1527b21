"""The metrics of self-driving laboratories come out as planted, for the lab and for each campaign."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from autolab.core.objectives import Objective
from autolab.core.problem import Problem
from facility_review.collecting import collect
from facility_review.instrument import load_instrument
from facility_review.sdl import METRICS, SdlMetric, sdl_metrics
from facility_review.statistics import garwood, wilson
from facility_review.units import load_units
from tests.facility_review.journals import IDENTITY, PROBLEM, Bench, bench, write_unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()


def _campaigns(made: Bench) -> None:
    problem = Problem(PROBLEM.space, Objective("distance", "maximize", 8.0))
    for best in (10.0, 12.0):
        run = made.begin("ax", budget=10, problem=problem)
        run.trials([2.0] * 5, engine="sobol", informed=False, seconds=360.0)
        run.trials([best] * 5, seconds=360.0)
        run.end()
    for best in (5.0, 6.0):
        run = made.begin("random", budget=10, problem=problem)
        run.trials([2.0] * 4 + [None], engine="random", informed=False, seconds=720.0)
        run.intervene("repeat")
        run.trials([best] * 5, engine="random", informed=False, seconds=720.0)
        run.end()


def found(tmp_path: Path) -> dict[tuple[str, str], SdlMetric]:
    with bench(tmp_path / "data") as made:
        _campaigns(made)
    units = load_units([write_unit(tmp_path / "files", "bench", IDENTITY.format(name="bench"))])
    evidence = collect(units, [tmp_path / "data"], INSTRUMENT, AS_OF)[0]
    return {(metric.scope, metric.id): metric for metric in sdl_metrics(evidence, INSTRUMENT, AS_OF)}


def test_the_metrics_of_the_lab_and_of_a_campaign_are_those_that_were_planted(tmp_path: Path) -> None:
    metrics = found(tmp_path)
    autonomy = metrics["lab", "degree_of_autonomy"]
    assert (autonomy.value, autonomy.n, autonomy.interval) == (0.25, 40, wilson(10, 40))
    assert metrics["bench-001", "degree_of_autonomy"].value == 0.5
    per_100 = metrics["lab", "interventions"]
    assert (per_100.value, per_100.n) == (5.0, 40)
    assert per_100.interval == pytest.approx([100 * bound for bound in garwood(2, 40)])
    assert metrics["bench-001", "lifetime_demonstrated_unassisted"].value == pytest.approx(1.0)
    assert metrics["bench-003", "lifetime_demonstrated_unassisted"].value == pytest.approx(1.0)
    assert metrics["lab", "throughput_theoretical"].value == pytest.approx(10.0)
    assert metrics["lab", "throughput_demonstrated"].value == pytest.approx(38 / 6)
    assert metrics["bench-001", "throughput_demonstrated"].value == pytest.approx(10.0)
    assert metrics["lab", "material_use"].value == pytest.approx(400 / 38)
    assert metrics["lab", "lifetime_theoretical_unassisted"].value == pytest.approx(48 / (40 / 6))


def test_a_campaign_is_compared_with_the_reference_campaigns_of_its_lab(tmp_path: Path) -> None:
    metrics = found(tmp_path)
    assert metrics["lab", "enhancement_factor"].value == pytest.approx(11.0 / 5.5)
    assert metrics["bench-001", "enhancement_factor"].value == pytest.approx(10.0 / 5.5)
    assert metrics["bench-001", "acceleration_factor"].value == pytest.approx(10 / 6)
    assert metrics["bench-003", "acceleration_factor"].value is None


def test_each_metric_is_there_with_n_and_interval_or_says_why_not(tmp_path: Path) -> None:
    metrics = found(tmp_path)
    assert len(metrics) == 5 * len(METRICS)
    for metric in metrics.values():
        assert (metric.value is None) == bool(metric.why)
        assert metric.value is None or metric.n is not None
        if metric.interval is not None and metric.value is not None:
            low, high = metric.interval
            assert low <= metric.value * (1 + 1e-9)
            assert high >= metric.value * (1 - 1e-9)
    assert "scheduled" in metrics["lab", "precision"].why
