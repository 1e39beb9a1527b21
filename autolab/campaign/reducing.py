"""From the data of a trial to an outcome that may be believed: reduced, corrected for drift, and judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autolab.campaign.lab import OpenLab
from autolab.campaign.prelude import Document
from autolab.campaign.setup import CampaignSetup
from autolab.core.calibrations import Calibration, Correction
from autolab.core.charts import chart_of, drift_of
from autolab.core.data import TrialData
from autolab.core.errors import InputError, QualityError
from autolab.core.quality import Reference, judge_quality, key_in
from autolab.core.trials import Estimate, Outcome
from autolab.journal import judgements
from autolab.journal.calibrations import Performed, history
from autolab.journal.journal import Journal
from autolab.journal.judgements import Corrected
from autolab.journal.trialdata import trial_data

__all__ = ["Reducing"]


class Reducing:
    """Reduces the trials of one campaign, and keeps what it made of them.

    Args:
        setup: The campaign.
        lab: The lab, open.
        journal: Keeps the record, and knows the references.
    """

    def __init__(self, setup: CampaignSetup, lab: OpenLab, journal: Journal) -> None:
        self._setup, self._lab, self._journal = setup, lab, journal
        self._calibrations = {plan.name: plan.calibration for plan in setup.calibrations}
        self._correcting = [one for one in self._calibrations.values() if one.corrects]
        self._before: dict[str, Any] = {}

    def outcome(self, trial: int, attempt: int, documents: Sequence[Document]) -> Outcome:
        """What an attempt at a trial yields.

        Raises:
            InputError: the data give no outcome.
            QualityError: they give one that is not to be believed.
        """
        setup, data = self._setup, trial_data(list(documents), trial)
        raw = setup.outcome_of(data)
        if not (setup.quality or self._correcting):
            return raw
        corrections = [one for each in self._correcting for one in self._corrections(each, raw)]
        outcome = {**raw, **{one.metric: one.corrected for one in corrections}}
        findings = judge_quality(setup.quality, data, outcome, self._before, self._references())
        self._remember(data)
        judgements.judge(self._journal, setup.id, trial, attempt, raw, corrections, findings)
        bad = [f"{finding.check}: {finding.said}" for finding in findings if not finding.passed]
        if bad:
            raise QualityError(f"its outcome is not believed: {'; '.join(bad)}")
        return outcome

    def _remember(self, data: TrialData) -> None:
        """Keep the last reading of what may stall."""
        for check in self._setup.quality:
            last = data.events[-1] if data.events and check.kind == "stall" else {}
            key = key_in(list(last), check.of)
            if key is not None:
                self._before[key] = list(_flat(last[key]))

    def _references(self) -> Mapping[tuple[str, str], Reference]:
        found: dict[tuple[str, str], Reference] = {}
        for check in self._setup.quality:
            if check.kind == "drift" and check.of in self._calibrations:
                values = [estimate.value for _, estimate in self._values(self._calibrations[check.of], check.metric)]
                broken = chart_of(values).broken
                found[check.of, check.metric] = Reference(drift_of(values), broken[-1] if broken else None)
        return found

    def _corrections(self, calibration: Calibration, raw: Outcome) -> Iterable[Corrected]:
        for correction in calibration.corrects:
            values = self._values(calibration, correction.by)
            if correction.metric not in raw or not values:
                continue
            (_, first), (last, now) = values[0], values[-1]
            corrected = _corrected(correction, raw[correction.metric], first, now)
            said = (
                f"{correction.by} of {calibration.name} was {first.value:.6g} at first and is {now.value:.6g}: "
                f"by their {correction.how}"
            )
            yield Corrected(correction.metric, raw[correction.metric], corrected, last.id, said)

    def _values(self, calibration: Calibration, metric: str) -> list[tuple[Performed, Estimate]]:
        """What a reference gave on this bench, the oldest first."""
        done = history(self._journal.states, self._lab.name, self._lab.bench, calibration)
        return [(one, one.values[metric]) for one in done if one.values is not None and metric in one.values]


def _corrected(correction: Correction, raw: Estimate, first: Estimate, now: Estimate) -> Estimate:
    """A value as it would have been without the drift; its standard error has those of the references in it.

    Errors of independent values add in quadrature (JCGM 100:2008, 5.1.2). Where no reference has one, that of the value
    is kept.

    Raises:
        InputError: a ratio with zero.
    """
    sems = (raw.sem, first.sem, now.sem)
    if correction.how == "difference":
        sem = None if raw.sem is None else math.hypot(*(each or 0.0 for each in sems))
        return Estimate(raw.value - (now.value - first.value), sem)
    if now.value == 0.0 or first.value == 0.0:
        raise InputError(f"{correction.metric} cannot be corrected by a ratio: {correction.by} is zero")
    factor = first.value / now.value
    parts = (raw.sem or 0.0, raw.value * (first.sem or 0.0) / first.value, raw.value * (now.sem or 0.0) / now.value)
    return Estimate(raw.value * factor, None if raw.sem is None else abs(factor) * math.hypot(*parts))


def _flat(value: Any) -> Iterable[float]:
    if isinstance(value, str | bytes):
        return
    try:
        items = list(value)
    except TypeError:
        yield float(value)
        return
    for item in items:
        yield from _flat(item)
