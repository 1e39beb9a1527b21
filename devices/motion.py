"""Motion: a linear stage behind EPICS process variables."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, cast

from bluesky.protocols import Location
from ophyd.status import DeviceStatus

from autolab.core.effects import Write
from autolab.core.errors import (
    AutolabError,
    CommandRefusedError,
    DeviceError,
    DeviceTimeoutError,
    ReadbackError,
)
from devices.base import WritableSignal
from devices.channels import Channel, GuardedEpicsSignal, ReadOnlySignal
from devices.completion import Work, follow, pause_s
from devices.epics_instrument import EpicsInstrument, Pulse
from devices.foresight import Foreseen, known_number, lapse
from devices.zoning import within
from safety.gate import PvGate
from safety.ways import Way

__all__ = ["EpicsStage"]

TOLERANCE_MM = 0.05
"""Largest difference between commanded and read back, unless the envelope gives another."""

RAMPS_S = 1.0
"""Lab seconds that a move may take beyond distance over velocity, for its ramps."""


class _PositionSignal(GuardedEpicsSignal):
    """The position; setting it is a move of the stage, with all that belongs to one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._write_pv = PvGate(self._write_pv, partial(_PositionSignal.check_zones, self))

    def check_zones(self, value: Any) -> None:
        """Refuse a move through a zone that is not reserved: whoever writes here has not gone through `set`."""
        try:
            target_mm = float(value)
        except (TypeError, ValueError):
            return  # the envelope takes numbers only, and is asked next
        self.owner.guard.zones.check(Way(self.owner.name, spans={"position": (target_mm, target_mm)}))

    def set(self, value: Any, **_: Any) -> DeviceStatus:
        return cast("EpicsStage", self.parent).set(value)

    def foresee(self, action: Any, known: Mapping[str, Any]) -> Foreseen:
        return cast("EpicsStage", self.parent).foresee(action, known)


@dataclass(slots=True)
class _Move:
    """One command of this device object."""

    target_mm: float
    is_stopped: bool = False
    is_over: bool = False


class EpicsStage(EpicsInstrument):
    """A linear stage. ``set(mm)`` moves it; the status is done only when the read-back has proven the move.

    The instrument numbers its commands. A move is done when the command with our number has ended as *done*, the
    accepted target is the commanded one, and the read-back agrees, asked from the wire while connected. A stop by
    anybody, a refusal, a foreign command in between, a dead or hung instrument and a late one all fail the status.
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = (
        WritableSignal("position", "mm"),
        WritableSignal("velocity", "mm/s"),
    )
    zoned: ClassVar[frozenset[str]] = frozenset({"position"})

    axis = Channel(_PositionSignal, "READBACK", write_pv="SETPOINT", declared="position", key="position", kind="hinted")
    velocity = Channel(GuardedEpicsSignal, "VELOCITY_RBV", write_pv="VELOCITY", declared="velocity", kind="config")
    target = Channel(ReadOnlySignal, "TARGET", kind="omitted")
    moving = Channel(ReadOnlySignal, "MOVING", kind="omitted")

    def __init__(self, **kwargs: Any) -> None:
        self._lock = threading.Lock()
        self._move: _Move | None = None
        super().__init__(**kwargs)

    def set(self, value: float) -> DeviceStatus:
        """Move to a position.

        Args:
            value: Position in mm.

        Raises:
            EnvelopeError: the position is outside the envelope.
            CommandRefusedError: a move is still going on.
            NotConnectedError: the stage does not answer.
            ZoneError: another device has a zone on the way.
        """
        self.ask(self.heartbeat)  # who does not answer is not connected, whatever the envelope says
        self.check_value(value)
        self.guard.check("position", value, lambda: self.position)  # also where a class that derives checks nothing
        move = self._begin(float(value))
        try:
            begin_mm, expected_s = self._expected(move.target_mm)
            number = self.guard.zones.reserve(Way(self.name, spans={"position": (begin_mm, move.target_mm)}))
        except AutolabError:
            move.is_over = True
            raise
        work = within(self.guard.zones, self.name, number, self._work(move, expected_s), self.whereabouts)
        return follow(
            self, self.clock, work, expected_s=expected_s + RAMPS_S, what=f"the move to {move.target_mm:g} mm"
        )

    def foresee(self, action: Any, known: Mapping[str, Any]) -> Foreseen:
        """Say what `set` would do, see `devices.foresight`: it takes at least the distance over the velocity."""
        key, velocity = self.axis.name, known_number(known, self.velocity.name)
        try:
            seconds = None if velocity is None else abs(float(action) - float(known[key])) / velocity
        except (KeyError, TypeError, ValueError):
            seconds = None
        return Foreseen((Write(f"{self.name}.position", action), *lapse(seconds)), {key: action})

    def stop(self, *, success: bool = False) -> None:  # noqa: ARG002 (Bluesky's protocol has it)
        """Stop at once. A move that is going on fails, whatever ``success`` says of the plan.

        Raises:
            NotConnectedError: the stage does not answer, so that nobody knows whether it stands.
        """
        with self._lock:
            if self._move is not None:
                self._move.is_stopped = True
            self.send(self.stop_command, 1)

    def check_value(self, value: Any, **_: Any) -> None:
        """Refuse a position outside the envelope, as `set` does."""
        self.axis.check_value(value)

    @property
    def position(self) -> float:
        """Where it is now, in mm, asked from the wire."""
        return float(self.ask(self.axis))

    def locate(self) -> Location[float]:
        """Where it was last sent, and where it is, in mm."""
        return Location(setpoint=float(self.ask(self.target)), readback=self.position)

    def _begin(self, target_mm: float) -> _Move:
        with self._lock:
            last = self._move
            if last is not None and not last.is_over and not last.is_stopped:
                raise CommandRefusedError(
                    f"{self.name}: refused to move to {target_mm:g} mm: the move to {last.target_mm:g} mm still goes "
                    "on; wait for it or stop it first"
                )
            self._move = _Move(target_mm)
            return self._move

    def whereabouts(self) -> dict[str, float]:
        """Where it rests, see `devices.zoning.Zoned`."""
        if int(self.ask(self.moving)):
            raise DeviceError(f"{self.name}: it moves, at {self.position:g} mm: stop it, or wait until it rests")
        return {"position": self.position}

    def _expected(self, target_mm: float) -> tuple[float, float]:
        """Where it is in mm, and lab seconds that the move takes without its ramps; it may first come to rest."""
        velocity = float(self.ask(self.velocity))
        if not velocity > 0:
            raise DeviceError(f"{self.name}: it reads back a velocity of {velocity:g} mm/s: set one above zero first")
        begin_mm = self.position
        return begin_mm, abs(target_mm - begin_mm) / velocity

    def _work(self, move: _Move, expected_s: float) -> Work:
        pulse = Pulse(self.name, self.clock)
        try:
            while int(self.ask(self.moving)):  # a stopped move may still be coming to rest
                self._feel(pulse)
                yield pause_s(self.clock, 0.0)
            number = int(self.ask(self.command)) + 1
            with self._lock:  # so that a stop is either seen here, or reaches the stage after the command
                if move.is_stopped:
                    raise self._stopped(move)
                self.send(self.axis, move.target_mm)
            yield from self._until_finished(move, number, expected_s, pulse)
            self._prove(move)
        except DeviceTimeoutError:
            with suppress(AutolabError):
                self.send(self.stop_command, 1)
            raise
        finally:
            move.is_over = True

    def _until_finished(self, move: _Move, number: int, expected_s: float, pulse: Pulse) -> Work:
        end = self.clock.now() + expected_s
        while True:
            yield pause_s(self.clock, end - self.clock.now())
            if move.is_stopped:
                raise self._stopped(move)
            self._feel(pulse)
            command = int(self.ask(self.command))
            if command > number:
                raise DeviceError(
                    f"{self.name}: another client commanded it during the move to {move.target_mm:g} mm: "
                    "give this stage to one controller only"
                )
            if command == number:
                if int(self.ask(self.finished)) >= number:
                    return
                self._check_target(move)

    def _prove(self, move: _Move) -> None:
        outcome = str(self.ask(self.outcome))
        position = self.position
        if outcome == "refused":
            raise CommandRefusedError(
                f"{self.name}: the stage itself refused to move to {move.target_mm:g} mm and stands at "
                f"{position:g} mm: its own limits or state forbid it"
            )
        if outcome != "done" or move.is_stopped:
            raise self._stopped(move)
        self._check_target(move)
        self.guard.confirm("position", move.target_mm, position, TOLERANCE_MM, "mm")

    def _check_target(self, move: _Move) -> None:
        """The instrument may clamp a command and go somewhere else; then it is stopped on the way."""
        accepted = float(self.ask(self.target))
        try:
            self.guard.confirm("position", move.target_mm, accepted, TOLERANCE_MM, "mm")
        except ReadbackError:
            self.send(self.stop_command, 1)
            raise

    def _stopped(self, move: _Move) -> DeviceError:
        position = self.position
        return DeviceError(f"{self.name}: the move to {move.target_mm:g} mm was stopped at {position:g} mm")

    def _feel(self, pulse: Pulse) -> None:
        pulse.feel(int(self.ask(self.heartbeat)))
