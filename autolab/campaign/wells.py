"""The wells of a lab, handed out one by one."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from autolab.core.operations import OperationId
from autolab.core.samples import Sample, sample_id
from autolab.journal.journal import Journal

__all__ = ["Wells", "content_ul"]

_POURED = """
SELECT i.operation, t.campaign, t.trial, s.id AS sample, json_extract(i.action, '$.material') AS material,
    COALESCE(i.used_ul, json_extract(i.action, '$.volume_ul')) AS volume_ul
FROM samples s JOIN trial_samples t ON t.sample = s.id
    JOIN intents i ON i.campaign = t.campaign AND i.trial = t.trial AND i.replicate = t.replicate
WHERE s.lab = ? AND s.bench = ? AND s.labware = ? AND s.well = ? AND i.state <> 'void'
"""


def content_ul(journal: Journal, lab: str, bench: str, labware: str, well: int) -> dict[str, float]:
    """What is in a well by the record, in microlitres by material. What was intended and is not settled counts.

    Args:
        journal: Keeps the actions.
        lab: Name of the lab.
        bench: Identity of the hardware's contents.
        labware: Identity of the piece, such as ``strip-1``.
        well: Position in it, from 0.
    """
    found: dict[str, float] = {}
    for row in journal.states.rows(_POURED, (lab, bench, labware, well)):
        poured_into = sample_id(row["campaign"], row["trial"], OperationId.parse(row["operation"]).attempt)
        if row["material"] is not None and row["sample"] == poured_into:
            found[row["material"]] = found.get(row["material"], 0.0) + (row["volume_ul"] or 0.0)
    return found


class Wells:
    """Hands out free wells in the order of use.

    Args:
        campaign: Id of the campaign, which the samples' ids begin with.
        wells: All wells as (labware, place, well), in the order of use.
        used: Wells that hold a sample, as (labware, well).
    """

    def __init__(self, campaign: str, wells: Sequence[tuple[str, str, int]], used: set[tuple[str, int]]) -> None:
        self._campaign, self._wells, self._used = campaign, wells, used
        self._lock = threading.Lock()

    def take(self, trial: int, attempt: int) -> Sample | None:
        """A sample in the next free well for an attempt at a trial; None where no well is free."""
        return self.take_spare(sample_id(self._campaign, trial, attempt))

    def next(self, trial: int, attempt: int) -> Sample | None:
        """The sample that `take` would give."""
        return self.spare(sample_id(self._campaign, trial, attempt), 0)

    def take_spare(self, name: str) -> Sample | None:
        """A sample of this id in the next free well; None where no well is free. Callable from any thread."""
        with self._lock:
            sample = self.spare(name, 0)
            if sample is not None:
                self._used.add((sample.labware, sample.well))
            return sample

    def spare(self, name: str, after: int) -> Sample | None:
        """A sample of this id as `take_spare` would give it after so many others; None where no well would be free."""
        for labware, place, well in self._wells:
            if (labware, well) not in self._used:
                if not after:
                    return Sample(name, labware, place, well)
                after -= 1
        return None

    def outlook(self, n_trials: int) -> str | None:
        """That the free wells are too few for so many more trials, in one sentence; None where they are enough."""
        free = sum((labware, well) not in self._used for labware, _, well in self._wells)
        if free >= n_trials:
            return None
        return f"wells will run out: {free} are free and {n_trials} trials are to come"
