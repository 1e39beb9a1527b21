"""Robots: an arm that carries labware between named places."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bluesky.protocols import Status

from autolab.core.addresses import Address
from autolab.core.clock import Clock
from autolab.core.effects import Carry, Write
from autolab.core.envelope import AllowedValues
from autolab.core.errors import (
    DeviceError,
    DeviceTimeoutError,
    EnvelopeError,
    InputError,
    ReadbackError,
    WireError,
)
from autolab.core.operations import OperationId
from autolab.core.phases import Settlement
from devices.base import Identity, WritableSignal
from devices.completion import Work
from devices.foresight import Foreseen, known_number, lapse
from devices.instrument import Instrument, describe_number, describe_text
from devices.messages import Reply
from devices.operating import OperatingClient
from devices.zoning import within
from safety.guard import Guard
from safety.ways import Way

__all__ = ["GRIPPER", "Grip", "Place", "Transfer", "ZmqArm"]

MODEL = "AA-1"
"""The instrument that speaks this protocol."""
HARMLESS = ("where", "inventory", "limits")
"""Operations that move nothing."""
GRIPPER = "gripper"
"""Where labware is that the arm holds."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Carry a piece of labware from one place to another."""

    labware: str
    """Identity of the piece, such as ``strip-1``."""
    source: str
    target: str
    operation: OperationId


@dataclass(frozen=True, slots=True)
class Place:
    """Put down what the gripper holds: the way out after a transfer was stopped."""

    target: str
    operation: OperationId


@dataclass(frozen=True, slots=True)
class Grip:
    """Open or close the empty gripper."""

    state: str
    """``open`` or ``closed``."""
    operation: OperationId


class ZmqArm(Instrument):
    """A plate-moving arm behind ZeroMQ, as docs/reference/arm-protocol.md describes it.

    Args:
        name: Name of the device.
        at: A ZeroMQ address, or a core in memory.
        clock: Lab time.
        guard: The limits of ``place`` and ``gripper``.
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = (
        WritableSignal("place", None),
        WritableSignal("gripper", None),
    )
    zoned: ClassVar[frozenset[str]] = frozenset({"place"})

    def __init__(self, *, name: str, at: Address, clock: Clock, guard: Guard) -> None:
        super().__init__(name=name, at=at, clock=clock, guard=guard)
        self._client = OperatingClient(at, clock, name, self._permit)
        self._transfer_s = 0.0
        self._places: tuple[str, ...] = ()
        self._beat = -1

    def connect(self, timeout_s: float) -> Identity:
        """Open the link and ask who is there, see `devices.base.AutolabDevice`."""
        identity = self._client.connect(MODEL, timeout_s)
        try:
            transfer_s = self._client.ask("limits").get("transfer_s")
            if not isinstance(transfer_s, int | float) or not 0 < transfer_s < math.inf:
                raise WireError(f"{self.name}: it says that a transfer takes {transfer_s!r} s")
            self._transfer_s, self._places = float(transfer_s), tuple(self._inventory()["places"])
        except DeviceError:
            self._client.close()
            raise
        self._identity = identity
        return identity

    def claim(self, key: str, by: str) -> None:
        """Let nobody else act, see `devices.base.Claimable`."""
        self._client.claim(key, by)

    def release(self) -> None:
        """Let others act again. Idempotent."""
        self._client.release()

    def disconnect(self) -> None:
        """Let go of the link. Idempotent."""
        self._identity = None
        self._client.close()

    def counters(self) -> Mapping[str, int]:
        """The arm's own count of operations, read now."""
        return {"operations": self._client.counter()}

    def check_alive(self) -> None:
        """Ask for a heartbeat, which must have moved on.

        Raises:
            DeviceError: the arm is dead or hung.
        """
        beat = self._client.ask("heartbeat").get("beat")
        if not isinstance(beat, int) or beat == self._beat:
            raise DeviceTimeoutError(f"{self.name} ({self._at}): its heartbeat stands at {beat!r}: restart the arm")
        self._beat = beat

    def reconcile(self, operation: OperationId, counted: int | None) -> Settlement:
        """Say what became of an action, see `devices.reconciling.Reconcilable`."""
        return self._client.reconcile(self.name, operation, counted)

    def set(self, action: Transfer | Place | Grip) -> Status:
        """Move labware or the gripper, exactly once for each operation id.

        Returns:
            A status that finishes when the arm says that the labware is where it shall be, holds nothing, and has
            counted one operation. A stopped move fails; the labware then stays in the gripper.

        Raises:
            EnvelopeError: the guard refuses; nothing was sent.
            InputError: the action is none of ours.
            NotConnectedError: the device was not connected.
            ZoneError: another device has a zone of the way; nothing was sent.
        """
        op, args = _request(self.name, action)
        self._check(op, args)
        self._require_connected()
        way, zones = _way(self.name, op, args), self._guard.zones
        number = None if way is None else zones.reserve(way)
        expected_s = 1.0 if isinstance(action, Grip) else self._transfer_s
        work = within(zones, self.name, number, self._work(action, expected_s), self.whereabouts)
        return self._follow(work, expected_s, _words(action))

    def foresee(self, action: Transfer | Place | Grip, known: Mapping[str, Any]) -> Foreseen:
        """Say what `set` would do, see `devices.foresight`: labware changes its place."""
        counted = frozenset({f"{self.name}_counter"})
        writes = tuple(Write(f"{self.name}.{signal}", value) for signal, value in _writes(*_request(self.name, action)))
        if isinstance(action, Grip):
            return Foreseen(writes, unknown=counted)
        source = GRIPPER if isinstance(action, Place) else action.source
        carried = known.get(f"{self.name}_holding") if isinstance(action, Place) else action.labware
        moved = {f"{self.name}_place_{action.target}": carried, f"{self.name}_holding": ""}
        if isinstance(action, Transfer):
            moved = {f"{self.name}_place_{source}": "", **moved}
        if not carried:
            return Foreseen(writes, unknown=counted | set(moved))
        carry = Carry(self.name, carried, source, action.target)
        return Foreseen((*writes, carry, *lapse(known_number(known, f"{self.name}_transfer_s"))), moved, counted)

    def exercise(self, operation: OperationId, level: float) -> Transfer | Place | Grip:
        """Labware carried to a free place, for the conformance kit, see `devices.conformance`."""
        if level > 1:
            return Grip("torn off", operation)
        inventory, limit = self._inventory(), self._guard.limit("place")
        places = [place for place in self._places if isinstance(limit, AllowedValues) and place in limit.values]
        free = [place for place in places if not inventory["places"].get(place)]
        full = [place for place in places if inventory["places"].get(place)]
        if inventory["holding"] and free:
            return Place(free[0], operation)
        if not (free and full):
            return Grip("open", operation)
        return Transfer(inventory["places"][full[-1]], full[-1], free[0], operation)

    def facts(self) -> Mapping[str, Any]:
        """How long a transfer takes, in lab seconds."""
        return {f"{self.name}_transfer_s": self._transfer_s}

    def stop(self, *, success: bool = False) -> None:  # noqa: ARG002 (Bluesky's signature; a stop is a stop)
        """Stop at once. What the gripper holds stays in it, and the operation's status fails."""
        if self.connected:
            self._client.ask("stop")

    def whereabouts(self) -> dict[str, float]:
        """Nothing, where the arm is parked: out of the way of all others; see `devices.zoning.Zoned`."""
        inventory = self._inventory()
        if inventory.get("parked") is not True:
            held = f" and holds {inventory['holding']}" if inventory["holding"] else ""
            raise DeviceError(
                f"{self.name} ({self._at}): says that it is not parked{held}: an operation that ends well parks it"
            )
        return {}

    def where(self, labware: str) -> str:
        """Ask the arm where a piece of labware is: the name of a place, or ``gripper``.

        Raises:
            CommandRefusedError: it is at none of the arm's places.
        """
        place = self._client.ask("where", labware=labware).get("place")
        if not isinstance(place, str):
            raise WireError(f"{self.name}: asked where {labware} is, it answers {place!r}")
        return place

    @property
    def hints(self) -> dict[str, Any]:
        """What is worth showing."""
        return {"fields": [f"{self.name}_holding"]}

    def _values(self) -> Mapping[str, Any]:
        inventory = self._inventory()
        places = {f"place_{place}": inventory["places"].get(place) or "" for place in self._places}
        return {**places, "holding": inventory["holding"] or "", "counter": inventory["counter"]}

    def _keys(self) -> Mapping[str, dict[str, Any]]:
        source = str(self._at)
        places = {f"place_{place}": describe_text(source) for place in self._places}
        return {**places, "holding": describe_text(source), "counter": describe_number(source, "", is_whole=True)}

    def _permit(self, op: str, args: Mapping[str, Any]) -> None:
        """Refuse an operation that leaves the envelope, or enters a zone that is not reserved, as it goes out: the
        lowest write of this device.
        """
        if op in HARMLESS:
            return
        self._check(op, args)
        if (way := _way(self.name, op, args)) is not None:
            self._guard.zones.check(way)

    def _check(self, op: str, args: Mapping[str, Any]) -> None:
        """Refuse an operation that leaves the envelope."""
        writes = _writes(op, args)
        if not writes:
            raise EnvelopeError(f"{self.name}: refused to send {op!r}: it is no operation of this device")
        for signal, value in writes:
            self._guard.check(signal, value)

    def _write(self, action: Transfer | Place | Grip) -> Reply:
        """Send an action; the guard sees it first, in `_permit`."""
        op, args = _request(self.name, action)
        return self._client.act(action.operation, op, **args)

    def _work(self, action: Transfer | Place | Grip, expected_s: float) -> Work:
        carried = action.labware if isinstance(action, Transfer) else self._inventory()["holding"]
        try:
            yield from self._client.run(action.operation, expected_s, lambda: self._write(action))
        except DeviceTimeoutError:
            with contextlib.suppress(DeviceError):  # it does not answer: what is raised says so
                self.stop()
            raise
        if isinstance(action, Grip):
            if (state := self._inventory()["gripper"]) != action.state:
                raise ReadbackError(f"{self.name}.gripper: commanded {action.state}, and it reads back {state}")
            return
        place = action.target if carried is None else self.where(carried)
        holding = self._inventory()["holding"]
        if place != action.target or holding is not None:
            raise ReadbackError(
                f"{self.name}: {carried} was to be at {action.target}, and the arm says that it is at {place} "
                f"and the gripper holds {holding or 'nothing'}: look before the next command"
            )

    def _inventory(self) -> Mapping[str, Any]:
        inventory = self._client.ask("inventory")
        if not isinstance(inventory.get("places"), dict) or not {"holding", "gripper", "counter"} <= set(inventory):
            raise WireError(f"{self.name}: its inventory is not whole: {dict(inventory)}")
        return inventory


def _request(name: str, action: Transfer | Place | Grip) -> tuple[str, dict[str, str]]:
    """The operation that carries out an action, and its arguments."""
    if isinstance(action, Transfer):
        return "transfer", {"labware": action.labware, "source": action.source, "target": action.target}
    if isinstance(action, Place):
        return "place", {"target": action.target}
    if isinstance(action, Grip):
        return "grip", {"state": action.state}
    raise InputError(f"{name}: takes a Transfer, a Place or a Grip, not {action!r}")


def _way(device: str, op: str, args: Mapping[str, Any]) -> Way | None:
    """The way of an operation; None for one that moves the arm nowhere."""
    places = frozenset(str(args[key]) for key in ("source", "target") if key in args)
    return Way(device, places) if op in ("transfer", "place") else None


def _writes(op: str, args: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """What an operation writes, by the names that the envelope knows; nothing for one that is not known."""
    match op:
        case "transfer":
            places = (("place", args.get("source")), ("place", args.get("target")))
            return (*places, ("gripper", "closed"), ("gripper", "open"))
        case "place":
            return (("place", args.get("target")), ("gripper", "open"))
        case "grip":
            return (("gripper", args.get("state")),)
        case _:
            return ()


def _words(action: Transfer | Place | Grip) -> str:
    if isinstance(action, Transfer):
        return f"transfer of {action.labware} from {action.source} to {action.target}"
    return f"placing on {action.target}" if isinstance(action, Place) else f"gripper {action.state}"
