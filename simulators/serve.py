"""The process entry of every simulator: ``python -m simulators.serve '<json>'``.

The JSON says which class to build and how::

    {"class": "simulators.motion.StageServer", "device": "stage", "folder": "/state", "seed": 1, "factor": 50.0,
     "materials": {"cyan": 250000.0}, "labware": {"strip": [["rack_1"], 24]}, "options": {},
     "at": {"epics": "BENCH:STAGE:", "port": 0}, "power": "/run/relay/power"}

The simulator prints one line of JSON when clients can connect, and ends when its standard input closes. Exit codes: 0
ended as asked, 2 refused (with one line on standard error), 1 a defect (with a traceback).
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autolab.core.clock import ScaledClock
from autolab.core.errors import AutolabError, InputError
from simulators.base import FileStore, Settings, Simulator
from simulators.process import lock_state

__all__ = ["ServeRequest", "build", "main"]


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """What the process is asked to serve."""

    class_name: str
    """Dotted name of the simulator's class."""
    device: str
    folder: Path
    """Where the state lives; it exists."""
    at: Mapping[str, Any]
    """Where to listen, see `simulators.base.Simulator.serve`."""
    seed: int = 0
    factor: float = 1.0
    """Lab seconds per real second."""
    materials: Mapping[str, float] = field(default_factory=dict[str, float])
    labware: Mapping[str, tuple[tuple[str, ...], int]] = field(default_factory=dict[str, tuple[tuple[str, ...], int]])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    power: Path | None = None
    """UNIX socket of the relay's power line; None where nothing takes the power away."""
    takes_forces: bool = False
    """Take forced readings, as a proof test needs them."""
    fillings: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def from_json(cls, text: str) -> ServeRequest:
        """Read a request.

        Raises:
            InputError: it is not JSON, a key is missing or unknown, or the folder does not exist.
        """
        try:
            raw = json.loads(text)
            arguments = {("class_name" if key == "class" else key): value for key, value in raw.items()}
            arguments["folder"] = Path(arguments["folder"])
            arguments["power"] = Path(arguments["power"]) if arguments.get("power") else None
            arguments["labware"] = {
                kind: (tuple(places), int(wells)) for kind, (places, wells) in arguments.get("labware", {}).items()
            }
            request = cls(**arguments)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(f"the request is not one that simulators.serve takes: {error}: {text[:200]}") from None
        if not request.folder.is_dir():
            raise InputError(f"{request.device}: the folder for its state does not exist: {request.folder}")
        return request

    def to_json(self) -> str:
        """Write the request as `from_json` reads it."""
        return json.dumps(
            {
                "class": self.class_name,
                "device": self.device,
                "folder": str(self.folder),
                "at": dict(self.at),
                "seed": self.seed,
                "factor": self.factor,
                "materials": dict(self.materials),
                "labware": {kind: [list(places), wells] for kind, (places, wells) in self.labware.items()},
                "options": dict(self.options),
                "power": None if self.power is None else str(self.power),
                "takes_forces": self.takes_forces,
                "fillings": dict(self.fillings),
            }
        )


def build(request: ServeRequest) -> Simulator:
    """Build the simulator of a request on files and a scaled clock.

    Raises:
        InputError: the class cannot be imported, or does not take the options.
    """
    module, _, name = request.class_name.rpartition(".")
    try:
        simulator_class = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{request.device}: simulator {request.class_name!r} cannot be imported: {error}") from None
    settings = Settings(
        device=request.device,
        clock=ScaledClock(request.factor),
        store=FileStore(request.folder),
        seed=request.seed,
        materials=request.materials,
        labware=request.labware,
        power=request.power,
        takes_forces=request.takes_forces,
        fillings=request.fillings,
    )
    try:
        return simulator_class(settings, **request.options)
    except TypeError as error:
        raise InputError(f"{request.device}: {request.class_name} does not take its options: {error}") from None


def main(arguments: list[str]) -> int:
    """Serve the request that stands in ``arguments``, and return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m simulators.serve '<json>'\n")
        return 2
    lock = None
    try:
        request = ServeRequest.from_json(arguments[0])
        lock = lock_state(request.folder, request.device)
        build(request).serve(request.at)
    except AutolabError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        if lock is not None:
            os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
