"""The simulated stage: a linear axis behind EPICS process variables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.base import Settings
from simulators.bench import TRAVEL_MM
from simulators.physics.motion import Profile
from simulators.pvs import Pv, PvCore, Reading, Severity

__all__ = ["StageCore", "StageServer", "stage_pvs"]

STATES = ("idle", "moving", "done", "stopped", "refused")
VELOCITY_MM_S = (0.1, 200.0)
"""Slowest and fastest velocity that the drive takes."""
RESOLUTION_MM = 0.001
"""Step of the encoder."""


def stage_pvs(travel_mm: tuple[float, float] = TRAVEL_MM) -> tuple[Pv, ...]:
    """The process variables of the stage, besides those of every simulator."""
    lower, upper = travel_mm
    slowest, fastest = VELOCITY_MM_S
    return (
        Pv("SETPOINT", "number", "Where to move; each write is a command", "mm", True, lower, upper, completes=True),
        Pv("VELOCITY", "number", "Velocity to use from the next move on", "mm/s", True, slowest, fastest),
        Pv("STOP", "switch", "Write 1 to stop at once", writable=True, choices=("Rest", "Stop"), always=True),
        Pv("LOW_LIMIT", "number", "Lower end of the travel", "mm"),
        Pv("HIGH_LIMIT", "number", "Upper end of the travel", "mm"),
        Pv("VELOCITY_RBV", "number", "Velocity in force", "mm/s", False, slowest, fastest),
        Pv("READBACK", "number", "Position; MAJOR alarm at an end of the travel", "mm", False, lower, upper),
        Pv("TARGET", "number", "Where the last command goes; where the axis stands after a refusal", "mm"),
        Pv("MOVING", "switch", "Whether the axis moves", choices=("No", "Yes")),
        Pv("STATE", "choice", "What became of the last command; MAJOR alarm when refused", choices=STATES),
        Pv("POWER", "switch", "Whether the drive has power; without it no command is taken", choices=("Off", "On")),
        Pv("SEVERITY", "choice", "Highest alarm severity of the stage", choices=tuple(s.name for s in Severity)),
        Pv("COMMAND", "integer", "Number of the last command, counted over the life of the stage"),
        Pv("FINISHED", "integer", "Number of the last command that has ended, in whatever state"),
    )


@dataclass(frozen=True, slots=True)
class _Move:
    profile: Profile
    started: float
    """Lab time in seconds."""

    def position_mm(self, now: float) -> float:
        way = self.profile.position_mm(now - self.started)
        return round(way / RESOLUTION_MM) * RESOLUTION_MM if now < self.ends else self.profile.end_mm

    @property
    def ends(self) -> float:
        return self.started + self.profile.duration_s


class StageCore(PvCore):
    """The stage's controller: one axis, its own limits, its command counter. It knows no socket.

    A command outside the travel, one that comes while the axis moves, or one without power is refused with a MAJOR
    alarm; the second also halts the axis. A stop halts at once, where the axis is, and so does a loss of power: the
    brake holds it.

    Args:
        settings: Where the state lives.
        travel_mm: Lower and upper end of the travel.
        velocity_mm_s: Velocity until another is written.
        acceleration_mm_s2: Of the ramps.
        start_mm: Position at the very first start.
        serial_number: What the stage calls itself.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        travel_mm: tuple[float, float] = TRAVEL_MM,
        velocity_mm_s: float = 50.0,
        acceleration_mm_s2: float = 500.0,
        start_mm: float = 5.0,
        serial_number: str = "ST-0001",
    ) -> None:
        self.travel_mm = (float(travel_mm[0]), float(travel_mm[1]))
        super().__init__(stage_pvs(self.travel_mm), model="Autolab linear stage", serial_number=serial_number)
        self._settings = settings
        self._acceleration = acceleration_mm_s2
        self._move: _Move | None = None
        kept = settings.store.load(settings.device) or {}
        self._position = float(kept.get("position", start_mm))
        self._velocity = float(kept.get("velocity", velocity_mm_s))
        self._command = int(kept.get("command", 0))
        self._target = self._position
        # The power went while it moved: the encoder knows where it is, and the command has not been carried out.
        self._state = "stopped" if kept.get("moving") else str(kept.get("state", "idle"))
        self._save()

    def is_busy(self, now: float) -> bool:
        self._settle(now)
        return self._move is not None

    def keep_position(self, now: float) -> None:
        """Write the present position to the store while the axis moves, so that a power cut finds it."""
        with self.lock:
            self._settle(now)
            if self._move is not None:
                self._position = self._move.position_mm(now)
                self._save()

    def _read(self, name: str, now: float) -> Reading:
        self._settle(now)
        position = self._position if self._move is None else self._move.position_mm(now)
        limit = Severity.NO_ALARM if self.travel_mm[0] < position < self.travel_mm[1] else Severity.MAJOR
        refusal = Severity.MAJOR if self._state == "refused" else Severity.NO_ALARM
        moving = self._move is not None
        readings: Mapping[str, Reading] = {
            "SETPOINT": Reading(self._target),
            "VELOCITY": Reading(self._velocity),
            "STOP": Reading(0),
            "LOW_LIMIT": Reading(self.travel_mm[0]),
            "HIGH_LIMIT": Reading(self.travel_mm[1]),
            "VELOCITY_RBV": Reading(self._velocity),
            "READBACK": Reading(position, limit),
            "TARGET": Reading(self._target),
            "MOVING": Reading(int(moving)),
            "POWER": Reading(int(self.has_power)),
            "STATE": Reading(STATES.index(self._state), refusal),
            "SEVERITY": Reading(int(max(limit, refusal))),
            "COMMAND": Reading(self._command),
            "FINISHED": Reading(self._command - int(moving)),
        }
        return readings[name]

    def _write(self, name: str, value: Any, now: float) -> None:
        self._settle(now)
        if name == "SETPOINT":
            self._start(float(value), now)
        elif name == "VELOCITY":
            if VELOCITY_MM_S[0] <= float(value) <= VELOCITY_MM_S[1]:  # NaN is not
                self._velocity = float(value)
                self._save()
        elif name == "STOP" and int(value) == 1 and self._move is not None:
            self._halt(now, "stopped")

    def _start(self, target: float, now: float) -> None:
        self._command += 1
        if self._move is not None:
            self._halt(now, "refused")
            return
        if not (self.has_power and math.isfinite(target) and self.travel_mm[0] <= target <= self.travel_mm[1]):
            self._target, self._state = self._position, "refused"
            self._save()
            return
        self._target, self._state = target, "moving"
        self._move = _Move(Profile(self._position, target, self._velocity, self._acceleration), now)
        self._save()
        self._settle(now)

    def _halt(self, now: float, state: str) -> None:
        if self._move is not None:
            self._position = self._move.position_mm(now)
        self._move, self._state, self._target = None, state, self._position
        self._save()

    def _lose_power(self, now: float) -> None:
        self._settle(now)
        if self._move is not None:
            self._halt(now, "stopped")

    def _settle(self, now: float) -> None:
        if self._move is not None and now >= self._move.ends:
            self._position = self._move.profile.end_mm
            self._move, self._state = None, "done"
            self._save()

    def _save(self) -> None:
        self._settings.store.save(
            self._settings.device,
            {
                "position": self._position,
                "moving": self._move is not None,
                "velocity": self._velocity,
                "command": self._command,
                "state": self._state,
                "serial_number": self._identity["SERIAL"],
            },
        )


class StageServer:
    """The stage as an EPICS IOC. Options are those of `StageCore`."""

    without_power = "stops where it is, and the brake holds it; the command has ended as stopped"

    def __init__(self, settings: Settings, **options: Any) -> None:
        self.core = StageCore(settings, **options)
        self._settings = settings

    def serve(self, at: Mapping[str, Any]) -> None:
        from simulators.ioc import serve_pvs  # softioc loads EPICS libraries, which only a server needs

        serve_pvs(self.core, self._settings, at, each_tick=self.core.keep_position)
