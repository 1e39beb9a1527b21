"""Calibrations that a person wants performed now: ``autolab calibrate``.

It is a campaign of one trial that does nothing but what comes before it, with all the checks of any other.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from autolab.campaign.events import CampaignResult, Observer
from autolab.campaign.stopping import StopSwitch
from autolab.compose.byhand import ByHand
from autolab.compose.calibrating import refuse_unknown
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.config.lab import load_lab
from autolab.core.errors import InputError
from autolab.journal.folder import make_folder

__all__ = ["PLAN", "calibrate_by_hand"]

FOLDER = "calibrations"
"""Folder of the files that are written, in the data folder."""
PLAN = "plans.calibrating.rest"
"""The plan of the one trial."""


def calibrate_by_hand(
    lab: Path,
    names: Sequence[str],
    options: RunOptions,
    *,
    observers: Sequence[Observer] = (),
    stop: StopSwitch | None = None,
    person: str | None = None,
) -> CampaignResult:
    """Perform calibrations of a lab now, however they stand.

    Args:
        lab: The lab file.
        names: Which; all that it declares where none is named.
        options: How to run them.
        observers: Told of what happens.
        stop: The switch by which a person stops it.
        person: Who has them performed, as the lab file names them; None for the account.

    Raises:
        AutolabError: it is refused before anything moves; ``exit_code`` says what kind of refusal it is.
    """
    spec = load_lab(lab)
    if not spec.calibrations:
        raise InputError(f"{lab}: it declares no calibrations: write them under 'calibrations' in it first")
    refuse_unknown(spec, names)
    asked = tuple(c.name for c in spec.calibrations if c.name in names or not names)
    name = f"calibrate-{re.sub(r'[^a-z0-9]+', '-', spec.name.lower()).strip('-')}"
    file = options.data / FOLDER / f"{name}-{secrets.token_hex(4)}.yaml"
    make_folder(options.data)
    file.parent.mkdir(exist_ok=True)
    file.write_text(_text(name, lab, asked), encoding="utf-8")
    proposer = ByHand("a person wants it calibrated")
    wanted = replace(options, calibrate=asked)
    return run_campaign(file, wanted, observers=observers, stop=stop, person=person, proposer=proposer)


def _text(name: str, lab: Path, asked: Sequence[str]) -> str:
    facts = {
        "name": name,
        "lab": str(lab.absolute()),
        "parameters": {"calibrations": {"value": ", ".join(asked)}},
        "objectives": {"performed": {"goal": "maximize"}},
        "plan": PLAN,
        "reduce": "plans.calibrating.performed",
        "budget": {"trials": 1},
        "engine": "random",
    }
    head = "# Calibrations by hand, written by 'autolab calibrate'. The trial does nothing: they come before it.\n"
    return head + yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
