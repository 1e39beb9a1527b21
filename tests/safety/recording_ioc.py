"""A foreign IOC in a process of its own, which writes down every put that a client sends it.

It serves a motor record, as caproto simulates it, and any process variable at all under a second prefix, so that an
areaDetector plugin finds its records. Run as ``python -m tests.safety.recording_ioc PREFIX LOG``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import caproto as ca
from caproto.asyncio.server import VirtualCircuit, run
from caproto.ioc_examples.fake_motor_record import FakeMotor

ANY = "ANY:"
"""After the prefix: under it every process variable exists."""


class Everything(dict[str, Any]):
    """A database that makes up what it is asked for, under one prefix; ``X_RBV`` reads back ``X``."""

    def __init__(self, prefix: str, known: dict[str, Any]) -> None:
        super().__init__(known)
        self._prefix = prefix

    def __missing__(self, name: str) -> ca.ChannelData:
        if not name.startswith(self._prefix):
            raise KeyError(name)
        self[name] = self[name.removesuffix("_RBV")] if name.endswith("_RBV") else ca.ChannelDouble(value=0.0)
        return self[name]


def record_puts(log: Path) -> None:
    """Write each put down as it arrives, before anything is done with it."""
    process, lines = VirtualCircuit._process_command, log.open("a", buffering=1, encoding="utf-8")

    async def recorded(circuit: Any, command: Any) -> Any:
        if isinstance(command, ca.WriteRequest | ca.WriteNotifyRequest):
            name = circuit.circuit.channels_sid[command.sid].name
            values = [value.decode("latin-1") if isinstance(value, bytes) else float(value) for value in command.data]
            lines.write(json.dumps([name, values[0] if len(values) == 1 else values]) + "\n")
            Motor.stops += name.endswith(".STOP")
        return await process(circuit, command)

    VirtualCircuit._process_command = recorded


class Motor(FakeMotor):
    """A motor record whose puts complete when the move has ended, as those of EPICS do.

    Like a record it is moving from the moment of the put, and a stop from then on ends the move: the simulator begins
    at its next tick, and forgets a stop from before that.
    """

    stops = 0
    """Stops that clients have asked for."""
    is_going = False
    begin: Any = None

    @FakeMotor.motor.putter
    async def motor(self, instance: Any, value: float) -> float:
        if self.is_going:  # the simulator itself, which writes where a stopped motor stands
            return value
        self.is_going, stops_before = True, Motor.stops
        fields = instance.field_inst
        if self.begin is None:  # the simulator's own, which is called after the put, and would move once more
            self.begin, fields.value_write_hook = fields.value_write_hook, _nothing
        instance._data["value"] = value
        await fields.done_moving_to_value.write(0)
        while not fields.done_moving_to_value.value:
            await self.begin(fields, value)
            if Motor.stops > stops_before:
                await fields.stop.write(1)
            await asyncio.sleep(0.01)
        self.is_going = False
        return fields.user_readback_value.value


async def _nothing(fields: Any, value: Any) -> None:
    pass


def main(prefix: str, log: str, velocity: str = "1000") -> None:
    record_puts(Path(log))
    motor = Motor(prefix=f"{prefix}m1", velocity=float(velocity), user_limits=(-1000.0, 1000.0), tick_rate_hz=100.0)
    plugin = {f"{prefix}{ANY}roi:PluginType_RBV": ca.ChannelString(value="NDPluginROI")}  # which the class looks at
    run(Everything(f"{prefix}{ANY}", {**motor.pvdb, **plugin}), interfaces=["127.0.0.1"], log_pv_names=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
