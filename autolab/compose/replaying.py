"""Giving a subscriber of the lab file what was recorded, afterwards."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from autolab.compose.approving import lab_of
from autolab.compose.names import Names
from autolab.compose.subscribers import made
from autolab.config.words import did_you_mean, listed
from autolab.core.errors import AutolabError, InputError
from autolab.journal.reader import JournalReader

__all__ = ["replay"]


def replay(data: Path, name: str | None, subscriber: str) -> int:
    """Give a subscriber of the lab file all documents of a campaign, in the order of recording.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning; None for the newest.
        subscriber: Name of the subscriber.

    Returns:
        How many documents there were.

    Raises:
        InputError: no such campaign or subscriber, or it failed; what it was given before stays with it.
    """
    with closing(JournalReader.open(data)) as reader:
        record = reader.campaign(name)
        lab = lab_of(record)
        if subscriber not in lab.subscribers:
            guess = did_you_mean(subscriber, lab.subscribers)
            hint = f"did you mean {guess!r}?" if guess else f"it has {listed(lab.subscribers) or 'none'}"
            raise InputError(f"--to {subscriber}: {lab.source.file} has no such subscriber; {hint}")
        n = 0
        try:
            call = made(lab.subscribers[subscriber], Names(lab.source, lab.packages, Path(lab.source.file).parent))
            for kind, document in reader.documents(record.id):
                call(kind, document)
                n += 1
        except AutolabError:
            raise
        except Exception as error:
            raise InputError(
                f"subscriber {subscriber} failed after {n} documents: {type(error).__name__}: {error}; "
                "see to it, and give it all again"
            ) from error
    return n
