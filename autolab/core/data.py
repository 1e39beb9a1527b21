"""What a trial recorded: the data of its runs, as a reducer sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolab.core.assets import RESOURCES, files_of
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
    assets: Sequence[tuple[str, Mapping[str, Any]]] = ()
    """Documents about files, as (name, document): ``resource``, ``datum``, ``stream_resource`` and ``stream_datum``."""

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

    def files(self, key: str) -> tuple[Path, ...]:
        """The files in which a device wrote what a data key stands for, those of one resource in their order.

        Raises:
            InputError: no document names a file for this key.
        """
        datums = {event[key] for event in self.events if isinstance(event.get(key), str)}
        uids = [d["resource"] for name, d in self.assets if name == "datum" and d["datum_id"] in datums]
        uids += [d["uid"] for name, d in self.assets if name == "stream_resource" and d["data_key"] == key]
        named = {document["uid"]: document for name, document in self.assets if name in RESOURCES}
        found = tuple(file for uid in dict.fromkeys(uids) if uid in named for file in files_of(named[uid]))
        if not found:
            raise InputError(f"no run of the trial recorded a file for {key!r}")
        return found

    def configuration(self, key: str) -> Any:
        """A configuration value.

        Raises:
            InputError: no run recorded the key.
        """
        if key not in self.configurations:
            known = ", ".join(self.configurations) or "none"
            raise InputError(f"no run of the trial recorded the configuration {key!r}; recorded are {known}")
        return self.configurations[key]
