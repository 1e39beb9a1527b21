"""What the journal knows of the campaigns of one lab, as the registers and the yearly chapter need it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import yaml

from autolab.core.imports import IMPORTED
from autolab.core.trials import FINAL, TrialState
from autolab.journal.journal import DOCUMENTS_FILE, STATES_FILE
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord
from autolab.report.facts import Facts

__all__ = ["LEARNING", "CampaignFacts", "read_campaigns"]

LEARNING: Mapping[str, str] = {"ax": "ax-platform", "botorch": "botorch", "auto": "botorch", "lean": "scipy"}
"""Engines that learn from outcomes, with the package whose version says which model it was."""


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """One campaign as its journal has it."""

    id: str
    name: str
    lab: str
    laboratory: str
    realm: str
    state: str
    day: date
    """Day on which it was started."""
    ended: date | None
    """Day of its last record, where it has ended."""
    person: str
    challenge: str | None
    """Id of the challenge that its file names."""
    engine: str
    packages: Mapping[str, str]
    """Versions of the packages that were installed."""
    trials: int
    by_state: Mapping[str, int]
    directed: int
    """Trials that an engine chose from outcomes that it had seen."""
    interventions: int
    """Records of what people did to it."""
    parameters: tuple[str, ...]
    metrics: tuple[str, ...]
    campaign_hash: str
    lab_hash: str
    target: str
    """Whether the best outcome as measured meets the target: ``met``, ``not met``, or empty without either."""

    @property
    def evidence(self) -> str:
        """Id of this record in the evidence of a deliverable."""
        return f"journal:{self.id}"

    @property
    def with_outcome(self) -> int:
        """Trials that ended with an outcome."""
        return self.by_state.get(str(TrialState.INGESTED), 0)

    @property
    def is_physical(self) -> bool:
        """Whether hardware did the work."""
        return self.realm == "physical"


def read_campaigns(data: Path, lab: str, as_of: date) -> tuple[CampaignFacts, ...]:
    """The campaigns of a lab that were started up to a day, the oldest first.

    Args:
        data: The data folder.
        lab: Name of the lab.
        as_of: Last day that counts.

    Raises:
        InputError: the folder holds no journal.
        StorageError: the journal is damaged, or a newer version wrote it.
    """
    reader = JournalReader.open(data)
    try:
        found = [record for record in reader.campaigns() if record.lab == lab and record.state != IMPORTED]
        counted = [each for each in found if each.is_experiment and date.fromisoformat(each.created[:10]) <= as_of]
        return tuple(_facts(reader, record) for record in counted)
    finally:
        reader.close()


def journal_files(data: Path) -> tuple[Path, ...]:
    """The files that hold the journal of a data folder, as far as they are there."""
    return tuple(path for path in (data / STATES_FILE, data / DOCUMENTS_FILE) if path.is_file())


def _facts(reader: JournalReader, record: CampaignRecord) -> CampaignFacts:
    facts = Facts.read(reader, record)
    trials, met = facts.trials, facts.target_is_met
    packages = cast("dict[str, Any]", record.environment.get("packages") or {})
    days = [date.fromisoformat(each.date[:10]) for trial in trials for each in trial.transitions]
    return CampaignFacts(
        id=record.id,
        name=record.name,
        lab=record.lab,
        laboratory=record.laboratory,
        realm=record.realm,
        state=record.state,
        day=date.fromisoformat(record.created[:10]),
        ended=max(days, default=None) if record.state in {"finished", "stopped", "failed"} else None,
        person=record.principal,
        challenge=challenge_of(record),
        engine=record.engine.name,
        packages={name: str(version) for name, version in packages.items() if version},
        trials=len(trials),
        by_state=Counter(str(trial.state) for trial in trials),
        directed=sum(t.suggestion.engine in LEARNING and bool(t.suggestion.seen) and t.state in FINAL for t in trials),
        interventions=len(facts.interventions),
        parameters=tuple(parameter.name for parameter in record.problem.space.parameters),
        metrics=tuple(record.problem.metrics),
        campaign_hash=record.campaign_hash,
        lab_hash=record.lab_hash,
        target="" if met is None else "met" if met else "not met",
    )


def challenge_of(record: CampaignRecord) -> str | None:
    """The challenge that a campaign's file names, as it was run."""
    return _challenge(record.campaign_file)


@lru_cache(maxsize=256)
def _challenge(text: str) -> str | None:
    """The challenge that a campaign file names; many campaigns are run from one file."""
    try:
        said: object = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    challenge = cast("dict[str, object]", said).get("challenge") if isinstance(said, dict) else None
    return challenge if isinstance(challenge, str) else None
