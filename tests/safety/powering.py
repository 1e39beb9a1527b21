"""A rig of real processes: relay, watchdog, a powered dispenser or stage, and a controller that beats."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autolab.core.clock import real_clock
from autolab.core.errors import SafetyError
from safety.channel import Channel
from safety.record import KeptEvent, read_events
from safety.supply import EVENTS, Supply, supplied
from tests.rigs import PATIENCE_S, until

DEAD_MAN_S = 0.1


class Controller:
    """A process that beats."""

    def __init__(self, folder: Path, *mode: str) -> None:
        command = [sys.executable, "-m", "tests.safety.controlling", str(folder), *mode]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = self.hear()

    def hear(self) -> str:
        """The next line that it prints; empty when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        """Let it end, also where it is stopped or dead."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        with suppress(BrokenPipeError):
            self.process.communicate(timeout=PATIENCE_S)


class Power:
    """A supply as tests use it."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        self._channel: Channel | None = None

    def ask(self, do: str, **values: Any) -> Any:
        if self._channel is None:
            self._channel = Channel(self.supply.folder)
        return self._channel.ask(do, **values)

    def until_latched(self, words: str) -> None:
        until(lambda: words in str(self.ask("state")["latch"]), f"a latch with {words!r}")

    def until_off(self) -> None:
        until(lambda: self.ask("state")["power"] == "off", "no power")

    def until_reset(self) -> None:
        """Reset, as soon as the cause is gone."""

        def is_reset() -> bool:
            try:
                self.ask("reset", by="alice", because="seen to")
            except SafetyError as error:
                return "nothing is latched" in str(error)
            return True

        until(is_reset, "a reset")

    @property
    def events(self) -> list[KeptEvent]:
        return read_events(self.supply.keep / EVENTS)

    def whats(self) -> list[str]:
        return [event.what for event in self.events]

    def kept_by_relay(self) -> str:
        return (self.supply.keep / "relay").read_text().strip()

    def kill(self, name: str) -> None:
        """Kill relay or watchdog."""
        process = self.supply.relay if name == "relay" else self.supply.watchdog
        assert process is not None
        process.kill()
        process.communicate()

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()


@contextmanager
def power(keep: Path) -> Iterator[Power]:
    """Relay and watchdog, ready."""
    clock = real_clock()
    with supplied(keep, DEAD_MAN_S, clock) as supply:
        supply.await_ready(clock)
        rig = Power(supply)
        try:
            yield rig
        finally:
            rig.close()


@contextmanager
def controller(rig: Power, *mode: str) -> Iterator[Controller]:
    """A controller that beats, and has power unless its mode says otherwise."""
    process = Controller(rig.supply.folder, *mode)
    try:
        yield process
    finally:
        process.end()
