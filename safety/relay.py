"""The relay: what gives actuators power. It is off unless somebody has just asked for power, again and again.

It shares no code with the rest of the project and needs the standard library only, so that what it promises can be read
on one page. It runs as a process of its own, ``python -m safety.relay FOLDER FILE SECONDS``:

- In FOLDER it listens at two sockets. ``relay`` takes datagrams: ``PET n``, ``OFF``, ``TRIP cause``, ``RESET``,
  ``STATE``; each is answered with its first word, then ``on``, ``off`` or ``latched`` and the cause. ``power`` is the
  power line: whoever has connected to it has power only while the connection lives and the last byte was ``1``.
- FILE keeps the latch. It is written and synced before power goes on and after it has gone off. What cannot be read
  there, or says that the relay ended while it was on, counts as a latch.
- SECONDS is the dead-man: the longest time between two pets. Time in which the relay itself was not run, because the
  whole machine stood still, does not count, up to once the dead-man.

It ends when its standard input closes. A hung relay is a welded contact: nothing here removes its power.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["PETS", "Relay", "main"]

PETS = 3
"""Pets in a row after which power goes on."""
OVERSLEPT_S, CATCH_UP_S = 0.01, 0.04
"""A relay that was woken so much too late was itself not run, and gives the watchdog so much time to be run again."""
REAL_TIME = 11
"""The priority among real-time threads, of 1 to 99."""
_LINE = 200
"""Bytes of the latch's file, always the same: it can be written again on a full disk."""


class Relay:
    """Whether there is power, as a function of messages and time.

    Args:
        dead_man_s: Longest time between two pets in seconds.
        latch: Why it is latched from before, or None.
    """

    def __init__(self, dead_man_s: float, latch: str | None) -> None:
        self.is_on = False
        self.latch = latch
        self._dead_man_s = dead_man_s
        self._pets, self._last = 0, 0
        self._heard_s = float("-inf")
        self._lent_s = 0.0

    def heed(self, message: str, now_s: float) -> None:
        """Take one message at a time of the monotonic clock. One that is not understood changes nothing."""
        word, _, rest = message.partition(" ")
        if word == "PET" and rest.isdecimal():
            self._pet(int(rest), now_s)
        elif word == "OFF":
            self.is_on, self._pets = False, 0
        elif word == "TRIP":
            self._trip(rest or "no cause was given")
        elif word == "RESET":
            self.latch, self._pets = None, 0

    def tick(self, now_s: float) -> None:
        """Let time pass: without a pet the power goes off, and stays off."""
        if self.is_on and now_s - self._heard_s > self._dead_man_s + self._lent_s:
            self._trip(f"dead-man: nobody has asked for power for {self._dead_man_s * 1000:g} ms")

    def overslept(self, late_s: float) -> None:
        """Say that whoever calls was woken so many seconds too late."""
        if late_s > OVERSLEPT_S:
            self._lent_s = min(self._lent_s + late_s + CATCH_UP_S, self._dead_man_s)

    @property
    def deadline_s(self) -> float | None:
        """When the next pet is due; None while there is no power to lose."""
        return self._heard_s + self._dead_man_s + self._lent_s if self.is_on else None

    @property
    def state(self) -> str:
        """``on``, ``off``, or ``latched`` and the cause."""
        return f"latched {self.latch}" if self.latch is not None else "on" if self.is_on else "off"

    def _pet(self, number: int, now_s: float) -> None:
        in_time = now_s - self._heard_s <= self._dead_man_s
        if (in_time or self.is_on) and number <= self._last:
            return  # an old one, or one that came twice
        self._pets = self._pets + 1 if in_time else 1
        self._last, self._heard_s, self._lent_s = number, now_s, 0.0
        self.is_on = self.is_on or (self.latch is None and self._pets >= PETS)

    def _trip(self, cause: str) -> None:
        self.is_on = False  # the reset begins to count anew
        self.latch = self.latch or cause


class _Shell:
    """Sockets and file around a `Relay`."""

    def __init__(self, folder: Path, file: Path, dead_man_s: float) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._relay = Relay(dead_man_s, _latch_in(os.pread(self._file, _LINE, 0)))
        self._shown = ""
        self._messages = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        for sock, name in ((self._messages, "relay"), (self._listener, "power")):
            (folder / name).unlink(missing_ok=True)
            sock.bind(str(folder / name))
            sock.setblocking(False)
        self._listener.listen(64)
        self._lines: list[socket.socket] = []

    def run(self) -> None:
        self._show()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        is_wanted = True
        while is_wanted:
            deadline_s = self._relay.deadline_s
            wait_s = None if deadline_s is None else max(deadline_s - time.monotonic(), 0.0)
            readable, _, _ = select.select([self._messages, self._listener, 0, *self._lines], [], [], wait_s)
            if deadline_s is not None:
                self._relay.overslept(time.monotonic() - deadline_s)
            self._heed_all()
            self._relay.tick(time.monotonic())
            if 0 in readable and not os.read(0, 4096):
                is_wanted = False
                if self._relay.is_on:
                    self._relay.heed("TRIP whoever had started the relay has gone", time.monotonic())
            self._show()
            self._accept([line for line in self._lines if line in readable])

    def _heed_all(self) -> None:
        """Read all that waits before the dead-man is judged: pets that came while we were not running have come."""
        with suppress(BlockingIOError):
            while True:
                data, sender = self._messages.recvfrom(1000)
                message = data.decode("utf-8", "replace")
                self._relay.heed(message, time.monotonic())
                self._show()
                if sender is not None:
                    with suppress(OSError):  # who asks and does not read gets no answer
                        answer = f"{message.partition(' ')[0]} {self._relay.state}"
                        self._messages.sendto(answer.encode(), sender)

    def _show(self) -> None:
        """Bring power line and file in step with the state: off first on the line, on first in the file."""
        if self._relay.state == self._shown:
            return
        self._shown = self._relay.state
        if not self._relay.is_on:
            self._send(b"0", tuple(self._lines))
        os.pwrite(self._file, self._shown.encode()[: _LINE - 1].ljust(_LINE - 1) + b"\n", 0)
        os.fdatasync(self._file)
        if self._relay.is_on:
            self._send(b"1", tuple(self._lines))

    def _send(self, byte: bytes, lines: tuple[socket.socket, ...]) -> None:
        for line in lines:
            try:
                line.send(byte)
            except OSError:  # also where it does not read: without a connection it has no power
                self._hang_up(line)

    def _accept(self, ended: list[socket.socket]) -> None:
        for line in ended:  # nobody says anything on a power line: it is readable because it has ended
            self._hang_up(line)
        with suppress(BlockingIOError):
            while True:
                line, _ = self._listener.accept()
                line.setblocking(False)
                self._lines.append(line)
                self._send(b"1" if self._relay.is_on else b"0", (line,))

    def _hang_up(self, line: socket.socket) -> None:
        if line in self._lines:
            self._lines.remove(line)
        line.close()


def _latch_in(kept: bytes) -> str | None:
    """What the latch's file says: nothing where there was none, and a latch for all that is not plainly *off*."""
    text = kept.decode("utf-8", "replace").strip()
    if not kept or text == "off":
        return None
    if text == "on":
        return "the relay ended while it was on"
    return text.removeprefix("latched ") or "the file of the latch cannot be read"


def main(arguments: list[str]) -> int:
    """Run the relay until standard input closes, and return the exit code."""
    if len(arguments) != 3:
        sys.stderr.write("usage: python -m safety.relay FOLDER FILE SECONDS\n")
        return 2
    folder, file, dead_man_s = arguments
    os.umask(0o177)
    with suppress(OSError):  # where that is allowed
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    with suppress(OSError):  # and real-time where that is, above the watchdog: niceness alone may mean to wait long
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME))
    _Shell(Path(folder), Path(file), float(dead_man_s)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
