"""What a journal is of, read in a moment: which units belong together, and which serial numbers are simulated.

A journal is read and checked only with the units that it is of, so that many units are reviewed side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autolab.core.errors import AutolabError
from autolab.journal.reader import JournalReader

__all__ = ["Group", "Outline", "groups", "plain_serial", "read_outline"]

_TABLES = ("campaigns", "trips", "bypasses", "proof_tests", "conformance_tests")
_LABS = " UNION ".join(f"SELECT lab FROM {table}" for table in _TABLES)  # noqa: S608 (names of our own tables)
_SIMULATED = "SELECT DISTINCT serial_number FROM devices WHERE realm <> 'physical'"


@dataclass(frozen=True, slots=True)
class Outline:
    """What the journal of one data folder is of."""

    folder: Path
    labs: frozenset[str]
    """The labs that it records; none where it could not be read, or holds nothing."""
    simulated: frozenset[str]
    """Serial numbers that simulators have reported."""


@dataclass(frozen=True, slots=True)
class Group:
    """Units that share journals, directly or through others."""

    units: frozenset[str]
    """Their ids."""
    folders: tuple[Path, ...]
    """The data folders with their journals, and those of which nobody knows whose they are."""


def read_outline(folder: Path) -> Outline:
    """What a journal is of. One that cannot be read is of nobody: whoever reads it in full finds out why."""
    try:
        reader = JournalReader.open(folder)
    except AutolabError:
        return Outline(folder, frozenset(), frozenset())
    try:
        labs = frozenset(row["lab"] for row in reader.states.rows(_LABS))
        serials = [row["serial_number"] for row in reader.states.rows(_SIMULATED)]
    except AutolabError:
        return Outline(folder, frozenset(), frozenset())
    finally:
        reader.close()
    return Outline(folder, labs, frozenset(plain_serial(serial) for serial in serials if serial))


def groups(ids: Iterable[str], outlines: Sequence[Outline]) -> Iterator[Group]:
    """Share units out into groups that can be reviewed side by side.

    Args:
        ids: Of the units.
        outlines: Of all journals.
    """
    group_of = {name: frozenset({name}) for name in ids}
    for outline in outlines:
        merged = frozenset[str]().union(*(group_of[name] for name in outline.labs & group_of.keys()))
        group_of |= dict.fromkeys(merged, merged)
    for group in dict.fromkeys(group_of.values()):
        yield Group(group, tuple(each.folder for each in outlines if not each.labs or each.labs & group))


def plain_serial(serial: str) -> str:
    """A serial number as it is compared."""
    return serial.strip().casefold()
