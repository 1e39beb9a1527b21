"""Reads what a campaign file says about faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from autolab.config.campaignmodel import FaultModel
from autolab.config.problems import Problems, valid
from autolab.config.units import convert, read_quantity
from autolab.config.words import shown
from autolab.core.errors import InputError
from autolab.core.faults import SCREENED, FaultKind, FaultPolicy

__all__ = ["read_policies", "recipe_faults"]

_KINDS = frozenset(map(str, FaultKind))


def read_policies(problems: Problems, values: Mapping[str, Any]) -> dict[FaultKind, FaultPolicy]:
    """What to do by kind of fault. Entries of a wrong shape have been reported, and are passed over."""
    declared = values.get("on_failure")
    found: dict[FaultKind, FaultPolicy] = {}
    for kind, raw in cast("dict[str, Any]", declared).items() if isinstance(declared, dict) else ():
        model = valid(FaultModel, raw)
        if model is None or kind not in _KINDS:
            continue
        for key, why in _idle(model):
            if key in raw:
                problems.add(("on_failure", kind, key), why)
        try:
            wait_s = 0.0 if model.wait is None else _seconds(model.wait)
        except InputError as error:
            problems.add(("on_failure", kind, "wait"), f"wait {error}")
            continue
        found[FaultKind(kind)] = FaultPolicy(model.retry, wait_s, model.recover, model.then, model.region)
    return found


def recipe_faults(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The kinds of fault that teach where trials fail, by a file of the right shape: in alphabetical order.

    What the screen refuses always does: nothing but the values is to blame.
    """
    found = {FaultKind.BAD_OUTCOME.value, SCREENED}
    for kind, policy in cast("dict[str, Any]", values.get("on_failure") or {}).items():
        teaches = policy.get("teaches")
        if teaches is not None:
            (found.add if teaches else found.discard)(kind)
    return tuple(sorted(found))


def _idle(model: FaultModel) -> list[tuple[str, str]]:
    """Keys that would have no effect, and why."""
    found: list[tuple[str, str]] = []
    if model.retry == 0:
        found.append(("wait", "wait has no effect without retry: write how often to try again, such as 'retry: 2'"))
    if model.then != "quarantine":
        found.append(("region", "region has no effect without 'then: quarantine'"))
    return found


def _seconds(wait: str | float) -> float:
    if not isinstance(wait, str):
        raise InputError(f"{shown(wait)} has no unit: write for example '{wait:g} s'")
    quantity = read_quantity(wait, "s")
    if quantity.value < 0.0:
        raise InputError(f"{shown(wait)} is below zero")
    return convert(quantity.value, quantity.unit, "s")
