"""Going on with a campaign that was interrupted: after a pause, a crash, a power failure, a device that had failed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from autolab.campaign.events import CampaignResult, Observer
from autolab.campaign.stopping import StopSwitch
from autolab.compose.conducting import conduct
from autolab.compose.matching import Bound, bind, with_options
from autolab.compose.options import RunOptions
from autolab.compose.permitting import approved_change, permit_rules, running_as
from autolab.compose.rulechanges import note_rules, refuse_other_rules
from autolab.compose.running import Begun, data_folder, host_for, make_setup, open_all, proposer_for
from autolab.compose.stocktaking import note_materials
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.config.specs import CampaignSpec
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.journal.approvals import change_envelope
from autolab.journal.calibrations import of_campaign
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord

__all__ = [
    "RESUMABLE",
    "as_begun",
    "campaign_record",
    "news_of",
    "note_rules_of_people",
    "options_of",
    "resume_campaign",
]

RESUMABLE = ("running", "paused", "failed")
"""States of a campaign that can be resumed; *running* is one whose controller is gone."""
ACCEPTED = "accept changes"
"""Cause of the intervention that keeps how the files differ from those with which the campaign began."""
AS_BEGUN = "the files are as they were when the campaign began"


def resume_campaign(
    data: Path,
    name: str,
    *,
    accept_changes: bool = False,
    observers: Sequence[Observer] = (),
    stop: StopSwitch | None = None,
    principal: Principal | None = None,
    person: str | None = None,
    begun: Begun = lambda *_: None,
    calibrate: Sequence[str] = (),
) -> CampaignResult:
    """Go on with a campaign where it was interrupted, and run it to its end.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        accept_changes: Go on although its files have changed; the change is recorded. What was accepted once need not
            be accepted again.
        observers: Told of what happens.
        stop: The switch by which a person stops it.
        principal: Who resumes it, where that is known already.
        person: Who resumes it, as the lab file names them; None for the account.
        begun: Called once it is recorded that it goes on, before anything is suggested.
        calibrate: Calibrations to perform before its next trial, however they stand.

    Raises:
        AutolabError: it cannot be resumed, and why; nothing has moved.
    """
    with ExitStack() as stack:
        stack.enter_context(data_folder(RunOptions(data=data)))
        record = campaign_record(data, name)
        options = replace(options_of(record, data), calibrate=_asked(record, data, calibrate))
        campaign = as_begun(_with_repeats(with_options(_campaign_of(record), options), data, record), record)
        proposer = stack.enter_context(proposer_for(campaign))
        lab_spec = load_lab(campaign.lab)
        host = host_for(stack, campaign, lab_spec, options)
        bound = bind(campaign, options, lab_spec)
        who = principal or running_as(bound.lab, bound.campaign.name, bound.campaign.approval, options, person)
        changes = _changes(record, bound)
        change, approved = approved_change(record, bound.lab, data, who, changes)
        news = news_of(changes, _accepted(record, data))
        if changes and news and not accept_changes:
            raise InputError(
                f"{record.id}: its files have changed since it started; to go on with them all the same, "
                f"use --accept-changes\n{changes}"
            )
        journal, lab = open_all(stack, bound, options, data, record.seed, record.key)
        past = _past(journal, record)
        underway = [trial.suggestion.trial for trial in past.unfinished]
        refuse_other_rules(journal, record.id, record.lab_file, bound.lab, underway)
        journal.count_from(past.lab_s)
        _note_what_differs(journal, record, bound, who, news)
        if change is not None:
            change_envelope(journal, change, approved, who)
        journal.resume_campaign(record.id, past.lab_s, who, record.reason or "its controller was gone")
        begun(journal, record.id, who)
        permits = permit_rules(bound, lab.strongest, lab.simulated)
        setup = make_setup(bound, lab, record.key, record.seed, who, record.id, host, permits)
        return conduct(stack, bound, setup, lab, proposer, journal, observers, stop or StopSwitch(), past)


def _note_what_differs(journal: Journal, record: CampaignRecord, bound: Bound, who: Principal, changes: str) -> None:
    """Record what has become other than it was when the campaign was interrupted."""
    if changes:
        journal.intervene(record.id, None, who, ACCEPTED, changes)
    note_rules_of_people(journal, record, bound.campaign)
    note_materials(journal, record.id, record.lab_file, bound.lab, who)
    note_rules(journal, record.id, record.lab_file, bound.lab, who)


def campaign_record(data: Path, name: str) -> CampaignRecord:
    """A campaign by its id, or the beginning of it.

    Raises:
        InputError: there is none.
    """
    reader = JournalReader.open(data)
    try:
        return reader.campaign(name)
    finally:
        reader.close()


def options_of(record: CampaignRecord, data: Path) -> RunOptions:
    """The options that the campaign was started with.

    Raises:
        InputError: it cannot be resumed.
    """
    if record.state not in RESUMABLE:
        raise InputError(f"{record.id} has {record.state} ({record.reason}): there is nothing to resume")
    if "file" not in record.options:
        raise InputError(f"{record.id}: an older autolab ran it, and did not record how: start a new campaign")
    wanted = {key: value for key, value in record.options.items() if key != "file"}
    if wanted["virtual"]:
        raise InputError(
            f"{record.id} ran on the virtual clock, and its devices are gone with their memory: "
            f"run it again with --seed {record.seed}, which gives the same trials"
        )
    for key in ("only", "calibrate"):
        wanted[key] = tuple(wanted.get(key, ()))
    return RunOptions(data=data, **wanted)


def note_rules_of_people(journal: Journal, record: CampaignRecord, campaign: CampaignSpec) -> None:
    """Record which rules have expired since the campaign was started: they are not applied any more."""
    for rule in campaign.problem.lapsed:
        if rule in record.problem.avoided:
            journal.intervene(record.id, None, Principal("autolab", "system"), "rule", f"it has expired: {rule}")


def _with_repeats(campaign: CampaignSpec, data: Path, record: CampaignRecord) -> CampaignSpec:
    """The campaign with its budget, and beyond it the trials that a person wants to have repeated."""
    reader = JournalReader.open(data)
    try:
        repeats = reader.n_repeats(record.id)
    finally:
        reader.close()
    return replace(campaign, budget=replace(campaign.budget, trials=campaign.budget.trials + repeats))


def as_begun(campaign: CampaignSpec, record: CampaignRecord) -> CampaignSpec:
    """The campaign with the earlier data that were frozen when it began, whatever has become of them since."""
    return replace(campaign, problem=replace(campaign.problem, earlier=record.problem.earlier))


def _changes(record: CampaignRecord, bound: Bound) -> str:
    """How the campaign's files differ from what they were; empty where they do not."""
    texts = (
        (record.campaign_hash, bound.campaign.content_hash, record.campaign_file, bound.campaign.source),
        (record.lab_hash, bound.lab.content_hash, record.lab_file, bound.lab.source),
    )
    lines: list[str] = []
    for before, now, text, source in texts:
        if before != now:
            names = (f"{source.file} as it was", f"{source.file} as it is")
            lines += difflib.unified_diff(text.splitlines(), source.text.splitlines(), *names, lineterm="", n=1)
    return "\n".join(lines)


def news_of(changes: str, accepted: str) -> str:
    """What is recorded of changes of the files; empty where the campaign has gone on with just these before.

    Args:
        changes: How the files differ from those with which it began; empty where they do not.
        accepted: What was recorded of them the last time; empty where nothing was.
    """
    now = changes or AS_BEGUN
    return "" if now == (accepted or AS_BEGUN) else now


def _accepted(record: CampaignRecord, data: Path) -> str:
    """What was recorded the last time when the campaign went on with other files; empty where it never did."""
    reader = JournalReader.open(data)
    try:
        found = [done.detail for done in reader.interventions(record.id) if done.cause == ACCEPTED]
    finally:
        reader.close()
    return found[-1] if found else ""


def _campaign_of(record: CampaignRecord) -> CampaignSpec:
    """The campaign file of a campaign, as it is now.

    Raises:
        InputError: it is gone, or something in it is refused.
    """
    file = Path(record.options["file"])
    if not file.is_file():
        raise InputError(f"{record.id}: its campaign file {file} is gone: put it back, then resume")
    return load_campaign(file)


def _asked(record: CampaignRecord, data: Path, asked: Sequence[str]) -> tuple[str, ...]:
    """Calibrations to perform: what is asked for now, and what it was started for and has not performed."""
    reader = JournalReader.open(data)
    try:
        done = {one.name for one in of_campaign(reader.states, record.id) if one.state == "done"}
    finally:
        reader.close()
    left = [name for name in record.options.get("calibrate", ()) if name not in done]
    return tuple(dict.fromkeys((*left, *asked)))


def _past(journal: Journal, record: CampaignRecord):
    from autolab.campaign.recovery import recovered  # with Bluesky behind it

    reader = JournalReader(journal.states, journal.documents)
    return recovered(reader.trials(record.id), reader.intents(record.id))
