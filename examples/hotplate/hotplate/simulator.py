"""The simulated hot plate: its protocol without I/O, and the shell that puts it behind a serial line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autolab.core.errors import WireError
from autolab.core.seeds import derive_seed
from devices.frames import END, ErrorCode, Frame, decode, encode, plain_fields
from simulators.base import Settings
from simulators.ptyline import serve_line

__all__ = ["HotPlateCore", "HotPlateServer"]

TIME_CONSTANT_S = 60.0
"""Newton's law of cooling: the plate comes nearer to its setting by a factor of e in this lab time."""
COUPLING = 0.8
"""How much of the plate's excess over the room reaches the sample."""
NOISE_C = 0.05
RANGE_MC = range(15_000, 120_001)


class HotPlateCore:
    """Bytes in, bytes out. The state is kept by the settings' store, and survives a kill.

    Args:
        settings: What the simulator is told.
        room: Temperature of the room in degC.
    """

    def __init__(self, settings: Settings, room: float) -> None:
        self._settings, self._room = settings, room
        self._state: dict[str, Any] = settings.store.load(settings.device) or {
            "plate": room,
            "setting": room,
            "counter": 0,
        }
        self._now = 0.0
        self._buffer = b""

    def feed(self, data: bytes, now: float) -> bytes:
        """Take bytes from the line and give those that answer them, at lab time ``now`` in seconds."""
        self.advance(now)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return b"".join(self._answer(line) for line in lines if line.strip())

    def advance(self, now: float) -> None:
        """Let the lab time pass: the plate drifts towards its setting."""
        left = math.exp(-max(now - self._now, 0.0) / TIME_CONSTANT_S)
        self._state["plate"] = self._state["setting"] + (self._state["plate"] - self._state["setting"]) * left
        self._now = now

    def _answer(self, line: bytes) -> bytes:
        try:
            frame = decode(line)
        except WireError:
            return f"ERR {ErrorCode.SYNTAX:d} {ErrorCode.SYNTAX.name}".encode() + END
        return encode(Frame("<", frame.sequence, self._execute(frame.body.split())))

    def _execute(self, words: list[str]) -> str:
        match words:
            case ["IDN?"]:
                return f"OK {plain_fields(model='HP-1', serial='SIM-1', simulated=1)}"
            case ["STAT?"]:
                return f"OK {self._status()}"
            case ["OFF"]:
                return self._set(self._room)
            case ["SET", milli] if milli.isdigit() and int(milli) in RANGE_MC:
                return self._set(int(milli) / 1000)
            case ["SET", _]:
                return f"ERR {ErrorCode.OUT_OF_LIMITS:d} {ErrorCode.OUT_OF_LIMITS.name}"
            case _:
                return f"ERR {ErrorCode.UNKNOWN_COMMAND:d} {ErrorCode.UNKNOWN_COMMAND.name}"

    def _set(self, celsius: float) -> str:
        self._state["setting"], self._state["counter"] = celsius, self._state["counter"] + 1
        self._settings.store.save(self._settings.device, dict(self._state))
        return f"OK {plain_fields(counter=self._state['counter'])}"

    def _status(self) -> str:
        noise = np.random.default_rng(derive_seed(self._settings.seed, "sample", self._state["counter"]))
        sample = self._room + COUPLING * (self._state["plate"] - self._room) + noise.normal(0.0, NOISE_C)
        return plain_fields(
            plate_mc=round(self._state["plate"] * 1000),
            sample_mc=round(sample * 1000),
            setting_mc=round(self._state["setting"] * 1000),
            counter=self._state["counter"],
        )


class HotPlateServer:
    """A hot plate on a serial line.

    Args:
        settings: What the simulator is told.
        room: Temperature of the room in degC.
    """

    def __init__(self, settings: Settings, *, room: float = 22.0) -> None:
        self._clock = settings.clock
        self.core = HotPlateCore(settings, room)

    def serve(self, at: Mapping[str, Any]) -> None:
        """Serve behind a pseudo-terminal, see `simulators.base.Simulator.serve`."""
        serve_line(self.core, self._clock, at)
