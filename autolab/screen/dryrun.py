"""The dry run: walks through a plan until it is known what it does, or that nobody can know."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from autolab.core.traces import Trace
from autolab.screen.foreseeing import NotAnalysableError
from autolab.screen.found import DryRun, not_analysable
from autolab.screen.present import Present
from autolab.screen.shadows import Shadows
from autolab.screen.unknowns import Oracle, near
from autolab.screen.walk import Walk
from autolab.screen.walls import walled

__all__ = ["MAX_WALKS", "dry_run"]

MAX_WALKS = 32
"""Walks through a plan that looks at readings which nobody can foresee."""
DRAWN_WALKS = 12
"""So many of them take values that are drawn; the others what readings were compared with."""


def dry_run(
    make_plan: Callable[[], Generator[Any, Any, Any]],
    shadows: Shadows,
    present: Present,
    seed: int,
    is_late: Callable[[], bool],
) -> DryRun:
    """Walk through a plan, at least twice: what differs between two walks depends on more than the lab.

    Args:
        make_plan: Makes the plan, with the shadows for its devices.
        shadows: What the plan takes for the lab's devices.
        present: What is known of the lab when the plan begins.
        seed: Of the values that readings take which are not known.
        is_late: True when the time is over.
    """
    found: dict[str, Trace] = {}
    chosen: list[Mapping[str, Any]] = [{}, {}]
    tried: set[str] = set()
    n_walks, has_looked = 0, False
    while chosen and n_walks < MAX_WALKS:
        oracle = Oracle(n_walks, seed, values := chosen.pop(0))
        shadows.reached.clear()
        try:
            with walled(shadows.reached):
                trace = Walk(shadows, present, oracle, is_late).through(make_plan)
        except NotAnalysableError as error:
            where = ", ".join(oracle.looked_at)
            return not_analysable(f"{error}{f' (having looked at {where})' if where else ''}")
        n_walks += 1
        found.setdefault(_text(trace), trace)
        if oracle.looked_at and not has_looked:
            has_looked = True
            chosen += [{}] * (DRAWN_WALKS - 2)
        chosen += _next_to(oracle, values, tried)
    traces = tuple(found.values())
    if not has_looked and len(traces) > 1:
        return not_analysable("it does not do the same twice, and not for what it reads: it depends on chance or time")
    ends = [trace.ends_with for trace in traces]
    if all(ends):
        return not_analysable(str(ends[0]))
    return DryRun("explored" if has_looked else "proved", traces, n_walks)


def _text(trace: Trace) -> str:
    """What makes a trace another one: as a text, in which NaN equals itself."""
    return repr((trace.effects, trace.messages, trace.ends_with))


def _next_to(oracle: Oracle, values: Mapping[str, Any], tried: set[str]) -> list[Mapping[str, Any]]:
    """Choices for further walks: each reading at, below and above what it was compared with."""
    further: list[Mapping[str, Any]] = []
    for key, others in oracle.compared.items():
        for value in (candidate for other in sorted(others, key=repr) for candidate in near(other)):
            choice = {**values, key: value}
            name = repr(sorted(choice.items()))
            if name not in tried:
                tried.add(name)
                further.append(choice)
    return further
