"""What the colour bench measures to believe its spectrometer: a blank, and a reference sample."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import bluesky.preprocessors as bpp
from bluesky.utils import MsgGenerator

from autolab.core.data import TrialData
from autolab.core.operations import Operations
from autolab.core.samples import Sample
from autolab.core.trials import Estimate, Outcome
from devices.dispensers import SerialDispenser
from devices.motion import EpicsStage
from devices.robots import ZmqArm
from devices.spectrometers import EpicsSpectrometer
from plans.colour import bring, fill, look
from plans.conventions import Microlitres, Seconds
from plans.reducers import reducer

__all__ = ["baseline", "blank", "reference", "reference_absorbance"]


def blank(
    stage: EpicsStage, arm: ZmqArm, spectrometer: EpicsSpectrometer, *, sample: Sample, operations: Operations
) -> MsgGenerator[str]:
    """Look through an empty well: what absorbs there is the instrument's own.

    Args:
        stage: Carries the strip of wells.
        arm: Brings the strip.
        spectrometer: Sees the well.
        sample: The empty well.
        operations: Names the actions.

    Returns:
        Uid of the run.
    """

    def body() -> MsgGenerator[None]:
        yield from bring(arm, sample.labware, operations)
        yield from look([spectrometer, stage], stage, spectrometer, sample, operations)

    return (yield from bpp.run_wrapper(body()))


def reference(
    stage: EpicsStage,
    dispenser: SerialDispenser,
    arm: ZmqArm,
    spectrometer: EpicsSpectrometer,
    *,
    cyan: Microlitres,
    mixing_time: Seconds,
    sample: Sample,
    operations: Operations,
) -> MsgGenerator[str]:
    """Mix always the same: cyan and clear liquid, filled up to 300 uL, and record its spectrum.

    Args:
        stage: Carries the strip of wells.
        dispenser: Fills the well.
        arm: Brings the strip.
        spectrometer: Sees the well.
        cyan: Volume in microlitres.
        mixing_time: How long to mix, in seconds.
        sample: The well to use.
        operations: Names the actions.

    Returns:
        Uid of the run.
    """

    def body() -> MsgGenerator[None]:
        yield from fill(stage, dispenser, arm, {"cyan": cyan}, mixing_time, sample, operations)
        yield from look([spectrometer, stage], stage, spectrometer, sample, operations)

    return (yield from bpp.run_wrapper(body()))


@reducer(metrics=("baseline",))
def baseline(data: TrialData) -> Outcome:
    """Mean absorbance of an empty well over all wavelengths; its standard error is that of the mean over spectra."""
    means = data.column("spectrometer_spectrum").mean(axis=1)
    return {"baseline": Estimate(float(means.mean()), float(means.std(ddof=1) / len(means) ** 0.5))}


@reducer(metrics=("peak_absorbance",))
def reference_absorbance(data: TrialData) -> Outcome:
    """Highest absorbance of the reference; its standard error is that of the mean over spectra."""
    peaks = data.column("spectrometer_spectrum").max(axis=1)
    return {"peak_absorbance": Estimate(float(peaks.mean()), float(peaks.std(ddof=1) / len(peaks) ** 0.5))}
