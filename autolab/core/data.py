"""What a trial recorded: the data of its runs, as a reducer sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autolab.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TrialData"]


@dataclass(frozen=True, slots=True)
class TrialData:
    """The data of one trial, of all its runs in the order in which they were recorded."""

    events: Sequence[Mapping[str, Any]]
    """The ``data`` of each event of the primary stream."""
    configurations: Mapping[str, Any]
    """Configuration values by data key, as the last descriptor gave them."""
    starts: Sequence[Mapping[str, Any]]
    """The start document of each run."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Data keys that occur in every event, in the order of the first one."""
        if not self.events:
            return ()
        return tuple(key for key in self.events[0] if all(key in event for event in self.events))

    def column(self, key: str) -> NDArray[np.float64]:
        """The values of one data key: shape ``(n_events,)`` for scalars, ``(n_events, *shape)`` for arrays.

        Raises:
            InputError: no run recorded the key, or not all of its values are finite numbers.
        """
        import numpy as np  # frozen values stay light; a reducer has numpy anyway

        if key not in self.keys:
            raise InputError(f"no run of the trial recorded {key!r}; recorded are {', '.join(self.keys) or 'no keys'}")
        values = np.asarray([event[key] for event in self.events], dtype=np.float64)
        if not np.all(np.isfinite(values)):
            raise InputError(f"{key!r} holds a value that is not a finite number")
        return values

    def configuration(self, key: str) -> Any:
        """A configuration value.

        Raises:
            InputError: no run recorded the key.
        """
        if key not in self.configurations:
            known = ", ".join(self.configurations) or "none"
            raise InputError(f"no run of the trial recorded the configuration {key!r}; recorded are {known}")
        return self.configurations[key]
