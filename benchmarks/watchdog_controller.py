"""Controllers for `benchmarks.watchdog`, forked from a process that has loaded what a controller loads.

``python -m benchmarks.watchdog_controller FOLDER`` reads ``beating`` or ``silent`` for each, and answers with its
process id when it has power, or is watched, or with why it gets none. It ends with its standard input.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from autolab.campaign.engine import LaneEngine
from autolab.campaign.heartbeat import Heartbeat
from autolab.core.clock import real_clock
from autolab.core.errors import SafetyError
from safety.channel import Channel


def controller(folder: Path, mode: str) -> None:
    """Have power, or be watched only; say so, and wait to be killed."""
    channel = Channel(folder)
    if mode == "silent":
        channel.ask("arm")
    else:
        engine = LaneEngine(context_managers=[])
        try:
            Heartbeat(channel, real_clock(), lambda: None, [engine.loop], lambda _: None).start()
        except SafetyError as error:
            os.write(1, f"no power: {error}\n".encode())
            os._exit(1)
    os.write(1, f"{os.getpid()}\n".encode())
    threading.Event().wait()


def main(folder: str) -> None:
    """Fork controllers until standard input ends."""
    import devices.motion  # noqa: F401 (with EPICS and ophyd behind it)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            controller(Path(folder), line.strip())


if __name__ == "__main__":
    main(sys.argv[1])
