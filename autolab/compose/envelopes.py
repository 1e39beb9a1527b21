"""How the envelope of a lab file differs from the one that a campaign began with, signal by signal."""

from __future__ import annotations

from typing import Any

import yaml

from autolab.compose.permitting import envelope_change
from autolab.config.specs import LabSpec
from autolab.journal.records import CampaignRecord

__all__ = ["changed_limits"]


def changed_limits(record: CampaignRecord, lab: LabSpec) -> list[str]:
    """What has become of each limit, for whoever approves it; empty where the campaign runs in this envelope."""
    change = envelope_change(record, lab)
    if change is None:
        return []
    before, after = _envelope(record.lab_file), _envelope(lab.source.text)
    said = [f"version {change.version_before or 'none'} → {change.version_after or 'none'}"]
    for signal in dict.fromkeys([*before, *after]):
        if before.get(signal) != after.get(signal):
            said.append(f"{signal}: {_words(before.get(signal))} → {_words(after.get(signal))}")
    return said


def _envelope(text: str) -> dict[str, Any]:
    return (yaml.safe_load(text) or {}).get("envelope") or {}


def _words(limit: Any) -> str:
    if not isinstance(limit, dict):
        return "not declared" if limit is None else str(limit)
    return ", ".join(f"{key} {value}" for key, value in limit.items())
