"""Trying a campaign's plan dry, at some points of its space, before anything is opened: part of ``autolab check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from autolab.campaign.supplies import fresh_scene
from autolab.compose.matching import Bound, bind_files
from autolab.compose.options import RunOptions
from autolab.compose.running import make_setup, open_all
from autolab.compose.screening import dry_run_host
from autolab.core.operations import Operations
from autolab.core.principals import local_person
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec, SuggestRequest
from autolab.core.samples import Sample
from autolab.core.seeds import derive_seed
from autolab.core.trials import Verdict
from safety.effects import rule

__all__ = ["try_dry"]

N_POINTS = 8
"""Points of the space at which the plan is tried."""


def try_dry(file: Path) -> list[str]:
    """What dry runs of a campaign's plan show, in sentences. The lab is as its simulators begin; no hardware is used.

    Args:
        file: The campaign file, which has been checked.

    Returns:
        Nothing where not all devices of the lab have simulators: then nobody knows what they read.

    Raises:
        FileError: the plan is refused at every point.
    """
    options = RunOptions(
        data=Path(), simulate=True, virtual=True, trials=N_POINTS, seed=0, engine="random", lanes=1, in_memory=True
    )
    wanted = bind_files(file, RunOptions(data=Path()))
    if any(device.simulator is None for device in wanted.lab.devices.values()):
        return []
    verdicts = _verdicts(bind_files(file, options), options)
    refused = [verdict for verdict in verdicts if verdict.decision == "refused"]
    if len(refused) == len(verdicts):
        where, what = ("plan",), wanted.campaign.plan
        raise wanted.campaign.source.error(where, f"plan {what!r} is refused by the screen: {refused[0].reasons[0]}")
    found = Counter(str(verdict.dry_run) for verdict in verdicts)
    times = [f"{said} at {n} of {len(verdicts)} points" for said, n in found.items()]
    notes = [f"dry run of the plan: {', '.join(times)}"]
    asking = [verdict for verdict in verdicts if verdict.decision == "needs approval"]
    if asking:
        notes.append(f"{len(asking)} of {len(verdicts)} points need approval, such as: {asking[0].reasons[0]}")
    if refused:
        notes.append(f"{len(refused)} of {len(verdicts)} points would be refused, such as: {refused[0].reasons[0]}")
    return notes


def _verdicts(bound: Bound, options: RunOptions) -> list[Verdict]:
    """What the screen says of the plan at points drawn at random, tried in throw-away processes."""
    with ExitStack() as stack:
        host = stack.enter_context(dry_run_host(bound.campaign, bound.lab))
        _, lab = open_all(stack, bound, options, None, 0, "check")
        setup = make_setup(bound, lab, "check", 0, local_person(), "check", host)
        screen, present = setup.plan_screen, setup.plan_screen.present()
        sample = Sample("check", *lab.wells[0]) if setup.uses_samples and lab.wells else None
        return [
            screen.judge(
                present,
                (rule(lab.rules, fresh_scene(lab, sample)),),
                values=_point(bound.campaign.problem, number),
                operations=Operations("check", number),
                sample=sample,
                md=setup.metadata(number, 1, lab.name, lab.realm),
                seed=derive_seed(0, "screen", number),
            ).verdict
            for number in range(1, N_POINTS + 1)
        ]


def _point(problem: Problem, number: int) -> Mapping[str, Any]:
    from optimizer.engine import suggest

    seeds = derive_seed(0, "suggest", number), derive_seed(0, "design")
    return suggest(SuggestRequest(problem, EngineSpec("random"), number, *seeds, (), ())).values
