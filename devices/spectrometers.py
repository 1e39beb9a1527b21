"""Spectrometers: an absorption spectrometer behind EPICS process variables."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from ophyd.status import DeviceStatus

from autolab.core.errors import AutolabError, CommandRefusedError, DeviceError, DeviceTimeoutError, ReadbackError
from autolab.core.operations import OperationId
from devices.base import WritableSignal
from devices.channels import Channel, CommandSignal, GuardedEpicsSignal, ReadOnlySignal
from devices.completion import Work, follow, pause_s
from devices.epics_instrument import EpicsInstrument, Pulse
from devices.foresight import Foreseen, known_number, lapse

__all__ = ["Acquire", "EpicsSpectrometer"]

OVERHEAD_S = 0.5
"""Lab seconds that an acquisition may take beyond integration time times scans."""

SETTLED_REAL_S = 5.0
"""Real seconds in which a setting is read back."""

WHY: Mapping[str, str] = {
    "refused": "it was busy, or its settings were changed while it measured",
    "no well": "no well is under its probe, or the stage moves; move the well there first",
    "bad operation": "it does not know the operation id; set 'operation' before each acquisition",
    "stopped": "it was stopped",
}


@dataclass(frozen=True, slots=True)
class Acquire:
    """What `EpicsSpectrometer.trigger` does under the present operation id."""

    operation: OperationId


@dataclass(slots=True)
class _Acquisition:
    """One command of this device object."""

    is_stopped: bool = False
    is_over: bool = False


class EpicsSpectrometer(EpicsInstrument):
    """A spectrometer. Set ``operation`` to an operation id, then ``trigger()``: the status is done when the
    instrument holds the spectrum of that operation, with finite numbers and no alarm that makes it invalid.

    The same operation id again gives the recorded spectrum; nothing is measured twice.
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = (
        WritableSignal("integration_time", "s"),
        WritableSignal("n_scans", ""),
        WritableSignal("operation", None),
    )

    integration_time = Channel(
        GuardedEpicsSignal,
        "INTEGRATION_TIME_RBV",
        write_pv="INTEGRATION_TIME",
        declared="integration_time",
        kind="config",
    )
    n_scans = Channel(
        GuardedEpicsSignal, "SCANS_RBV", write_pv="SCANS", declared="n_scans", is_whole=True, kind="config"
    )
    operation = Channel(
        GuardedEpicsSignal, "OPERATION_RBV", write_pv="OPERATION", declared="operation", string=True, kind="omitted"
    )
    acquire = Channel(CommandSignal, "ACQUIRE", kind="omitted")
    done_operation = Channel(ReadOnlySignal, "DONE_OPERATION", string=True, kind="normal")
    wavelengths = Channel(ReadOnlySignal, "WAVELENGTHS", kind="config")
    spectrum = Channel(ReadOnlySignal, "SPECTRUM", kind="normal")
    scatter = Channel(ReadOnlySignal, "SCATTER", kind="normal")
    counter = Channel(ReadOnlySignal, "COUNTER", kind="omitted")

    def __init__(self, **kwargs: Any) -> None:
        self._lock = threading.Lock()
        self._acquisition: _Acquisition | None = None
        super().__init__(**kwargs)

    def trigger(self) -> DeviceStatus:
        """Acquire one averaged spectrum under the present operation id.

        Raises:
            CommandRefusedError: an acquisition is still going on.
            NotConnectedError: the spectrometer does not answer.
        """
        expected_s = float(self.ask(self.integration_time)) * int(self.ask(self.n_scans))
        with self._lock:
            last = self._acquisition
            if last is not None and not last.is_over and not last.is_stopped:
                raise CommandRefusedError(f"{self.name}: refused to acquire: an acquisition still goes on; wait for it")
            acquisition = self._acquisition = _Acquisition()
        work = self._work(acquisition, expected_s)
        return follow(self, self.clock, work, expected_s=expected_s + OVERHEAD_S, what="the acquisition")

    def exercise(self, operation: OperationId, level: float) -> Acquire:
        """Make ready an acquisition for the conformance kit, see `devices.conformance`."""
        longest_s = 0.5  # of one scan: long enough to be stopped
        self.integration_time.set(max(level, 0.2) * longest_s).wait(SETTLED_REAL_S)
        self.operation.set(str(operation)).wait(SETTLED_REAL_S)
        return Acquire(operation)

    def foresee_trigger(self, known: Mapping[str, Any]) -> Foreseen:
        """Say what `trigger` would do, see `devices.foresight`: nobody knows what it measures."""
        integration_s, n_scans = known_number(known, self.integration_time.name), known_number(known, self.n_scans.name)
        seconds = None if integration_s is None or n_scans is None else integration_s * n_scans
        signals = (self.spectrum, self.scatter, self.severity, self.counter, self.done_operation)
        done = {self.done_operation.name: known[self.operation.name]} if self.operation.name in known else {}
        return Foreseen(lapse(seconds), done, frozenset(signal.name for signal in signals) - set(done))

    def stop(self, *, success: bool = False) -> None:  # noqa: ARG002 (Bluesky's protocol has it)
        """Give up the acquisition; its status fails.

        Raises:
            NotConnectedError: the spectrometer does not answer.
        """
        with self._lock:
            if self._acquisition is not None:
                self._acquisition.is_stopped = True
            self.send(self.stop_command, 1)

    def read(self) -> Any:
        """Spectrum, scatter, operation and alarm severity.

        Raises:
            DeviceError: the spectrum is invalid or holds a number that is not finite; such data is never passed on.
        """
        reading: Any = super().read()
        self._check_spectrum(reading[self.spectrum.name]["value"], str(reading[self.severity.name]["value"]))
        return reading

    def describe(self) -> Any:
        description: Any = super().describe()
        n_wavelengths = int(np.size(self.ask(self.wavelengths)))
        for signal in (self.spectrum, self.scatter):  # also before the first spectrum
            description[signal.name] |= {"shape": [n_wavelengths], "dtype": "array", "dtype_numpy": "<f8"}
        return description

    def counters(self) -> Mapping[str, int]:
        """The number of acquisitions that the instrument has carried out over its life."""
        return {"acquisitions": int(self.ask(self.counter))}

    def _work(self, acquisition: _Acquisition, expected_s: float) -> Work:
        pulse = Pulse(self.name, self.clock)
        try:
            operation = str(self.ask(self.operation))
            number = int(self.ask(self.command)) + 1
            with self._lock:
                if acquisition.is_stopped:
                    raise DeviceError(f"{self.name}: the acquisition was stopped before it began")
                self.send(self.acquire, 1)
            yield from self._until_finished(acquisition, number, expected_s, pulse)
            self._prove(operation)
        except DeviceTimeoutError:
            with suppress(AutolabError):
                self.send(self.stop_command, 1)
            raise
        finally:
            acquisition.is_over = True

    def _until_finished(self, acquisition: _Acquisition, number: int, expected_s: float, pulse: Pulse) -> Work:
        end = self.clock.now() + expected_s
        while True:
            yield pause_s(self.clock, end - self.clock.now())
            if acquisition.is_stopped:
                raise DeviceError(f"{self.name}: the acquisition was stopped")
            pulse.feel(int(self.ask(self.heartbeat)))
            command = int(self.ask(self.command))
            if command > number:
                raise DeviceError(
                    f"{self.name}: another client commanded it during the acquisition: "
                    "give this spectrometer to one controller only"
                )
            if command == number and int(self.ask(self.finished)) >= number:
                return

    def _prove(self, operation: str) -> None:
        outcome = str(self.ask(self.outcome))
        if outcome not in ("done", "duplicate"):
            why = WHY.get(outcome, "look at the instrument")
            raise CommandRefusedError(f"{self.name}: no spectrum for operation {operation!r} ({outcome}): {why}")
        done = str(self.ask(self.done_operation))
        if done != operation:
            raise ReadbackError(f"{self.name}: asked for operation {operation!r} and it holds the spectrum of {done!r}")
        self._check_spectrum(self.ask(self.spectrum), str(self.ask(self.severity)))

    def _check_spectrum(self, spectrum: Any, severity: str) -> None:
        if severity == "INVALID":
            raise DeviceError(
                f"{self.name}: its alarm severity is INVALID: this spectrum is no measurement; acquire again"
            )
        if np.size(spectrum) == 0 or not np.all(np.isfinite(spectrum)):
            raise DeviceError(f"{self.name}: its spectrum holds numbers that are not finite; acquire again")
