"""The calibrations of a campaign as its record tells them: what was performed, and until when it is valid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from autolab.config.calibrations import calibrations_in
from autolab.core.calibrations import Calibration
from autolab.journal import calibrations
from autolab.journal.calibrations import Performed
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord
from autolab.report.numbers import outcome_text

__all__ = ["CalibrationState", "calibration_states", "performed_text", "state_text"]


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """A calibration that the lab of a campaign declares, and how it stands."""

    calibration: Calibration
    last: Performed | None
    """The last one that ended well; None where there is none."""
    until: str | None
    """Date in UTC until which it is valid, where its validity is a time."""
    trials: int
    """Attempts at trials that relied on it."""
    measurements: int


def calibration_states(reader: JournalReader, campaign: CampaignRecord) -> list[CalibrationState]:
    """How the calibrations of a campaign's lab stand, in the order of its file."""
    (row,) = reader.states.rows("SELECT bench FROM campaigns WHERE id = ?", (campaign.id,))
    found: list[CalibrationState] = []
    for calibration in calibrations_in(campaign.lab_file):
        last = calibrations.last_done(reader.states, campaign.lab, row["bench"], calibration.name)
        trials, measurements = (0, 0) if last is None else calibrations.uses_of(reader.states, last.id)
        found.append(CalibrationState(calibration, last, _until(campaign, last), trials, measurements))
    return found


def state_text(state: CalibrationState) -> str:
    """How a calibration stands, in one sentence."""
    last, valid = state.last, state.calibration.valid
    if last is None:
        return f"{state.calibration}: never performed on this bench"
    left = [
        f"until {state.until}" if state.until is not None else None,
        None if valid.trials is None else f"for {max(0, valid.trials - state.trials)} more of {valid.trials} trials",
        None
        if valid.measurements is None
        else f"for {max(0, valid.measurements - state.measurements)} more of {valid.measurements} measurements",
        None
        if valid.drift is None
        else f"while {valid.drift.metric} of {valid.drift.of} drifts by {valid.drift.by:g} at most",
    ]
    lasts = ", ".join(text for text in left if text is not None)
    return f"{state.calibration}: {_done(last)}; valid {lasts}"


def performed_text(performed: Performed) -> str:
    """A calibration that was performed, in one sentence."""
    name = f"{performed.kind} {performed.name!r} of {', '.join(performed.instruments)}"
    return f"{name}: {_done(performed)}"


def _done(performed: Performed) -> str:
    when = (performed.ended or performed.begun)[:16].replace("T", " ")
    if performed.state != "done":
        return f"failed on {when}, by {performed.by}: {performed.failure or 'it has not come to its end'}"
    values = ", ".join(f"{name} {outcome_text(one)}" for name, one in (performed.values or {}).items())
    return f"performed on {when} by {performed.by}{f' ({values})' if values else ''}"


def _until(campaign: CampaignRecord, last: Performed | None) -> str | None:
    """Date until which it is valid by its time. A scaled clock's lab time goes by faster than its dates."""
    if last is None or last.ended is None or last.valid.time_s is None:
        return None
    seconds = last.valid.time_s / float(campaign.options.get("time_factor") or 1.0)
    return (datetime.fromisoformat(last.ended) + timedelta(seconds=seconds)).isoformat(" ", "minutes")[:16]
