"""The interlocks of an open lab: which reading is meant by which signal, and the scan that goes on meanwhile."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from autolab.campaign.lab import OpenLab
from autolab.campaign.readings import Readings, key_of
from autolab.campaign.safing import enter_safe_state
from autolab.campaign.scanning import Scan
from autolab.campaign.stopping import StopSwitch
from autolab.compose.binding import affine
from autolab.compose.names import Names
from autolab.config.specs import LabSpec
from autolab.config.units import check_same_dimension, convert
from autolab.core.clock import VirtualClock
from autolab.core.errors import FileError, InputError, InputErrors, InterruptedByPerson, SafetyError
from autolab.core.interlocks import SafeStateStep, SetStep, measures_in, signal_of
from autolab.core.principals import Principal
from autolab.journal.journal import Journal
from devices.base import WritableSignal
from safety.interlocking import Interlocks, Onset

__all__ = ["await_ready", "check_read", "in_device_unit", "safing", "scanning", "take_safe_state"]

WAIT_REAL_S = 0.02
"""Real seconds between two looks at whether the interlocks have been evaluated."""


@contextmanager
def scanning(spec: LabSpec, lab: OpenLab, tell: Callable[[Onset], object]) -> Generator[Scan]:
    """Read what the interlocks judge while the block runs.

    Args:
        spec: The lab file.
        lab: The lab, open.
        tell: Told of each trip, alarm and bypassed rule when it begins to act.

    Raises:
        InputError: the virtual clock, on which nobody scans.
        FileError: a signal that no device reads, or reads in another unit.
    """
    if not spec.interlocks:
        yield Scan(None, None, lab)
        return
    if isinstance(lab.clock, VirtualClock):
        raise InputError(f"{lab.name}: its interlocks are not scanned with --virtual: leave the option out")
    interlocks = Interlocks(spec.interlocks, spec.signals, lab.trip, tell, lambda: lab.clock.date().timestamp())
    readings = Readings(lab.devices, _converters(spec, lab, interlocks.signals), lab.clock, lab.loop)
    try:
        yield Scan(interlocks, readings, lab)
    finally:
        readings.close()


def await_ready(scan: Scan, lab: OpenLab, stop: StopSwitch) -> None:
    """Wait until the interlocks have been evaluated, for as long as their windows ask.

    Raises:
        SafetyError: the lab has tripped, or lost its power, before anything moved.
        InterruptedByPerson: somebody wants to pause or to stop.
    """
    while not scan.is_ready and lab.trip.cause is None:
        if (asked := stop.asked) is not None:
            raise SafetyError(asked.end.reason) if asked.cause == "trip" else InterruptedByPerson(asked.end.reason)
        lab.clock.sleep(WAIT_REAL_S * lab.clock.factor)
    if lab.trip.cause is not None:
        raise SafetyError(f"{lab.name} has tripped before anything moved: {lab.trip.cause}")


@contextmanager
def safing(
    spec: LabSpec, lab: OpenLab, signals: Mapping[str, tuple[WritableSignal, ...]], journal: Journal, campaign: str
) -> Generator[None]:
    """Bring the lab into its safe state when the block ends, however it ends; what was done is journalled."""
    try:
        yield
    finally:
        if said := take_safe_state(spec, lab, signals):
            journal.intervene(campaign, None, Principal("autolab", "system"), "safe state", "; ".join(said))


def take_safe_state(spec: LabSpec, lab: OpenLab, signals: Mapping[str, tuple[WritableSignal, ...]]) -> list[str]:
    """Bring the lab into its safe state, and say what was done in each step; nothing where it declares none."""
    steps = [_in_device_unit(step, signals) for step in spec.safe_state]
    return enter_safe_state(steps, lab.devices, lab.trip, lab.clock, lab.loop)


def _in_device_unit(step: SafeStateStep, signals: Mapping[str, tuple[WritableSignal, ...]]) -> SafeStateStep:
    if not isinstance(step, SetStep) or isinstance(step.value, bool | str):
        return step
    device, _, name = step.signal.partition(".")
    unit = next((signal.unit for signal in signals.get(device, ()) if signal.name == name), None)
    return step if unit is None else replace(step, value=convert(float(step.value), step.unit, unit), unit=unit)


def in_device_unit(spec: LabSpec, lab: OpenLab, signal: str, value: float) -> float:
    """A number in the unit of the rules, as the device would read it."""
    device = lab.devices[signal.partition(".")[0]]
    unit = spec.signals[signal].unit
    if inspect.iscoroutinefunction(device.describe):
        return value
    described = {**device.describe(), **device.describe_configuration()}
    return convert(value, unit, described[key_of(signal)].get("units") or unit)


def check_read(spec: LabSpec, names: Names) -> None:
    """Check that the devices of a lab read what its rules are about, as far as all of them have simulators.

    Raises:
        FileError: a signal that its device does not read, or reads in another unit.
        InputErrors: several of these.
    """
    if not spec.interlocks or any(device.simulator is None for device in spec.devices.values()):
        return
    from autolab.compose import benches
    from autolab.compose.opening import open_lab

    clock = VirtualClock()
    with open_lab(spec, names, benches.in_memory(spec, names, clock, 0), clock) as lab:
        wanted = {signal_of(measure) for rule in spec.interlocks for measure in measures_in(rule.when)}
        _converters(spec, lab, tuple(signal for signal in spec.signals if signal in wanted))


def _converters(spec: LabSpec, lab: OpenLab, signals: tuple[str, ...]) -> dict[str, Callable[[float], float]]:
    """How the number that a device reads becomes one in the unit of the rules.

    Raises:
        FileError: a signal that its device does not read, or reads in another unit.
        InputErrors: several of these.
    """
    problems: list[FileError] = []
    found: dict[str, Callable[[float], float]] = {}
    for signal in signals:
        try:
            found[signal] = _converter(lab.devices[signal.partition(".")[0]], signal, spec.signals[signal].unit)
        except InputError as error:
            names = [{signal_of(measure) for measure in measures_in(rule.when)} for rule in spec.interlocks]
            rule = next(number for number, used in enumerate(names) if signal in used)
            problems.append(spec.source.error(("interlocks", rule, "when"), f"{signal}: {error}"))
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return found


def _converter(device: Any, signal: str, unit: str) -> Callable[[float], float]:
    if inspect.iscoroutinefunction(device.describe):
        return lambda value: value  # an asynchronous device is described on its loop: its unit is the file's
    described = {**device.describe(), **device.describe_configuration()}
    if key_of(signal) not in described:
        known = ", ".join(sorted(key.removeprefix(f"{device.name}_") for key in described))
        raise InputError(f"{device.name} does not read it, so that nobody could ever know it; it reads {known}")
    its = described[key_of(signal)].get("units") or unit
    check_same_dimension(its, unit)
    return (lambda value: value) if its == unit else affine(its, unit)
