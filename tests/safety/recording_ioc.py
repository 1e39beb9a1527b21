"""A foreign IOC in a process of its own, which writes down every put that a client sends it.

It serves a motor record, as caproto simulates it, and any process variable at all under a second prefix, so that an
areaDetector plugin finds its records. Run as ``python -m tests.safety.recording_ioc PREFIX LOG``.
"""

from __future__ import annotations

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
        return await process(circuit, command)

    VirtualCircuit._process_command = recorded


def main(prefix: str, log: str) -> None:
    record_puts(Path(log))
    motor = FakeMotor(prefix=f"{prefix}m1", velocity=1000.0, user_limits=(-1000.0, 1000.0), tick_rate_hz=100.0)
    plugin = {f"{prefix}{ANY}roi:PluginType_RBV": ca.ChannelString(value="NDPluginROI")}  # which the class looks at
    run(Everything(f"{prefix}{ANY}", {**motor.pvdb, **plugin}), interfaces=["127.0.0.1"], log_pv_names=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
