"""The best trial of a campaign so far, found again only where trials have ended since it was looked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from autolab.core.trials import Estimate
from autolab.journal.database import Database
from autolab.journal.records import CampaignRecord
from autolab.report.numbers import outcome_text
from autolab.report.standing import Found, best_trial
from autolab.server.models import Best

__all__ = ["Bests"]

MOST_CAMPAIGNS = 256
LATE = 1000
"""Trials before the last one that may still end: as many as there are lanes do, and more are looked at."""


@dataclass(frozen=True, slots=True)
class _Known:
    n_measured: int
    n_corrected: int
    last: int
    """Number of the last trial that was looked at."""
    best: Found | None


class Bests:
    """Remembers the best of each campaign. Callable from any thread."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def best(self, states: Database, record: CampaignRecord, n_measured: int) -> Best | None:
        """The best trial as measured that keeps all outcome constraints; None while there is none, and for a front.

        Args:
            states: Database of the states.
            record: The campaign.
            n_measured: Number of its trials with an outcome.
        """
        if record.problem.seeks_front:
            return None
        found = self._found(states, record, n_measured)
        if found is None:
            return None
        number, value, sem = found
        ranking = record.problem.ranking
        text = outcome_text(Estimate(value, sem), ranking.unit)
        return Best(trial=number, metric=ranking.metric, value=value, text=text)

    def _found(self, states: Database, record: CampaignRecord, n_measured: int) -> Found | None:
        rows = states.rows(
            "SELECT (SELECT COUNT(*) FROM corrections WHERE campaign = ?1) AS corrected, "
            "(SELECT MAX(number) FROM trials WHERE campaign = ?1) AS last",
            (record.id,),
        )
        n_corrected, last = rows[0]["corrected"], rows[0]["last"] or 0
        with self._lock:
            known = self._known.get(record.id)
        if known is not None and (known.n_measured, known.n_corrected) == (n_measured, n_corrected):
            return known.best
        is_only_more = known is not None and known.n_corrected == n_corrected and known.n_measured < n_measured
        after = known.last - LATE if known is not None and is_only_more else 0
        _, new = best_trial(states, record, after)
        candidates = [each for each in (known.best if known is not None and is_only_more else None, new) if each]
        best = min(candidates, key=lambda each: (record.problem.ranking.loss(each[1]), each[0]), default=None)
        with self._lock:
            self._known[record.id] = _Known(n_measured, n_corrected, last, best)
            self._known.move_to_end(record.id)
            while len(self._known) > MOST_CAMPAIGNS:
                self._known.popitem(last=False)
        return best
