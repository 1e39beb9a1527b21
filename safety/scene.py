"""The scene of a trial: the lab's own rules on matter and space, and how things stand before the trial begins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from autolab.config.specs import LabwareSpec, MaterialSpec
from autolab.core.errors import InputError
from autolab.core.parameters import Value
from autolab.core.samples import Sample
from autolab.core.zones import Zone

__all__ = ["GRIPPER", "LabRules", "Scene"]

GRIPPER = "gripper"
"""Where labware is that an arm holds."""


@dataclass(frozen=True, slots=True)
class LabRules:
    """What a lab file says of materials, wells, space and time at places."""

    materials: Mapping[str, MaterialSpec] = field(default_factory=dict[str, MaterialSpec])
    labware: Mapping[str, LabwareSpec] = field(default_factory=dict[str, LabwareSpec])
    """By kind."""
    zones: Mapping[str, Zone] = field(default_factory=dict[str, Zone])
    """Spans in the devices' own units, as the values of `autolab.core.effects.Write` are."""
    dwell_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """By place, the longest time in seconds."""

    def kind(self, labware: str) -> LabwareSpec | None:
        """The kind of a piece of labware such as ``strip-1``; None where the lab has none like it."""
        return self.labware.get(labware) or self.labware.get(labware.rpartition("-")[0])


@dataclass(frozen=True, slots=True)
class Scene:
    """How things stand before a trial.

    Raises:
        InputError: a volume in the well or in stock is negative or not finite: the record is wrong.
    """

    date: date
    """Today, in UTC."""
    sample: Sample | None = None
    """The sample into whose well the trial pours; None where its plan takes none."""
    well_ul: Mapping[str, float] = field(default_factory=dict[str, float])
    """What is in that well already, in microlitres by material, residue included."""
    left_ul: Mapping[str, float] = field(default_factory=dict[str, float])
    """What is in stock for this trial, in microlitres by material; of one that is missing there is none."""
    positions: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """Where signals stand, by ``device.signal`` in the devices' own units; one that is missing is anywhere."""
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where pieces of labware stand, as far as it is known."""
    silent: frozenset[str] = frozenset()
    """Devices that carry labware, and of which nobody knows what they hold."""

    def __post_init__(self) -> None:
        for where, volumes in (("the well", self.well_ul), ("stock", self.left_ul)):
            for material, volume_ul in volumes.items():
                if not math.isfinite(volume_ul) or (volume_ul < 0.0 and where == "the well"):
                    raise InputError(f"{material}: the record says that {volume_ul:g} uL are in {where}: look there")
