"""What a trial needs before it can begin: a free well, and enough of each material that has not expired."""

from __future__ import annotations

from autolab.campaign.lab import OpenLab
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stock import Stock
from autolab.campaign.wells import Wells, content_ul
from autolab.core.samples import Sample
from autolab.journal.journal import Journal
from safety.mixing import expired
from safety.scene import Scene

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
        self._lab, self._journal = lab, journal

    def take(self, trial: int, attempt: int) -> tuple[Sample | None, str | None]:
        """A sample for an attempt at a trial, where it needs one; or why it cannot begin, in one sentence."""
        lacking = self._expired() or self.stock.lacking()
        if lacking is not None or self._wells is None:
            return None, lacking
        sample = self._wells.take(trial, attempt)
        lacking = "no free well is left: put in fresh labware, then resume the campaign"
        return sample, lacking if sample is None else None

    def scene(self, sample: Sample | None) -> Scene:
        """How things stand for a trial that would begin now: date, stock, and what is in its well.

        Args:
            sample: The sample that it would be given; None where it needs none.

        Raises:
            InputError: the record of the well cannot be right.
        """
        lab = self._lab
        well_ul = {} if sample is None else content_ul(self._journal, lab.name, lab.bench, sample.labware, sample.well)
        return Scene(lab.clock.date().date(), sample, well_ul, self.stock.free_ul())

    def _expired(self) -> str | None:
        """Which material of the lab has expired, in one sentence. The clock may have passed its day since the start."""
        today = self._lab.clock.date().date()
        for material in self._lab.rules.materials.values():
            if (why := expired(material, today)) is not None:
                return f"{why}, and resume with --accept-changes"
        return None

    def outlook(self, n_trials: int) -> str | None:
        """What will not last for so many more trials, in one sentence; None where all will, or it has been said."""
        for found in (self.stock.outlook(n_trials), self._wells and self._wells.outlook(n_trials)):
            what = found and found.partition(":")[0]
            if found and what and what not in self._said:
                self._said.add(what)
                return found
        return None
