"""Our simulators of EPICS instruments as they are served, which write down every put that reaches their core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulators.base import Settings
from simulators.motion import StageServer
from simulators.spectrometers import SpectrometerServer


def _record(core: Any, log: str) -> None:
    write = core.write

    def recorded(name: str, value: Any, now: float) -> None:
        with Path(log).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([name, value]) + "\n")
        write(name, value, now)

    core.write = recorded


class RecordingStage(StageServer):
    """A stage that keeps a log."""

    def __init__(self, settings: Settings, *, log: str, **options: Any) -> None:
        super().__init__(settings, **options)
        _record(self.core, log)


class RecordingSpectrometer(SpectrometerServer):
    """A spectrometer that keeps a log."""

    def __init__(self, settings: Settings, *, log: str, **options: Any) -> None:
        super().__init__(settings, **options)
        _record(self.core, log)
