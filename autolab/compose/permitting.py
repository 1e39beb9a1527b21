"""Who has to approve what in a campaign: its rules from the files, and another envelope for one that has begun."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolab.compose.acting import Caller, acting_as
from autolab.compose.options import RunOptions
from autolab.compose.sources import plans_of, sources_hash
from autolab.config.specs import CampaignSpec, LabSpec
from autolab.core.approvals import PERSONS, EnvelopeChange, Level
from autolab.core.authority import Action, Signed
from autolab.core.clock import real_clock
from autolab.core.envelope import Limit
from autolab.core.errors import InputError, NotAuthorisedError
from autolab.core.principals import Principal
from autolab.core.trials import Realm
from autolab.journal.approvals import unused
from autolab.journal.journal import Journal
from autolab.journal.records import CampaignRecord
from safety.permits import counting
from safety.tiers import findings, tiered

if TYPE_CHECKING:
    from autolab.compose.matching import Bound

__all__ = ["approved_change", "check_level", "envelope_change", "permit_rules", "running_as"]


def permit_rules(bound: Bound, realm: Realm, simulated: Collection[str] = ()) -> Any:
    """The rules of a campaign, as the files say now. They are read once, when it begins or is resumed.

    Args:
        bound: The campaign, bound to its lab.
        realm: The strongest realm of a device.
        simulated: Devices that simulators stand in for.
    """
    from autolab.campaign.setup import PermitRules  # with Bluesky behind it

    return PermitRules(
        authority=bound.lab.authority,
        tiered=lambda _, verdict, effects: tiered(
            verdict, findings(effects, bound.limits, bound.used, realm, simulated), bound.campaign.approval
        ),
        envelope=bound.lab.envelope_hash,
        plan_hash=sources_hash(plans_of(bound.binding, bound.preludes), bound.lab.packages),
        lab=lambda: bound.lab.content_hash,
    )


def running_as(lab: LabSpec, about: str, level: Level, options: RunOptions, person: str | Caller | None) -> Principal:
    """Who runs a campaign.

    Args:
        lab: The lab.
        about: What they run, for messages.
        level: Which approvals its file asks for.
        options: How they run it.
        person: Who they say they are.

    Raises:
        NotAuthorisedError: they cannot prove who they are, where somebody else is to approve its trials.
    """
    is_known = person is not None and (not isinstance(person, Caller) or person.principal.name in lab.authority.people)
    if not is_known and lab.authority.people and (options.uses_hardware or PERSONS[level]):
        raise NotAuthorisedError(
            f"{about}: trials may need the approval of somebody who does not run it, so say who you are with "
            f"'--as NAME', one of {', '.join(lab.authority.people)}"
        )
    return acting_as(lab.authority, person, Action.RUN, about)


def check_level(campaign: CampaignSpec, limits: Mapping[str, Limit], devices: Collection[str]) -> None:
    """Refuse a campaign that asks for less than the lab does.

    Raises:
        FileError: it does.
    """
    is_given = ("approval",) in campaign.source.lines
    hazardous = [s for s, limit in limits.items() if limit.tier == "hazardous" and s.partition(".")[0] in devices]
    if hazardous and is_given and campaign.approval != "hazardous":
        raise campaign.source.error(
            ("approval",),
            f"approval: {campaign.approval} asks for less than the lab, where {', '.join(hazardous)} is hazardous: a "
            "campaign only tightens; write hazardous, or leave the key out",
        )


def envelope_change(record: CampaignRecord, lab: LabSpec) -> EnvelopeChange | None:
    """How the lab file's envelope differs from the one that a campaign runs in; None where it does not."""
    is_same = record.envelope_hash == lab.envelope_hash if record.envelope_hash else record.lab_hash == lab.content_hash
    if is_same:
        return None
    return EnvelopeChange(
        record.id, record.envelope_hash, lab.envelope_hash, record.envelope_version, lab.envelope_version
    )


def approved_change(
    record: CampaignRecord, lab: LabSpec, data: Path, who: Principal, changes: str
) -> tuple[EnvelopeChange | None, list[Signed]]:
    """Another envelope than the one that a campaign began with, and who has approved it.

    Args:
        record: The campaign.
        lab: The lab file as it is now.
        data: The data folder.
        who: Who wants to go on under it.
        changes: The change in words, for the message.

    Raises:
        InputError: its version is the same, or nobody has approved it.
    """
    change = envelope_change(record, lab)
    if change is None:
        return None, []
    if not change.version_after or change.version_after == change.version_before:
        raise InputError(
            f"{record.id}: the envelope has changed since it started, and its version is still "
            f"{change.version_before or 'none'}: put the envelope back, or give it another 'envelope_version' and have "
            f"it approved, or start a new campaign\n{changes}"
        )
    with closing(Journal(data, real_clock())) as journal:
        given = unused(journal, change)
    good = counting(given, change, lab.authority, (who,), real_clock().date())
    if not good:
        raise NotAuthorisedError(
            f"{record.id}: the envelope has changed since it started (version {change.version_before or 'none'} → "
            f"{change.version_after}), and nobody but {who.name} has approved that: let another person look, and say "
            f"'autolab approve {record.id} --envelope --as NAME'\n{changes}"
        )
    return change, list(good.values())[: change.persons]
