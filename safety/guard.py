"""The guard: one object per device, which every write of that device asks before anything reaches the hardware."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType

from autolab.core.clock import Clock
from autolab.core.envelope import Limit, RangeLimit
from autolab.core.errors import EnvelopeError, ReadbackError
from safety.envelope import check_rate, check_write
from safety.trip import Trip
from safety.zones import Zones

__all__ = ["Guard"]


class Guard:
    """Keeps the writes of one device inside the envelope. Without limits it refuses every write.

    Args:
        device: Name of the device.
        limits: Limit by signal name (without the device's), in the signal's own unit.
        clock: Lab time, for largest rates; without one, a signal that declares a rate is refused.
        trip: The latch of the lab; None for one of its own.
        zones: The zones of the lab, which moves of the device reserve; None for none.
    """

    def __init__(
        self,
        device: str,
        limits: Mapping[str, Limit] | None = None,
        clock: Clock | None = None,
        trip: Trip | None = None,
        zones: Zones | None = None,
    ) -> None:
        self.device = device
        self.zones = zones or Zones()
        self._limits: Mapping[str, Limit] = MappingProxyType(dict(limits or {}))
        self._since = None if clock is None else (clock, clock.now())
        self._trip = trip or Trip()
        self._lock = threading.Lock()
        self._written: dict[str, tuple[float, float]] = {}

    def check(self, signal: str, value: object, present: float | Callable[[], float | None] | None = None) -> None:
        """Refuse a write of ``value`` to ``signal`` that would leave the envelope.

        Args:
            signal: Name of the signal, without the device's.
            value: What is to be written, in the signal's own unit.
            present: Present value, or a function that reads it; only asked where a largest step is declared, and at
                the first write where a largest rate is.

        Raises:
            EnvelopeError: the write would leave the envelope, or no limit is declared for the signal.
            TripError: the lab has tripped.
            InterlockError: a permissive does not hold.
        """
        name = f"{self.device}.{signal}"
        self._trip.check(name, value)
        limit = self._limits.get(signal)
        ranged = limit if isinstance(limit, RangeLimit) else None
        rated = None if ranged is None or ranged.max_rate is None else ranged
        if callable(present):
            is_first = rated is not None and signal not in self._written
            is_needed = is_first or (ranged is not None and ranged.max_step is not None)
            present = self._read(signal, present) if is_needed else None
        check_write(name, limit, value, present)
        if rated is not None:
            self._check_rate(signal, rated, value, present)

    def confirm(self, signal: str, commanded: float, read_back: float, tolerance: float, unit: str) -> None:
        """Compare what was commanded with what the instrument reads back. NaN never agrees.

        Where the envelope declares a tolerance for the signal, more than that trips the lab.

        Args:
            signal: Name of the signal, without the device's.
            commanded: Commanded value in ``unit``.
            read_back: Value that the instrument reports now, in ``unit``.
            tolerance: Largest difference in ``unit`` where the envelope declares none.
            unit: Unit of the numbers.

        Raises:
            ReadbackError: the two differ by more than the tolerance.
        """
        allowed = self.tolerance(signal, tolerance)
        if abs(read_back - commanded) <= allowed:
            return
        cause = (
            f"{self.device}.{signal}: commanded {commanded:g} {unit} and it reads back {read_back:g} {unit}, "
            f"outside the tolerance of {allowed:g} {unit}"
        )
        if self._declared_tolerance(signal) is not None:
            self._trip.trip(cause)
        raise ReadbackError(f"{cause}: look at the instrument before the next command")

    def limit(self, signal: str) -> Limit | None:
        """The declared limit of ``signal``, or None."""
        return self._limits.get(signal)

    def tolerance(self, signal: str, default: float) -> float:
        """Largest difference between commanded and read back, in the signal's own unit."""
        declared = self._declared_tolerance(signal)
        return default if declared is None else declared

    def _declared_tolerance(self, signal: str) -> float | None:
        limit = self._limits.get(signal)
        return limit.tolerance if isinstance(limit, RangeLimit) else None

    def _check_rate(self, signal: str, limit: RangeLimit, value: object, present: float | None) -> None:
        """Check the rate, and take note of a write that passes."""
        if self._since is None:
            raise EnvelopeError(f"{self.device}.{signal}: refused to write: no clock says how fast it changes")
        clock, begun_s = self._since
        with self._lock:
            now_s = clock.now()
            since_s, before = self._written.get(signal, (begun_s, present))
            check_rate(f"{self.device}.{signal}", limit, value, before, now_s - since_s)
            if float(value) != before:  # pyright: ignore[reportArgumentType] (check_write: a number)
                self._written[signal] = (now_s, float(value))  # pyright: ignore[reportArgumentType] (as above)

    def _read(self, signal: str, present: Callable[[], float | None]) -> float | None:
        try:
            return present()
        except Exception as error:
            raise EnvelopeError(
                f"{self.device}.{signal}: refused to write: its present value could not be read ({error})"
            ) from error
