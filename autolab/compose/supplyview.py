"""What a campaign has used of the lab's supplies, what is left, and what it will still need."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from autolab.campaign.stock import volume
from autolab.compose.approving import lab_of
from autolab.compose.stocktaking import consumables_left, stock_left
from autolab.config.specs import LabSpec
from autolab.core.clock import VirtualClock
from autolab.core.trials import FINAL
from autolab.journal.bottles import shelf_of
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, IntentRecord

__all__ = ["Supply", "supplies_of"]


@dataclass(frozen=True, slots=True)
class Supply:
    """One thing that is used up: volumes in microlitres, everything else in pieces."""

    name: str
    kind: str
    """``material``, ``wells``, ``pieces`` or ``waste``."""
    bottle: str | None
    lot: str | None
    left: float
    """By the record of all campaigns on this bench."""
    booked: float
    """What this campaign has used, or has begun to use."""
    predicted: float | None
    """What its trials to come will need, by the mean of those that have begun; None before the first."""

    @property
    def is_enough(self) -> bool | None:
        """Whether what is left is enough; None where nobody knows yet."""
        return None if self.predicted is None else self.predicted <= self.left

    def text(self, number: float | None) -> str:
        """An amount of it, as people write it."""
        if number is None:
            return "–"
        return volume(number) if self.kind in ("material", "waste") else f"{number:.0f}"


def supplies_of(data: Path, name: str) -> tuple[CampaignRecord, list[Supply]]:
    """The supplies of a campaign's lab, by the lab file as it is now and the record.

    Args:
        data: The data folder.
        name: Id of the campaign, or its beginning.

    Raises:
        InputError: there is no such campaign, or its lab file is gone.
    """
    JournalReader.open(data).close()  # where there is none, nothing is made
    with closing(Journal(data, VirtualClock())) as journal:
        reader = JournalReader(journal.states, journal.documents)
        record = reader.campaign(name)
        lab = lab_of(record)
        (row,) = journal.states.rows("SELECT bench FROM campaigns WHERE id = ?", (record.id,))
        trials, intents = reader.trials(record.id), reader.intents(record.id)
        begun = sum(trial.lane is not None for trial in trials)
        left = 0 if record.state == "stopped" else max(0, record.planned - sum(t.state in FINAL for t in trials))
        share = left / begun if begun else None
        found = _materials(journal, record, lab, row["bench"], intents, share)
        found += _wells(journal, lab, row["bench"], sum(len(trial.samples) for trial in trials), left)
        return record, found + _consumables(journal, lab, row["bench"], intents, begun, share)


def _materials(
    journal: Journal, record: CampaignRecord, lab: LabSpec, bench: str, intents: list[IntentRecord], share: float | None
) -> list[Supply]:
    shelf, since_s = shelf_of(journal.states, record.id, lab.name, record.lab_file), float("inf")
    left = stock_left(journal, lab, bench)
    found: list[Supply] = []
    for name in lab.materials:
        booked = sum(_used_ul(i) for i in intents if i.action.get("material") == name)
        bottle = shelf.bottle(name, since_s)
        code, lot = (bottle.id, bottle.lot) if bottle else (None, None)
        found.append(Supply(name, "material", code, lot, left[name], booked, None if share is None else booked * share))
    return found


def _wells(journal: Journal, lab: LabSpec, bench: str, booked: int, left: int) -> list[Supply]:
    used = journal.used_wells(lab.name, bench)
    found: list[Supply] = []
    for kind in lab.labware.values():
        pieces = {f"{kind.name}-{number}" for number in range(1, len(kind.places) + 1)}
        n_used = sum(labware in pieces for labware, _ in used)
        name, n_free = f"wells of {kind.name}", kind.wells * len(pieces) - n_used
        found.append(Supply(name, "wells", None, None, float(n_free), float(booked), float(left)))
    return found


def _consumables(
    journal: Journal, lab: LabSpec, bench: str, intents: list[IntentRecord], begun: int, share: float | None
) -> list[Supply]:
    left = consumables_left(journal, lab, bench)
    poured = [_used_ul(i) for i in intents if i.action.get("material") is not None and i.state != "void"]
    booked = {"pour": float(len(poured)), "volume": sum(poured), "trial": float(begun)}
    return [
        Supply(
            name,
            "waste" if spec.per == "volume" else "pieces",
            None,
            None,
            left[name],
            booked[spec.per],
            None if share is None else booked[spec.per] * share,
        )
        for name, spec in lab.consumables.items()
    ]


def _used_ul(intent: IntentRecord) -> float:
    if intent.state == "void":
        return 0.0
    return intent.used_ul if intent.used_ul is not None else float(intent.action.get("volume_ul") or 0.0)
