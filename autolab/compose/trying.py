"""Trying a campaign's plan dry, at some points of its space, before anything is opened: part of ``autolab check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from autolab.campaign.supplies import fresh_scene
from autolab.compose.matching import Bound, bind_files, with_options
from autolab.compose.options import RunOptions
from autolab.compose.permitting import permit_rules
from autolab.compose.running import make_setup, open_all
from autolab.compose.screening import dry_run_host
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.core.operations import Operations
from autolab.core.principals import local_person
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec, SuggestRequest
from autolab.core.samples import Sample
from autolab.core.seeds import derive_seed
from autolab.core.trials import Realm
from autolab.screen.client import DryRunHost
from autolab.screen.planscreen import Judged
from safety.effects import rule

__all__ = ["try_dry"]

N_POINTS = 8
"""Points of the space at which the plan is tried."""


OPTIONS = RunOptions(
    data=Path(), simulate=True, virtual=True, trials=N_POINTS, seed=0, engine="random", lanes=1, in_memory=True
)


@contextmanager
def host_to_try(file: Path) -> Iterator[DryRunHost | None]:
    """The process that makes the dry runs of a campaign; None where not all devices of its lab have simulators.

    Raises:
        InputError: something in the files is refused.
    """
    campaign = with_options(load_campaign(file), OPTIONS)
    lab = load_lab(campaign.lab)
    if any(device.simulator is None for device in lab.devices.values()):
        yield None
        return
    with dry_run_host(campaign, lab) as host:
        yield host


def try_dry(file: Path, wanted: Bound, host: DryRunHost | None) -> list[str]:
    """What dry runs of a campaign's plan show, in sentences. The lab is as its simulators begin; no hardware is used.

    Args:
        file: The campaign file, which has been checked.
        wanted: What it asks for.
        host: Makes the dry runs; None where not all devices have simulators: then nobody knows what they read.

    Raises:
        FileError: the plan is refused at every point.
    """
    if host is None:
        return []
    judged = _judged(bind_files(file, OPTIONS), OPTIONS, host)
    verdicts = [each.verdict for each in judged]
    refused = [verdict for verdict in verdicts if verdict.decision == "refused"]
    if len(refused) == len(verdicts):
        where, what = ("plan",), wanted.campaign.plan
        raise wanted.campaign.source.error(where, f"plan {what!r} is refused by the screen: {refused[0].reasons[0]}")
    found = Counter(str(verdict.dry_run) for verdict in verdicts)
    times = [f"{said} at {n} of {len(verdicts)} points" for said, n in found.items()]
    notes = [f"dry run of the plan: {', '.join(times)}"]
    if refused:
        notes.append(f"{len(refused)} of {len(verdicts)} points would be refused, such as: {refused[0].reasons[0]}")
    simulated, physical = (_asking(wanted, judged, realm) for realm in (Realm.SIMULATED, Realm.PHYSICAL))
    notes += [f"under simulators {text}" for text in simulated]
    notes += [f"on hardware {text}" for text in physical if text not in simulated]
    return notes


def _asking(bound: Bound, judged: Sequence[Judged], realm: Realm) -> list[str]:
    """How many of the points would ask for people, and whether there are any, in sentences."""
    permits = permit_rules(bound, realm)
    verdicts = [permits.tiered(None, each.verdict, each.effects) for each in judged]
    asking = [verdict for verdict in verdicts if verdict.decision == "needs approval"]
    if not asking:
        return []
    persons = max(verdict.persons for verdict in asking)
    people = "1 person" if persons == 1 else f"{persons} people"
    may, everybody = bound.lab.authority.who_may("approve"), bound.lab.authority.people
    free = len(may) - (len(may) == len(everybody) > 0)  # whoever runs the campaign is one of them
    whom = "" if free >= persons else f"; the lab file names {', '.join(may) or 'nobody'} with 'may: [approve]'"
    return [
        f"{len(asking)} of {len(verdicts)} points need the approval of {people} besides whoever runs the campaign, "
        f"such as: {asking[0].reasons[0]}{whom}"
    ]


def _judged(bound: Bound, options: RunOptions, host: DryRunHost) -> list[Judged]:
    """What the screen says of the plan at points drawn at random, in wells all over the labware."""
    with ExitStack() as stack:
        _, lab = open_all(stack, bound, options, None, 0, "check")
        setup = make_setup(bound, lab, "check", 0, local_person(), "check", host)
        screen, present = setup.plan_screen, setup.plan_screen.present()
        wells = lab.wells if setup.uses_samples else ()
        samples = [Sample("check", *wells[n * len(wells) // N_POINTS]) if wells else None for n in range(N_POINTS)]
        return [
            screen.judge(
                present,
                (rule(lab.rules, fresh_scene(lab, sample)),),
                values=_point(bound.campaign.problem, number),
                operations=Operations("check", number),
                sample=sample,
                md=setup.metadata(number, 1, lab.name, lab.realm),
                seed=derive_seed(0, "screen", number),
            )
            for number, sample in enumerate(samples, 1)
        ]


def _point(problem: Problem, number: int) -> Mapping[str, Any]:
    from optimizer.engine import suggest

    seeds = derive_seed(0, "suggest", number), derive_seed(0, "design")
    return suggest(SuggestRequest(problem, EngineSpec("random"), number, *seeds, (), ())).values
