"""What the two files say, as frozen values: units converted, names checked, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from autolab.core.addresses import Address
from autolab.core.approvals import Level
from autolab.core.authority import NOBODY, Authority
from autolab.core.avoidances import Avoidance
from autolab.core.calibrations import Calibration
from autolab.core.confirming import Confirm
from autolab.core.envelope import Limit, envelope_hash
from autolab.core.errors import FileError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.interlocks import Hazard, Rule, SafeStateStep, SignalSpec
from autolab.core.plates import PlateSpec
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec
from autolab.core.quality import QualityCheck
from autolab.core.zones import Zone

__all__ = [
    "Budget",
    "CampaignSpec",
    "ConsumableSpec",
    "DeviceSpec",
    "ExpectedGain",
    "LabSpec",
    "LabwareSpec",
    "MaterialSpec",
    "NoImprovement",
    "PowerSpec",
    "SimulatorSpec",
    "Source",
    "Stopping",
]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was written: the file and the line of each of its keys."""

    file: str
    """Path as the person named it."""
    text: str = field(repr=False)
    """The whole file, for the record."""
    lines: Mapping[tuple[str | int, ...], int] = field(repr=False, compare=False)
    """Line number, from 1, of each key path such as ``("devices", "stage", "class")``."""

    def error(self, path: tuple[str | int, ...], message: str) -> FileError:
        """A refusal at the line of ``path``, or of its nearest parent that has one."""
        return FileError(self.file, self.line(path), message)

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """Line of ``path`` or of its nearest parent; None where not even the top has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a campaign may use at most."""

    trials: int
    hours: float | None = None
    """Lab time in hours."""


@dataclass(frozen=True, slots=True)
class NoImprovement:
    """Stop when the best value has improved by less than ``by`` over the last ``trials`` trials."""

    trials: int
    by: float = 0.0
    """In the unit of the objective's metric."""


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """Stop when so many suggestions in a row were each expected to gain less than ``below``."""

    below: float
    """In the unit of the objective's metric; of a front, hypervolume."""
    suggestions: int = 3


@dataclass(frozen=True, slots=True)
class Stopping:
    """When a campaign ends before its budget is used up."""

    no_improvement: NoImprovement | None = None
    failures_in_a_row: int = 3
    """Trials in a row without an outcome: what fails three times is not chance, unless a campaign expects it."""
    expected_gain: ExpectedGain | None = None


@dataclass(frozen=True, slots=True)
class CampaignSpec:
    """A ``campaign.yaml``: one goal pursued in one lab."""

    name: str
    lab: Path
    """Path of the lab file, resolved against the campaign file."""
    challenge: str | None
    problem: Problem
    plan: str
    """Dotted name of the plan."""
    reduce: str
    """Dotted name of the reducer."""
    budget: Budget
    stopping: Stopping
    on_failure: Mapping[FaultKind, FaultPolicy]
    """What to do by kind of fault; `autolab.core.faults.DEFAULT_POLICY` for those that are not named."""
    engine: EngineSpec
    lanes: int
    seed: int | None
    approval: Level
    """What every trial of the campaign asks for at least."""
    rules: tuple[Avoidance, ...]
    """What people want to be avoided, the expired ones too; `problem` keeps out of none of it until it is known which
    of them are in force."""
    source: Source
    content_hash: str
    earlier: tuple[str, ...] = ()
    """Ids of campaigns and paths of tables with earlier data; `problem` holds none until they were read."""
    confirm: Confirm | None = None
    """How the winner is confirmed; None where it is not."""
    plate: PlateSpec | None = None
    """How trials are measured by the plate; None where each is measured by itself."""

    @property
    def planned(self) -> int:
        """Trials that it may take, those that confirm its winner included."""
        return self.budget.trials + (0 if self.confirm is None else self.confirm.trials)


@dataclass(frozen=True, slots=True)
class SimulatorSpec:
    """What stands in for a device under ``--simulate``."""

    class_name: str
    options: Mapping[str, Any]
    """Keyword arguments of the simulator's class."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device of a lab."""

    name: str
    class_name: str
    at: Address
    options: Mapping[str, Any]
    """Keyword arguments of the device's class."""
    simulator: SimulatorSpec | None


@dataclass(frozen=True, slots=True)
class MaterialSpec:
    """A liquid or powder that the lab holds."""

    name: str
    stock_ul: float
    """Volume in stock, in microlitres."""
    expires: date | None = None
    """Last day (UTC) on which it may be used; None where it does not expire."""
    compatible: frozenset[str] = frozenset()
    """Materials with which it may be mixed, whichever of the two lists the pair."""
    incompatible: frozenset[str] = frozenset()
    """Materials with which it must not be mixed, whichever of the two lists the pair."""
    bottle: str | None = None
    """Barcode of the bottle; None where it has none."""
    lot: str | None = None


@dataclass(frozen=True, slots=True)
class ConsumableSpec:
    """Something that is used up besides the materials."""

    name: str
    stock: float
    """Pieces when the lab file was written; of a waste bottle its room in microlitres."""
    per: Literal["pour", "trial", "volume"]
    """What uses it up: one piece for each dispense, one for each attempt at a trial, or room for what is poured."""


@dataclass(frozen=True, slots=True)
class LabwareSpec:
    """Labware of one kind: where each piece belongs, and how many wells it has."""

    name: str
    places: tuple[str, ...]
    wells: int
    capacity_ul: float | None = None
    """What one well holds to its brim, in microlitres; None where nobody has said."""
    freeboard_ul: float = 0.0
    """What of it must stay empty, in microlitres."""


@dataclass(frozen=True, slots=True)
class PowerSpec:
    """The relay and what it switches."""

    devices: tuple[str, ...]
    dead_man_s: float
    """The relay drops by itself after so many seconds without a word of the watchdog."""


@dataclass(frozen=True, slots=True)
class SubscriberSpec:
    """What is given the documents of each campaign, in a process of its own."""

    name: str
    class_name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class LabSpec:
    """A ``lab.yaml``: one unit of control."""

    name: str
    laboratory: str
    devices: Mapping[str, DeviceSpec]
    stations: tuple[str, ...]
    materials: Mapping[str, MaterialSpec]
    labware: Mapping[str, LabwareSpec]
    envelope: Mapping[str, Limit]
    """Limit by ``device.signal``, numbers still in the unit that the file gives (`RangeLimit.unit`)."""
    signals: Mapping[str, SignalSpec]
    """What each signal that rules may name can read, by ``device.signal``."""
    interlocks: tuple[Rule, ...]
    """In the order of the file; numbers in the units of `signals`."""
    hazards: tuple[Hazard, ...]
    safe_state: tuple[SafeStateStep, ...]
    """In the order in which the steps are taken."""
    packages: tuple[str, ...]
    """Packages of the lab's owner from which dotted names may be resolved, besides our own."""
    heads: Path | None
    """File to which the heads of the journal's log are exported, resolved against the lab file."""
    source: Source
    content_hash: str
    power: PowerSpec | None = None
    """What the relay switches; None where nothing takes the power away."""
    zones: Mapping[str, Zone] = field(default_factory=dict[str, Zone])
    """Parts of space for one moving device at a time; spans in the units of `envelope`."""
    dwell_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """By place, the longest time in seconds that labware may stay there in one trial."""
    authority: Authority = NOBODY
    """Who may approve, reset and bypass."""
    envelope_version: str = ""
    """As the lab's owner counts; empty where they do not."""
    consumables: Mapping[str, ConsumableSpec] = field(default_factory=dict[str, ConsumableSpec])
    calibrations: tuple[Calibration, ...] = ()
    """In the order in which they are performed."""
    subscribers: Mapping[str, SubscriberSpec] = field(default_factory=dict[str, SubscriberSpec])
    """What is given the documents of each campaign."""
    quality: tuple[QualityCheck, ...] = ()
    """What is looked at before an outcome is believed."""

    @property
    def envelope_hash(self) -> str:
        """The content hash of the envelope."""
        return envelope_hash(self.envelope)
