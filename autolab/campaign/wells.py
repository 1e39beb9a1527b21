"""The wells of a lab, handed out one by one."""

from __future__ import annotations

from collections.abc import Sequence

from autolab.core.samples import Sample

__all__ = ["Wells"]


class Wells:
    """Hands out free wells in the order of use.

    Args:
        campaign: Id of the campaign, which the samples' ids begin with.
        wells: All wells as (labware, place, well), in the order of use.
        used: Wells that hold a sample, as (labware, well).
    """

    def __init__(self, campaign: str, wells: Sequence[tuple[str, str, int]], used: set[tuple[str, int]]) -> None:
        self._campaign, self._wells, self._used = campaign, wells, used

    def take(self, trial: int, attempt: int) -> Sample | None:
        """A sample in the next free well for an attempt at a trial; None where no well is free."""
        sample = self.next(trial, attempt)
        if sample is not None:
            self._used.add((sample.labware, sample.well))
        return sample

    def next(self, trial: int, attempt: int) -> Sample | None:
        """The sample that `take` would give."""
        for labware, place, well in self._wells:
            if (labware, well) not in self._used:
                again = "" if attempt == 1 else f"a{attempt}"
                return Sample(f"{self._campaign}.s{trial}{again}", labware, place, well)
        return None

    def outlook(self, n_trials: int) -> str | None:
        """That the free wells are too few for so many more trials, in one sentence; None where they are enough."""
        free = sum((labware, well) not in self._used for labware, _, well in self._wells)
        if free >= n_trials:
            return None
        return f"wells will run out: {free} are free and {n_trials} trials are to come"
