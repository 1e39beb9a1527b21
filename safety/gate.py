"""A gate around an EPICS process variable: every way of pyepics and ophyd to write to it asks first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autolab.core.errors import EnvelopeError

__all__ = ["PvGate", "only_read"]


class PvGate:
    """A process variable whose every put asks first. ophyd shares process variables, so it is not changed itself.

    Args:
        pv: The process variable, or another gate.
        check: Raises where the value may not be written.
    """

    def __init__(self, pv: Any, check: Callable[[Any], None]) -> None:
        object.__setattr__(self, "_gated", (pv, check))

    def put(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Write, after the check."""
        pv, check = self._gated
        check(value)
        return pv.put(value, *args, **kwargs)

    def __setval__(self, value: Any) -> None:
        self.put(value)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_gated")[0], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "value":  # assigning it writes
            self.put(value)
        else:
            setattr(self._gated[0], name, value)


def only_read(signal: str) -> Callable[[Any], None]:
    """The check of a process variable that its signal only reads: nothing may be written to it.

    Args:
        signal: ``device.signal``, for the message.
    """

    def refuse(value: Any) -> None:
        raise EnvelopeError(f"{signal}: refused to write {value!r}: its process variable is only read here")

    return refuse
