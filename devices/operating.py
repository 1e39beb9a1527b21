"""The client of the ZeroMQ protocol: queries, and operations that run once and whose end is asked for, not believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from autolab.core.addresses import Address
from autolab.core.clock import Clock
from autolab.core.errors import (
    CommandRefusedError,
    DeviceError,
    DeviceTimeoutError,
    NotConnectedError,
    ReadbackError,
    WireError,
)
from autolab.core.operations import OperationId
from autolab.core.phases import Settlement
from devices.base import Identity
from devices.completion import pause_s
from devices.messages import Reply, ReplyKind, Request
from devices.reconciling import judged
from devices.zmq_link import REPLY_REAL_S, link_to

__all__ = ["Ended", "OperatingClient", "Permit"]

Permit = Callable[[str, Mapping[str, Any]], None]
"""Raises for an operation, with its arguments, that the device may not send."""

EXPIRY_REAL_S = 0.8 * REPLY_REAL_S
"""Real seconds in which an action must begin: it has expired when the wait for its reply ends."""
PROTOCOL = 1
HARMLESS = frozenset({"hello", "heartbeat", "status", "query", "stop", "claim", "release"})
"""Operations of every instrument that move nothing."""
TRIES = 3
"""How often a query is asked at most; an action is never sent again by itself."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an operation ended."""

    result: Mapping[str, Any]


class OperatingClient:
    """Speaks to one instrument.

    Args:
        at: A ZeroMQ address, or a core in memory.
        clock: Lab time, and real time for timeouts.
        device: Name of the device, for messages.
        permit: Sees every other operation as it goes out: the lowest write of the device.
    """

    def __init__(self, at: Address, clock: Clock, device: str, permit: Permit) -> None:
        self._clock, self._where, self._permit = clock, f"{device} ({at})", permit
        self._link = link_to(at, clock, device)
        self._ids = count(1)
        self._epoch = 0
        self._serial_number: str | None = None
        self._key: str | None = None
        self._by = ""
        self._clock_offset_s = 0.0

    def connect(self, model: str, timeout_s: float) -> Identity:
        """Open the link and ask who is there, for at most so many real seconds.

        Raises:
            NotConnectedError: nothing answers, or something else than ``model``.
        """
        self._link.open()
        deadline = self._link.real() + timeout_s
        while True:
            try:
                hello = self._hello()
                break
            except DeviceError as error:
                if isinstance(error, WireError) or self._link.real() >= deadline:
                    self._link.close()
                    raise NotConnectedError(f"{self._where}: no {model} answers: {error}") from error
        if hello.get("model") != model or hello.get("protocol") != PROTOCOL:
            self._link.close()
            raise NotConnectedError(
                f"{self._where}: expected a {model} of protocol {PROTOCOL}, and this answers: {dict(hello)}"
            )
        self._serial_number = str(hello.get("serial_number"))
        return Identity(str(hello["model"]), self._serial_number, hello.get("is_simulated") is True)

    def close(self) -> None:
        """Let go of the link. Idempotent."""
        self._serial_number = None
        self._link.close()

    def claim(self, key: str, by: str) -> None:
        """Let nobody else act on the instrument until `release`; also after it has been restarted.

        Args:
            key: Known to the controllers of this lab alone.
            by: Who claims, for whoever is refused.

        Raises:
            CommandRefusedError: somebody else has claimed it.
            DeviceError: it does not answer as it should.
        """
        self._key, self._by = key, by
        self._claim()

    def release(self) -> None:
        """Let others act again. Idempotent."""
        if self._key is not None:
            self._ask_once("release", {})
            self._key = None

    def ask(self, op: str, **args: Any) -> Mapping[str, Any]:
        """Ask a query, up to three times where no reply comes.

        Raises:
            CommandRefusedError: the instrument refuses.
            DeviceError: it does not answer as it should.
        """
        for _ in range(TRIES - 1):
            try:
                return self._ask_once(op, args)
            except DeviceTimeoutError:
                continue  # what changes nothing may be asked again; a late reply has another id
        return self._ask_once(op, args)

    def counter(self) -> int:
        """The instrument's own count of operations, read now."""
        return _counter(self._where, self.ask("status"))

    def known(self, operation: OperationId) -> Mapping[str, Any]:
        """What the instrument knows of an operation: ``state`` (unknown, running, done or failed) and ``counter``."""
        values = self.ask("query", operation=str(operation))
        if values.get("state") not in ("unknown", "running", "done", "failed"):
            raise WireError(f"{self._where}: operation {operation} is in an unknown state: {dict(values)}")
        _counter(self._where, values)
        return values

    def reconcile(self, device: str, operation: OperationId, counted: int | None) -> Settlement:
        """Say what became of an action, see `devices.reconciling.Reconcilable`."""
        known = self.known(operation)
        about = f"{known.get('reason', '')} ({known.get('code', 'no code')})".strip()
        return judged(device, operation, known["state"], about, counted, known["counter"])

    def run(self, operation: OperationId, expected_s: float, write: Callable[[], Reply]):
        """Work (see `devices.completion`): perform an action once, and wait for its end.

        Args:
            operation: Id of the action.
            expected_s: Lab seconds that it should take.
            write: Sends the action by `act`, through the device's guard.

        Returns:
            (As the value of the generator.) How it ended.

        Raises:
            DeviceError: it was refused, failed, was stopped, or was counted otherwise than once.
        """
        before = self.known(operation)
        end = self._clock.now() + expected_s
        known = self._begin(operation, write)
        while known["state"] == "running":
            yield pause_s(self._clock, end - self._clock.now())
            known = self.known(operation)
        if known["state"] != "done":
            raise DeviceError(
                f"{self._where}: {operation} {known['state']}: {known.get('reason', 'no reason given')} "
                f"({known.get('code', 'no code')}): look at the instrument before the next command"
            )
        is_new = before["state"] == "unknown"
        moved = known["counter"] - before["counter"]
        if moved != int(is_new):
            raise ReadbackError(
                f"{self._where}: the instrument counted {moved} operations during {operation}, "
                f"and {int(is_new)} was commanded: does somebody else use it?"
            )
        result = known.get("result")
        return Ended(result if isinstance(result, dict) else {})

    def act(self, operation: OperationId, op: str, **args: Any) -> Reply:
        """Send an action, which expires unless it begins at once.

        Raises:
            EnvelopeError: the device does not permit it, and nothing was sent.
        """
        not_after = self._link.real() + self._clock_offset_s + EXPIRY_REAL_S
        return self._send(Request(str(operation), op, args, self._epoch, not_after, self._key))

    def _begin(self, operation: OperationId, write: Callable[[], Reply]) -> Mapping[str, Any]:
        """Send an action; where its reply is lost, ask what became of it. It is never sent again by itself."""
        try:
            reply = write()
            if reply.kind is ReplyKind.REFUSED and reply.values.get("code") in ("wrong_epoch", "expired"):
                self._hello()  # it was restarted, or its clock was taken too late: nothing was done
                self._claim()
                reply = write()
        except (DeviceTimeoutError, WireError) as error:
            known = self.known(operation)
            if known["state"] == "unknown":
                raise DeviceTimeoutError(
                    f"{self._where}: {operation} was not performed, and has expired: {error}"
                ) from error
            return known
        if reply.kind is ReplyKind.REFUSED:
            raise self._refused(reply, str(operation))
        if reply.kind is ReplyKind.ACK:
            return {"state": "running"}
        return self.known(operation)

    def _claim(self) -> None:
        if self._key is not None:
            self._ask_once("claim", {"by": self._by})

    def _ask_once(self, op: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        reply = self._send(Request(f"q{next(self._ids)}", op, args, key=self._key))
        if reply.kind is ReplyKind.REFUSED:
            raise self._refused(reply, op)
        return reply.values

    def _send(self, request: Request) -> Reply:
        if request.op not in HARMLESS:
            self._permit(request.op, request.args)
        return self._link.ask(request)

    def _hello(self) -> Mapping[str, Any]:
        hello = self._ask_once("hello", {})
        received = self._link.real()
        epoch, clock = hello.get("epoch"), hello.get("clock")
        if not isinstance(epoch, int) or not isinstance(clock, int | float):
            raise WireError(f"{self._where}: its hello holds no epoch and clock: {dict(hello)}")
        if self._serial_number not in (None, str(hello.get("serial_number"))):
            raise NotConnectedError(
                f"{self._where}: another instrument answers now ({hello.get('serial_number')}, before "
                f"{self._serial_number}): look at the cabling"
            )
        self._epoch, self._clock_offset_s = epoch, clock - received  # a slow reply makes commands expire sooner
        return hello

    def _refused(self, reply: Reply, what: str) -> CommandRefusedError:
        return CommandRefusedError(
            f"{self._where}: refused {what}: {reply.values.get('reason', 'no reason given')} "
            f"({reply.values.get('code', 'no code')})"
        )


def _counter(where: str, values: Mapping[str, Any]) -> int:
    counter = values.get("counter")
    if not isinstance(counter, int):
        raise WireError(f"{where}: it gives no count of operations: {dict(values)}")
    return counter
