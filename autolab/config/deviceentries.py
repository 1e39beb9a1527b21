"""From ``devices`` of a lab file to device specs: names, addresses, and no address twice."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any, cast

from autolab.config.labmodel import AddressModel, DeviceModel
from autolab.config.problems import Problems, valid
from autolab.config.specs import DeviceSpec, SimulatorSpec
from autolab.config.words import KeyPath, listed, shown
from autolab.core.addresses import Address, EpicsAddress, NoAddress, SerialAddress, ZmqAddress

__all__ = ["read_devices"]

_RESERVED = frozenset({"name", "parent", "root", "kind", "hints"})
"""Words by which every Bluesky device speaks of itself."""
_LARGEST_PORT = 65_535


def read_devices(problems: Problems, values: Mapping[str, Any]) -> dict[str, DeviceSpec]:
    """Read the devices, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.

    Returns:
        Device by name, of those that are right.
    """
    declared = values.get("devices")
    found: dict[str, DeviceSpec] = {}
    for name, raw in cast("dict[str, Any]", declared).items() if isinstance(declared, dict) else ():
        path = ("devices", name)
        if name in _RESERVED or keyword.iskeyword(name):
            problems.add(path, f"{shown(name)} is a reserved word: choose another name for the device")
        model = valid(DeviceModel, raw)
        if model is not None:
            found[name] = _device(problems, path, name, model)
    _refuse_shared_addresses(problems, found)
    return found


def _device(problems: Problems, path: KeyPath, name: str, model: DeviceModel) -> DeviceSpec:
    simulator = model.simulator
    return DeviceSpec(
        name=name,
        class_name=model.class_name,
        at=NoAddress() if model.at is None else _address(problems, (*path, "at"), name, model.at),
        options=model.options,
        simulator=None if simulator is None else SimulatorSpec(simulator.class_name, simulator.options),
    )


def _address(problems: Problems, path: KeyPath, name: str, model: AddressModel) -> Address:
    kinds = [kind for kind in ("epics", "serial", "zmq") if getattr(model, kind) is not None]
    if len(kinds) != 1:
        given = f"here are {listed(kinds)}" if kinds else "here is none of them"
        problems.add(path, f"{name}: give exactly one of epics, serial and zmq, and {given}")
        return NoAddress()
    if model.baudrate is not None and model.serial is None:
        problems.add((*path, "baudrate"), f"{name}: 'baudrate' goes with 'serial' only: remove it")
    if model.epics is not None:
        return EpicsAddress(model.epics)
    if model.serial is not None:
        return SerialAddress(model.serial) if model.baudrate is None else SerialAddress(model.serial, model.baudrate)
    endpoint = model.zmq or ""
    port = endpoint.rpartition(":")[2]
    if endpoint.startswith("tcp:") and not 1 <= int(port) <= _LARGEST_PORT:
        problems.add((*path, "zmq"), f"{name}: port {port} is not between 1 and {_LARGEST_PORT}: correct the port")
    return ZmqAddress(endpoint)


def _refuse_shared_addresses(problems: Problems, devices: Mapping[str, DeviceSpec]) -> None:
    first: dict[str, str] = {}
    for name, device in devices.items():
        if isinstance(device.at, NoAddress):
            continue
        address = _comparable(device.at)
        if address in first:
            other = first[address]
            line = problems.source.line(("devices", other, "at", device.at.kind))
            problems.add(
                ("devices", name, "at", device.at.kind),
                f"{name} has the address {device.at}, and so has {other} in line {line}: give each device its own",
            )
        first.setdefault(address, name)


def _comparable(address: Address) -> str:
    """One text for two spellings of one address."""
    if isinstance(address, ZmqAddress):
        return f"zmq {address.endpoint.lower().replace('//localhost:', '//127.0.0.1:')}"
    return str(address)
