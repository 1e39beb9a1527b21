"""What a trial needs before it can begin: a free well, calibrations, enough of each material that has not expired."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autolab.campaign.book import Book
from autolab.campaign.calibrating import Calibrating
from autolab.campaign.consumables import BEGINS, ConsumableUses
from autolab.campaign.lab import OpenLab
from autolab.campaign.left import Left
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stock import Stock
from autolab.campaign.wells import Wells, content_ul
from autolab.core.constraints import Constraint
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
        note: Told what a person should know, in one sentence.
    """

    def __init__(
        self, setup: CampaignSetup, lab: OpenLab, journal: Journal, note: Callable[[str], None] = lambda _: None
    ) -> None:
        self._stocks = (
            Stock(lambda: lab.stock_left(journal)),
            Stock(lambda: lab.consumables_left(journal), ConsumableUses(lab.consumables)),
        )
        wells = Wells(setup.id, lab.wells, journal.used_wells(lab.name, lab.bench))
        self._every, self._wells = wells, wells if setup.uses_samples else None
        self.calibrating = Calibrating(setup, lab, journal, wells, note)
        """Knows the calibrations that are due."""
        self._left = Left(setup, lab, journal, lambda trial: self.expected(trial, 1))
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

    def bounds(self, book: Book, number: int) -> tuple[Constraint, ...]:
        """What the materials that are left allow the next trial to be; see `autolab.campaign.left.Left`."""
        return self._left.bounds(book, number)

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
        lacking = lacking or self.calibrating.refusal() or self._few_wells(int(self._wells is not None))
        sample = None
        if lacking is None and self._wells is not None:
            sample = self._wells.take(trial, attempt)
        if lacking is None:
            consumables.book(trial, BEGINS)
            if needs_ul is not None:
                materials.expect(trial, needs_ul)
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

    def lacks_for_plate(self, trials: Sequence[int], needs_ul: Mapping[str, float] | None) -> str | None:
        """Why a plate cannot be measured, in one sentence; else what it will pour is reserved for its first trial.

        Args:
            trials: Numbers of its trials.
            needs_ul: What is going to be poured, in microlitres by material; None where nobody knows.
        """
        materials, _ = self._stocks
        lacking = None if needs_ul is None else materials.lacking(needs_ul)
        lacking = lacking or self.calibrating.refusal(len(trials))
        lacking = lacking or self._few_wells(0, len(trials))
        if lacking is not None:
            said = f"the plate of trial {trials[0]} waits: {lacking}"
            self._journal.intervene(self._campaign, None, SYSTEM, "request", said)
        elif needs_ul is not None:
            materials.expect(trials[0], needs_ul)
        return lacking

    def _few_wells(self, own: int, n_trials: int = 1) -> str | None:
        """That a well is lacking for the trial, or for a calibration before it, in one sentence."""
        n_wells = self.calibrating.n_wells(n_trials) + own
        if n_wells and self._every.spare("", n_wells - 1) is None:
            return "no free well is left: put in fresh labware, then resume the campaign"
        return None

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
