"""What a trial needs before it can begin: a free well, and enough of each material."""

from __future__ import annotations

from autolab.campaign.lab import OpenLab
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stock import Stock
from autolab.campaign.wells import Wells
from autolab.core.samples import Sample
from autolab.journal.journal import Journal

__all__ = ["Supplies"]


class Supplies:
    """Hands out samples while there is enough of everything.

    Args:
        setup: The campaign.
        lab: The lab, open.
        journal: Knows the wells that are used up.
    """

    def __init__(self, setup: CampaignSetup, lab: OpenLab, journal: Journal) -> None:
        self.stock = Stock(lambda: lab.stock_left(journal))
        self._wells = (
            Wells(setup.id, lab.wells, journal.used_wells(lab.name, lab.bench)) if setup.uses_samples else None
        )
        self._said: set[str] = set()

    def take(self, trial: int, attempt: int) -> tuple[Sample | None, str | None]:
        """A sample for an attempt at a trial, where it needs one; or why it cannot begin, in one sentence."""
        lacking = self.stock.lacking()
        if lacking is not None or self._wells is None:
            return None, lacking
        sample = self._wells.take(trial, attempt)
        lacking = "no free well is left: put in fresh labware, then resume the campaign"
        return sample, lacking if sample is None else None

    def expected(self, trial: int) -> Sample | None:
        """The sample that a first attempt would be given now; None where it needs none, or no well is free."""
        return None if self._wells is None else self._wells.next(trial, 1)

    def outlook(self, n_trials: int) -> str | None:
        """What will not last for so many more trials, in one sentence; None where all will, or it has been said."""
        for found in (self.stock.outlook(n_trials), self._wells and self._wells.outlook(n_trials)):
            what = found and found.partition(":")[0]
            if found and what and what not in self._said:
                self._said.add(what)
                return found
        return None
