"""The watchdog: a process of its own that takes the power away when the controller dies or hangs, or on a stop.

``python -m safety.watchdog FOLDER FILE`` listens in FOLDER at ``watchdog`` (controllers and people, see
`safety.channel`) and at ``stop``, where any datagram of anybody is an emergency stop: for a physical button, the
command line and the page. It speaks to the relay in the same FOLDER. FILE is its record. It can only remove power: no
message starts or moves anything. It ends when its standard input closes.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from autolab.core.clock import Clock, real_clock
from safety.record import Record, latch_in, read_events
from safety.starvation import Starvation
from safety.watch import Patience, RefusedError, Watch

__all__ = ["main"]

PET_S = 0.02
"""Seconds between two pets of the relay."""
ASK_S = 0.1
"""Seconds between two questions to the relay while no power is wanted."""
OVERSLEPT_S, CATCH_UP_S = 0.01, 0.04
"""A watchdog that was woken so much too late gives the controller so much time to be run again."""
REAL_TIME = 10
"""The priority among real-time threads, of 1 to 99: above all that is ordinary, below what the kernel does itself."""
KEEP_S = 5.0
"""Seconds in which a reset must be on the disk before the relay hears of it."""
_CREDENTIALS = struct.Struct("3i")


class _Datagrams:
    """A socket in the folder that says which process and user a datagram came from."""

    def __init__(self, path: Path, mode: int) -> None:
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.setblocking(False)
        self.socket.bind(str(path))
        path.chmod(mode)

    def fileno(self) -> int:
        return self.socket.fileno()

    def take(self) -> Iterator[tuple[bytes, int, int, Any]]:
        """All that waits: data, process and user of the sender, and its address."""
        with suppress(BlockingIOError):
            while True:
                data, extra, _, sender = self.socket.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
                pid, uid, _ = _CREDENTIALS.unpack(extra[0][2]) if extra else (0, 0, 0)
                yield data, pid, uid, sender

    def answer(self, sender: Any, values: Mapping[str, Any]) -> None:
        if sender:
            with suppress(OSError):  # who asks and does not read gets no answer
                self.socket.sendto(json.dumps(values).encode(), sender)


class _Shell:
    """Sockets, process and record around a `Watch`."""

    def __init__(self, folder: Path, file: Path, clock: Clock) -> None:
        self._clock = clock
        self._starter = os.getppid()
        self._watch = Watch(Patience(), latch_in(read_events(file)), clock.real())
        self._record = Record(file, clock)
        self._control = _Datagrams(folder / "watchdog", 0o600)
        self._stop = _Datagrams(folder / "stop", 0o666)
        self._from_relay = _Datagrams(folder / "to-watchdog", 0o600)
        self._relay = str(folder / "relay")
        self._ends: list[int] = []
        """Descriptors that are readable when the watched process has ended, or its heartbeat's thread."""
        self._controller: Any = None
        self._lent_s = 0.0
        """Time in which this process was itself not run, since the controller is late."""
        self._late: Starvation | None = None
        """Since when the controller is late, and how long it had waited for a processor until then."""
        self._pets = 0
        self._next_s = 0.0
        self._is_tripped = self._has_petted = False

    def run(self) -> None:
        is_wanted, is_ready = True, False
        while is_wanted:
            self._look(self._wait())
            self._act()
            if self._watch.knows_relay and not is_ready:  # a latch of the relay's is ours from the first answer on
                sys.stdout.write("ready\n")
                sys.stdout.flush()
                is_ready = True
            is_wanted = self._is_wanted()
        self._end()

    def _wait(self) -> list[Any]:
        wake_s = self._next_s if self._watch.deadline_s is None else min(self._next_s, self._watch.deadline_s)
        sources = [self._control, self._stop, self._from_relay, 0, *self._ends]
        wake_s = max(wake_s, self._clock.real())
        readable = select.select(sources, [], [], max(wake_s - self._clock.real(), 0.0))[0]
        overslept_s = self._clock.real() - wake_s
        if overslept_s > OVERSLEPT_S:  # we were not run, and the controller perhaps neither
            self._lent_s += overslept_s + CATCH_UP_S
        return readable

    def _look(self, readable: list[Any]) -> None:
        """Read all that waits before time is judged: beats that came while we were not running have come."""
        for data, _, uid, _ in self._stop.take():
            self._watch.press(_who(data, uid), self._clock.real())
        for data, _, _, _ in self._from_relay.take():
            self._watch.relay_says(data.decode("utf-8", "replace"), self._clock.real())
        for data, pid, _, sender in self._control.take():
            refused, to = self._heed(data, pid, sender)
            self._control.answer(sender, {"to": to, "refused": refused, **self._watch.state()})
        if self._watch.pid is not None and any(end in readable for end in self._ends):
            self._watch.died(self._watch.pid)  # after its last words, with which it may have let go
        self._tick(self._clock.real())

    def _tick(self, now_s: float) -> None:
        """Judge the time; that in which a late controller only waited for a processor counts for a while."""
        if not self._watch.is_late(now_s) or self._watch.pid is None:
            self._late, self._lent_s = None, 0.0
            self._watch.tick(now_s)
            return
        self._late = self._late or Starvation(self._watch.pid, now_s)
        self._watch.tick(now_s, max(self._late.waited_s(now_s), self._lent_s))

    def _heed(self, data: bytes, pid: int, sender: Any) -> tuple[str | None, str]:
        """Do what a message asks for; returns why it is refused, or None, and what it asked for."""
        to = ""
        try:
            message = cast("dict[str, Any]", json.loads(data))
            to = str(message["do"])
            self._do(to, message, pid, sender)
        except RefusedError as refusal:
            return str(refusal), to
        except ProcessLookupError:
            self._watch.died(pid)
            return f"process {pid} is gone", to
        except (ValueError, KeyError, TypeError) as error:
            return f"the message cannot be read: {type(error).__name__}: {error}", to
        return None, to

    def _do(self, to: str, message: Mapping[str, Any], pid: int, sender: Any) -> None:
        watch, now_s = self._watch, self._clock.real()
        match to:
            case "beat":
                watch.beat(pid, int(message["number"]), float(message["scan_s"]), now_s)
            case "arm":
                watch.arm(pid, now_s)
                self._controller = sender
                self._close_ends()
                self._ends = _ends(pid, message.get("thread"))
            case "release":
                watch.release(pid)
            case "trip":
                watch.trip(str(message["cause"]), "controller")
            case "reset":
                self._reset(str(message["by"]), str(message["because"]), now_s)
            case "state":
                pass
            case _:
                raise RefusedError(f"{to!r} is nothing that the watchdog does")

    def _reset(self, by: str, because: str, now_s: float) -> None:
        """Clear the latch: in the record first, then in the relay."""
        self._watch.reset(by, because, now_s)
        for event in self._watch.take_events():
            self._record.add(event).wait(KEEP_S)
        self._is_tripped = False
        self._tell_relay("RESET")

    def _act(self) -> None:
        """Tell the relay what follows, first of all; then keep what has happened."""
        watch, now_s = self._watch, self._clock.real()
        if watch.latch is not None and not self._is_tripped:
            self._tell_relay(f"TRIP {watch.latch}")
            self._is_tripped, self._has_petted = True, False
            self._control.answer(self._controller, watch.state())
        elif self._has_petted and not watch.wants_power:
            self._tell_relay("OFF")
            self._has_petted = False
        elif now_s >= self._next_s:
            self._next_s = now_s + (PET_S if watch.wants_power else ASK_S)
            self._pets += 1
            self._has_petted = watch.wants_power
            self._tell_relay(f"PET {self._pets}" if watch.wants_power else "STATE")
        elif watch.wants_power and not self._has_petted:
            self._next_s = now_s  # power is wanted from now on: do not wait for the slow round
        for event in watch.take_events():
            self._record.add(event)
        if watch.pid is None:
            self._close_ends()

    def _close_ends(self) -> None:
        while self._ends:
            os.close(self._ends.pop())

    def _tell_relay(self, message: str) -> None:
        try:
            self._from_relay.socket.sendto(message.encode(), self._relay)
        except (ConnectionRefusedError, FileNotFoundError):
            self._watch.relay_gone()
        except OSError:
            return  # it does not read: its silence is noticed, and its own dead-man does not need us

    def _is_wanted(self) -> bool:
        return not select.select([0], [], [], 0)[0] or bool(os.read(0, 4096))

    def _end(self) -> None:
        """Whoever had started us has gone: often that was the controller, whose end is seen here first."""
        if self._watch.pid == self._starter:
            self._watch.died(self._starter)
        elif self._watch.wants_power:
            self._watch.trip("whoever had started the watchdog has gone", "watchdog")
        self._act()
        self._record.close()


def _who(data: bytes, uid: int) -> str:
    """Who presses the emergency stop: what the datagram says, and whose process sent it."""
    said = "".join(c for c in data.decode("utf-8", "replace")[:100] if c.isprintable()).strip()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = f"user {uid}"
    return f"{said} ({user})" if said else user


def _ends(pid: int, thread: Any) -> list[int]:
    """Descriptors that become readable at the end of a process, and of the thread of its heartbeat.

    A process counts as ended only when its memory is torn down, which takes ten milliseconds and more for one that
    has loaded a control system. Its threads end before that, and since Linux 6.9 each can be waited for by itself.

    Raises:
        ProcessLookupError: it has ended already.
    """
    ends = [os.pidfd_open(pid)]
    if isinstance(thread, int) and Path(f"/proc/{pid}/task/{thread}").exists():
        with suppress(OSError):  # an older kernel: the process alone has to do
            ends.append(os.pidfd_open(thread, os.O_EXCL))
    return ends


def main(arguments: list[str]) -> int:
    """Run the watchdog until standard input closes, and return the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m safety.watchdog FOLDER FILE\n")
        return 2
    folder, file = arguments
    os.umask(0o022)
    with suppress(OSError):  # where that is allowed: whoever guards others should not wait for them
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    with suppress(OSError):  # and real-time where that is: niceness alone may mean to wait for longer than a dead-man
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME))
    _Shell(Path(folder), Path(file), real_clock()).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
