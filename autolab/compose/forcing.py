"""Forcing what a simulated sensor reads, over the protocol that the instrument speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolab.campaign.lab import OpenLab
from autolab.campaign.readings import key_of
from autolab.core.addresses import Address, EpicsAddress, ZmqAddress
from autolab.core.clock import Clock
from autolab.core.errors import CommandRefusedError, InputError, NotConnectedError
from autolab.core.parameters import Value

__all__ = ["Forcing", "NotForcedError"]

ANSWER_REAL_S = 2.0
"""Real seconds in which a simulator takes a forced reading."""
NO_READING = {"epics": "nan", "zmq": "?"}
"""What stands for a value that no number is, by protocol: it makes a reading unknown."""


class NotForcedError(InputError):
    """A reading cannot be forced: the simulator takes none, or the device reads it from something else."""


class Forcing:
    """Forces readings of a bench of simulators that take that.

    Args:
        addresses: Where each device listens.
        clock: For real time.
    """

    def __init__(self, addresses: Mapping[str, Address], clock: Clock) -> None:
        self._addresses, self._clock = addresses, clock
        self._touched: set[str] = set()

    def force(self, lab: OpenLab, signal: str, value: Value | None) -> None:
        """Force a reading.

        Args:
            lab: The lab, open: its device says which process variable or key it reads.
            signal: ``device.signal``.
            value: As the instrument would say it; None for one that is no value.

        Raises:
            NotForcedError: it cannot be forced.
        """
        name, _, dotted = signal.partition(".")
        self._touched.add(name)
        match self._addresses[name]:
            case EpicsAddress(prefix):
                said = NO_READING["epics"] if value is None else _as_text(value)
                self._put(prefix, f"{_variable(lab.devices[name], signal, prefix)}={said}")
            case ZmqAddress() as at:
                key = f"places.{dotted.removeprefix('place_')}" if dotted.startswith("place_") else dotted
                self._ask(at, name, {"name": key, "value": NO_READING["zmq"] if value is None else value})
            case other:
                raise NotForcedError(f"{signal}: a simulator at {other} takes no forced readings")

    def let_go(self) -> None:
        """Let all readings go.

        Raises:
            NotForcedError: a simulator does not answer.
        """
        for name in sorted(self._touched):
            match self._addresses[name]:
                case EpicsAddress(prefix):
                    self._put(prefix, "")
                case ZmqAddress() as at:
                    self._ask(at, name, {})
                case _:
                    pass
        self._touched.clear()

    def _put(self, prefix: str, text: str) -> None:
        import epics  # not before ophyd, which chooses the EPICS library

        epics.ca.use_initial_context()
        variable = epics.PV(f"{prefix}FORCE", connection_timeout=ANSWER_REAL_S)
        if not variable.wait_for_connection(ANSWER_REAL_S):
            raise NotForcedError(f"{prefix}FORCE does not answer: this simulator takes no forced readings")
        variable.put(text, wait=True, timeout=ANSWER_REAL_S)
        variable.disconnect()

    def _ask(self, at: ZmqAddress, device: str, args: Mapping[str, Any]) -> None:
        from devices.messages import ReplyKind, Request
        from devices.zmq_link import SocketLink

        link = SocketLink(at, self._clock, f"{device} ({at})")
        link.open()
        try:
            reply = link.ask(Request("force", "force", args))
        except (NotConnectedError, CommandRefusedError) as error:
            raise NotForcedError(str(error)) from None
        finally:
            link.close()
        if reply.kind is not ReplyKind.OK:
            raise NotForcedError(f"{device}: takes no forced readings: {reply.values.get('reason')}")


def _variable(device: Any, signal: str, prefix: str) -> str:
    """The process variable that a signal is read from, without the prefix."""
    for found in device.walk_signals():
        name = getattr(found.item, "pvname", "")
        if found.item.name == key_of(signal) and name.startswith(prefix):
            return name.removeprefix(prefix)
    raise NotForcedError(f"{signal}: no process variable of {prefix} is read for it")


def _as_text(value: Value) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
