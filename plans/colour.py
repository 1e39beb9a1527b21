"""The colour bench: mix dyes in a well, look at the colour, and say how far it is from teal."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from bluesky.utils import MsgGenerator

from autolab.core.data import TrialData
from autolab.core.errors import InputError
from autolab.core.operations import Operations
from autolab.core.samples import Sample
from autolab.core.trials import Estimate, Outcome
from devices.dispensers import Dispense, Mix, SerialDispenser
from devices.motion import EpicsStage
from devices.robots import GRIPPER, Place, Transfer, ZmqArm
from devices.spectrometers import EpicsSpectrometer
from plans.colorimetry import colour_difference, lab_from_absorbance
from plans.conventions import Microlitres, Seconds, act
from plans.reducers import reducer

__all__ = [
    "NOZZLE_MM",
    "PITCH_MM",
    "PROBE_MM",
    "READS",
    "SMALLEST_UL",
    "TEAL",
    "WELL_UL",
    "bring",
    "colour_distance",
    "fill",
    "look",
    "mix_and_measure",
    "put_back",
]

NOZZLE_MM = 20.0
"""Stage position in millimetres at which well 0 is under the nozzle."""
PROBE_MM = 80.0
"""Stage position in millimetres at which well 0 is under the probe."""
PITCH_MM = 9.0
"""Distance between two wells in millimetres."""
SMALLEST_UL = 0.5
"""Smallest volume that is dispensed, in microlitres; less is left out."""
READS = 3
"""Spectra taken of each well; their scatter gives the standard error."""
WELL_UL = 300.0
"""Volume to which every well is filled up with clear liquid, in microlitres."""
TEAL = (80.0, -26.0, -6.5)
"""The colour to reach, a light teal, as CIE L*, a*, b* under illuminant E."""


def mix_and_measure(
    stage: EpicsStage,
    dispenser: SerialDispenser,
    arm: ZmqArm,
    spectrometer: EpicsSpectrometer,
    *,
    cyan: Microlitres,
    magenta: Microlitres,
    yellow: Microlitres,
    mixing_time: Seconds,
    sample: Sample,
    operations: Operations = Operations(),  # noqa: B008 (a frozen value)
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Mix three dyes in the sample's well, filled up to 300 uL with clear liquid, and record its spectrum.

    Args:
        stage: Carries the strip of wells.
        dispenser: Fills the well.
        arm: Brings the strip.
        spectrometer: Sees the well.
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
        yield from look([spectrometer, stage, dispenser], stage, spectrometer, sample, operations)

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "mix_and_measure", **(md or {})}))


def fill(
    stage: EpicsStage,
    dispenser: SerialDispenser,
    arm: ZmqArm,
    dyes_ul: Mapping[str, float],
    mixing_s: float,
    sample: Sample,
    operations: Operations,
) -> MsgGenerator[None]:
    """Fill the sample's well with dyes and clear liquid up to 300 uL, and mix it.

    Args:
        stage: Carries the strip of wells.
        dispenser: Fills the well.
        arm: Brings the strip.
        dyes_ul: Volume of each dye in microlitres.
        mixing_s: How long to mix, in seconds.
        sample: The well.
        operations: Names the actions.
    """
    yield from bring(arm, sample.labware, operations)
    yield from bps.mv(stage, NOZZLE_MM + PITCH_MM * sample.well)
    for material, volume_ul in {"clear": WELL_UL - sum(dyes_ul.values()), **dyes_ul}.items():
        if volume_ul >= SMALLEST_UL:
            operation = operations(f"disp-{material}")
            yield from act(dispenser, Dispense(material=material, volume_ul=volume_ul, operation=operation))
    yield from act(dispenser, Mix(duration_s=mixing_s, operation=operations("mix")))


def look(
    recorded: Sequence[Any],
    stage: EpicsStage,
    spectrometer: EpicsSpectrometer,
    sample: Sample,
    operations: Operations,
    stream: str = "primary",
) -> MsgGenerator[None]:
    """Bring the sample's well, of the strip that is on the stage, under the probe, and take its spectra.

    Args:
        recorded: Devices that each event has, the spectrometer among them.
        stage: Carries the strip of wells.
        spectrometer: Sees the well.
        sample: The well.
        operations: Names the readings.
        stream: Name of the stream that holds them.
    """
    operation_signal: Any = spectrometer.operation  # ophyd's own types do not meet bluesky's protocols
    yield from bps.mv(stage, PROBE_MM + PITCH_MM * sample.well)
    for number in range(1, READS + 1):
        yield from bps.abs_set(operation_signal, str(operations(f"read-{number}")), wait=True)
        yield from bps.trigger_and_read(list(recorded), name=stream)


def put_back(stage: EpicsStage, arm: ZmqArm, *, operations: Operations) -> MsgGenerator[None]:
    """Bring the bench in order after a fault: what the gripper holds and what is on the stage back to the rack.

    A recovery plan, for ``recover`` under ``on_failure``. It asks the arm what there is to do.

    Args:
        stage: Carries the strip of wells.
        arm: Takes the strip.
        operations: Names the actions.
    """
    inventory = yield from inventory_of(arm)
    if (held := inventory[GRIPPER]) is not None:
        target = _free_place(inventory)
        yield from act(arm, Place(target=target, operation=operations("put-down")))
        inventory |= {GRIPPER: None, target: held}
    yield from bps.mv(stage, NOZZLE_MM)
    if (occupant := inventory.get("stage")) is not None:
        home = _free_place(inventory)
        yield from act(arm, Transfer(labware=occupant, source="stage", target=home, operation=operations("put-back")))


def bring(arm: ZmqArm, labware: str, operations: Operations, suffix: str = "") -> MsgGenerator[None]:
    """Put a strip onto the stage, and the strip that was there back to its place.

    A strip that an interrupted transfer has left in the gripper is put down first, where nothing else can be carried.
    Where the same operations bring several strips, ``suffix`` tells the names of the actions apart.
    """
    inventory = yield from inventory_of(arm)
    if (held := inventory[GRIPPER]) is not None:
        target = "stage" if held == labware and inventory.get("stage") is None else _free_place(inventory)
        yield from act(arm, Place(target=target, operation=operations(f"place-strip{suffix}")))
        inventory |= {GRIPPER: None, target: held}
    if inventory.get("stage") == labware:
        return
    source = _place_of(inventory, labware)
    if (occupant := inventory.get("stage")) is not None:
        home = _free_place(inventory)
        operation = operations(f"return-strip{suffix}")
        yield from act(arm, Transfer(labware=occupant, source="stage", target=home, operation=operation))
    operation = operations(f"bring-strip{suffix}")
    yield from act(arm, Transfer(labware=labware, source=source, target="stage", operation=operation))


def inventory_of(arm: ZmqArm) -> MsgGenerator[dict[str, str | None]]:
    """Ask the arm what stands where: labware, or None, by place; what it holds itself is at `GRIPPER`."""
    reading: Any = (yield from bps.read(arm)) or {}
    places = {
        key.removeprefix(f"{arm.name}_place_"): value["value"] or None
        for key, value in reading.items()
        if key.startswith(f"{arm.name}_place_")
    }
    return {**places, GRIPPER: reading[f"{arm.name}_holding"]["value"] or None if reading else None}


def _place_of(inventory: Mapping[str, str | None], labware: str) -> str:
    for place, occupant in inventory.items():
        if occupant == labware:
            return place
    places = ", ".join(f"{place}: {occupant or 'empty'}" for place, occupant in inventory.items())
    raise InputError(f"{labware} is at none of the arm's places ({places}): put it back by hand")


def _free_place(inventory: Mapping[str, str | None]) -> str:
    for place, occupant in inventory.items():
        if occupant is None and place not in ("stage", GRIPPER):
            return place
    raise InputError("the arm has no free place to return a strip to: take one out by hand")


@reducer(metrics=("colour_distance", "peak_absorbance"))
def colour_distance(data: TrialData) -> Outcome:
    """Distance of the well's colour from teal (CIE 1976), and the highest absorbance of its spectrum.

    The standard errors are those of the mean over the spectra taken.
    """
    wavelengths_nm = np.asarray(data.configuration("spectrometer_wavelengths"), dtype=np.float64)
    absorbance = data.column("spectrometer_spectrum")
    difference = colour_difference(lab_from_absorbance(wavelengths_nm, absorbance), np.asarray(TEAL))
    return {"colour_distance": _estimate(difference), "peak_absorbance": _estimate(absorbance.max(axis=1))}


def _estimate(values: np.ndarray) -> Estimate:
    sem = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return Estimate(float(values.mean()), sem)
