"""The strip of wells of a bench day: a technician scans it and reads the thermometer, and its wells are measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from autolab.core.operations import Operations
from autolab.core.plates import Prepared, stream_of
from devices.motion import EpicsStage
from devices.people import Person
from devices.robots import ZmqArm
from devices.spectrometers import EpicsSpectrometer
from plans.colour import bring, look
from plans.people import ask

__all__ = ["measure_strip"]


def measure_strip(
    stage: EpicsStage,
    arm: ZmqArm,
    spectrometer: EpicsSpectrometer,
    technician: Person,
    *,
    plate: Sequence[Prepared],
    operations: Operations,
    md: Mapping[str, Any] | None = None,
) -> Iterator[Any]:
    """Have a technician look after each strip, then record the spectra of its wells.

    Args:
        stage: Carries the strip of wells.
        arm: Brings each strip that holds wells of the plate, once.
        spectrometer: Sees the wells.
        technician: Scans the strip, and reads the thermometer.
        plate: The wells, in their order.
        operations: Names the actions that the trials share.
        md: Metadata for the start document.
    """

    def body() -> Iterator[Any]:
        for number, strip in enumerate(dict.fromkeys(one.sample.labware for one in plate), 1):
            yield from bring(arm, strip, operations, suffix=f"-{number}")
            todo = f"Look for bubbles in {strip}, and scan its barcode"
            yield from ask(technician, f"scan-{number}", todo, ["strip"], operations=operations)
            yield from ask(
                technician, f"room-{number}", "Read the thermometer at the probe", ["room"], operations=operations
            )
            yield from bps.trigger_and_read([technician], name="bench")
            for one in plate:
                if one.sample.labware == strip:
                    yield from look(
                        [spectrometer, stage], stage, spectrometer, one.sample, one.operations, stream_of(one.trial)
                    )

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "measure_strip", **(md or {})}))
