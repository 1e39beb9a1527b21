"""Whether a process that is late only waits for a processor, by the kernel's account."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["Starvation"]


class Starvation:
    """Adds up how long the threads of a process have waited for a processor since it was first looked at.

    The kernel counts a wait when it is over. One that goes on is seen by a thread that is ready to run and has not run
    since the last look.

    Args:
        pid: The process.
        now_s: The time, in seconds.
        proc: Where the kernel tells of processes.
    """

    def __init__(self, pid: int, now_s: float, proc: Path = Path("/proc")) -> None:
        self._tasks = proc / str(pid) / "task"
        self._ran: dict[str, tuple[int, float]] = {}
        """For each thread how long it has run, in nanoseconds, and at which look that changed last."""
        self._since_s = now_s
        self._before_s = self._look(now_s)

    def waited_s(self, now_s: float) -> float:
        """Seconds that its threads have waited since the first look; at most the time that has gone by."""
        return min(self._look(now_s) - self._before_s, now_s - self._since_s)

    def _look(self, now_s: float) -> float:
        over_ns, going_on_s = 0, 0.0
        with suppress(OSError):  # it ends just now
            for task in self._tasks.iterdir():
                ran_ns, waited_ns, _ = (int(count) for count in (task / "schedstat").read_text().split())
                over_ns += waited_ns
                before_ns, since_s = self._ran.get(task.name, (-1, now_s))
                if ran_ns != before_ns:
                    since_s = now_s
                self._ran[task.name] = (ran_ns, since_s)
                if (task / "stat").read_text().rpartition(") ")[2].startswith("R"):
                    going_on_s = max(going_on_s, now_s - since_s)
        return over_ns / 1e9 + going_on_s
