"""From ``rules`` of a campaign file to avoidances, and which of them are in force on a day."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

from autolab.config.campaignmodel import RuleModel
from autolab.config.feasibility import find_conflict
from autolab.config.problems import Problems, valid
from autolab.config.spaces import unusable
from autolab.config.specs import CampaignSpec
from autolab.config.units import convert
from autolab.config.words import shown
from autolab.core.avoidances import Avoidance
from autolab.core.constraints import Constraint
from autolab.core.errors import InputError
from autolab.core.problem import Space

__all__ = ["in_force", "read_rules"]

_NUMBER = r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"
_AVOID = re.compile(rf"\s*(?P<left>[^<>=]+?)\s*(?P<sign>[<>])(?P<equal>=?)\s*(?P<bound>{_NUMBER})\s*(?P<unit>.*?)\s*")


def read_rules(problems: Problems, values: Mapping[str, Any], space: Space | None) -> tuple[Avoidance, ...]:
    """Read the rules, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        space: The parameters and constraints; None where there are problems with them.
    """
    raw = values.get("rules")
    found: list[Avoidance] = []
    for index, item in enumerate(cast("list[Any]", raw) if isinstance(raw, list) else []):
        model = valid(RuleModel, item)
        if model is None or space is None:
            continue  # the shape check says so
        try:
            keep = _keep(model.avoid, space)
        except InputError as error:
            problems.add(("rules", index, "avoid"), f"rule {shown(model.avoid)}: {error}")
            continue
        try:
            date.fromisoformat(model.until)
        except ValueError:
            problems.add(("rules", index, "until"), f"rule {shown(model.avoid)}: there is no day {model.until}")
            continue
        found.append(Avoidance(model.avoid.strip(), keep, model.because, model.by, model.until))
    return tuple(found)


def _keep(avoid: str, space: Space) -> str:
    """The constraint that keeps out of what is to be avoided.

    Raises:
        InputError: it cannot be read.
    """
    match = _AVOID.fullmatch(avoid)
    if match is None:
        raise InputError("what to avoid is written as 'stirring > 180 rpm': parameters, > or <, a number, and its unit")
    if match["equal"]:
        raise InputError(f"write '{match['sign']}' without '=': what lies on the bound itself stays allowed")
    left = match["left"]
    constraint = Constraint(f"{left} {'<=' if match['sign'] == '>' else '>='} 0")
    if not constraint.names:
        raise InputError("it names no parameter")
    for name in sorted(constraint.names):
        if said := unusable(name, list(space.names), list(space.parameters)):
            raise InputError(said)
    bound = _converted(float(match["bound"]), match["unit"], constraint, space)
    return f"{left} {'<=' if match['sign'] == '>' else '>='} {bound!r}"


def _converted(bound: float, unit: str, constraint: Constraint, space: Space) -> float:
    """The bound in the units of the parameters.

    Raises:
        InputError: it has a unit that theirs cannot be converted to.
    """
    if not unit:
        return bound
    units = {parameter.unit for parameter in space.parameters if parameter.name in constraint.names}
    if len(units) > 1 or constraint.linear is None:
        raise InputError(
            f"its parameters have no common unit that {shown(unit)} could be converted to: write the number in their "
            "own units, without a unit"
        )
    (own,) = units
    return float(f"{convert(bound, unit, own):.12g}")  # without the dust of the conversion


def in_force(campaign: CampaignSpec, today: date) -> CampaignSpec:
    """The campaign under those of its rules that have not expired.

    Raises:
        FileError: a rule leaves nothing of the space.
        InputErrors: several do.
    """
    valid_ones = [rule for rule in campaign.rules if date.fromisoformat(rule.until) >= today]
    lapsed = tuple(rule for rule in campaign.rules if rule not in valid_ones)
    space = campaign.problem.space
    ruled = (Constraint(rule.keep, because=str(rule)) for rule in valid_ones)
    under = replace(space, constraints=(*space.constraints, *ruled))
    if valid_ones and (conflict := find_conflict(under)):
        at = conflict.index - len(space.constraints)
        index = campaign.rules.index(valid_ones[max(at, 0)])
        raise campaign.source.error(("rules", index), _leaves_nothing(conflict.message, valid_ones))
    problem = replace(campaign.problem, space=under, avoided=tuple(valid_ones), lapsed=lapsed)
    return replace(campaign, problem=problem)


def _leaves_nothing(message: str, rules: Sequence[Avoidance]) -> str:
    """What is said of a conflict, with the rules named as the file has them."""
    for rule in rules:
        message = message.replace(f"constraint {rule.keep!r}", f"rule {f'avoid {rule.avoid}'!r}")
        message = message.replace(repr(rule.keep), f"rule {f'avoid {rule.avoid}'!r}")
    return f"{message}; or remove the rule"
