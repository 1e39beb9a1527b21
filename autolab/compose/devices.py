"""Building the devices of a lab: guarded when they are ours, guarded or closed for writing when they are not."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from autolab.compose.names import Names
from autolab.config.specs import DeviceSpec, LabSpec
from autolab.config.units import check_same_dimension, convert, convert_difference
from autolab.core.addresses import Address, EpicsAddress
from autolab.core.clock import Clock, real_clock
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import FileError, InputError, InputErrors
from devices.base import WritableSignal
from safety.foreign import guard_foreign
from safety.guard import Guard
from safety.trip import Trip
from safety.zones import Zones

__all__ = [
    "BuiltDevice",
    "build_devices",
    "check_envelope",
    "device_classes",
    "foreign_signals",
    "writable_signals",
]


@dataclass(frozen=True)
class BuiltDevice:
    """A device object, not connected yet."""

    spec: DeviceSpec
    device: Any
    is_ours: bool
    guard: Guard
    """Keeps its writes inside the envelope; a foreign device gets it when it is connected."""


def check_envelope(lab: LabSpec, classes: Mapping[str, type]) -> dict[str, dict[str, Limit]]:
    """Match the envelope with what the device classes can write, numbers converted to the devices' own units.

    Args:
        lab: The lab file.
        classes: Class of each device.

    Returns:
        For each device its limits by signal.

    Raises:
        FileError: a writable signal of our own classes is not declared, a declared signal does not exist or is of
            another kind, or a unit does not fit.
        InputErrors: several of these.
    """
    problems: list[FileError] = []
    limits: dict[str, dict[str, Limit]] = {name: {} for name in lab.devices}
    for name, spec in lab.devices.items():
        declared = {
            key.partition(".")[2]: limit for key, limit in lab.envelope.items() if key.partition(".")[0] == name
        }
        writable = writable_signals(classes[name], spec)
        if writable is None:  # a foreign class: what is not declared is closed, and the units are the file's own
            limits[name] = declared
            continue
        known = {signal.name: signal for signal in writable}
        problems += _undeclared(lab, name, known, declared)
        for signal, limit in declared.items():
            if signal not in known:
                continue
            try:
                limits[name][signal] = _in_device_unit(limit, known[signal])
            except InputError as error:
                problems.append(lab.source.error(("envelope", f"{name}.{signal}"), f"{name}.{signal}: {error}"))
    if problems:
        problems.sort(key=lambda error: error.line or 0)
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return limits


def build_devices(
    lab: LabSpec,
    addresses: Mapping[str, Address],
    clock: Clock,
    classes: Mapping[str, type],
    trip: Trip,
    zones: Zones | None = None,
) -> list[BuiltDevice]:
    """Build every device of a lab, with guards that share one trip and its zones. Nothing is connected yet.

    Raises:
        FileError: an option that a class does not take, or the envelope does not fit.
    """
    limits = check_envelope(lab, classes)
    built: list[BuiltDevice] = []
    for name, spec in lab.devices.items():
        guard = Guard(name, limits[name], clock, trip, zones)
        is_ours = writable_signals(classes[name], spec) is not None
        try:
            if is_ours:
                device = classes[name](name=name, at=addresses[name], clock=clock, guard=guard, **spec.options)
            else:
                device = _build_foreign(classes[name], spec, addresses[name])
        except (TypeError, InputError) as error:
            raise lab.source.error(("devices", name), f"{name}: {spec.class_name} cannot be built: {error}") from error
        built.append(BuiltDevice(spec, device, is_ours, guard))
    return built


def foreign_signals(lab: LabSpec, classes: Mapping[str, type]) -> list[str]:
    """A sentence for each device of a foreign class whose signals are closed for writing. The devices are built.

    Raises:
        FileError: a class that does not take its options.
    """
    foreign = {name: spec for name, spec in lab.devices.items() if writable_signals(classes[name], spec) is None}
    addresses = {name: spec.at for name, spec in foreign.items()}
    built = build_devices(
        replace(lab, devices=foreign, envelope=_envelope_of(lab, foreign)), addresses, real_clock(), classes, Trip()
    )
    closed = [(item.spec, guard_foreign(item.device, item.guard)) for item in built]
    return [
        f"{spec.name}: {spec.class_name} is not a class of ours; closed for writing, because the envelope "
        f"does not declare them: {', '.join(signals)}"
        for spec, signals in closed
        if signals
    ]


def device_classes(lab: LabSpec, names: Names) -> dict[str, type]:
    """The class of each device.

    Raises:
        FileError: a name that cannot be resolved, or that is no class.
        InputErrors: several of these.
    """
    problems: list[FileError] = []
    classes: dict[str, type] = {}
    for name, spec in lab.devices.items():
        path = ("devices", name, "class")
        try:
            found = names.resolve(spec.class_name, path, "device class")
            if not inspect.isclass(found):
                raise lab.source.error(path, f"device class {spec.class_name!r} is not a class")
            classes[name] = found
        except FileError as error:
            problems.append(error)
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return classes


def writable_signals(device_class: type, spec: DeviceSpec) -> tuple[WritableSignal, ...] | None:
    """What a class of ours can write; None for a class that is not ours.

    A class whose signals depend on its options has a class method ``writable_signals_for(**options)``.
    """
    for_options = getattr(device_class, "writable_signals_for", None)
    if for_options is not None:
        return tuple(for_options(**spec.options))
    return getattr(device_class, "writable_signals", None)


def _envelope_of(lab: LabSpec, devices: Mapping[str, DeviceSpec]) -> dict[str, Limit]:
    return {key: limit for key, limit in lab.envelope.items() if key.partition(".")[0] in devices}


def _build_foreign(device_class: type, spec: DeviceSpec, address: Address) -> Any:
    prefix = (address.prefix,) if isinstance(address, EpicsAddress) else ()
    return device_class(*prefix, name=spec.name, **spec.options)


def _undeclared(
    lab: LabSpec, name: str, known: Mapping[str, WritableSignal], declared: Mapping[str, Limit]
) -> list[FileError]:
    problems: list[FileError] = []
    for signal in known.values():
        if signal.name not in declared:
            wanted = "its allowed values" if signal.unit is None else f"min and max in {signal.unit or 'a pure number'}"
            problems.append(
                lab.source.error(
                    ("envelope",),
                    f"{name}.{signal.name} can be written and is not declared: add it to the envelope with {wanted}",
                )
            )
    for signal in declared:
        if signal not in known:
            message = f"{name} has no writable signal {signal!r}; it has {', '.join(known) or 'none'}"
            problems.append(lab.source.error(("envelope", f"{name}.{signal}"), message))
    return problems


def _in_device_unit(limit: Limit, signal: WritableSignal) -> Limit:
    if isinstance(limit, AllowedValues):
        if signal.unit is not None:
            raise InputError(
                f"it is a number in {signal.unit or 'no unit'}: give min and max instead of allowed values"
            )
        return limit
    if signal.unit is None:
        raise InputError("it takes texts or switches: give 'allowed' values instead of min and max")
    check_same_dimension(limit.unit, signal.unit)
    return _converted(limit, signal.unit)


def _converted(limit: RangeLimit, unit: str) -> RangeLimit:
    def difference(value: float | None) -> float | None:
        return None if value is None else convert_difference(value, limit.unit, unit)

    return replace(
        limit,
        lower=convert(limit.lower, limit.unit, unit),
        upper=convert(limit.upper, limit.unit, unit),
        unit=unit,
        max_step=difference(limit.max_step),
        max_rate=difference(limit.max_rate),
        tolerance=difference(limit.tolerance),
        safe="hold" if limit.safe == "hold" else convert(limit.safe, limit.unit, unit),
        proven=limit.proven
        and (convert(limit.proven[0], limit.unit, unit), convert(limit.proven[1], limit.unit, unit)),
    )
