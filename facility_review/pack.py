"""The evidence pack of a demonstration campaign: a folder that a stranger can check without this program.

It is the RO-Crate of a campaign (`autolab.report.archive`) that says which challenge it is for, with the assessment of
the lab. The same journal gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from autolab.core.errors import InputError, StorageError
from autolab.report.archive import archive
from autolab.report.crate import CrateFile, crate_metadata, text_file, write_folder, zip_folder
from facility_review.campaigns import CampaignFacts
from facility_review.crate import challenge_entity, description
from facility_review.reference import Challenge

__all__ = ["Pack", "choose_campaign", "write_pack"]

_ENDED = frozenset({"finished", "stopped", "failed"})


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was written."""

    folder: Path
    zip: Path | None
    campaign: str
    challenge: str
    realm: str
    files: int
    sha256: str
    """Of its list of hashes: one number that stands for the whole pack."""
    audit_holds: bool
    """Whether the journal agreed with its log when the pack was made."""


def choose_campaign(campaigns: Sequence[CampaignFacts], challenge: Challenge, name: str | None = None) -> CampaignFacts:
    """The campaign to show for a challenge: the one that is named, or the newest that has ended.

    Args:
        campaigns: The lab's campaigns, the oldest first.
        challenge: The challenge.
        name: Id of a campaign, or its unique beginning.

    Raises:
        InputError: there is none, several begin like this, it has not ended, or its file names another challenge.
    """
    if name is not None:
        found = [c for c in campaigns if c.id == name] or [c for c in campaigns if c.id.startswith(name)]
        if len(found) != 1:
            what = "several campaigns begin" if found else "no campaign begins"
            raise InputError(f"{what} with {name!r}; there are: {', '.join(c.id for c in campaigns[-5:]) or 'none'}")
        chosen = found[0]
        if chosen.challenge != challenge.id:
            said = "names no challenge" if chosen.challenge is None else f"is for {chosen.challenge!r}"
            raise InputError(f"campaign {chosen.id} {said}, and a pack for {challenge.id!r} is wanted: name another")
        if chosen.state not in _ENDED:
            raise InputError(f"campaign {chosen.id} is {chosen.state}: end it before its evidence is packed")
        return chosen
    theirs = [c for c in campaigns if c.challenge == challenge.id]
    ended = [c for c in theirs if c.state in _ENDED]
    if ended:
        return ended[-1]
    if theirs:
        raise InputError(f"campaign {theirs[-1].id} is {theirs[-1].state}: end it before its evidence is packed")
    named = sorted({c.challenge for c in campaigns if c.challenge is not None})
    have = f"campaigns of this lab name {', '.join(named)}" if named else "no campaign of this lab names a challenge"
    raise InputError(
        f"no campaign is for {challenge.id!r}: {have}; write 'challenge: {challenge.id}' in a campaign file"
    )


def write_pack(
    data: Path,
    campaign: str,
    challenge: Challenge,
    out: Path,
    as_of: date,
    *,
    more: Mapping[str, str] | None = None,
    marking: str = "",
    zipped: bool = True,
) -> Pack:
    """Write the evidence pack of a campaign, whole or not at all.

    Args:
        data: The data folder.
        campaign: Id of the campaign.
        challenge: What it demonstrates.
        out: Where the pack's folder goes; one of the same name is replaced.
        as_of: Day of the pack.
        more: Texts to add, by their path in the pack.
        marking: How the pack may be handed on, in words.
        zipped: Write a zip of the folder beside it, too.

    Raises:
        InputError: there is no such campaign.
        IntegrityError: a file of a device is gone, or is not what was recorded.
        StorageError: the journal cannot be read, or there is no room or no right to write.
    """
    found = archive(data, campaign)
    record = found.record
    files = sorted([*found.files, *_more(more or {})], key=lambda file: file.path)
    metadata = crate_metadata(
        record,
        found.ended,
        f"Evidence of the campaign {record.name} ({record.realm})",
        description(record, challenge),
        files,
        as_of,
        marking=marking,
        about=challenge_entity(challenge),
    )
    folder = out / f"evidence-{record.id}"
    try:
        digest = write_folder(folder, files, metadata)
        if zipped:
            zip_folder(folder, folder.with_name(f"{folder.name}.zip"))
    except OSError as error:
        raise StorageError(
            f"{folder}: the pack cannot be written ({error.strerror}); name another folder with --out"
        ) from error
    return Pack(
        folder=folder,
        zip=folder.with_name(f"{folder.name}.zip") if zipped else None,
        campaign=record.id,
        challenge=challenge.id,
        realm=record.realm,
        files=len(files) + 2,
        sha256=digest,
        audit_holds=found.audit_holds,
    )


def _more(texts: Mapping[str, str]) -> Iterator[CrateFile]:
    for path, text in texts.items():
        yield text_file(path, "Assessment of the lab" if "assessment" in path else path, text, _kind(path))


def _kind(path: str) -> str:
    kinds = {".json": "application/json", ".html": "text/html", ".csv": "text/csv", ".yaml": "application/yaml"}
    return kinds.get(Path(path).suffix, "text/plain")
