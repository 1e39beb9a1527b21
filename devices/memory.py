"""A control layer in memory: process variables of a simulator's core without Channel Access.

ophyd reaches process variables through a *control layer* (``ophyd._pyepics_shim`` for pyepics). A signal takes another
one by its argument ``cl``; the layer here gives it process variables that call the core directly, at the lab time of
the shared clock. The device class is the same, and so are names, values and alarm severities.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from autolab.core.clock import Clock

__all__ = ["CoreLike", "MemoryLayer", "MemoryPv"]


class PvLike(Protocol):
    """What the layer wants to know of a process variable."""

    kind: str
    unit: str
    writable: bool
    lower: float | None
    upper: float | None
    precision: int
    choices: tuple[str, ...]


class CoreLike(Protocol):
    """A simulator's core, as the layer uses it."""

    pvs: Mapping[str, Any]
    lock: Any

    def beat(self) -> None: ...
    def read(self, name: str, now: float) -> Any: ...
    def write(self, name: str, value: Any, now: float) -> None: ...


class _Inline:
    """Runs callbacks where they arise; in memory there is no other thread to hand them to."""

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)

    __call__ = run

    def get_thread_context(self, _name: str) -> _Inline:
        return self


class MemoryPv:
    """One process variable of a core, with as much of a pyepics ``PV`` as ophyd's signals use.

    Args:
        core: The core.
        clock: The clock on which the core lives.
        pvname: Name with the prefix.
        prefix: The prefix.
    """

    connected = True
    auto_monitor = False

    def __init__(self, core: CoreLike, clock: Clock, pvname: str, prefix: str) -> None:
        self.pvname = pvname
        self._core, self._clock = core, clock
        self._name = pvname.removeprefix(prefix)
        self._pv: PvLike = core.pvs[self._name]
        self._reference_count = 0

    def wait_for_connection(self, **_: Any) -> bool:
        """True: memory is always connected."""
        return True

    def get_with_metadata(self, *, as_string: bool = False, **_: Any) -> dict[str, Any]:
        """Read value, severity and description, as pyepics returns them."""
        if self._name == "HEARTBEAT":
            self._core.beat()  # a core that answers is alive
        reading = self._core.read(self._name, self._clock.now())
        value = reading.value
        if as_string and self._pv.choices:
            value = self._pv.choices[int(value)]
        elif self._pv.kind == "array":
            value = np.array(value, dtype=np.float64)
        return {
            "value": value,
            "status": 7 if reading.severity else 0,  # STATE alarm, as the IOC sets it
            "severity": int(reading.severity),
            "timestamp": self._clock.date().timestamp(),
            "precision": self._pv.precision if self._pv.kind == "number" else None,
            "units": self._pv.unit,
            "lower_ctrl_limit": self._pv.lower,
            "upper_ctrl_limit": self._pv.upper,
            "enum_strs": self._pv.choices or None,
        }

    def get_all_metadata_blocking(self, **_: Any) -> dict[str, Any]:
        """Everything but the value."""
        metadata = self.get_with_metadata()
        del metadata["value"]
        return metadata

    def get_all_metadata_callback(self, callback: Callable[..., None], **_: Any) -> None:
        """Give everything but the value to ``callback``."""
        callback(self.pvname, self.get_all_metadata_blocking())

    def put(self, value: Any, *, callback: Callable[..., None] | None = None, **_: Any) -> None:
        """Write, as a put over the wire does: clamped to the drive limits, and never an error."""
        if not self._pv.writable:
            return
        if self._pv.kind in ("number", "integer"):
            value = float(value)
            if self._pv.lower is not None and self._pv.upper is not None and not math.isnan(value):
                value = min(max(value, self._pv.lower), self._pv.upper)
            if self._pv.kind == "integer":
                value = int(value)
        self._core.write(self._name, value, self._clock.now())
        if callback is not None:
            callback(pvname=self.pvname)

    def add_callback(self, callback: Callable[..., None], *, run_now: bool = False, **_: Any) -> int:
        """Give the present value once; there are no monitors in memory."""
        if run_now:
            callback(pvname=self.pvname, **self.get_with_metadata())
        return 0


class MemoryLayer:
    """ophyd's control layer over one core.

    Args:
        core: The core.
        clock: The clock on which the core lives.
        prefix: Prefix of the names.
    """

    name = "memory"
    thread_class: ClassVar[type[threading.Thread]] = threading.Thread

    def __init__(self, core: CoreLike, clock: Clock, prefix: str) -> None:
        self._core, self._clock, self._prefix = core, clock, prefix
        self._inline = _Inline()

    def get_pv(
        self,
        pvname: str,
        *,
        connection_callback: Callable[..., None] | None = None,
        access_callback: Callable[..., None] | None = None,
        **_: Any,
    ) -> MemoryPv:
        """A process variable, connected at once."""
        pv = MemoryPv(self._core, self._clock, pvname, self._prefix)
        if access_callback is not None:
            access_callback(True, True, pv=pv)
        if connection_callback is not None:
            connection_callback(pvname=pvname, conn=True, pv=pv)
        return pv

    def release_pvs(self, *pvs: MemoryPv) -> None:
        """Nothing to let go of."""

    def get_dispatcher(self) -> _Inline:
        """What runs callbacks."""
        return self._inline
