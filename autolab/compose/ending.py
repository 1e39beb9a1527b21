"""Ending a campaign that no controller runs: its lab goes into its safe state, and it cannot be resumed any more."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from autolab.compose.matching import bind
from autolab.compose.options import RunOptions
from autolab.compose.resuming import RESUMABLE, campaign_record, options_of
from autolab.compose.running import data_folder, open_all
from autolab.config.campaign import load_campaign
from autolab.core.clock import real_clock
from autolab.core.errors import AutolabError, InputError
from autolab.core.principals import Principal, local_person
from autolab.journal.journal import Journal
from autolab.journal.records import CampaignRecord

__all__ = ["end_for_good"]


def end_for_good(data: Path, name: str, by: Principal | None = None) -> str:
    """End a campaign that no controller runs: it cannot be resumed any more.

    The steps of the lab's ``safe_state`` are taken first, from whatever state the campaign left the lab in. Where that
    fails the campaign ends all the same, and the answer says what is left to do by hand.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.
        by: Who ends it; None for the account.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: it has ended already, or a controller runs it.
    """
    with data_folder(RunOptions(data=data)):
        record = campaign_record(data, name)
        if record.state not in RESUMABLE:
            raise InputError(f"{record.id} has {record.state} already ({record.reason})")
        try:
            safe = "" if record.options.get("virtual") else _safe_state(data, record)
        except AutolabError as error:
            safe = f"its lab could not be brought into its safe state, so do that by hand: {error}"
        person = by or local_person()
        journal = Journal(data, real_clock())
        try:
            journal.count_on(record.id)
            journal.intervene(record.id, None, person, "stop", "ended while no controller ran it")
            journal.end_campaign(record.id, "stopped", f"stopped by a person: {person.name}", record.recommendation)
        finally:
            journal.close()
    return f"{record.id} has ended; its record stays{f'; {safe}' if safe else ''}"


def _safe_state(data: Path, record: CampaignRecord) -> str:
    """Open the lab, also where it has tripped, and take the steps; returns them in words.

    Raises:
        AutolabError: the lab cannot be opened.
    """
    from autolab.compose.interlocking import take_safe_state  # with Bluesky behind it

    options = options_of(record, data)
    bound = bind(load_campaign(Path(record.options["file"])), options)
    if not bound.lab.safe_state:
        return ""
    with ExitStack() as stack:
        journal, lab = open_all(stack, bound, options, data, record.seed, record.key, for_safety=True)
        journal.count_on(record.id)
        said = "; ".join(take_safe_state(bound.lab, lab, bound.signals))
        journal.intervene(record.id, None, Principal("autolab", "system"), "safe state", said)
        return f"safe state: {said}"
