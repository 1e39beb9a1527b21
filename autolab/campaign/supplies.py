"""What a trial needs before it can begin: a free well, and enough of each material that has not expired."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autolab.campaign.consumables import BEGINS, ConsumableUses
from autolab.campaign.lab import OpenLab
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stock import Stock
from autolab.campaign.wells import Wells, content_ul
from autolab.core.principals import Principal
from autolab.core.samples import Sample
from autolab.journal.journal import Journal
from safety.mixing import expired
from safety.scene import Scene

__all__ = ["Supplies", "fresh_scene"]

SYSTEM = Principal("autolab", "system")
"""Who asks people for what runs out."""


class Supplies:
    """Hands out samples while there is enough of everything.

    Args:
        setup: The campaign.
        lab: The lab, open.
        journal: Knows the wells that are used up.
    """

    def __init__(self, setup: CampaignSetup, lab: OpenLab, journal: Journal) -> None:
        self._stocks = (
            Stock(lambda: lab.stock_left(journal)),
            Stock(lambda: lab.consumables_left(journal), ConsumableUses(lab.consumables)),
        )
        self._wells = (
            Wells(setup.id, lab.wells, journal.used_wells(lab.name, lab.bench)) if setup.uses_samples else None
        )
        self._said: set[str] = set()
        self._lab, self._journal, self._campaign = lab, journal, setup.id

    def book(self, trial: int, action: Any) -> None:
        """Take note of an action that is about to be done. Callable from any thread."""
        for stock in self._stocks:
            stock.book(trial, action)

    def over(self, trial: int) -> None:
        """A trial needs nothing more."""
        for stock in self._stocks:
            stock.over(trial)

    def take(
        self, trial: int, attempt: int, needs_ul: Mapping[str, float] | None = None
    ) -> tuple[Sample | None, str | None]:
        """A sample for an attempt at a trial, where it needs one; or why it cannot begin, in one sentence.

        Args:
            trial: Number of the trial.
            attempt: Number of the attempt, from 1.
            needs_ul: What it will pour, in microlitres by material; None where nobody knows.
        """
        materials, consumables = self._stocks
        lacking = self._expired() or materials.lacking(needs_ul) or consumables.lacking()
        sample = None
        if lacking is None and self._wells is not None:
            sample = self._wells.take(trial, attempt)
            lacking = "no free well is left: put in fresh labware, then resume the campaign" if sample is None else None
        if lacking is None:
            consumables.book(trial, BEGINS)
        else:
            self._journal.intervene(self._campaign, None, SYSTEM, "request", f"trial {trial} waits: {lacking}")
        return sample, lacking

    def scene(self, sample: Sample | None) -> Scene:
        """How things stand for a trial that would begin now: date, and what is in its well.

        Stock counts as endless: a trial for which there is not enough is not refused, but waits for a refill (`take`).

        Args:
            sample: The sample that it would be given; None where it needs none.

        Raises:
            InputError: the record of the well cannot be right.
        """
        lab = self._lab
        well_ul = {} if sample is None else content_ul(self._journal, lab.name, lab.bench, sample.labware, sample.well)
        return replace(fresh_scene(lab, sample), well_ul=well_ul)

    def _expired(self) -> str | None:
        """Which material of the lab has expired, in one sentence. The clock may have passed its day since the start."""
        today = self._lab.clock.date().date()
        for material in self._lab.rules.materials.values():
            if (why := expired(material, today)) is not None:
                return f"{why}, and resume with --accept-changes"
        return None

    def expected(self, trial: int, attempt: int) -> Sample | None:
        """The sample that an attempt would be given now; None where it needs none, or no well is free."""
        return None if self._wells is None else self._wells.next(trial, attempt)

    def outlook(self, n_trials: int) -> str | None:
        """What will not last for so many more trials, in one sentence; None where all will, or it has been said."""
        outlooks = [stock.outlook(n_trials) for stock in self._stocks]
        for found in (*outlooks, self._wells and self._wells.outlook(n_trials)):
            what = found and found.partition(":")[0]
            if found and what and what not in self._said:
                self._said.add(what)
                return found
        return None


def fresh_scene(lab: OpenLab, sample: Sample | None) -> Scene:
    """How things stand for a trial in an empty well, with endless stock."""
    endless = dict.fromkeys(lab.rules.materials, sys.float_info.max)
    return Scene(lab.clock.date().date(), sample, {}, endless)
