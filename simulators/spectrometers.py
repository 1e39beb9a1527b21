"""The simulated spectrometer: it looks at what is really under its probe, behind EPICS process variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autolab.core.errors import InputError
from autolab.core.operations import OperationId
from autolab.core.seeds import derive_seed
from simulators.base import Settings, Store
from simulators.bench import PROBE_HEAD_MM, leave_labware, well_under
from simulators.physics.spectra import Optics, baseline_drift, scan, wavelengths_nm
from simulators.pvs import Pv, PvCore, Reading, Severity

__all__ = ["SpectrometerCore", "SpectrometerServer", "spectrometer_pvs"]

STATES = ("idle", "acquiring", "done", "duplicate", "stopped", "refused", "no well", "bad operation")
ALARMS: Mapping[str, Severity] = {
    "refused": Severity.MAJOR,
    "no well": Severity.INVALID,
    "bad operation": Severity.MAJOR,
}
INTEGRATION_S = (0.001, 1.0)
"""Shortest and longest integration time."""
SCANS = (1, 100)
"""Fewest and most scans to average."""
REMEMBERED = 512
"""Operations whose spectra the instrument keeps; the oldest goes first."""


def spectrometer_pvs(n_wavelengths: int = 31) -> tuple[Pv, ...]:
    """The process variables of the spectrometer, besides those of every simulator."""
    return (
        Pv("INTEGRATION_TIME", "number", "Integration time of the next scans", "s", True, *INTEGRATION_S),
        Pv("SCANS", "integer", "Scans to average", "", True, *SCANS),
        Pv("OPERATION", "text", "Operation id of the next acquisition, such as k3f9.t12.r1.measure.a1", writable=True),
        Pv("ACQUIRE", "switch", "Write 1 to acquire", writable=True, choices=("Rest", "Acquire"), completes=True),
        Pv(
            "STOP", "switch", "Write 1 to give up the acquisition", writable=True, choices=("Rest", "Stop"), always=True
        ),
        Pv("INTEGRATION_TIME_RBV", "number", "Integration time in force", "s", False, *INTEGRATION_S),
        Pv("SCANS_RBV", "integer", "Scans in force", "", False, *SCANS),
        Pv("OPERATION_RBV", "text", "Operation id in force"),
        Pv("WAVELENGTHS", "array", "Wavelengths of the spectrum", "nm", length=n_wavelengths),
        Pv("SPECTRUM", "array", "Absorbance, mean of the scans; INVALID and NaN without a well", length=n_wavelengths),
        Pv("SCATTER", "array", "Standard deviation between the scans", length=n_wavelengths),
        Pv("DONE_OPERATION", "text", "Operation id of the spectrum"),
        Pv("STATE", "choice", "What became of the last acquisition; alarm unless it went well", choices=STATES),
        Pv("SEVERITY", "choice", "Highest alarm severity", choices=tuple(s.name for s in Severity)),
        Pv("COUNTER", "integer", "Acquisitions carried out, counted over the life of the instrument"),
        Pv("COMMAND", "integer", "Number of the last command to acquire"),
        Pv("FINISHED", "integer", "Number of the last command to acquire that has ended, in whatever state"),
    )


@dataclass(frozen=True, slots=True)
class _Acquisition:
    operation: str
    spectrum: list[float]
    scatter: list[float]
    ends: float
    """Lab time in seconds."""


class SpectrometerCore(PvCore):
    """The spectrometer's controller. It knows no socket, and sees the bench through the store.

    Noise is drawn from the seed and the operation's place in the campaign, drift from the seed and the trial; an
    operation id that it has carried out is answered with the recorded spectrum, and nothing is measured.

    Args:
        settings: Seed, and the store with the state of the whole bench.
        stage: Name of the stage in the store.
        arm: Name of the arm in the store.
        dispenser: Name of the dispenser in the store.
        n_wavelengths: Points of a spectrum between 400 and 700 nm.
        drift_step: Standard deviation of the baseline's step from trial to trial, in absorbance.
        serial_number: What the spectrometer calls itself.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        stage: str = "stage",
        arm: str = "arm",
        dispenser: str = "dispenser",
        n_wavelengths: int = 31,
        drift_step: float = 5.0e-4,
        serial_number: str = "SP-0001",
    ) -> None:
        super().__init__(
            spectrometer_pvs(n_wavelengths), model="Autolab fibre spectrometer", serial_number=serial_number
        )
        self._settings = settings
        self._others = {"stage": stage, "arm": arm, "dispenser": dispenser}
        self._optics = Optics(n_wavelengths, drift_step=drift_step)
        self._wavelengths = wavelengths_nm(n_wavelengths)
        kept = settings.store.load(settings.device) or {}
        self._counter = int(kept.get("counter", 0))
        self._command = int(kept.get("command", 0))
        self._operations: dict[str, Any] = {str(key): value for key, value in kept.get("operations", [])}
        self._integration_s, self._n_scans, self._operation = 0.1, 4, ""
        self._state, self._done_operation = "idle", ""
        self._nothing = [float("nan")] * n_wavelengths
        self._spectrum, self._scatter = self._nothing, self._nothing
        self._acquisition: _Acquisition | None = None

    def is_busy(self, now: float) -> bool:
        self._settle(now)
        return self._acquisition is not None

    def _read(self, name: str, now: float) -> Reading:
        self._settle(now)
        alarm = ALARMS.get(self._state, Severity.NO_ALARM)
        missing = Severity.INVALID if self._spectrum is self._nothing else Severity.NO_ALARM
        busy = self._acquisition is not None
        readings: Mapping[str, Reading] = {
            "INTEGRATION_TIME": Reading(self._integration_s),
            "SCANS": Reading(self._n_scans),
            "OPERATION": Reading(self._operation),
            "ACQUIRE": Reading(int(busy)),
            "STOP": Reading(0),
            "INTEGRATION_TIME_RBV": Reading(self._integration_s),
            "SCANS_RBV": Reading(self._n_scans),
            "OPERATION_RBV": Reading(self._operation),
            "WAVELENGTHS": Reading(self._wavelengths),
            "SPECTRUM": Reading(np.array(self._spectrum), missing),
            "SCATTER": Reading(np.array(self._scatter), missing),
            "DONE_OPERATION": Reading(self._done_operation),
            "STATE": Reading(STATES.index(self._state), alarm),
            "SEVERITY": Reading(int(alarm)),
            "COUNTER": Reading(self._counter),
            "COMMAND": Reading(self._command),
            "FINISHED": Reading(self._command - int(busy)),
        }
        return readings[name]

    def _write(self, name: str, value: Any, now: float) -> None:
        self._settle(now)
        if name == "STOP":
            if int(value) == 1 and self._acquisition is not None:
                self._acquisition, self._state = None, "stopped"
        elif name == "ACQUIRE":
            if int(value) == 1:
                self._acquire(now)
        elif self._acquisition is not None:
            self._state = "refused"  # settings stay as they are while it measures; the measurement is void
            self._acquisition = None
        elif name == "INTEGRATION_TIME" and INTEGRATION_S[0] <= float(value) <= INTEGRATION_S[1]:
            self._integration_s = float(value)
        elif name == "SCANS" and SCANS[0] <= int(value) <= SCANS[1]:
            self._n_scans = int(value)
        elif name == "OPERATION":
            self._operation = str(value)

    def _acquire(self, now: float) -> None:
        self._command += 1
        self._spectrum, self._scatter, self._done_operation = self._nothing, self._nothing, ""
        if self._acquisition is not None:
            self._acquisition, self._state = None, "refused"
            return
        try:
            operation = OperationId.parse(self._operation)
        except InputError:
            self._state = "bad operation"
            return
        if self._operation in self._operations:
            self._publish(self._operation, "duplicate")
            return
        well = self._well_under_probe()
        if well is None:
            self._state = "no well"
            return
        volumes, mixed_s = well
        seed = derive_seed(self._settings.seed, self._settings.device, "drift")
        scans = scan(
            volumes,
            mixed_s,
            integration_time_s=self._integration_s,
            n_scans=self._n_scans,
            baseline=baseline_drift(seed, operation.trial, self._optics.drift_step),
            rng=np.random.default_rng(operation.noise_seed(self._settings.seed, self._settings.device)),
            at_nm=self._wavelengths,
            optics=self._optics,
        )
        ends = now + self._integration_s * self._n_scans
        self._acquisition = _Acquisition(self._operation, scans.absorbance.tolist(), scans.scatter.tolist(), ends)
        self._state = "acquiring"

    def _settle(self, now: float) -> None:
        done = self._acquisition
        if done is None or now < done.ends:
            return
        self._acquisition = None
        self._counter += 1
        self._operations[done.operation] = {"spectrum": done.spectrum, "scatter": done.scatter}
        while len(self._operations) > REMEMBERED:
            del self._operations[next(iter(self._operations))]
        state = {"counter": self._counter, "command": self._command, "operations": list(self._operations.items())}
        self._settings.store.save(self._settings.device, state)
        self._publish(done.operation, "done")

    def _publish(self, operation: str, state: str) -> None:
        record = self._operations[operation]
        self._spectrum, self._scatter = record["spectrum"], record["scatter"]
        self._done_operation, self._state = operation, state

    def _well_under_probe(self) -> tuple[Mapping[str, float], float] | None:
        """Volumes and seconds of mixing of the well under the probe; None where there is none or the stage moves."""
        load = self._settings.store.load
        stage, arm, dispenser = (load(self._others[name]) or {} for name in ("stage", "arm", "dispenser"))
        labware = arm.get("places", {}).get("stage")
        if labware is None or stage.get("moving", True):
            return None
        well = well_under(float(stage["position"]), PROBE_HEAD_MM)
        if well is None:
            return None
        volumes = dispenser.get("wells", {}).get(labware, {}).get(str(well), {})
        mixed_s = dispenser.get("mixed", {}).get(labware, {}).get(str(well), 0.0)
        return volumes, float(mixed_s)


class SpectrometerServer:
    """The spectrometer as an EPICS IOC. Options are those of `SpectrometerCore`."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self.core = SpectrometerCore(settings, **options)
        self._settings = settings

    @staticmethod
    def set_the_scene(store: Store, labware: str) -> None:
        """Put an empty well under the probe, on a bench on which nothing else runs."""
        leave_labware(store, labware, PROBE_HEAD_MM)

    def serve(self, at: Mapping[str, Any]) -> None:
        from simulators.ioc import serve_pvs  # softioc loads EPICS libraries, which only a server needs

        serve_pvs(self.core, self._settings, at)
