"""The colour bench by the plate: wells are filled one by one, and looked at together in one run."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import MsgGenerator

from autolab.core.operations import Operations
from autolab.core.plates import Prepared, stream_of
from autolab.core.samples import Sample
from devices.dispensers import SerialDispenser
from devices.motion import EpicsStage
from devices.robots import ZmqArm
from devices.spectrometers import EpicsSpectrometer
from plans.colour import bring, fill, look
from plans.conventions import Microlitres, Seconds

__all__ = ["measure_plate", "mix"]


def mix(
    stage: EpicsStage,
    dispenser: SerialDispenser,
    arm: ZmqArm,
    *,
    cyan: Microlitres,
    magenta: Microlitres,
    yellow: Microlitres,
    mixing_time: Seconds,
    sample: Sample,
    operations: Operations = Operations(),  # noqa: B008 (a frozen value)
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Mix three dyes in the sample's well, filled up to 300 uL with clear liquid. Nothing is measured.

    Args:
        stage: Carries the strip of wells.
        dispenser: Fills the well.
        arm: Brings the strip.
        cyan: Volume in microlitres.
        magenta: Volume in microlitres.
        yellow: Volume in microlitres.
        mixing_time: How long to mix, in seconds.
        sample: The well to use.
        operations: Names the actions.
        md: Metadata for the start document.

    Returns:
        Uid of the run.
    """
    dyes = {"cyan": cyan, "magenta": magenta, "yellow": yellow}

    def body() -> MsgGenerator[None]:
        yield from fill(stage, dispenser, arm, dyes, mixing_time, sample, operations)

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "mix", **(md or {})}))


def measure_plate(
    stage: EpicsStage,
    dispenser: SerialDispenser,
    arm: ZmqArm,
    spectrometer: EpicsSpectrometer,
    *,
    plate: Sequence[Prepared],
    operations: Operations,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Record the spectra of all wells of a plate in one run, each in the stream of its trial.

    Args:
        stage: Carries the strip of wells.
        dispenser: Recorded with each spectrum, and not used.
        arm: Brings each strip that holds wells of the plate, once.
        spectrometer: Sees the wells.
        plate: The wells, in their order.
        operations: Names the actions that the trials share.
        md: Metadata for the start document.

    Returns:
        Uid of the run.
    """
    strips = list(dict.fromkeys(one.sample.labware for one in plate))

    def body() -> MsgGenerator[None]:
        for number, strip in enumerate(strips, 1):
            yield from bring(arm, strip, operations, suffix=f"-{number}")
            for one in plate:
                if one.sample.labware != strip:
                    continue
                devices = [spectrometer, stage, dispenser]
                yield from look(devices, stage, spectrometer, one.sample, one.operations, stream_of(one.trial))

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "measure_plate", **(md or {})}))
