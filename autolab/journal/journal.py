"""The journal of one data folder, as its controller writes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from autolab.core.canonical import canonical_json, content_hash
from autolab.core.confirming import Confirm
from autolab.core.errors import StorageError
from autolab.core.faults import FaultKind
from autolab.core.principals import Principal
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec
from autolab.core.samples import Sample
from autolab.core.trials import NEXT, Outcome, Suggestion, TrialState, Verdict
from autolab.journal.actions import ActionJournal
from autolab.journal.histories import ADDED, first_moment
from autolab.journal.records import DeviceRecord, Recommendation, Timings
from autolab.journal.scribe import DOCUMENTS_FILE, STATES_FILE
from autolab.journal.workflows import workflow

__all__ = ["DOCUMENTS_FILE", "STATES_FILE", "CampaignStart", "Journal"]


@dataclass(frozen=True, slots=True)
class CampaignStart:
    """What is written of a campaign when it starts."""

    id: str
    key: str
    name: str
    lab: str
    laboratory: str
    realm: str
    bench: str
    """Identity of the hardware's contents: which wells are used up is known per lab and bench."""
    seed: int
    engine: EngineSpec
    lanes: int
    budget_trials: int
    problem: Problem
    campaign_file: str
    campaign_hash: str
    lab_file: str
    lab_hash: str
    environment: Mapping[str, Any]
    devices: tuple[DeviceRecord, ...]
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """How it was asked to run, and where its files are: what a resume needs."""
    envelope_hash: str = ""
    envelope_version: str = ""
    confirm: Confirm | None = None


_STATE_AFTER = {
    "allowed": TrialState.SCREENED,
    "needs approval": TrialState.AWAITING,
    "refused": TrialState.REFUSED,
}


class Journal(ActionJournal):
    """Writes the record of campaigns. Each method returns when its rows are on the disk.

    Args:
        folder: The data folder, which must exist; None keeps all of it in memory.
        clock: Says the date and the lab time of each row.

    Raises:
        StorageError: no room or no right to write, a damaged journal, or one of a newer version.
    """

    # campaigns

    def start_campaign(self, start: CampaignStart, principal: Principal) -> None:
        """Record the start of a campaign; lab times are counted from here."""
        self._origin_s = self._clock.now()
        settings = {"engine": start.engine, "lanes": start.lanes, "budget_trials": start.budget_trials}
        if start.confirm is not None:
            settings["confirm"] = start.confirm
        with self.commit():
            self.states.insert(
                "campaigns",
                id=start.id,
                key=start.key,
                name=start.name,
                lab=start.lab,
                laboratory=start.laboratory,
                realm=start.realm,
                state="running",
                seed=start.seed,
                created=self.date(),
                principal=self.principal(principal),
                settings=canonical_json(settings),
                problem=canonical_json(start.problem),
                campaign_file=start.campaign_file,
                campaign_hash=start.campaign_hash,
                lab_file=start.lab_file,
                lab_hash=start.lab_hash,
                bench=start.bench,
                environment=canonical_json(start.environment),
                options=canonical_json(start.options),
                envelope_hash=start.envelope_hash,
                envelope_version=start.envelope_version,
            )
            for device in start.devices:
                self.states.insert(
                    "devices",
                    campaign=start.id,
                    name=device.name,
                    **{"class": device.class_name},
                    address=device.address,
                    model=device.model,
                    serial_number=device.serial_number,
                    realm=device.realm,
                )

    def resume_campaign(self, campaign: str, lab_s: float, principal: Principal, detail: str) -> None:
        """Record that a campaign goes on; lab times are counted on from where it was.

        Args:
            campaign: Id of the campaign.
            lab_s: Lab seconds of its last record.
            principal: Who resumed it.
            detail: Why it had stopped.
        """
        self.count_from(lab_s)
        with self.commit():
            self.states.write("UPDATE campaigns SET state = 'running', reason = NULL WHERE id = ?", (campaign,))
            self.intervene(campaign, None, principal, "resume", detail)

    def end_campaign(self, campaign: str, state: str, reason: str, recommendation: Recommendation | None) -> None:
        """Record how a campaign ended."""
        text = None if recommendation is None else canonical_json(recommendation)
        with self.commit():
            self.states.write(
                "UPDATE campaigns SET state = ?, reason = ?, recommendation = ? WHERE id = ?",
                (state, reason, text, campaign),
            )

    def intervene(self, campaign: str, trial: int | None, principal: Principal, cause: str, detail: str) -> None:
        """Record what a person did to a campaign, and why."""
        with self.commit():
            self.states.insert(
                "interventions",
                campaign=campaign,
                trial=trial,
                principal=self.principal(principal),
                cause=cause,
                detail=detail,
                lab_s=self.lab_s(),
                date=self.date(),
            )

    # trials

    def suggest(self, campaign: str, realm: str, suggestion: Suggestion) -> None:
        """Record a suggestion with all that is needed to derive it again."""
        with self.commit():
            self.states.insert(
                "trials",
                campaign=campaign,
                number=suggestion.trial,
                state=TrialState.SUGGESTED,
                values=canonical_json(suggestion.values),
                engine=suggestion.engine,
                why=suggestion.reason,
                seed=suggestion.seed,
                seen=canonical_json(suggestion.seen),
                pending=canonical_json(suggestion.pending),
                explanation=None if suggestion.explanation is None else canonical_json(suggestion.explanation),
                realm=realm,
                history=first_moment(TrialState.SUGGESTED, self.lab_s(), self.date()),
            )

    def screen(self, campaign: str, suggestion: Suggestion, verdict: Verdict, principal: Principal) -> None:
        """Record the screen's verdict; where it is *allowed*, with a permit for exactly this suggestion."""
        with self.commit():
            reasons = "; ".join(verdict.reasons) or None
            state = _STATE_AFTER[verdict.decision]
            self.enter(campaign, suggestion.trial, state, reasons, verdict=canonical_json(verdict))
            if verdict.decision == "allowed":
                self.permit(campaign, suggestion, principal)

    def permit(self, campaign: str, suggestion: Suggestion, principal: Principal) -> None:
        """Grant a permit for exactly this suggestion, unless there was one."""
        self.states.write(
            "INSERT OR IGNORE INTO permits (campaign, trial, content_hash, principal, granted) VALUES (?, ?, ?, ?, ?)",
            (campaign, suggestion.trial, content_hash(suggestion.values), self.principal(principal), self.date()),
        )

    def enter_approved(self, campaign: str, suggestion: Suggestion, why: str, by: Principal) -> None:
        """Record that people have approved a trial, with a permit for exactly this suggestion."""
        with self.commit():
            self.enter(campaign, suggestion.trial, TrialState.SCREENED, why)
            self.permit(campaign, suggestion, by)

    def begin(self, campaign: str, suggestion: Suggestion, lane: int, sample: Sample | None, bench: str) -> None:
        """Use the trial's permit and record that a lane runs it.

        Raises:
            StorageError: there is no unused permit for exactly these values.
        """
        with self.commit():
            used = self.states.rows(
                "UPDATE permits SET used = 1 WHERE campaign = ? AND trial = ? AND content_hash = ? AND used = 0 "
                "RETURNING id",
                (campaign, suggestion.trial, content_hash(suggestion.values)),
            )
            if not used:
                raise StorageError(f"trial {suggestion.trial} has no unused permit for these values: it is not run")
            if sample is not None:
                self._use_sample(campaign, suggestion.trial, sample, bench)
            self.enter(campaign, suggestion.trial, TrialState.RUNNING, None, lane=lane)

    def begin_again(
        self,
        campaign: str,
        trial: int,
        lane: int,
        why: str,
        attempt: int = 1,
        fresh: Sample | None = None,
        bench: str = "",
    ) -> None:
        """Record that a lane goes on with a trial that was interrupted, or tries one again that has failed.

        Args:
            campaign: Id of the campaign.
            trial: Number of the trial.
            lane: Number of the lane.
            why: What is done, in one sentence.
            attempt: Number of the attempt, from 1.
            fresh: Sample of a new attempt; None where the trial goes on with the one that it has.
            bench: Identity of the hardware's contents, where there is a fresh sample.
        """
        with self.commit():
            if fresh is not None:
                self._use_sample(campaign, trial, fresh, bench)
            self.enter(campaign, trial, TrialState.RUNNING, why, lane=lane, attempt=attempt)

    def doubt(self, campaign: str, trial: int, why: str) -> None:
        """Record that nobody knows what became of one of the trial's actions."""
        self.enter(campaign, trial, TrialState.IN_DOUBT, why)

    def acquired(self, campaign: str, trial: int) -> None:
        """Record that the trial's plan has ended and its data are on the disk."""
        self.documents.make_durable()
        self.enter(campaign, trial, TrialState.ACQUIRED, None)

    def reduced(self, campaign: str, trial: int, replicate: int, attempt: int, outcome: Outcome) -> None:
        """Record the outcome of a trial."""
        text = canonical_json(outcome)
        with self.commit():
            self.states.insert(
                "replicates", campaign=campaign, trial=trial, replicate=replicate, attempt=attempt, outcome=text
            )
            kind = workflow(self.states, campaign, trial)
            self.enter(campaign, trial, TrialState.REDUCED, None, outcome=text, workflow=kind)

    def ingested(self, campaign: str, trial: int, timings: Timings) -> None:
        """Record that the outcome is known to the proposer from here on."""
        self.enter(campaign, trial, TrialState.INGESTED, None, timings=canonical_json(timings))

    def fail(
        self, campaign: str, trial: int, why: str, fault: FaultKind = FaultKind.UNKNOWN, closes: float | None = None
    ) -> None:
        """Record that a trial failed.

        Args:
            campaign: Id of the campaign.
            trial: Number of the trial.
            why: The fault, in one sentence.
            fault: Its kind.
            closes: Half width of the region around it that is in quarantine from here on.
        """
        kind = workflow(self.states, campaign, trial)
        self.enter(campaign, trial, TrialState.FAILED, why, failure=why, fault=fault, closes=closes, workflow=kind)

    def refuse_late(self, campaign: str, trial: int, why: str) -> None:
        """Record that a trial that had been allowed is refused before it begins."""
        self.enter(campaign, trial, TrialState.REFUSED, why)

    def try_again(self, campaign: str, trial: int, attempt: int) -> None:
        """Record that a trial that has failed is owed another attempt."""
        self.enter(campaign, trial, TrialState.SCREENED, f"attempt {attempt} follows", attempt=attempt)

    def abandon(self, campaign: str, trial: int, why: str) -> None:
        """Record that a suggestion is not going to be run."""
        self.enter(campaign, trial, TrialState.ABANDONED, why)

    def used_wells(self, lab: str, bench: str) -> set[tuple[str, int]]:
        """Wells that hold a sample of any campaign, as (labware, well)."""
        rows = self.states.rows("SELECT labware, well FROM samples WHERE lab = ? AND bench = ?", (lab, bench))
        return {(row["labware"], row["well"]) for row in rows}

    # documents

    def record(self, campaign: str, lane: int, trial: int, name: str, document: Mapping[str, Any]) -> int:
        """Keep one Bluesky document; runs are linked to the trials that their start document names.

        Returns:
            Its number.
        """
        run = _run_of(name, document)
        number = self.documents.insert(
            "documents",
            campaign=campaign,
            lane=lane,
            trial=trial,
            run=run,
            name=name,
            document=_DOCUMENT.encode(document),
        )
        if name == "start":
            with self.commit():
                plan = str(document.get("plan_name", ""))
                self.states.insert("runs", uid=run, campaign=campaign, lane=lane, plan_name=plan)
                for number in document.get("trials", [trial]):
                    self.states.insert(
                        "run_trials",
                        run=run,
                        campaign=campaign,
                        trial=number,
                        replicate=int(document.get("replicate", 1)),
                    )
        elif name == "stop":
            with self.commit():
                self.states.write("UPDATE runs SET exit_status = ? WHERE uid = ?", (document.get("exit_status"), run))
        return number

    def _use_sample(self, campaign: str, trial: int, sample: Sample, bench: str) -> None:
        self.states.write(
            "INSERT INTO samples (id, lab, bench, labware, place, well) "
            "SELECT ?, lab, ?, ?, ?, ? FROM campaigns WHERE id = ?",
            (sample.id, bench, sample.labware, sample.place, sample.well, campaign),
        )
        self.states.insert("trial_samples", campaign=campaign, trial=trial, replicate=1, sample=sample.id)

    def enter(self, campaign: str, trial: int, state: TrialState, detail: str | None, **values: Any) -> None:
        """A trial enters a state, and columns of its row get new values.

        Raises:
            StorageError: the state cannot follow the one that the trial is in.
        """
        with self.commit():
            moment = (state, self.lab_s(), self.date(), detail)
            found = self.states.rows(
                _entering(state, tuple(values)), (state, *moment, *values.values(), campaign, trial, *_before(state))
            )
            if not found:
                rows = self.states.rows("SELECT state FROM trials WHERE campaign = ? AND number = ?", (campaign, trial))
                now = rows[0]["state"] if rows else "not known"
                raise StorageError(f"{campaign}: trial {trial} is {now}, and cannot become {state}")


@cache
def _before(state: TrialState) -> tuple[str, ...]:
    """The states that ``state`` may follow."""
    return tuple(str(one) for one, following in NEXT.items() if one is not None and state in following)


@cache
def _entering(state: TrialState, columns: tuple[str, ...]) -> str:
    """The statement by which a trial enters a state, where it may, and gets new values in these columns."""
    names = ", ".join(["state = ?", f"history = {ADDED}", *(f'"{name}" = ?' for name in columns)])
    marks = ", ".join("?" for _ in _before(state))
    return f"UPDATE trials SET {names} WHERE campaign = ? AND number = ? AND state IN ({marks}) RETURNING number"  # noqa: S608 (names are ours)


def _run_of(name: str, document: Mapping[str, Any]) -> str:
    """Uid of the run that a document belongs to; events are kept under their descriptor's uid."""
    keys: dict[str, Callable[[], str]] = {
        "start": lambda: document["uid"],
        "event": lambda: document["descriptor"],
        "event_page": lambda: document["descriptor"],
        "datum": lambda: document["resource"],
        "stream_datum": lambda: document["stream_resource"],
        "datum_page": lambda: document["resource"],
    }
    return keys.get(name, lambda: document["run_start"])()


def _jsonable(value: Any) -> Any:
    to_list = getattr(value, "tolist", None)
    if callable(to_list):
        return to_list()
    return str(value)


_DOCUMENT = json.JSONEncoder(default=_jsonable, allow_nan=False)
