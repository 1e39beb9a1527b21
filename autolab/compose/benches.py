"""Simulated benches: simulators in processes of their own, in memory, or already running and attached to."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autolab.compose.names import Names
from autolab.config.specs import DeviceSpec, LabSpec
from autolab.config.words import did_you_mean, listed
from autolab.core.addresses import Address, EpicsAddress, MemoryAddress, NoAddress, SerialAddress, ZmqAddress
from autolab.core.canonical import canonical_json
from autolab.core.clock import Clock, real_clock
from autolab.core.errors import InputError, StorageError
from autolab.journal.bottles import declared_bottles
from safety.supply import Supply
from simulators.base import MemoryStore, Settings
from simulators.launch import Running, start_all
from simulators.ports import free_ports
from simulators.serve import ServeRequest

__all__ = [
    "Bench",
    "attached",
    "bench_at",
    "check_simulators",
    "free_ca_ports",
    "in_memory",
    "in_processes",
    "part_of",
    "refuse_if_running",
    "serve_requests",
    "shared",
]

ENDPOINTS = "endpoints.json"


@dataclass(frozen=True)
class Bench:
    """A simulated bench that is running."""

    id: str
    """Identity of its contents."""
    factor: float
    """Lab seconds per real second."""
    addresses: Mapping[str, Address]
    ca_ports: tuple[int, ...]
    """Ports of the Channel Access servers."""
    power: Path | None = None
    """Folder of the watchdog's sockets; None where nothing takes the power away."""
    pids: Mapping[str, int] = field(default_factory=dict[str, int])
    """Process of each simulator, where this process started them."""


def check_simulators(lab: LabSpec) -> None:
    """Refuse to simulate a lab in which a device with an address has no simulator.

    Raises:
        FileError: naming the device.
    """
    for name, device in lab.devices.items():
        if device.simulator is None and not isinstance(device.at, NoAddress):
            raise lab.source.error(
                ("devices", name),
                f"{name}: --simulate needs a 'simulator' for it, or a device class without an address",
            )


def part_of(lab: LabSpec, only: Collection[str]) -> LabSpec:
    """The devices of a lab that are simulated beside hardware.

    Simulators on Channel Access get a prefix that no instrument has: a client asks everybody whom it reaches, and the
    hardware that they stand in for may answer too.

    Raises:
        InputError: the lab has no such device, or all of its devices are named.
    """
    for name in only:
        if name not in lab.devices:
            near = did_you_mean(name, lab.devices)
            hint = f"did you mean {near!r}?" if near else f"it has {listed(lab.devices)}"
            raise InputError(f"--simulate={','.join(only)}: {lab.name} has no device {name!r}; {hint}")
    if lab.devices.keys() <= set(only):
        raise InputError(f"--simulate={','.join(only)}: these are all devices of {lab.name}; write --simulate alone")
    mark = f"SIM{secrets.token_hex(3).upper()}:"
    return replace(
        lab,
        devices={
            name: replace(device, at=EpicsAddress(mark + device.at.prefix))
            if isinstance(device.at, EpicsAddress)
            else device
            for name, device in lab.devices.items()
            if name in only
        },
        power=None,
    )


def in_memory(lab: LabSpec, names: Names, clock: Clock, seed: int) -> Bench:
    """All simulators in this process, on the virtual clock."""
    check_simulators(lab)
    store = MemoryStore()
    addresses: dict[str, Address] = {}
    for name, device in lab.devices.items():
        addresses[name] = device.at
        if device.simulator is None:
            continue
        path = ("devices", name, "simulator", "class")
        simulator_class = names.resolve(device.simulator.class_name, path, "simulator class")
        settings = Settings(name, clock, store, seed, _materials(lab), _labware(lab), fillings=_fillings(lab))
        try:
            core = simulator_class(settings, **_options(lab, device)).core
        except (TypeError, InputError) as error:
            raise lab.source.error(
                path[:3], f"{name}: {device.simulator.class_name} cannot be built: {error}"
            ) from error
        prefix = device.at.prefix if isinstance(device.at, EpicsAddress) else ""
        addresses[name] = MemoryAddress(core, prefix)
    return Bench(f"memory-{secrets.token_hex(4)}", clock.factor, addresses, ())


def free_ca_ports(lab: LabSpec) -> dict[str, int]:
    """A free port for the Channel Access server of each EPICS device that has a simulator.

    They are chosen before the servers start, because a Channel Access client learns its servers only once.
    """
    names = [name for name, d in lab.devices.items() if d.simulator is not None and isinstance(d.at, EpicsAddress)]
    return dict(zip(names, free_ports(len(names)), strict=True))


@contextmanager
def in_processes(
    lab: LabSpec,
    folder: Path,
    seed: int,
    factor: float,
    ca_ports: Mapping[str, int],
    *,
    wished: bool = False,
    supply: Supply | None = None,
    takes_forces: bool = False,
) -> Iterator[Bench]:
    """Each simulator in a process of its own, until the block ends.

    Args:
        lab: The lab.
        folder: Where their state lives; made where it is missing.
        seed: Seed of their noise.
        factor: Lab seconds per real second.
        ca_ports: Port of the Channel Access server of each EPICS device, from `free_ca_ports`.
        wished: True to listen where the lab file says (for other people's clients), False on free ports.
        supply: Relay and watchdog, which may not be ready yet; None where there is always power.
        takes_forces: True to have the simulators take forced readings, for a proof test.

    Raises:
        FileError: a device has an address and no simulator.
        InputError: a simulator refused to start, such as for a port in use; all are named.
        StorageError: no right to write to the folder.
        SafetyError: relay or watchdog do not start.
    """
    check_simulators(lab)
    identity = _identity(folder)
    line = None if supply is None else supply.line
    requests = serve_requests(lab, folder, seed, factor, ca_ports, wished=wished, line=line)
    running: Running = start_all([replace(request, takes_forces=takes_forces) for request in requests])
    try:
        bench = replace(bench_at(identity, factor, lab, running.addresses), pids=running.pids)
        if supply is not None:
            supply.await_ready(real_clock())
            bench = replace(bench, power=supply.folder)
        yield bench
    finally:
        running.stop()


def serve_requests(
    lab: LabSpec,
    folder: Path,
    seed: int,
    factor: float,
    ca_ports: Mapping[str, int],
    *,
    wished: bool = False,
    line: Path | None = None,
) -> list[ServeRequest]:
    """What each simulator's process is asked to serve. Arguments are those of `in_processes`.

    The relay's power ``line`` goes to the devices that it switches.
    """
    switched = () if lab.power is None else lab.power.devices
    return [
        ServeRequest(
            class_name=device.simulator.class_name,
            device=name,
            folder=folder,
            at=_wish(device, folder, ca_ports, wished),
            seed=seed,
            factor=factor,
            materials=_materials(lab),
            labware=_labware(lab),
            options=_options(lab, device),
            power=line if name in switched else None,
            fillings=_fillings(lab),
        )
        for name, device in lab.devices.items()
        if device.simulator is not None
    ]


def bench_at(identity: str, factor: float, lab: LabSpec, ready: Mapping[str, Mapping[str, Any]]) -> Bench:
    """The bench of simulators that are ready.

    Args:
        identity: Of its contents.
        factor: Lab seconds per real second.
        lab: The lab.
        ready: What each simulator printed when it was ready, by device.
    """
    addresses: dict[str, Address] = {name: device.at for name, device in lab.devices.items()}
    ports: list[int] = []
    for name, at in ready.items():
        if "epics" in at:
            addresses[name] = EpicsAddress(at["epics"])
            ports.append(at["port"])
        elif "serial" in at:
            address = lab.devices[name].at
            addresses[name] = SerialAddress(
                at["serial"], address.baudrate if isinstance(address, SerialAddress) else 9600
            )
        else:
            addresses[name] = ZmqAddress(at["zmq"])
    return Bench(identity, factor, addresses, tuple(ports))


@contextmanager
def shared(lab: LabSpec, folder: Path, bench: Bench, seed: int) -> Iterator[None]:
    """Say where a bench listens, so that campaigns attach to it, until the block ends.

    Raises:
        InputError: this lab's simulators are running already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{lab.name}: its simulators are running already, with their state in {folder}") from None
        endpoints = {
            "id": bench.id,
            "factor": bench.factor,
            "seed": seed,
            "lab_hash": lab.content_hash,
            "addresses": {name: _plain(address) for name, address in bench.addresses.items()},
            "ca_ports": list(bench.ca_ports),
            "power": None if bench.power is None else str(bench.power),
        }
        temporary = folder / f".{ENDPOINTS}.new"
        temporary.write_text(json.dumps(endpoints), encoding="utf-8")
        temporary.replace(folder / ENDPOINTS)
        try:
            yield
        finally:
            (folder / ENDPOINTS).unlink(missing_ok=True)


def attached(lab: LabSpec, folder: Path) -> tuple[Bench, int] | None:
    """The bench that ``autolab simulate`` runs for this lab, with its seed; None where none is running.

    Raises:
        InputError: it runs from another version of the lab file.
    """
    try:
        endpoints = json.loads((folder / ENDPOINTS).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not _is_locked(folder / "lock"):
        return None  # left behind by a process that died
    if endpoints["lab_hash"] != lab.content_hash:
        raise InputError(
            f"{lab.name}: its simulators run from another version of {lab.source.file}: "
            "stop 'autolab simulate' and start it again"
        )
    addresses = {name: _address(value) for name, value in endpoints["addresses"].items()}
    power = None if endpoints["power"] is None else Path(endpoints["power"])
    bench = Bench(endpoints["id"], endpoints["factor"], addresses, tuple(endpoints["ca_ports"]), power)
    return bench, endpoints["seed"]


def refuse_if_running(folder: Path) -> None:
    """Refuse to touch the state of a bench that is running.

    Raises:
        InputError: it is.
    """
    if (folder / "lock").exists() and _is_locked(folder / "lock"):
        raise InputError(f"{folder}: its simulators are running: stop 'autolab simulate' first")


def _is_locked(path: Path) -> bool:
    with path.open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def _wish(device: DeviceSpec, folder: Path, ca_ports: Mapping[str, int], wished: bool) -> dict[str, Any]:
    match device.at:
        case EpicsAddress(prefix):
            return {"epics": prefix, "port": ca_ports[device.name]}
        case SerialAddress():
            return {"serial": str(folder / f"{device.name}.tty")}
        case ZmqAddress(endpoint) if wished and endpoint.startswith("tcp://127.0.0.1:"):
            return {"zmq": endpoint}
        case _:
            return {"zmq": "tcp://127.0.0.1:*"}


def _identity(folder: Path) -> str:
    """Identity of the bench whose state lives in a folder, made with the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "bench"
        if not file.exists():
            file.write_text(f"bench-{secrets.token_hex(4)}", encoding="utf-8")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{folder}: {os.strerror(error.errno or 0)}: choose a folder of yours with --data"
        ) from error


def _options(lab: LabSpec, device: DeviceSpec) -> dict[str, Any]:
    """The simulator's options; a ``table`` is a file beside the lab file."""
    options = dict(device.simulator.options) if device.simulator else {}
    if isinstance(table := options.get("table"), str):
        options["table"] = str(Path(lab.source.file).resolve().parent / table)
    return options


def _materials(lab: LabSpec) -> dict[str, float]:
    return {name: material.stock_ul for name, material in lab.materials.items()}


def _fillings(lab: LabSpec) -> dict[str, str]:
    """What tells each bottle from the one before it, as the ledger does: all that the lab file says of it."""
    return {name: canonical_json(said) for name, said in (declared_bottles(lab.source.text) or {}).items()}


def _labware(lab: LabSpec) -> dict[str, tuple[tuple[str, ...], int]]:
    return {name: (labware.places, labware.wells) for name, labware in lab.labware.items()}


def _plain(address: Address) -> dict[str, Any]:
    match address:
        case EpicsAddress(prefix):
            return {"epics": prefix}
        case SerialAddress(port, baudrate):
            return {"serial": port, "baudrate": baudrate}
        case ZmqAddress(endpoint):
            return {"zmq": endpoint}
        case _:
            return {}


def _address(value: Mapping[str, Any]) -> Address:
    if "epics" in value:
        return EpicsAddress(value["epics"])
    if "serial" in value:
        return SerialAddress(value["serial"], value["baudrate"])
    return ZmqAddress(value["zmq"]) if "zmq" in value else NoAddress()
