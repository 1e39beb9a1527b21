"""The guard: one object per device, which every write of that device asks before anything reaches the hardware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from autolab.core.envelope import Limit, RangeLimit
from autolab.core.errors import EnvelopeError
from safety.envelope import check_write

__all__ = ["Guard"]


class Guard:
    """Keeps the writes of one device inside the envelope. Without limits it refuses every write.

    Args:
        device: Name of the device.
        limits: Limit by signal name (without the device's), in the signal's own unit.
    """

    def __init__(self, device: str, limits: Mapping[str, Limit] | None = None) -> None:
        self.device = device
        self._limits: Mapping[str, Limit] = MappingProxyType(dict(limits or {}))

    def check(self, signal: str, value: object, present: float | Callable[[], float | None] | None = None) -> None:
        """Refuse a write of ``value`` to ``signal`` that would leave the envelope.

        Args:
            signal: Name of the signal, without the device's.
            value: What is to be written, in the signal's own unit.
            present: Present value, or a function that reads it; only asked where a largest step is declared.

        Raises:
            EnvelopeError: the write would leave the envelope, or no limit is declared for the signal.
        """
        limit = self._limits.get(signal)
        if isinstance(limit, RangeLimit) and limit.max_step is not None and callable(present):
            present = self._read(signal, present)
        check_write(f"{self.device}.{signal}", limit, value, None if callable(present) else present)

    def limit(self, signal: str) -> Limit | None:
        """The declared limit of ``signal``, or None."""
        return self._limits.get(signal)

    def tolerance(self, signal: str, default: float) -> float:
        """Largest difference between commanded and read back, in the signal's own unit."""
        limit = self._limits.get(signal)
        declared = limit.tolerance if isinstance(limit, RangeLimit) else None
        return default if declared is None else declared

    def _read(self, signal: str, present: Callable[[], float | None]) -> float | None:
        try:
            return present()
        except Exception as error:
            raise EnvelopeError(
                f"{self.device}.{signal}: refused to write: its present value could not be read ({error})"
            ) from error
