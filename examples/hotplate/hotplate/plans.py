"""Warm a sample up, and say how warm it became."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import MsgGenerator

from autolab.core.data import TrialData
from autolab.core.trials import Estimate, Outcome
from hotplate.device import HotPlate
from plans.conventions import Seconds, Unit
from plans.reducers import reducer

__all__ = ["sample_temperature", "warm_up"]

Celsius = Annotated[float, Unit("degC")]


def warm_up(
    plate: HotPlate, *, temperature: Celsius, hold: Seconds, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Bring the plate to a temperature, hold it, and read plate and sample."""

    @bpp.run_decorator(md={"plan_name": "warm_up", **(md or {})})
    def run() -> MsgGenerator[None]:
        yield from bps.mv(plate, temperature)
        yield from bps.sleep(hold)
        yield from bps.trigger_and_read([plate])

    return (yield from run())


@reducer(metrics=("sample_temperature",))
def sample_temperature(data: TrialData) -> Outcome:
    """Temperature of the sample in degC when it was read."""
    return {"sample_temperature": Estimate(float(data.column("plate_sample")[-1]))}
