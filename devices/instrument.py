"""What the devices that are no EPICS records share: how they are read and described."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, cast

from bluesky.protocols import Status
from ophyd import Device

from autolab.core.addresses import Address
from autolab.core.clock import Clock
from autolab.core.envelope import Limit, RangeLimit
from autolab.core.errors import NotConnectedError
from devices.base import Identity
from devices.completion import Work, follow
from safety.guard import Guard

__all__ = ["Instrument", "describe_number", "describe_text"]


def describe_number(source: str, unit: str, limit: Limit | None = None, *, is_whole: bool = False) -> dict[str, Any]:
    """Describe a number as the event model does.

    Args:
        source: Where it comes from.
        unit: Its unit, as pint writes it.
        limit: What the envelope declares for the signal that commands it.
        is_whole: True for a count.
    """
    dtype = "integer" if is_whole else "number"
    key: dict[str, Any] = {"source": source, "dtype": dtype, "shape": [], "units": unit}
    if isinstance(limit, RangeLimit):
        key["lower_ctrl_limit"], key["upper_ctrl_limit"] = limit.lower, limit.upper
    return key


def describe_text(source: str) -> dict[str, Any]:
    """Describe a text as the event model does."""
    return {"source": source, "dtype": "string", "shape": []}


class Instrument(Device):
    """A classic ophyd device that asks its instrument when it is read, and keeps no signals of its own.

    A class of this kind fills `_values` and `_keys`; their keys have no device name in front.

    Args:
        name: Name of the device.
        at: Where it listens.
        clock: Lab time.
        guard: The limits of its writable signals.
    """

    def __init__(self, *, name: str, at: Address, clock: Clock, guard: Guard) -> None:
        super().__init__(name=name)
        self._at, self._clock, self._guard = at, clock, guard
        self._identity: Identity | None = None

    @property
    def connected(self) -> bool:
        """True between `connect` and `disconnect`."""
        return self._identity is not None

    def read(self) -> OrderedDict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride] (ophyd's private type)
        """What the instrument says, asked now."""
        return self._reading(self._values())

    def describe(self) -> OrderedDict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride] (as above)
        """Describe `read`."""
        return OrderedDict((f"{self.name}_{key}", described) for key, described in self._keys().items())

    def read_configuration(self) -> OrderedDict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride] (as above)
        """Who the instrument says it is; empty before it was asked."""
        return self._reading(self._configuration())

    def describe_configuration(self) -> OrderedDict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride] (as above)
        """Describe `read_configuration`."""
        source = str(self._at)
        boolean = {"source": source, "dtype": "boolean", "shape": []}
        return OrderedDict(
            (f"{self.name}_{key}", boolean if isinstance(value, bool) else describe_text(source))
            for key, value in self._configuration().items()
        )

    def facts(self) -> Mapping[str, Any]:
        """What it has learnt of its instrument for its foresight, see `devices.foresight.TellsFacts`."""
        return {}

    def _follow(self, work: Work, expected_s: float, what: str) -> Status:
        """Follow the work of an action, see `devices.completion.follow`."""
        # ophyd's statuses do what the protocol says, under other names of parameters
        return cast("Status", follow(self, self._clock, work, expected_s=expected_s, what=what))

    def _require_connected(self) -> None:
        if self._identity is None:
            raise NotConnectedError(f"{self.name} ({self._at}): not connected: connect it first")

    def _configuration(self) -> Mapping[str, str | bool]:
        if self._identity is None:
            return {}
        return {
            "model": self._identity.model,
            "serial_number": self._identity.serial_number,
            "is_simulated": self._identity.is_simulated,
        }

    def _reading(self, values: Mapping[str, Any]) -> OrderedDict[str, Any]:
        timestamp = self._clock.date().timestamp()
        return OrderedDict(
            (f"{self.name}_{key}", {"value": value, "timestamp": timestamp}) for key, value in values.items()
        )

    @abstractmethod
    def _values(self) -> Mapping[str, Any]:
        """Values to read, by key."""

    @abstractmethod
    def _keys(self) -> Mapping[str, dict[str, Any]]:
        """Descriptions of `_values`, by key."""
