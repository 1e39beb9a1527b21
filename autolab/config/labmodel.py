"""The shape of ``lab.yaml``: keys, types and bounds. What the values mean together is checked in `lab`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from autolab.config.calibrationmodel import CalibrationModel
from autolab.config.fields import (
    EPICS,
    PERMITTED,
    SERIAL,
    ZMQ,
    Barcode,
    Date,
    DottedName,
    FileModel,
    Moment,
    Name,
    PackageName,
    Quantity,
    SignalName,
    Slug,
    Text,
    Value,
    one_of,
)
from autolab.config.qualitymodel import QualityModel

__all__ = [
    "AddressModel",
    "AuditModel",
    "ConsumableModel",
    "DeviceModel",
    "HazardModel",
    "InterlockModel",
    "LabModel",
    "LabwareModel",
    "LimitModel",
    "MaterialModel",
    "PersonModel",
    "PowerModel",
    "ProvenModel",
    "SafeStateStepModel",
    "SignalModel",
    "SimulatorModel",
    "SpanModel",
    "StationModel",
    "SubscriberModel",
    "ZoneModel",
]

Permitted = Annotated[str, StringConstraints(pattern=PERMITTED, max_length=200)]
PlaceNames = Annotated[list[Slug], Field(min_length=1, max_length=1000)]


class AddressModel(FileModel):
    """Where a device listens: exactly one of `epics`, `serial` and `zmq`."""

    model_config = one_of(("epics",), ("serial",), ("zmq",))

    epics: Annotated[str, StringConstraints(pattern=EPICS)] | None = None
    """Common prefix of the device's process variables, over Channel Access."""
    serial: Annotated[str, StringConstraints(pattern=SERIAL)] | None = None
    """Device file or pyserial URL of a serial line."""
    baudrate: int | None = Field(default=None, ge=50, le=4_000_000)
    """Bits per second on the serial line; 9600 where it is not given. Goes with `serial`."""
    zmq: Annotated[str, StringConstraints(pattern=ZMQ)] | None = None
    """ZeroMQ endpoint with its port."""


class SimulatorModel(FileModel):
    """What stands in for a device under `--simulate`."""

    class_name: DottedName = Field(alias="class", examples=["simulators.motion.StageServer"])
    """Dotted name of the simulator's class."""
    options: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Keyword arguments of the simulator's class."""


class DeviceModel(FileModel):
    """One device."""

    class_name: DottedName = Field(alias="class", examples=["devices.motion.EpicsStage"])
    """Dotted name of the device's class: one of ours, or any ophyd or ophyd-async class."""
    at: AddressModel | None = None
    """Where the device listens. Without it, the device lives in the controller itself."""
    options: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Keyword arguments of the device's class."""
    simulator: SimulatorModel | None = None
    """What stands in for the device under `--simulate`."""


class StationModel(FileModel):
    """A station has no keys: write `{}`."""


class MaterialModel(FileModel):
    """A liquid that the lab holds."""

    stock: Quantity = Field(examples=["250 mL"])
    """Volume in stock when this line was written, with its unit. Campaigns count down from it; after a refill, write
    what is there then."""
    bottle: Barcode | None = Field(default=None, examples=["CY-0042"])
    """Barcode of the bottle, to which each dispense is traced back. Another bottle has another one. Without it the
    bottle is known by a name that is made from this line."""
    lot: Annotated[Text, Field(max_length=100)] | None = Field(default=None, examples=["L2026-11"])
    """Lot of what is in the bottle, as its maker writes it."""
    expires: Date | None = None
    """Last day (UTC) on which it may be used. After it no campaign of this lab starts or begins another trial."""
    filled: Moment | None = Field(default=None, examples=["'2027-03-31 14:05:00'"])
    """When `stock` was in the bottle, in UTC. `autolab refill` writes it: what was used before is not counted."""
    compatible: list[Slug] = Field(default_factory=list[Slug], max_length=1000)
    """Materials of this lab with which it may be mixed in a well. It is enough to list a pair with one of the two. A
    pair that is listed nowhere needs a person's approval."""
    incompatible: list[Slug] = Field(default_factory=list[Slug], max_length=1000)
    """Materials of this lab with which it must never be mixed: a trial that would is refused."""


class LabwareModel(FileModel):
    """Labware of one kind."""

    places: list[Slug] = Field(min_length=1, max_length=1000, examples=["[rack_1, rack_2]"])
    """Where each piece belongs. There is one piece for each place."""
    wells: int = Field(ge=1, le=10_000, examples=["24"])
    """Wells of one piece."""
    capacity: Quantity | None = Field(default=None, examples=["360 uL"])
    """What one well holds to its brim. Without it, a trial that pours into a well needs a person's approval."""
    freeboard: Quantity | None = Field(default=None, examples=["50 uL"])
    """What of the capacity must stay empty, so that nothing spills; none where it is not given."""


class ConsumableModel(FileModel):
    """What is used up besides the materials: pieces (`stock` and `per`), or the `room` of a waste bottle."""

    model_config = one_of(("stock", "per"), ("room",))

    stock: int | None = Field(default=None, ge=0, le=1_000_000_000, examples=["960"])
    """Pieces in stock when this line was written. Campaigns count down from it; after a refill, write what is there
    then."""
    per: Literal["pour", "trial"] | None = Field(default=None, examples=["pour"])
    """What uses one piece up: each dispense, or each attempt at a trial."""
    room: Quantity | None = Field(default=None, examples=["5 L"])
    """What still went into the waste bottle when this line was written. All that is poured ends there."""
    filled: Moment | None = Field(default=None, examples=["'2027-03-31 14:05:00'"])
    """When that was so, in UTC. `autolab refill` writes it: what was used before is not counted."""


class SpanModel(FileModel):
    """The values between which a signal's device is in a zone."""

    min: Quantity = Field(examples=["50 mm"])
    """Lowest value, with its unit."""
    max: Quantity = Field(examples=["80 mm"])
    """Highest value, with its unit."""


class ZoneModel(FileModel):
    """A part of space in which only one device may move at a time, by what reaches into it."""

    places: dict[Name, PlaceNames] = Field(default_factory=dict[Name, PlaceNames], examples=["{arm: [stage]}"])
    """By device, the places at which it reaches into the zone. It is out again when its action has ended well."""
    moves: list[Permitted] = Field(default_factory=list[Permitted], max_length=1000, examples=["[stage.position]"])
    """Signals and devices that are in the zone as long as they move, wherever they go. Standing still they leave it."""
    ranges: dict[SignalName, SpanModel] = Field(default_factory=dict[SignalName, SpanModel])
    """By `device.signal`, the values at which the device is in the zone, whether it moves or stands there."""


class ProvenModel(FileModel):
    """The part of a range that is known to be harmless."""

    min: Quantity
    """Lowest value, with its unit."""
    max: Quantity
    """Highest value."""


class LimitModel(FileModel):
    """Limits of one writable signal: a range (`min` and `max`), the `allowed` values, or a `pattern` for texts."""

    model_config = one_of(("min", "max"), ("allowed",), ("pattern",))

    min: Quantity | None = None
    """Lowest value that may be written, with its unit; the other numbers are converted to this unit."""
    max: Quantity | None = None
    """Highest value that may be written."""
    max_step: Quantity | None = None
    """Largest difference between the present value and the next."""
    max_rate: Quantity | None = Field(default=None, examples=["5 K/min"])
    """Largest change of what is commanded in a time, counted from the write before."""
    tolerance: Quantity | None = None
    """Largest difference between what was commanded and what is read back. More than that trips the lab: nothing is
    written any more until a person has reset it. Without it, the device's own counts, as a fault of the trial."""
    safe: Quantity | None = None
    """Value in the safe state, or `hold` to stay; `hold` where it is not given."""
    allowed: Annotated[list[Value], Field(min_length=1, max_length=1000)] | None = None
    """The values that may be written: places, choices, switches, texts."""
    pattern: str | None = Field(default=None, min_length=1, max_length=500)
    """Regular expression that the whole text must match."""
    tier: Literal["routine", "hazardous", "prohibited"] = "routine"
    """What a write asks for. `routine`: nothing in the proven region, one person outside it. `hazardous`: two people.
    `prohibited`: it is never written."""
    proven: ProvenModel | Literal["all"] | Annotated[list[Value], Field(min_length=1, max_length=1000)] | None = None
    """What is known to be harmless, and runs without a person: a range (`min` and `max`), some of the allowed values,
    or `all`. Without it nothing is. Under `--simulate` everything is."""


class AuditModel(FileModel):
    """How changes of the record are made to show."""

    heads: Annotated[Text, Field(max_length=500)] = Field(examples=["/mnt/records/colour-bench.jsonl"])
    """File outside the data folder to which signed heads of the journal's log are appended, seen from the lab file."""


ConditionText = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class SignalModel(FileModel):
    """What a signal of the interlocks can read: a range (`min`, `max`), the `allowed` values, or a `unit` alone."""

    model_config = one_of(("min", "max"), ("allowed",), ("unit",))

    min: Quantity | None = None
    """Lowest reading that is physically possible, with its unit. A reading outside the range is unknown."""
    max: Quantity | None = None
    """Highest reading that is physically possible."""
    allowed: Annotated[list[Value], Field(min_length=1, max_length=1000)] | None = None
    """All values that the signal can read. Any other reading is unknown."""
    unit: Annotated[str, StringConstraints(max_length=60)] | None = None
    """Unit of a signal whose range nobody knows; empty for a pure number."""


class InterlockModel(FileModel):
    """One interlock: a cause and its effect."""

    name: Slug = Field(examples=["bath-too-hot"])
    """Name of the rule."""
    when: ConditionText = Field(examples=["bath.temperature > 80 degC for 2 s"])
    """The condition; see [the interlocks](interlocks.md)."""
    effect: Literal["permissive", "trip", "alarm"] = Field(examples=["trip"])
    """`permissive`: must be true for writes to what `of` names. `trip`: brings the lab into its safe state and latches.
    `alarm`: is shown. An unknown condition forbids, trips and alarms."""
    of: list[Permitted] = Field(default_factory=list[Permitted])
    """Devices and signals that a permissive permits to write."""
    why: Annotated[Text, Field(max_length=500)] = Field(examples=["hot solvent boils over"])
    """The hazard in words, for whoever stands before the lab when the rule acts."""
    stale_after: Quantity | None = None
    """Age beyond which a reading is unknown to this rule; 5 s where it is not given."""


class HazardModel(FileModel):
    """A state of the lab that must not arise."""

    name: Slug = Field(examples=["hot-and-unstirred"])
    """Name of the hazard."""
    when: ConditionText = Field(examples=["bath.temperature > 60 degC and stirrer.speed < 10 rpm"])
    """The condition, in the words of the interlocks."""


class SafeStateStepModel(FileModel):
    """A step into the safe state: either `device` and `do`, or `set` and `to`."""

    model_config = one_of(("device", "do"), ("set", "to"))

    device: Name | None = None
    """The device that does something."""
    do: Literal["stop"] | None = None
    """What it does."""
    set: SignalName | None = None
    """The signal that is written, as `device.signal`."""
    to: Value | None = None
    """The value, with its unit; inside the envelope."""


class PowerModel(FileModel):
    """The relay that takes the power of actuators away, and its watchdog. Under `--simulate` both are started."""

    devices: list[Name] = Field(min_length=1, max_length=1000, examples=["[arm, dispenser, stage]"])
    """The devices whose actuators lose their power when the relay drops. Their electronics stay on."""
    dead_man: Quantity = "140 ms"
    """The relay drops by itself when the watchdog has not asked for power for so long."""


class PersonModel(FileModel):
    """Somebody who may decide something in this lab."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        examples=["q2yPjZ2mC0aT0o0x0c8m3m9gq4m3v0f3J7yq1r2s3t4="]
    )
    """Public key of the person, as `autolab key NAME` prints it. The private half stays with the person."""
    may: list[Literal["approve", "reset", "bypass"]] = Field(min_length=1, max_length=3, examples=["[approve]"])
    """`approve`: trials and changes of the envelope. `reset`: the lab after a trip. `bypass`: ask for and approve the
    bypass of an interlock. Never what the person has proposed or asked for."""


class SubscriberModel(FileModel):
    """Something that is given the Bluesky documents of each campaign, in a process of its own."""

    class_name: DottedName = Field(alias="class", examples=["bluesky.callbacks.json_writer.JSONLinesWriter"])
    """Dotted name of the class, or of a function that makes the subscriber: from `bluesky`, `tiled`, or a package of
    the lab's owner. What it makes is called with the name and the content of each document."""
    options: dict[str, Any] = Field(default_factory=dict[str, Any], examples=["{dirname: documents}"])
    """Keyword arguments of the class."""


class LabModel(FileModel):
    """A lab: one unit of assessment and control."""

    name: Slug = Field(examples=["colour-bench"])
    """Name of the lab: letters, digits, `-` and `_`, at most 64."""
    laboratory: Text = Field(examples=["Example National Laboratory"])
    """The organisation that the lab belongs to."""
    devices: dict[Name, DeviceModel] = Field(
        min_length=1, max_length=1000, examples=["{stage: {class: devices.motion.EpicsStage}}"]
    )
    """The devices, by name."""
    stations: dict[Slug, StationModel] = Field(default_factory=dict[Slug, StationModel])
    """What one trial holds at a time: names of devices or of places, each with `{}`."""
    materials: dict[Slug, MaterialModel] = Field(default_factory=dict[Slug, MaterialModel])
    """The liquids of the lab, by name."""
    consumables: dict[Slug, ConsumableModel] = Field(
        default_factory=dict[Slug, ConsumableModel], max_length=1000, examples=["{tips: {stock: 960, per: pour}}"]
    )
    """What else is used up, by name: tips, plates that are used once, the room of waste bottles."""
    labware: dict[Slug, LabwareModel] = Field(default_factory=dict[Slug, LabwareModel])
    """The labware of the lab, by kind."""
    dwell: dict[Slug, Quantity] = Field(default_factory=dict[Slug, Quantity], examples=["{stage: 1 h}"])
    """By place, the longest time that a piece of labware may stay there in one trial, with its unit: from its arrival,
    or the beginning of the trial, until it leaves or the trial ends. A trial that would take longer is refused."""
    zones: dict[Slug, ZoneModel] = Field(default_factory=dict[Slug, ZoneModel])
    """Parts of space in which only one device may move at a time, by name."""
    envelope: dict[SignalName, LimitModel] = Field(default_factory=dict[SignalName, LimitModel])
    """Limits of each writable signal, by `device.signal`. A signal of our classes without limits: no start."""
    envelope_version: Annotated[Text, Field(max_length=100)] | None = Field(default=None, examples=["2026-03"])
    """Version of the envelope, as its owner counts. A campaign that has begun goes on under another envelope only if
    this has changed too, and somebody has approved it."""
    packages: list[PackageName] = Field(default_factory=list[PackageName])
    """Packages of the lab's owner from which dotted names may be resolved, besides our own."""
    audit: AuditModel | None = None
    """How changes of the record are made to show. Without it, heads are kept in the data folder only."""
    signals: dict[SignalName, SignalModel] = Field(default_factory=dict[SignalName, SignalModel])
    """What the signals of the interlocks can read, by `device.signal`: for those that the envelope does not list, and
    for the range that is physically possible."""
    interlocks: list[InterlockModel] = Field(default_factory=list[InterlockModel])
    """The interlocks: a cause-and-effect matrix, one rule a row."""
    hazards: list[HazardModel] = Field(default_factory=list[HazardModel])
    """States that must not arise: `autolab check` looks whether the interlocks act on each."""
    safe_state: list[SafeStateStepModel] = Field(default_factory=list[SafeStateStepModel])
    """Ordered steps that bring the lab into its safe state, whenever a campaign ends or the lab trips."""
    power: PowerModel | None = None
    """The relay and what it switches. Without it nothing takes the power of the devices away."""
    subscribers: dict[Slug, SubscriberModel] = Field(default_factory=dict[Slug, SubscriberModel], max_length=20)
    """What is given the Bluesky documents of each campaign, by name, such as a writer to Tiled. One that fails or hangs
    is reported, and never stops or slows a campaign."""
    people: dict[Slug, PersonModel] = Field(default_factory=dict[Slug, PersonModel], max_length=1000)
    """Who may approve, reset and bypass, by name. Without it nobody can approve or bypass anything, and whoever has the
    lab's account resets it."""
    calibrations: dict[Slug, CalibrationModel] = Field(default_factory=dict[Slug, CalibrationModel])
    """What is done so that instruments can be believed, by name: warm-ups, blanks, references, calibrations. They are
    performed in the order of the file."""
    quality: dict[Slug, QualityModel] = Field(default_factory=dict[Slug, QualityModel])
    """Checks of what a trial measured, by name. An outcome that fails one is not learned from: the campaign file says
    under `on_failure` what follows, without which the trial is repeated once, and then a person is asked."""
