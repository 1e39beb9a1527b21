"""What is left of a lab's materials, by its file and the record of what was used."""

from __future__ import annotations

import json
from typing import Any, cast

import yaml

from autolab.config.specs import LabSpec
from autolab.core.canonical import canonical_json
from autolab.core.principals import Principal
from autolab.journal.journal import Journal

__all__ = ["note_materials", "stock_left"]

_CHANGED = "materials"
"""Cause of the intervention that keeps the ``materials`` with which a campaign goes on."""
_CHANGES = "SELECT detail, lab_s FROM interventions WHERE campaign = ? AND cause = ? ORDER BY id DESC LIMIT 1"
_USED = """
SELECT json_extract(action, '$.material') AS material,
    SUM(COALESCE(used_ul, json_extract(action, '$.volume_ul'))) AS volume_ul
FROM intents WHERE campaign = ? AND intended_lab_s >= ? AND state <> 'void' GROUP BY 1
"""


def stock_left(journal: Journal, lab: LabSpec, bench: str) -> dict[str, float]:
    """What is left of each material of a lab, in microlitres.

    The lab file says what was in stock when its ``materials`` were last written; the campaigns on this bench have used
    some of it since they began, or were resumed, with the same ``materials``. An action that was intended and is not
    settled counts as done.

    Args:
        journal: Keeps the actions.
        lab: The lab file.
        bench: Identity of the hardware's contents.
    """
    left = {name: material.stock_ul for name, material in lab.materials.items()}
    declared = _materials(lab.source.text)
    for row in journal.states.rows("SELECT id, lab_file FROM campaigns WHERE lab = ? AND bench = ?", (lab.name, bench)):
        written, since_lab_s = _latest(journal, row["id"], row["lab_file"])
        if written != declared:
            continue
        for used in journal.states.rows(_USED, (row["id"], since_lab_s)):
            if used["material"] in left:
                left[used["material"]] -= used["volume_ul"] or 0.0
    return left


def note_materials(journal: Journal, campaign: str, lab_file: str, lab: LabSpec, by: Principal) -> None:
    """Record with which materials a campaign goes on, where the lab file says others than before.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        lab_file: Text of the lab file with which it started.
        lab: The lab file as it is.
        by: Who resumes it.
    """
    declared = _materials(lab.source.text)
    if _latest(journal, campaign, lab_file)[0] != declared:
        journal.intervene(campaign, None, by, _CHANGED, canonical_json(declared))


def _latest(journal: Journal, campaign: str, lab_file: str) -> tuple[Any, float]:
    """The bottles with which a campaign was started or resumed last, and since when, in lab seconds."""
    for row in journal.states.rows(_CHANGES, (campaign, _CHANGED)):
        return _bottles(json.loads(row["detail"])), row["lab_s"]
    return _materials(lab_file), 0.0


def _materials(text: str) -> Any:
    """What a lab file says of each bottle: its stock, and when it expires. What it may be mixed with is no refill."""
    declared = (yaml.safe_load(text) or {}).get("materials") if text else None
    return _bottles(declared)


def _bottles(declared: Any) -> Any:
    if not isinstance(declared, dict):
        return None
    bottles = cast("dict[str, dict[str, Any]]", declared)
    return {
        name: {key: str(bottle[key]) for key in ("stock", "expires") if key in bottle}
        for name, bottle in bottles.items()
    }
