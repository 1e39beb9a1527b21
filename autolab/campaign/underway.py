"""Trials that are under way on lanes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from autolab.campaign.lane import Lane
from autolab.core.samples import Sample
from autolab.core.trials import Suggestion

__all__ = ["Running", "abort_all"]

ABORT_AGAIN_REAL_S = 0.1
"""Real seconds after which a plan that has not ended is aborted again: it may only just have begun."""


@dataclass(frozen=True)
class Running:
    """A trial on a lane."""

    lane: Lane
    suggestion: Suggestion
    sample: Sample | None
    attempt: int
    future: Future[None]


def abort_all(trials: Sequence[Running], reason: str) -> None:
    """Stop the devices of all lanes in the middle of what they do, and wait until their plans have ended."""
    while any(not running.future.done() for running in trials):
        for running in trials:
            running.lane.abort(reason)
        wait([running.future for running in trials], timeout=ABORT_AGAIN_REAL_S)
