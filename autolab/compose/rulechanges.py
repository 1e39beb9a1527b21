"""Whether a lab file still says what a trial was screened by: mixtures, labware, zones and times at places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from autolab.config.specs import LabSpec
from autolab.core.canonical import content_hash
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.journal.journal import Journal

__all__ = ["note_rules", "refuse_other_rules"]

_KEYS = ("labware", "zones", "dwell")
"""Keys of a lab file that say what a trial may do; the envelope has a version of its own."""
_CHANGED = "rules"
"""Cause of the intervention that records with which rules a campaign goes on."""
_LATEST = "SELECT detail FROM interventions WHERE campaign = ? AND cause = ? ORDER BY id DESC LIMIT 1"


def refuse_other_rules(journal: Journal, campaign: str, lab_file: str, lab: LabSpec, underway: Sequence[int]) -> None:
    """Refuse to go on with trials that were interrupted in their middle under other rules than they were screened by.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        lab_file: Text of the lab file with which it started.
        lab: The lab file as it is.
        underway: Numbers of the trials that would go on in their middle.

    Raises:
        InputError: the rules of the lab file have changed meanwhile.
    """
    if not underway or _before(journal, campaign, lab_file) == _rules(lab.source.text):
        return
    numbers = ", ".join(map(str, underway))
    raise InputError(
        f"{campaign}: trial {numbers} was interrupted in its middle, and what may be mixed, the labware, the zones or "
        f"the times in {lab.source.file} have changed since it was screened: put them back and resume, or give the "
        f"trial up first with 'autolab abandon {campaign} {numbers} --because TEXT'"
    )


def note_rules(journal: Journal, campaign: str, lab_file: str, lab: LabSpec, by: Principal) -> None:
    """Record by which rules a campaign goes on, where they are others than before.

    Args:
        journal: Keeps the record.
        campaign: Id of the campaign.
        lab_file: Text of the lab file with which it started.
        lab: The lab file as it is.
        by: Who resumes it.
    """
    now = _rules(lab.source.text)
    if _before(journal, campaign, lab_file) != now:
        journal.intervene(campaign, None, by, _CHANGED, now)


def _before(journal: Journal, campaign: str, lab_file: str) -> str:
    """The rules by which it was started or resumed last."""
    rows = journal.states.rows(_LATEST, (campaign, _CHANGED))
    return rows[0]["detail"] if rows else _rules(lab_file)


def _rules(text: str) -> str:
    """Content hash of what a lab file says of what a trial may do."""
    declared: Any = yaml.safe_load(text) or {}
    materials: Any = declared.get("materials") or {}
    mixtures = {
        name: {key: (said or {}).get(key) for key in ("compatible", "incompatible")} for name, said in materials.items()
    }
    return content_hash([mixtures, *(declared.get(key) for key in _KEYS)])
