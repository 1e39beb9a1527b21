"""What is left of a lab's materials, by its file and the record of what was used."""

from __future__ import annotations

from autolab.campaign.lab import OwnStock
from autolab.config.specs import LabSpec
from autolab.core.canonical import canonical_json
from autolab.core.errors import InputErrors
from autolab.core.principals import Principal
from autolab.journal.bottles import (
    CHANGED,
    CONSUMABLES,
    Bottle,
    Shelf,
    consumables_of,
    declared_bottles,
    declared_consumables,
    shelf_of,
    shelves,
)
from autolab.journal.journal import Journal
from autolab.journal.samples import bearing

__all__ = ["consumables_left", "note_materials", "own_stock", "refuse_reused", "stock_left"]

_USED = """
SELECT json_extract(action, '$.material') AS material,
    SUM(COALESCE(used_ul, json_extract(action, '$.volume_ul'))) AS volume_ul
FROM intents WHERE campaign = ?1 AND intended_lab_s >= ?2 AND state <> 'void' GROUP BY 1
"""
_USED_BY_TRIAL = _USED.replace("GROUP BY", "AND trial = ?3 GROUP BY")

_COUNTED = """
SELECT
    (SELECT COUNT(*) FROM intents WHERE campaign = ?1 AND intended_lab_s >= ?2 AND state <> 'void'
        AND json_extract(action, '$.material') IS NOT NULL) AS pour,
    (SELECT SUM(COALESCE(used_ul, json_extract(action, '$.volume_ul'))) FROM intents WHERE campaign = ?1
        AND intended_lab_s >= ?2 AND state <> 'void' AND json_extract(action, '$.material') IS NOT NULL) AS volume,
    (SELECT COUNT(*) FROM trials, json_each(history) AS moment WHERE campaign = ?1
        AND json_extract(moment.value, '$[0]') = 'running' AND json_extract(moment.value, '$[1]') >= ?2
        AND COALESCE(json_extract(moment.value, '$[3]') LIKE 'attempt %', 1)) AS trial
"""


def stock_left(journal: Journal, lab: LabSpec, bench: str) -> dict[str, float]:
    """What is left of each material of a lab, in microlitres.

    The lab file says of each material what was in stock when its line was last written; the campaigns on this bench
    have used some of it since they began, or were resumed, with that line. An action that was intended and is not
    settled counts as done.

    Args:
        journal: Keeps the actions.
        lab: The lab file.
        bench: Identity of the hardware's contents.
    """
    left = {name: material.stock_ul for name, material in lab.materials.items()}
    for campaign, shelf in shelves(journal.states, lab.name, bench).items():
        for name, used_ul in _used(journal, lab, campaign, shelf).items():
            left[name] -= used_ul
    return left


def own_stock(journal: Journal, lab: LabSpec, bench: str, campaign: str) -> OwnStock:
    """What a campaign has to go by: what all others have left of the stock, and what each of its trials uses of it."""
    shelf = shelves(journal.states, lab.name, bench)[campaign]
    before = stock_left(journal, lab, bench)
    for name, used_ul in _used(journal, lab, campaign, shelf).items():
        before[name] += used_ul
    return OwnStock(before, lambda trial: _used(journal, lab, campaign, shelf, trial))


def _used(journal: Journal, lab: LabSpec, campaign: str, shelf: Shelf, trial: int | None = None) -> dict[str, float]:
    """Microlitres that a campaign, or one trial of it, has used of the bottles that stand there by the lab file."""
    declared = declared_bottles(lab.source.text)
    by_since: dict[float, list[str]] = {}
    for name in lab.materials:
        if (since_lab_s := shelf.since(name, declared)) is not None:
            by_since.setdefault(since_lab_s, []).append(name)
    found: dict[str, float] = {}
    for since_lab_s, names in by_since.items():
        if trial is None:
            rows = journal.states.rows(_USED, (campaign, since_lab_s))
        else:
            rows = journal.states.rows(_USED_BY_TRIAL, (campaign, since_lab_s, trial))
        found |= {row["material"]: row["volume_ul"] or 0.0 for row in rows if row["material"] in names}
    return found


def consumables_left(journal: Journal, lab: LabSpec, bench: str) -> dict[str, float]:
    """What is left of each consumable of a lab: pieces, or room in microlitres; see `stock_left`."""
    left = {name: spec.stock for name, spec in lab.consumables.items()}
    if not left:
        return left
    declared = declared_consumables(lab.source.text)
    rows = journal.states.rows("SELECT id, lab_file FROM campaigns WHERE lab = ? AND bench = ?", (lab.name, bench))
    for row in rows:
        shelf = consumables_of(journal.states, row["id"], lab.name, row["lab_file"])
        for name, spec in lab.consumables.items():
            if (since_lab_s := shelf.since(name, declared)) is not None:
                (used,) = journal.states.rows(_COUNTED, (row["id"], since_lab_s))
                left[name] -= used[spec.per] or 0.0
    return left


def refuse_reused(journal: Journal, lab: LabSpec, bench: str) -> None:
    """Refuse a bottle whose barcode was that of something else before.

    Raises:
        FileError: it was, with the line of the barcode.
        InputErrors: several were.
    """
    known = {b.id: b for shelf in shelves(journal.states, lab.name, bench).values() for b in shelf.bottles()}
    problems = [
        lab.source.error(
            ("materials", name, "bottle"),
            f"{name}: bottle {spec.bottle!r} {said}: a barcode names one thing; write that of this bottle",
        )
        for name, spec in lab.materials.items()
        if spec.bottle is not None
        and (said := _was(journal, lab, name, spec.lot, known.get(spec.bottle), spec.bottle)) is not None
    ]
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)


def _was(journal: Journal, lab: LabSpec, name: str, lot: str | None, before: Bottle | None, barcode: str) -> str | None:
    """What a bottle's barcode was before; None where that was the same bottle, or nothing."""
    if (sample := bearing(journal.states, lab.name, barcode)) is not None:
        return f"is the barcode of {sample}"
    if before is not None and before.material != name:
        return f"held {before.material} before"
    if before is not None and (before.lot or lot) != lot:
        return f"held lot {before.lot!r} before, and {'no lot is' if lot is None else f'lot {lot!r} is'} given"
    return None


def note_materials(journal: Journal, campaign: str, lab_file: str, lab: LabSpec, by: Principal) -> None:
    """Record with which materials and consumables a campaign goes on, where the lab file says others than before.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        lab_file: Text of the lab file with which it started.
        lab: The lab file as it is.
        by: Who resumes it.
    """
    declared = declared_bottles(lab.source.text)
    if shelf_of(journal.states, campaign, lab.name, lab_file).latest[1] != declared:
        journal.intervene(campaign, None, by, CHANGED, canonical_json(declared))
    other = declared_consumables(lab.source.text)
    if consumables_of(journal.states, campaign, lab.name, lab_file).latest[1] != other:
        journal.intervene(campaign, None, by, CONSUMABLES, canonical_json(other))
