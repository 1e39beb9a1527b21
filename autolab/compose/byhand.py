"""One trial by hand, with all checks: ``autolab try``. It is a campaign of one trial, whose file is written for it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from autolab.campaign.events import CampaignResult, Observer
from autolab.campaign.stopping import StopSwitch
from autolab.compose.injecting import pairs_of
from autolab.compose.looking import PlanView, look_at_plan
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.config.units import convert, parse_quantity
from autolab.config.words import did_you_mean, listed
from autolab.core.errors import InputError, ProposerError
from autolab.core.parameters import FixedParameter, Value
from autolab.core.principals import Principal
from autolab.core.problem import Problem
from autolab.core.proposing import Observation, Recommendation, SuggestRequest
from autolab.core.trials import PERSON, Suggestion
from autolab.journal.folder import make_folder

__all__ = ["ByHand", "try_by_hand"]

TRIES = "tries"
"""Folder of the files that are written, in the data folder."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_BOOLEANS = {"true": True, "false": False}


class ByHand:
    """Proposes the one trial that a person has written, and recommends nothing."""

    def __init__(self, because: str) -> None:
        self._because = because

    def suggest(self, request: SuggestRequest) -> Suggestion:
        """The fixed values of the problem."""
        parameters = request.problem.space.parameters
        values = {p.name: p.value for p in parameters if isinstance(p, FixedParameter)}
        return Suggestion(request.trial, values, PERSON, self._because, 0, (), ())

    def recommend(self, problem: Problem, observations: Sequence[Observation], seed: int) -> Recommendation:  # noqa: ARG002 (nothing was compared)
        """Say that there is no model.

        Raises:
            ProposerError: always.
        """
        raise ProposerError("one trial by hand has no model")

    def close(self) -> None:
        """There is nothing to let go of."""


def try_by_hand(
    lab: Path,
    plan: str,
    texts: Sequence[str],
    options: RunOptions,
    *,
    reducer: str | None = None,
    observers: Sequence[Observer] = (),
    stop: StopSwitch | None = None,
    person: str | None = None,
    principal: Principal | None = None,
    name: str | None = None,
) -> CampaignResult:
    """Run one trial of a plan with the values that a person gives: screened, permitted, guarded and recorded as any.

    Args:
        lab: The lab file.
        plan: Dotted name of the plan.
        texts: A value for each of its parameters, as ``name=value``, with or without its unit.
        options: How to run it.
        reducer: Dotted name of a reducer; None for the only one in the plan's module.
        observers: Told of what happens.
        stop: The switch by which a person stops it.
        person: Who runs it, as the lab file names them; None for the account.
        principal: Who runs it, where that is known already.
        name: Of the campaign; None to make it from the plan's.

    Raises:
        AutolabError: it is refused before anything moves; ``exit_code`` says what kind of refusal it is.
    """
    view = look_at_plan(lab, plan, reducer, pairs_of(texts))
    parameters = _parameters(view, texts)
    name = re.sub(r"[^a-z0-9]+", "-", (name or f"try-{plan.rpartition('.')[2]}").lower()).strip("-")
    file = options.data / TRIES / f"{name}-{secrets.token_hex(4)}.yaml"
    make_folder(options.data)
    file.parent.mkdir(exist_ok=True)
    file.write_text(_text(name, lab, plan, view, parameters), encoding="utf-8")
    proposer = ByHand("tried by hand")
    return run_campaign(
        file, options, observers=observers, stop=stop, person=person, principal=principal, proposer=proposer
    )


def _parameters(view: PlanView, texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The parameters as a campaign file fixes them.

    Raises:
        InputError: a text is no value, a parameter is missing, given twice, or unknown, or a unit does not fit.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, text in pairs_of(texts).items():
        if name not in view.units and not view.takes_any:
            guess = did_you_mean(name, view.units)
            hint = f"did you mean {guess!r}?" if guess else f"it takes {listed(view.units) or 'none'}"
            raise InputError(f"{view.about} takes no parameter {name!r}; {hint}")
        found[name] = _fixed(name, text, view.units.get(name, ""))
    missing = [name for name in view.needed if name not in found]
    if missing:
        wanted = " ".join(f"{name}=VALUE" for name in missing)
        raise InputError(f"{view.about} needs {listed(missing)} too: add {wanted}")
    if not found:
        raise InputError(
            f"{view.about} is given no value: write NAME=VALUE for what it takes: {listed(view.units) or 'any'}"
        )
    return found


def _fixed(name: str, text: str, unit: str) -> dict[str, Any]:
    """One parameter as a file fixes it; a number is in the plan's unit unless it says another."""
    if _NUMBER.fullmatch(text):
        number = float(text)
        return {"value": int(number) if number.is_integer() else number, **({"unit": unit} if unit else {})}
    if unit:
        try:
            quantity = parse_quantity(text)
            convert(quantity.value, quantity.unit, unit)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
        return {"value": quantity.value, "unit": quantity.unit}
    value: Value = _BOOLEANS.get(text, text)
    return {"value": value}


def _text(name: str, lab: Path, plan: str, view: PlanView, parameters: dict[str, dict[str, Any]]) -> str:
    facts = {
        "name": name,
        "lab": str(lab.absolute()),
        "parameters": parameters,
        "objectives": {view.metrics[0]: {"goal": "minimize"}},
        "plan": plan,
        "reduce": view.reducer,
        "budget": {"trials": 1},
        "engine": "random",
    }
    head = "# One trial by hand, written by 'autolab try'. Nothing is optimised: all parameters are fixed.\n"
    return head + yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
