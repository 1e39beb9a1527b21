"""How to run a campaign again, as its report says it."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import PurePath

from autolab.core.imports import IMPORT
from autolab.core.trials import PERSON, REPEAT
from autolab.report.facts import Facts

__all__ = ["Reproduction", "reproduction"]

_OF_PEOPLE = frozenset({PERSON, REPEAT, IMPORT})


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What to do to run a campaign again, and what to expect of it."""

    command: str
    steps: tuple[str, ...]
    expected: str


def reproduction(facts: Facts) -> Reproduction | None:
    """How to run a campaign again; None where nothing was proposed: what was imported, calibrated or done by hand."""
    campaign = facts.campaign
    if facts.trials and all(trial.suggestion.engine in _OF_PEOPLE for trial in facts.trials):
        return None
    files = ((_name(facts), campaign.campaign_file), ("lab.yaml", campaign.lab_file))
    steps = [f"Save {name} as it stands below; SHA-256 of the file: {_sha256(text)}." for name, text in files]
    steps[0] += " Take a new folder, so that bottles and wells are as at first."
    steps[1] += " Put it where 'lab:' of the campaign file says, with the lab's own packages beside it."
    if campaign.environment.get("packages"):
        python = campaign.environment.get("python")
        named = f"Python {python}, and the packages as listed" if python else "the packages as listed"
        steps.append(f"Install autolab with {named} below; other versions of them may propose other trials.")
    if campaign.problem.earlier:
        names = ", ".join(source.name for source in campaign.problem.earlier)
        steps.append(f"Have the earlier data ready that it learned from: {names}.")
    return Reproduction(_command(facts), tuple(steps), _expected(facts))


def _name(facts: Facts) -> str:
    return PurePath(str(facts.campaign.options.get("file") or "campaign.yaml")).name


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _command(facts: Facts) -> str:
    campaign, options = facts.campaign, facts.campaign.options
    words = ["autolab", "run", _name(facts), "--seed", str(campaign.seed), "--trials", str(campaign.budget_trials)]
    words += ["--lanes", str(campaign.lanes)] if campaign.lanes > 1 else []
    simulated = [device.name for device in facts.devices if device.realm == "simulated"]
    if simulated:
        is_all = len(simulated) == len(facts.devices)
        words.append("--simulate" if is_all else f"--simulate={','.join(simulated)}")
    if campaign.realm == "simulated" and options.get("virtual"):
        words.append("--virtual")
    return shlex.join(words)


def _expected(facts: Facts) -> str:
    if facts.campaign.realm != "simulated":
        return (
            "The same outcomes lead to the same suggestions. Hardware gives outcomes of its own, so compare the two "
            "campaigns by their standard errors."
        )
    if facts.interventions:
        return (
            "The simulators give the same outcomes for the same trials. People stepped in (see what people did): "
            "from there on the trials are the same only where they do the same again."
        )
    return "The simulators give the same outcomes for the same trials, so it is the same campaign, trial by trial."
