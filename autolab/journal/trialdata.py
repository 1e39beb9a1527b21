"""What a trial recorded, gathered from its Bluesky documents."""

from __future__ import annotations

from typing import Any

from autolab.core.data import TrialData
from autolab.core.plates import is_of_a_trial, stream_of

__all__ = ["trial_data"]


def trial_data(documents: list[tuple[str, dict[str, Any]]], trial: int | None = None) -> TrialData:
    """Gather documents into what a reducer sees.

    Args:
        documents: As (name, document), in the order of recording.
        trial: Number of the trial: what a run of its plate recorded of it alone is its too.
    """
    streams = ("primary",) if trial is None else ("primary", stream_of(trial))
    primary: set[str] = set()
    foreign: set[str] = set()
    configurations: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    for name, document in documents:
        if name == "descriptor":
            if document.get("name") in streams:
                primary.add(document["uid"])
            elif trial is not None and is_of_a_trial(str(document.get("name"))):
                foreign.add(document["uid"])
            for configuration in document.get("configuration", {}).values():
                configurations.update(configuration.get("data", {}))
        elif name == "event" and document["descriptor"] in primary:
            events.append(document["data"])
    starts = [document for name, document in documents if name == "start"]
    datums = [document for name, document in documents if name == "stream_datum"]
    mine = {document["stream_resource"] for document in datums if document.get("descriptor") not in foreign}
    other = {document["stream_resource"] for document in datums} - mine
    assets = [
        (name, document)
        for name, document in documents
        if name in ("resource", "datum", "stream_resource", "stream_datum")
        if document.get("descriptor") not in foreign and document.get("uid") not in other
    ]
    return TrialData(events, configurations, starts, assets)
