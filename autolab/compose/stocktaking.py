"""What is left of a lab's materials, by its file and the record of what was used."""

from __future__ import annotations

from typing import Any

import yaml

from autolab.config.specs import LabSpec
from autolab.journal.journal import Journal

__all__ = ["stock_left"]

_USED = """
SELECT json_extract(action, '$.material') AS material, SUM(json_extract(action, '$.volume_ul')) AS volume_ul
FROM intents WHERE campaign IN (SELECT value FROM json_each(?)) AND state <> 'void' GROUP BY 1
"""


def stock_left(journal: Journal, lab: LabSpec, bench: str) -> dict[str, float]:
    """What is left of each material of a lab, in microlitres.

    The lab file says what was in stock when its ``materials`` were last written; the campaigns on this bench that ran
    with the same ``materials`` have used some of it. An action that was intended and is not settled counts as done.

    Args:
        journal: Keeps the actions.
        lab: The lab file.
        bench: Identity of the hardware's contents.
    """
    declared = _materials(lab.source.text)
    rows = journal.states.rows("SELECT id, lab_file FROM campaigns WHERE lab = ? AND bench = ?", (lab.name, bench))
    same = [row["id"] for row in rows if _materials(row["lab_file"]) == declared]
    quoted = "[" + ",".join(f'"{one}"' for one in same) + "]"
    used = {row["material"]: row["volume_ul"] for row in journal.states.rows(_USED, (quoted,))}
    return {name: material.stock_ul - (used.get(name) or 0.0) for name, material in lab.materials.items()}


def _materials(text: str) -> Any:
    return (yaml.safe_load(text) or {}).get("materials") if text else None
