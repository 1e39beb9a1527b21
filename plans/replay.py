"""Campaigns on measured reality: one measurement of an instrument for each trial."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bluesky.preprocessors as bpp
import numpy as np
from bluesky.utils import Msg, MsgGenerator

from autolab.core.data import TrialData
from autolab.core.operations import Operations
from autolab.core.parameters import Value
from autolab.core.samples import Sample
from autolab.core.trials import Estimate, Outcome
from devices.measuring import Measure, ZmqInstrument
from plans.conventions import act
from plans.reducers import reducer

__all__ = ["measure", "measured"]


def measure(
    instrument: ZmqInstrument,
    *,
    operations: Operations = Operations(),  # noqa: B008 (a frozen value)
    sample: Sample | None = None,
    md: Mapping[str, Any] | None = None,
    **parameters: Value,
) -> MsgGenerator[str]:
    """Measure once at the given values.

    Args:
        instrument: Measures.
        operations: Names the actions.
        sample: Recorded where there is one.
        md: Metadata for the start document.
        parameters: A value for each of the instrument's parameters, in its own units.

    Returns:
        Uid of the run.
    """
    about = {} if sample is None else {"sample": sample.id}

    def body() -> MsgGenerator[None]:
        yield from act(instrument, Measure(values=dict(parameters), operation=operations("measure")))
        yield Msg("create", None, name="primary")
        yield Msg("read", instrument)
        yield Msg("save")

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "measure", **about, **(md or {})}))


@reducer(metrics=None)
def measured(data: TrialData) -> Outcome:
    """The metrics that the instrument recorded, as means over the events, with their standard errors."""
    outcome: Outcome = {}
    for metric in str(data.configuration("instrument_metrics")).split(","):
        values = data.column(f"instrument_{metric}")
        sem = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
        outcome[metric] = Estimate(float(values.mean()), sem)
    return outcome
