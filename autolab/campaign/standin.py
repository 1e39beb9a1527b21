"""A controller that does nothing but beat: what a proof test kills and stops. ``python -m autolab.campaign.standin``.

It takes the folder of the watchdog's sockets, prints ``on`` when there is power, and ends with its standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from autolab.campaign.heartbeat import Heartbeat
from autolab.core.clock import real_clock
from safety.channel import Channel

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Beat until standard input closes, and return the exit code.

    Raises:
        SafetyError: the watchdog refuses, or there is no power.
    """
    heart = Heartbeat(Channel(Path(arguments[0])), real_clock(), lambda: None, [], lambda _: None)
    heart.start()
    sys.stdout.write("on\n")
    sys.stdout.flush()
    sys.stdin.read()
    heart.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
