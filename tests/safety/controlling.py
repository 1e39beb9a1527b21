"""A controller as the watchdog sees it, as a process: ``python -m tests.safety.controlling FOLDER [silent]``.

It prints ``watched`` where it never beats, else ``on`` when there is power; then ``lost CAUSE``; it ends with its
standard input.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from autolab.campaign.heartbeat import Heartbeat
from autolab.core.clock import real_clock
from safety.channel import Channel


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(folder: str, mode: str = "") -> None:
    channel = Channel(Path(folder))
    if mode == "silent":
        channel.ask("arm")
        say("watched")
        sys.stdin.read()
        return
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    heart = Heartbeat(channel, real_clock(), lambda: None, [loop], lambda cause: say(f"lost {cause}"))
    heart.start()
    say("on")
    sys.stdin.read()
    heart.stop()
    loop.call_soon_threadsafe(loop.stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
