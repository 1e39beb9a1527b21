"""Calibrations of any lab: the warm-up, and the trial of ``autolab calibrate``, which does nothing by itself."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator

from autolab.core.data import TrialData
from autolab.core.trials import Estimate, Outcome
from plans.conventions import Seconds
from plans.reducers import reducer

__all__ = ["performed", "rest", "warm_up"]


def rest(*, calibrations: str) -> MsgGenerator[None]:  # noqa: ARG001 (it stands in the record)
    """Do nothing: all that this trial is for comes before it.

    Args:
        calibrations: What a person wants performed.
    """
    yield from bps.null()


@reducer(metrics=("performed",))
def performed(data: TrialData) -> Outcome:  # noqa: ARG001 (the calibrations have values of their own)
    """That the calibrations before the trial came to their end."""
    return {"performed": Estimate(1.0)}


def warm_up(*, seconds: Seconds) -> MsgGenerator[None]:
    """Wait until an instrument that is switched on has settled.

    Args:
        seconds: How long, in seconds.
    """
    yield from bps.sleep(seconds)
