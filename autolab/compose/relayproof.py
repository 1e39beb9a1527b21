"""Proof of the relay's own ways to take the power away: each with a relay and a watchdog of its own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autolab.compose.proofs import ProofPath
from autolab.core.clock import Clock
from autolab.core.errors import SafetyError
from autolab.core.interlocks import RELAY
from safety.channel import Channel, press_stop
from safety.powerline import PowerLine
from safety.supply import Supply, supplied

__all__ = ["prove_relay"]

START_REAL_S = 20.0
"""Real seconds in which the stand-in of the controller has power."""
OFF_REAL_S = 3.0
"""Real seconds in which the power must be off, whatever the relay's dead-man is, beyond that."""
Cause = Callable[[Supply, "subprocess.Popen[str]"], object]
LOOK_REAL_S = 0.005
"""Real seconds between two looks at the relay's file."""
_KILLED = "the controller is killed"
_CAUSES: dict[str, Cause] = {
    _KILLED: lambda _, controller: controller.send_signal(signal.SIGKILL),
    "the controller hangs": lambda _, controller: controller.send_signal(signal.SIGSTOP),
    "the emergency stop is pressed": lambda supply, _: press_stop(supply.folder, "the proof test"),
    "the watchdog is killed": lambda supply, _: _send(supply, signal.SIGKILL),
    "the watchdog hangs (the relay's dead-man)": lambda supply, _: _send(supply, signal.SIGSTOP),
}


def prove_relay(folder: Path, dead_man_s: float, clock: Clock) -> Iterator[ProofPath]:
    """Exercise each way once.

    Args:
        folder: For latches and events of these tests alone.
        dead_man_s: The relay's dead-man in seconds.
        clock: For real time.
    """
    for number, (words, cause) in enumerate(_CAUSES.items()):
        try:
            yield _proved(folder / f"relay-{number}", dead_man_s, clock, words, cause)
        except (SafetyError, OSError) as error:
            yield ProofPath(RELAY, words, passed=False, seen=f"could not be exercised: {error}")


def _proved(keep: Path, dead_man_s: float, clock: Clock, words: str, cause: Cause) -> ProofPath:
    with supplied(keep, dead_man_s, clock) as supply:
        supply.await_ready(clock)
        line = PowerLine(supply.folder, clock)
        try:
            with _controller(supply.folder) as controller:
                if line.wait(is_on=True, timeout_s=OFF_REAL_S) is None:
                    return ProofPath(RELAY, words, passed=False, seen="there was no power to take away")
                begun_s = clock.real()
                cause(supply, controller)
                off_s = line.wait(is_on=False, timeout_s=OFF_REAL_S + dead_man_s)
                if off_s is None:
                    return ProofPath(RELAY, words, passed=False, seen="the power stayed on")
                if "watchdog" in words:
                    _send(supply, signal.SIGCONT)
                    seen = f"the relay: {_kept_by_relay(keep, clock)}"
                    return ProofPath(RELAY, words, "latched" in seen, seen, power_ms=1000.0 * (off_s - begun_s))
                is_over = words == _KILLED  # nobody is left who could be the cause
                refused = is_over or _refuses_reset(supply.folder)
            seen = "the power stays off" + ("" if is_over else "; the reset refused")
            if not refused:
                return ProofPath(RELAY, words, passed=False, seen="a reset was taken while the cause was there")
            return ProofPath(RELAY, words, passed=True, seen=seen, power_ms=1000.0 * (off_s - begun_s))
        finally:
            line.close()


def _kept_by_relay(keep: Path, clock: Clock) -> str:
    """What the relay's own file says: it takes the power away first, and writes then."""
    end_s = clock.real() + OFF_REAL_S
    while True:
        said = (keep / "relay").read_text(encoding="utf-8").strip()
        if said.startswith("latched") or clock.real() > end_s:
            return said
        clock.sleep(LOOK_REAL_S)


def _refuses_reset(folder: Path) -> bool:
    """Whether a reset is refused."""
    channel = Channel(folder)
    try:
        channel.ask("reset", by="the proof test", because="to see it refused")
    except SafetyError:
        return True
    finally:
        channel.close()
    return False


def _send(supply: Supply, number: signal.Signals) -> None:
    if supply.watchdog is not None and supply.watchdog.poll() is None:
        supply.watchdog.send_signal(number)


@contextmanager
def _controller(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A controller that beats, once it has power.

    Raises:
        SafetyError: it has none in time.
    """
    process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
        [sys.executable, "-m", "autolab.campaign.standin", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        said = process.stdout
        if said is None or not select.select([said], [], [], START_REAL_S)[0] or said.readline() != "on\n":
            raise SafetyError("the stand-in of the controller got no power")
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        with suppress(BrokenPipeError):
            process.communicate(timeout=OFF_REAL_S)
