"""The protocol core that every simulated ZeroMQ instrument shares: messages in, messages out, no socket.

It reads requests, keeps the durable record of operations (each id runs once), refuses what is expired, stale or
impossible, and lets a `Machine` do the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from autolab.core.errors import InputError, WireError
from autolab.core.operations import OperationId
from autolab.core.seeds import derive_seed
from devices.messages import Reply, ReplyKind, Request
from simulators.base import Settings, State

__all__ = ["Machine", "OperationsCore", "Refusal"]


LONGEST_NAME = 500
"""Characters of the name of whoever claims an instrument, at most."""
LONGEST_EXPIRY_S = 60.0
"""A command may wait at most so many real seconds before it begins."""


class Refusal(Exception):  # noqa: N818 (the instrument refuses; it is no error of ours)
    """The instrument refuses; nothing has happened.

    Args:
        code: One word that a program can act on.
        reason: A sentence for people.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class Machine(Protocol):
    """What an instrument does, apart from the protocol. Its state is part of the durable state that it is given."""

    model: str
    actions: frozenset[str]
    """Operations that change something: they have an operation id, and run once."""

    def load(self, state: State) -> None:
        """Take the durable state to work on, and put into it what is missing."""
        ...

    def answer(self, op: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a query.

        Raises:
            Refusal: it is not known, or its arguments are not what it takes.
        """
        ...

    def begin(self, operation: OperationId, op: str, args: Mapping[str, Any]) -> tuple[float, ...]:
        """Begin an action.

        Returns:
            Lab seconds from now at which `reach` is due, ascending; the action ends with the last.

        Raises:
            Refusal: it is impossible; nothing has happened.
        """
        ...

    def reach(self, milestone: int) -> Mapping[str, Any]:
        """A milestone of the running action is due, from 0; what the last one gives is the result.

        Raises:
            Refusal: the action fails here.
        """
        ...


@dataclass(slots=True)
class _Running:
    id: str
    started_s: float
    milestones: tuple[float, ...]
    client: Any
    reached: int = 0

    def due_s(self) -> float:
        return self.started_s + self.milestones[self.reached]


@dataclass(frozen=True, slots=True)
class _Claim:
    """Whoever has the key may act, and nobody else. It ends with the instrument's power."""

    key: str
    by: str


class OperationsCore:
    """The protocol of docs/reference/arm-protocol.md, messages in and messages out.

    Args:
        settings: What the simulator is told.
        machine: What the instrument does.
    """

    def __init__(self, settings: Settings, machine: Machine) -> None:
        self.machine = machine
        self._settings = settings
        self._state: State = settings.store.load(settings.device) or {
            "serial_number": f"SIM-{derive_seed(settings.seed, settings.device) % 10_000:04d}",
            "counter": 0,
            "operations": {},
            "starts": 0,
        }
        self._state["starts"] += 1
        self._beats = 0
        self._claim: _Claim | None = None
        self._has_power = True
        self._forced: dict[str, Any] = {}
        self._running: _Running | None = None
        self._ended: list[tuple[Any, bytes]] = []
        machine.load(self._state)
        for record in self._state["operations"].values():
            if record["state"] == "running":
                record.update(state="failed", code="interrupted", reason="the instrument lost power")
        self._save()

    @property
    def state(self) -> Mapping[str, Any]:
        """The durable state."""
        return self._state

    def handle(self, message: bytes, now: float, real: float, client: Any = None) -> bytes:
        """Answer one message, whatever it holds.

        Args:
            message: One frame.
            now: Lab time in seconds.
            real: The instrument's own clock in real seconds, for expiry.
            client: Who asks; comes back from `take_ended`.
        """
        self.advance(now)
        self._beats += 1
        try:
            request = Request.from_bytes(message)
        except WireError as error:
            return _refused("", "malformed", str(error)).to_bytes()
        try:
            return self._answer(request, now, real, client).to_bytes()
        except Refusal as refusal:
            return _refused(request.id, refusal.code, refusal.reason).to_bytes()

    def advance(self, now: float) -> None:
        """Let the time pass: reach what is due."""
        while self._running is not None and now >= self._running.due_s():
            running = self._running
            try:
                result = self.machine.reach(running.reached)
            except Refusal as refusal:
                self._end("failed", {"code": refusal.code, "reason": refusal.reason})
                continue
            running.reached += 1
            if running.reached == len(running.milestones):
                self._end("done", {"result": dict(result)})
            else:
                self._save()

    def power(self, on: bool, now: float) -> None:
        """Give power to the actuators, or take it away: what runs has failed then, with what it has reached.

        Args:
            on: Whether there is power from now on; power that comes back moves nothing.
            now: Lab time in seconds.
        """
        self.advance(now)
        if not on:
            self._end("failed", {"code": "interrupted", "reason": "the power was taken away"})
        self._has_power = on

    def take_ended(self) -> list[tuple[Any, bytes]]:
        """For each operation that has ended since the last call: its client, and the message that says so."""
        ended, self._ended = self._ended, []
        return ended

    def due(self) -> float | None:
        """Lab time at which something happens by itself."""
        return None if self._running is None else self._running.due_s()

    def _answer(self, request: Request, now: float, real: float, client: Any) -> Reply:
        if request.op in self.machine.actions:
            return self._act(request, now, real, client)
        match request.op:
            case "hello":
                values = {
                    "model": self.machine.model,
                    "serial_number": self._state["serial_number"],
                    "is_simulated": True,
                    "protocol": 1,
                    "epoch": self._state["starts"],
                    "clock": real,
                    **({"takes_forces": True} if self._settings.takes_forces else {}),
                }
            case "heartbeat":
                values = {"beat": self._beats}
            case "status":
                running = None if self._running is None else self._running.id
                values = {"running": running, "counter": self._state["counter"], "has_power": self._has_power}
            case "query":
                values = self._known(request)
            case "claim":
                values = self._claimed(request)
            case "release":
                self._refuse_others(request)
                self._claim, values = None, {}
            case "stop":
                values = {"stopped": None if self._running is None else self._running.id}
                self._end("failed", {"code": "stopped", "reason": "it was stopped"})
            case "force" if self._settings.takes_forces:
                values = self._force(request.args)
            case _:
                values = self._as_forced(self.machine.answer(request.op, request.args))
        return Reply(request.id, ReplyKind.OK, values)

    def _known(self, request: Request) -> dict[str, Any]:
        operation = request.args.get("operation")
        if not isinstance(operation, str):
            raise Refusal("bad_args", "query needs the argument operation, an operation id")
        record = self._state["operations"].get(operation)
        known = {"state": "unknown"} if record is None else _public(record)
        return {**known, "counter": self._state["counter"]}

    def _force(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Force what a key of the answers reads, or let all of them go. It moves nothing, and hides the truth."""
        name = args.get("name")
        if name is None:
            self._forced.clear()
        elif isinstance(name, str) and "value" in args:
            self._forced[name] = args["value"]
        else:
            raise Refusal("bad_args", "force needs the arguments name and value, or neither to let all readings go")
        return {"forced": dict(self._forced)}

    def _as_forced(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of an answer with those that are forced; ``places.stage`` is inside ``places``."""
        found = dict(values)
        for name, value in self._forced.items():
            outer, _, inner = name.partition(".")
            if outer in found:
                found[outer] = {**found[outer], inner: value} if inner else value
        return found

    def _claimed(self, request: Request) -> dict[str, Any]:
        by = request.args.get("by")
        if request.key is None or not isinstance(by, str) or not 0 < len(by) <= LONGEST_NAME:
            raise Refusal("bad_args", f"claim needs a key, and by: who claims, in at most {LONGEST_NAME} characters")
        self._refuse_others(request)
        self._claim = _Claim(request.key, by)
        return {"by": by}

    def _refuse_others(self, request: Request) -> None:
        if self._claim is not None and request.key != self._claim.key:
            raise Refusal(
                "claimed",
                f"it is claimed by {self._claim.by}: wait until that has released it; if that is gone, switch the "
                "instrument off and on",
            )

    def _act(self, request: Request, now: float, real: float, client: Any) -> Reply:
        command = {"op": request.op, "args": dict(request.args)}
        record = self._state["operations"].get(request.id)
        if record is not None:
            if record["command"] != command:
                raise Refusal("conflict", f"operation {request.id} was used for another command: take a new id")
            return Reply(request.id, ReplyKind.DUPLICATE, _public(record))
        self._refuse_others(request)
        if request.epoch != self._state["starts"]:
            raise Refusal("wrong_epoch", f"epoch {request.epoch} is not this one: say hello, and look what has changed")
        if request.not_after is None or not real <= request.not_after:
            raise Refusal("expired", f"not_after {request.not_after} has passed on the instrument's clock: {real:.3f}")
        if request.not_after > real + LONGEST_EXPIRY_S:
            raise Refusal(
                "bad_args", f"not_after may be at most {LONGEST_EXPIRY_S:g} s ahead: a late command is a danger"
            )
        try:
            operation = OperationId.parse(request.id)
        except InputError as error:
            raise Refusal("bad_args", str(error)) from None
        if not self._has_power:
            raise Refusal("no_power", "there is no power: find out why it was taken away, and reset")
        if self._running is not None:
            raise Refusal("busy", f"operation {self._running.id} is running: wait for it, or stop it")
        milestones = self.machine.begin(operation, request.op, request.args)
        self._state["operations"][request.id] = {"command": command, "state": "running"}
        self._state["counter"] += 1
        self._save()
        self._running = _Running(request.id, now, milestones, client)
        return Reply(request.id, ReplyKind.ACK, {"expected_s": milestones[-1]})

    def _end(self, state: str, values: Mapping[str, Any]) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        record = self._state["operations"][running.id]
        record.update(state=state, **values)
        self._save()
        kind = ReplyKind.DONE if state == "done" else ReplyKind.FAILED
        self._ended.append((running.client, Reply(running.id, kind, _public(record)).to_bytes()))

    def _save(self) -> None:
        self._settings.store.save(self._settings.device, self._state)


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "command"}


def _refused(identity: str, code: str, reason: str) -> Reply:
    return Reply(identity, ReplyKind.REFUSED, {"code": code, "reason": reason})
