"""The controller's heartbeat: the watchdog hears it only while the interlocks are scanned and every lane answers."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from autolab.core.clock import Clock
from autolab.core.errors import SafetyError
from safety.channel import Channel

__all__ = ["Heartbeat"]

SCAN_S = 0.02
"""Real seconds between two scans."""
PRIORITY = -20
"""Scheduling priority of the controller's threads, where that is allowed."""
REAL_TIME = 9
"""The heartbeat's own among real-time threads, where that is allowed: below the watchdog's."""
POWER_REAL_S = 15.0
"""Real seconds in which the power must be on; the watchdog gives up earlier, and says why."""
LANE_REAL_S = 2.0
"""Longest time in which a lane's RunEngine may not answer: drivers may block it for a while."""


class Heartbeat:
    """Scans, asks every lane, and beats: a loop on a thread of its own.

    Args:
        channel: The way to the watchdog.
        clock: For real time.
        scan: Scans the interlocks; returns why everything must stop, or None.
        loops: The event loop of each lane's RunEngine.
        lost: Told once, on the thread of the heartbeat, why there is no power any more.
    """

    def __init__(
        self,
        channel: Channel,
        clock: Clock,
        scan: Callable[[], str | None],
        loops: Sequence[asyncio.AbstractEventLoop],
        lost: Callable[[str], None],
    ) -> None:
        self._channel, self._clock, self._scan, self._lost = channel, clock, scan, lost
        self._lanes = [_Lane(number, loop, clock) for number, loop in enumerate(loops, 1)]
        self._armed = threading.Event()
        self._over, self._changed = threading.Event(), threading.Event()
        self._has_power = False
        self._loss: str | None = None
        self._thread = threading.Thread(target=self._run, name="autolab-heartbeat", daemon=True)

    @property
    def loss(self) -> str | None:
        """Why there is no power any more; None where there is."""
        return self._loss

    def start(self) -> None:
        """Have the watchdog watch this process, beat, and wait until there is power.

        Raises:
            SafetyError: it refuses, such as for a trip that nobody has reset, or there is no power.
        """
        _run_first()
        gc.collect()
        gc.freeze()  # or a full collection looks at all that was imported, 80 ms in which no other thread can run
        self._thread.start()
        try:
            self._channel.ask("arm", thread=self._thread.native_id)
        except SafetyError:
            self.stop()
            raise
        self._armed.set()
        self._changed.wait(POWER_REAL_S)
        if not self._has_power:
            self.stop()
            raise SafetyError(f"the relay gave no power: {self._loss or f'none within {POWER_REAL_S:g} s'}")

    def stop(self) -> None:
        """Say that no power is needed any more, and end."""
        self._over.set()
        self._armed.set()
        self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):  # in real-time where that is allowed, but nothing that this thread starts
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME))
        self._armed.wait()
        self._beat()
        with suppress(SafetyError):  # a watchdog that is gone needs not be told
            self._channel.ask("release")  # by this thread: its end without these words is a trip

    def _beat(self) -> None:
        number = 0
        while not self._over.wait(SCAN_S):
            cause = self._scan() or next((why for lane in self._lanes if (why := lane.silence())), None)
            if cause is None:
                number += 1
                is_heard = self._channel.tell("beat", number=number, scan_s=self._clock.real())
            else:
                is_heard = self._channel.tell("trip", cause=cause)
            self._heed(is_heard)

    def _heed(self, is_heard: bool) -> None:
        answer = self._channel.hear()
        if not is_heard:
            self._lose("the watchdog has gone")
        elif answer is not None and answer["latch"] is not None:
            self._lose(str(answer["latch"]))
        elif answer is not None and answer["power"] == "on":
            self._has_power = True
            self._changed.set()

    def _lose(self, cause: str) -> None:
        if self._loss is None:
            self._loss = cause
            self._lost(cause)
            self._changed.set()


def _run_first() -> None:
    """Have all threads of this process, and those that they start, run before others, where that is allowed.

    The heartbeat alone is not enough: it waits for whichever thread holds the interpreter's lock and is not run.
    """
    with suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), PRIORITY)


class _Lane:
    """Whether the RunEngine of a lane answers. One that has ended is not asked any more."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self._number, self._loop, self._clock = number, loop, clock
        self._answered_s = clock.real()
        self._is_asked = False

    def silence(self) -> str | None:
        """Ask again, and say why the lane counts as hung; None where it does not."""
        if self._loop.is_closed():
            return None
        if not self._is_asked:
            self._is_asked = True
            with suppress(RuntimeError):  # closed just now
                self._loop.call_soon_threadsafe(self._answer)
        age_s = self._clock.real() - self._answered_s
        return (
            f"the RunEngine of lane {self._number} hangs: no answer for {age_s:.1f} s" if age_s > LANE_REAL_S else None
        )

    def _answer(self) -> None:
        self._answered_s, self._is_asked = self._clock.real(), False
