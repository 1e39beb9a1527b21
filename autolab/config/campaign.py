"""Reads a ``campaign.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from autolab.config.avoiding import read_rules
from autolab.config.campaignmodel import CampaignModel
from autolab.config.confirming import read_confirm
from autolab.config.costs import read_costs
from autolab.config.earlier import check_earlier
from autolab.config.goals import check_goals, read_objectives, read_outcome_constraints
from autolab.config.noises import read_noises
from autolab.config.plates import read_plate
from autolab.config.policies import read_policies, recipe_faults
from autolab.config.problems import Problems
from autolab.config.spaces import read_space
from autolab.config.specs import Budget, CampaignSpec, ExpectedGain, NoImprovement, Source, Stopping
from autolab.config.yamlfile import read_yaml
from autolab.core.avoidances import Avoidance
from autolab.core.canonical import content_hash
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.objectives import Objective
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec

__all__ = ["load_campaign"]


def load_campaign(path: str | Path) -> CampaignSpec:
    """Read and check a campaign file. The lab file that it names is not opened.

    Args:
        path: The file; messages name it as it is given here.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(CampaignModel, file.values)
    space = read_space(problems, file.values)
    objectives = read_objectives(problems, file.values)
    outcome_constraints = read_outcome_constraints(problems, file.values)
    check_goals(problems, file.values, objectives or (), outcome_constraints)
    check_earlier(problems, file.values, outcome_constraints)
    confirm, plate = read_confirm(problems, file.values, objectives or ()), read_plate(problems, file.values)
    on_failure, rules = read_policies(problems, file.values), read_rules(problems, file.values, space)
    noises = read_noises(problems, file.values, objectives or (), outcome_constraints)
    costs = read_costs(problems, file.values, space)
    problems.raise_any()
    problem = _problem(space, objectives, outcome_constraints)
    problem = replace(problem, recipe_faults=recipe_faults(file.values), noises=noises)
    problem = replace(problem, doubts_outliers=file.values.get("outliers") == "doubt", costs=costs)
    return replace(
        _spec(Path(path), file.values, file.source, problem, on_failure, rules), confirm=confirm, plate=plate
    )


def _problem(space: Space | None, objectives: tuple[Objective, ...] | None, outcome_constraints: Any) -> Problem:
    if space is None or not objectives:
        raise RuntimeError("a campaign file was accepted without parameters or objective")
    return Problem(space, objectives[0], outcome_constraints, objectives[1:])


def _spec(
    path: Path,
    values: dict[str, Any],
    source: Source,
    problem: Problem,
    on_failure: Mapping[FaultKind, FaultPolicy],
    rules: tuple[Avoidance, ...],
) -> CampaignSpec:
    model = CampaignModel.model_validate(values)
    stop, gain = model.stopping.no_improvement, model.stopping.expected_gain
    return CampaignSpec(
        name=model.name,
        lab=path.parent / model.lab,
        challenge=model.challenge,
        problem=problem,
        plan=model.plan,
        reduce=model.reduce,
        budget=Budget(model.budget.trials, model.budget.hours),
        stopping=Stopping(
            None if stop is None else NoImprovement(stop.trials, stop.by),
            model.stopping.failures_in_a_row,
            None if gain is None else ExpectedGain(gain.below, gain.suggestions),
        ),
        engine=EngineSpec(model.engine.name, model.engine.initial, model.engine.make),
        lanes=model.lanes,
        seed=model.seed,
        approval=model.approval or "routine",
        on_failure=on_failure,
        rules=rules,
        source=source,
        content_hash=content_hash(values),
        earlier=tuple(model.earlier),
    )
