"""The journal as anybody may read it, also while a campaign runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from autolab.core.approvals import Proposal
from autolab.core.confirming import Confirm
from autolab.core.data import TrialData
from autolab.core.errors import InputError, StorageError
from autolab.core.explanations import Explanation
from autolab.core.imports import ImportedFrom
from autolab.core.operations import CALIBRATING
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec
from autolab.core.samples import Sample
from autolab.core.trials import CONFIRM, Outcome, Suggestion, TrialState, Verdict
from autolab.journal.alarms import AlarmGroup, alarm_groups
from autolab.journal.database import Database
from autolab.journal.histories import transitions
from autolab.journal.journal import DOCUMENTS_FILE, STATES_FILE
from autolab.journal.records import (
    CampaignRecord,
    DeviceRecord,
    IntentRecord,
    InterventionRecord,
    MovementRecord,
    Recommendation,
    Timings,
    TrialRecord,
)
from autolab.journal.trialdata import trial_data

__all__ = ["JournalReader"]

DOCUMENTS_AT_ONCE = 500
"""Documents that are in memory at a time, where all of a campaign are read."""

_problem = TypeAdapter(Problem)
_outcome = TypeAdapter(Outcome)
_verdict = TypeAdapter(Verdict)
_explanation = TypeAdapter(Explanation)
_recommendation = TypeAdapter(Recommendation)
_proposal = TypeAdapter(Proposal)
_engine = TypeAdapter(EngineSpec)
_source = TypeAdapter(ImportedFrom)
_timings = TypeAdapter(Timings)


class _Unreadable:
    """Stands for documents that cannot be read: what needs none of them is read all the same."""

    def __init__(self, error: StorageError) -> None:
        self._error = error

    def rows(self, *_: Any) -> list[dict[str, Any]]:
        raise self._error

    def close(self) -> None:
        pass


class JournalReader:
    """Reads the journal of a data folder.

    Args:
        states: Database of the states.
        documents: Database of the documents.
    """

    def __init__(self, states: Database, documents: Database | _Unreadable) -> None:
        self.states = states
        """Database of the states."""
        self._documents = documents

    @classmethod
    def open(cls, folder: Path) -> JournalReader:
        """Open the journal of a data folder for reading.

        Raises:
            InputError: there is none in this folder.
            StorageError: it is damaged, or a newer version wrote it. Damaged documents are refused when they are read.
        """
        if not (folder / STATES_FILE).is_file():
            raise InputError(f"{folder}: holds no campaigns; run one first, or name another folder with --data")
        states = Database(folder / STATES_FILE, "states", read_only=True, stopwatch=time.monotonic)
        try:
            return cls(states, Database(folder / DOCUMENTS_FILE, "documents", read_only=True, stopwatch=time.monotonic))
        except StorageError as error:
            return cls(states, _Unreadable(error))

    def close(self) -> None:
        """Close both databases. Idempotent."""
        self.states.close()
        self._documents.close()

    def campaigns(self) -> list[CampaignRecord]:
        """All campaigns, the oldest first."""
        rows = self.states.rows(
            "SELECT c.*, p.name AS person FROM campaigns c JOIN principals p ON p.id = c.principal ORDER BY c.rowid"
        )
        return [_campaign(row) for row in rows]

    def campaign(self, name: str | None = None) -> CampaignRecord:
        """One campaign, by its id, by the unique beginning of it, or the newest.

        Raises:
            InputError: there is no such campaign, or several begin like this.
        """
        campaigns = self.campaigns()
        if name is None and campaigns:
            return campaigns[-1]
        found = [c for c in campaigns if name is not None and c.id.startswith(name)]
        exact = [c for c in found if c.id == name]
        if len(exact or found) == 1:
            return (exact or found)[0]
        known = ", ".join(c.id for c in campaigns[-5:]) or "none"
        what = "no campaign" if not found else "several campaigns"
        raise InputError(f"{what} {'is' if not found else 'begin with'} {name!r}; the newest are: {known}")

    def known(self, campaign: str) -> CampaignRecord | None:
        """One campaign by its whole id; None where there is none. The others are not read."""
        rows = self.states.rows(
            "SELECT c.*, p.name AS person FROM campaigns c JOIN principals p ON p.id = c.principal WHERE c.id = ?",
            (campaign,),
        )
        return _campaign(rows[0]) if rows else None

    def devices(self, campaign: str) -> list[DeviceRecord]:
        """Devices of a campaign."""
        rows = self.states.rows("SELECT * FROM devices WHERE campaign = ? ORDER BY rowid", (campaign,))
        return [
            DeviceRecord(r["name"], r["class"], r["address"], r["model"], r["serial_number"], r["realm"]) for r in rows
        ]

    def trials(
        self, campaign: str, *, state: TrialState | None = None, after: int = 0, limit: int | None = None
    ) -> list[TrialRecord]:
        """Trials of a campaign, by number: all of them, or a page.

        Args:
            campaign: Id of the campaign.
            state: Only those that are in this state.
            after: Only those with a higher number: the last one of the page before.
            limit: At most so many; None for all.
        """
        chosen, values = ("", (campaign,)) if state is None else ("AND state = ?", (campaign, state))
        rows = self.states.rows(
            f"SELECT * FROM trials WHERE campaign = ? {chosen} AND number > ? ORDER BY number LIMIT ?",  # noqa: S608 (the condition is ours)
            (*values, after, -1 if limit is None else limit),
        )
        their = "campaign = ? AND trial IN (SELECT value FROM json_each(?))"
        these = (campaign, json.dumps([row["number"] for row in rows]))
        samples: dict[int, list[Sample]] = {}
        mine = f"{their} AND replicate < {CALIBRATING}"
        query = f"SELECT t.trial, s.* FROM trial_samples t JOIN samples s ON s.id = t.sample WHERE {mine}"  # noqa: S608 (as above)
        for row in self.states.rows(query, these):
            sample = Sample(row["id"], row["labware"], row["place"], row["well"], row["barcode"])
            samples.setdefault(row["trial"], []).append(sample)
        runs: dict[int, list[str]] = {}
        for row in self.states.rows(f"SELECT trial, run FROM run_trials WHERE {their}", these):  # noqa: S608 (as above)
            runs.setdefault(row["trial"], []).append(row["run"])
        return [
            _trial(
                row,
                tuple(samples.get(row["number"], ())),
                tuple(runs.get(row["number"], ())),
            )
            for row in rows
        ]

    def lab_seconds(self, campaign: str) -> float:
        """Lab time from the start of a campaign to its last record."""
        times = self.states.rows(
            "SELECT MAX(json_extract(history, '$[#-1][1]')) AS lab_s FROM trials WHERE campaign = ?1 "
            "UNION ALL SELECT MAX(COALESCE(settled_lab_s, intended_lab_s)) FROM intents WHERE campaign = ?1",
            (campaign,),
        )
        moves = "SELECT MAX(COALESCE(ended_lab_s, begun_lab_s)) AS lab_s FROM movements WHERE campaign = ?"
        return max(float(row["lab_s"] or 0.0) for row in (*times, *self._documents.rows(moves, (campaign,))))

    def n_repeats(self, campaign: str) -> int:
        """Number of a campaign's trials that repeat another because a person wanted that."""
        counted = "SELECT COUNT(*) AS n FROM trials WHERE campaign = ? AND repeat_of IS NOT NULL AND engine <> ?"
        return self.states.rows(counted, (campaign, CONFIRM))[0]["n"]

    def intents(self, campaign: str, trial: int | None = None) -> list[IntentRecord]:
        """Actions of a campaign, or of one trial, in the order in which they were begun."""
        chosen, values = ("", (campaign,)) if trial is None else ("AND trial = ?", (campaign, trial))
        rows = self.states.rows(
            "SELECT i.*, p.name AS person FROM intents i LEFT JOIN principals p ON p.id = i.settled_by "  # noqa: S608 (the condition is ours)
            f"WHERE campaign = ? {chosen} ORDER BY i.rowid",
            values,
        )
        return [
            IntentRecord(
                r["operation"],
                r["trial"],
                r["device"],
                json.loads(r["action"]),
                r["state"],
                r["intended_lab_s"],
                r["settled_lab_s"],
                r["detail"],
                r["counter"],
                r["person"],
                r["used_ul"],
            )
            for r in rows
        ]

    def movements(self, campaign: str) -> list[MovementRecord]:
        """Moves and measurements of a campaign's devices, in the order in which they ended."""
        columns = "trial, device, what, begun_lab_s, ended_lab_s, failure"
        query = f"SELECT {columns} FROM movements WHERE campaign = ? ORDER BY id"  # noqa: S608 (columns are ours)
        return [MovementRecord(**row) for row in self._documents.rows(query, (campaign,))]

    def interventions(self, campaign: str) -> list[InterventionRecord]:
        """What people did to a campaign."""
        rows = self.states.rows(
            "SELECT i.*, p.name AS person FROM interventions i JOIN principals p ON p.id = i.principal "
            "WHERE campaign = ? ORDER BY i.id",
            (campaign,),
        )
        return [
            InterventionRecord(r["trial"], r["person"], r["cause"], r["detail"], r["lab_s"], r["date"]) for r in rows
        ]

    def alarms(self, campaign: str) -> list[AlarmGroup]:
        """What its interlocks have said, in groups, the oldest first."""
        return alarm_groups(self.states, campaign)

    def documents(self, campaign: str, trial: int | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Bluesky documents of a campaign, or of one trial, as (name, document) in the order of recording.

        Those of a run that measured a plate are each of its trials'.
        """
        if trial is not None:
            yield from self._documents_with(campaign, trial)
            for lead, run in self._shared_runs(campaign, trial):
                yield from self._documents_of(campaign, lead, run)
            return
        query = "SELECT id, name, document FROM documents WHERE campaign = ? AND id > ? ORDER BY id LIMIT ?"
        last, rows = -1, None
        while rows is None or len(rows) == DOCUMENTS_AT_ONCE:
            rows = self._documents.rows(query, (campaign, last, DOCUMENTS_AT_ONCE))
            for row in rows:
                last = row["id"]
                yield row["name"], json.loads(row["document"])

    def _shared_runs(self, campaign: str, trial: int) -> list[tuple[int, str]]:
        """Runs of a trial that are kept with another trial of its plate, as (that trial, run)."""
        rows = self.states.rows(
            "SELECT r.run, (SELECT MIN(o.trial) FROM run_trials o WHERE o.run = r.run) AS lead FROM run_trials r "
            "WHERE r.campaign = ? AND r.trial = ?",
            (campaign, trial),
        )
        return [(row["lead"], row["run"]) for row in rows if row["lead"] != trial]

    def _documents_of(self, campaign: str, trial: int, run: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Documents of one run that are kept with a trial."""
        whose = {run}
        for name, document in self._documents_with(campaign, trial):
            links = [document.get(link) for link in ("run_start", "descriptor", "resource")]
            owner = document["uid"] if name == "start" else next((link for link in links if link is not None), None)
            if owner in whose:
                if name in ("descriptor", "resource"):
                    whose.add(document["uid"])
                yield name, document

    def _documents_with(self, campaign: str, trial: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Documents that were recorded while a trial ran on a lane."""
        query = "SELECT name, document FROM documents WHERE campaign = ? AND trial = ? ORDER BY id"
        for row in self._documents.rows(query, (campaign, trial)):
            yield row["name"], json.loads(row["document"])

    def newest_documents(self, campaign: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
        """The last Bluesky documents of a campaign's newest trials, the newest first."""
        rows = self._documents.rows(
            "SELECT id, name, document FROM documents WHERE campaign = ? ORDER BY trial DESC, id DESC LIMIT ?",
            (campaign, limit),
        )
        rows.sort(key=lambda row: row["id"], reverse=True)
        return [(row["name"], json.loads(row["document"])) for row in rows]

    def data(self, campaign: str, trial: int) -> TrialData:
        """All that a trial recorded, also in runs that were interrupted."""
        return trial_data(list(self.documents(campaign, trial)), trial)


@lru_cache(maxsize=64)
def _problem_of(text: str) -> Problem:
    """A problem from its text: many campaigns have the same."""
    return _problem.validate_json(text)


def _campaign(row: dict[str, Any]) -> CampaignRecord:
    settings = json.loads(row["settings"])
    recommendation = row["recommendation"]
    return CampaignRecord(
        id=row["id"],
        key=row["key"],
        name=row["name"],
        lab=row["lab"],
        laboratory=row["laboratory"],
        realm=row["realm"],
        state=row["state"],
        reason=row["reason"],
        seed=row["seed"],
        created=row["created"],
        principal=row["person"],
        engine=_engine.validate_python(settings["engine"]),
        lanes=settings["lanes"],
        budget_trials=settings["budget_trials"],
        problem=_problem_of(row["problem"]),
        campaign_file=row["campaign_file"],
        lab_file=row["lab_file"],
        campaign_hash=row["campaign_hash"],
        lab_hash=row["lab_hash"],
        environment=json.loads(row["environment"]),
        recommendation=recommendation and _recommendation.validate_json(recommendation),
        options=json.loads(row["options"]),
        envelope_hash=row["envelope_hash"] or "",
        envelope_version=row["envelope_version"] or "",
        confirm=Confirm(**settings["confirm"]) if settings.get("confirm") else None,
    )


def _trial(row: dict[str, Any], samples: tuple[Sample, ...], runs: tuple[str, ...]) -> TrialRecord:
    suggestion = Suggestion(
        trial=row["number"],
        values=json.loads(row["values"]),
        engine=row["engine"],
        reason=row["why"],
        seed=row["seed"],
        seen=tuple(json.loads(row["seen"])),
        pending=tuple(json.loads(row["pending"])),
        explanation=row["explanation"] and _explanation.validate_json(row["explanation"]),
    )
    return TrialRecord(
        number=row["number"],
        state=TrialState(row["state"]),
        suggestion=suggestion,
        verdict=row["verdict"] and _verdict.validate_json(row["verdict"]),
        outcome=row["outcome"] and _outcome.validate_json(row["outcome"]),
        failure=row["failure"],
        realm=row["realm"],
        lane=row["lane"],
        samples=samples,
        runs=runs,
        transitions=transitions(row["number"], row["history"]),
        timings=row["timings"] and _timings.validate_json(row["timings"]),
        attempt=row["attempt"],
        repeat_of=row["repeat_of"],
        fault=row["fault"],
        closes=row["closes"],
        proposal=row["proposal"] and _proposal.validate_json(row["proposal"]),
        workflow=row["workflow"],
        source=row["source"] and _source.validate_json(row["source"]),
    )
