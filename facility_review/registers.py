"""Registers of one facility: its resources (Sec. 3(c)), and its data sets and models (Sec. 3(d)(i)).

They come from one file that people write, and from what the journal knows. Nothing is filled in by guessing: what
nobody has written is missing, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from facility_review.campaigns import LEARNING, CampaignFacts
from facility_review.entries import Approval, Entries, OwnerClass, Proof, read_entries
from facility_review.registermodels import DataModel, ModelModel, RegistersModel, ResourceModel

__all__ = ["FILE", "DataSet", "Model", "Registers", "Resource", "read_registers"]

FILE = "registers.yaml"
"""Name of the file that people write."""
_PROPOSES = "proposes trials; learns from their outcomes"
_FILLS = "proposes trials that fill the space; learns nothing"


@dataclass(frozen=True, slots=True)
class Resource:
    """One computing, storage or network resource."""

    id: str
    kind: str
    name: str
    owner: str
    owner_class: OwnerClass
    state: str
    since: date | None
    facts: Mapping[str, str]
    """What else is written of it, by key."""
    connects: tuple[str, ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set."""

    id: str
    title: str
    owner: str
    owner_class: OwnerClass | None
    """None where nobody has written it."""
    digitisation: str
    standard: str
    metadata: Mapping[str, str]
    missing: tuple[str, ...]
    """Metadata that nobody has written."""
    provenance: tuple[str, ...]
    """Sentences, and a line for each campaign that made it."""
    approval: Approval | None
    access: str
    location: str
    campaigns: tuple[str, ...]
    realms: tuple[str, ...]
    trials: int
    """Trials of those campaigns."""
    is_written: bool
    """False where only the journal knows of it."""
    proof: Proof


@dataclass(frozen=True, slots=True)
class Model:
    """One model or engine."""

    id: str
    name: str
    kind: str
    version: str
    owner: str
    owner_class: OwnerClass | None
    trained_on: tuple[str, ...]
    provenance: str
    licence: str
    approval: Approval | None
    access: str
    campaigns: tuple[str, ...]
    """Campaigns that used it."""
    is_written: bool
    proof: Proof


@dataclass(frozen=True, slots=True)
class Registers:
    """Both registers."""

    resources: tuple[Resource, ...]
    data: tuple[DataSet, ...]
    models: tuple[Model, ...]
    notes: tuple[str, ...]
    """What is missing or does not hold, in sentences."""


def read_registers(folder: Path, campaigns: Sequence[CampaignFacts], as_of: date) -> Registers:
    """The registers as of a day.

    Args:
        folder: Where ``registers.yaml`` is, if there is one.
        campaigns: What the journal knows, see `facility_review.campaigns`.
        as_of: The day.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    entries = read_entries(folder / FILE, RegistersModel, as_of)
    if entries is None:
        said = Registers((), (), (), (f"there is no {FILE} beside the lab file (resources: none recorded)",))
    else:
        said = _written(entries, campaigns)
    made = _unwritten_data(said.data, campaigns)
    used = _unwritten_models(said.models, campaigns)
    notes = [*said.notes, *_notes(said, made, used)]
    return Registers(said.resources, (*said.data, *made), (*said.models, *used), tuple(notes))


def _written(entries: Entries[RegistersModel], campaigns: Sequence[CampaignFacts]) -> Registers:
    """What the file says, completed by the campaigns that it names."""
    model = entries.model
    resources = tuple(_resource(entries, name, each) for name, each in model.resources.items())
    data = tuple(_data_set(entries, name, each, campaigns) for name, each in model.data.items())
    models = tuple(_model(entries, name, each, campaigns) for name, each in model.models.items())
    entries.problems.raise_any()
    proofs = [each.proof for each in (*resources, *data, *models)]
    return Registers(resources, data, models, tuple(proof.problem for proof in proofs if proof.problem))


def _resource(entries: Entries[RegistersModel], name: str, model: ResourceModel) -> Resource:
    path = ("resources", name)
    for number, other in enumerate(model.connects):
        entries.known((*path, "connects", number), other, list(entries.model.resources), "resource of this file")
    facts = {
        "capacity": model.capacity,
        "location": model.location,
        "access": model.access,
        "security": model.security,
        "notes": model.notes,
    }
    return Resource(
        id=name,
        kind=model.kind,
        name=model.name,
        owner=model.owner,
        owner_class=model.owner_class,
        state=model.state,
        since=entries.day((*path, "since"), model.since, is_past=model.state != "planned"),
        facts={key: text for key, text in facts.items() if text},
        connects=tuple(model.connects),
        proof=entries.proof(path, model),
    )


def _data_set(
    entries: Entries[RegistersModel], name: str, model: DataModel, campaigns: Sequence[CampaignFacts]
) -> DataSet:
    path = ("data", name)
    named = [entries.campaign((*path, "campaigns", n), said, campaigns) for n, said in enumerate(model.campaigns)]
    made = [each for each in named if each is not None]
    meta = model.metadata
    metadata = {
        "creator": meta.creator or "",
        "description": meta.description or "",
        "variables": ", ".join(meta.variables) or ", ".join(_variables(made)),
        "format": meta.format or "",
        "licence": meta.licence or "",
        "contact": meta.contact or "",
    }
    return DataSet(
        id=name,
        title=model.title,
        owner=model.owner,
        owner_class=model.owner_class,
        digitisation=model.digitisation,
        standard=model.standard or "",
        metadata={key: text for key, text in metadata.items() if text},
        missing=tuple(key for key, text in metadata.items() if not text),
        provenance=(*((model.provenance,) if model.provenance else ()), *map(_made_by, made)),
        approval=entries.approval((*path, "approval"), model.approval),
        access=model.access or "",
        location=model.location or "",
        campaigns=tuple(each.id for each in made),
        realms=_realms(made),
        trials=sum(each.trials for each in made),
        is_written=True,
        proof=entries.proof(path, model),
    )


def _model(entries: Entries[RegistersModel], name: str, model: ModelModel, campaigns: Sequence[CampaignFacts]) -> Model:
    path = ("models", name)
    for number, other in enumerate(model.trained_on):
        entries.known((*path, "trained_on", number), other, list(entries.model.data), "data set of this file")
    used = [each for each in campaigns if model.engine is not None and each.engine == model.engine]
    return Model(
        id=name,
        name=model.name,
        kind=model.kind,
        version=model.version,
        owner=model.owner,
        owner_class=model.owner_class,
        trained_on=tuple(model.trained_on),
        provenance=model.provenance or "",
        licence=model.licence or "",
        approval=entries.approval((*path, "approval"), model.approval),
        access=model.access or "",
        campaigns=tuple(each.id for each in used if _version(each) in {model.version, ""}),
        is_written=True,
        proof=entries.proof(path, model),
    )


def _unwritten_data(written: Iterable[DataSet], campaigns: Sequence[CampaignFacts]) -> tuple[DataSet, ...]:
    """Data sets that campaigns made, and of which no entry says anything."""
    covered = {name for each in written for name in each.campaigns}
    return tuple(_journalled(each) for each in campaigns if each.id not in covered and each.with_outcome)


def _journalled(campaign: CampaignFacts) -> DataSet:
    return DataSet(
        id=f"campaign:{campaign.id}",
        title=f"Records of the campaign {campaign.name}",
        owner=campaign.laboratory,
        owner_class=None,
        digitisation="born_digital",
        standard="Bluesky event model",
        metadata={
            "creator": campaign.person,
            "variables": ", ".join(_variables([campaign])),
            "format": "SQLite journal of autolab",
        },
        missing=("description", "licence", "contact"),
        provenance=(_made_by(campaign),),
        approval=None,
        access="",
        location="",
        campaigns=(campaign.id,),
        realms=(campaign.realm,),
        trials=campaign.trials,
        is_written=False,
        proof=Proof(campaign.evidence),
    )


def _unwritten_models(written: Iterable[Model], campaigns: Sequence[CampaignFacts]) -> tuple[Model, ...]:
    """Engines that campaigns used, and of which no entry says anything."""
    covered = {name for each in written for name in each.campaigns}
    used: dict[tuple[str, str], list[CampaignFacts]] = {}
    for each in campaigns:
        if each.id not in covered:
            used.setdefault((each.engine, _version(each)), []).append(each)
    return tuple(
        Model(
            id=f"engine:{engine}" + (f"@{version}" if version else ""),
            name=f"Engine {engine}",
            kind=_PROPOSES if engine in LEARNING else _FILLS,
            version=version,
            owner="",
            owner_class=None,
            trained_on=(),
            provenance="",
            licence="",
            approval=None,
            access="",
            campaigns=tuple(each.id for each in those),
            is_written=False,
            proof=Proof(those[0].evidence, None, tuple(each.evidence for each in those[1:])),
        )
        for (engine, version), those in sorted(used.items())
    )


def _version(campaign: CampaignFacts) -> str:
    """Version of the package behind a campaign's engine; empty where it has none."""
    return campaign.packages.get(LEARNING.get(campaign.engine, ""), "")


def _variables(campaigns: Iterable[CampaignFacts]) -> list[str]:
    return list(dict.fromkeys(name for each in campaigns for name in (*each.parameters, *each.metrics)))


def _realms(campaigns: Iterable[CampaignFacts]) -> tuple[str, ...]:
    return tuple(sorted({each.realm for each in campaigns}))


def _made_by(campaign: CampaignFacts) -> str:
    return (
        f"campaign {campaign.id} in lab {campaign.lab} ({campaign.realm}, {campaign.trials} trials); campaign file "
        f"sha256 {campaign.campaign_hash[:12]}…, lab file sha256 {campaign.lab_hash[:12]}…"
    )


def _notes(said: Registers, made: Sequence[DataSet], used: Sequence[Model]) -> list[str]:
    """What somebody should write next."""
    notes: list[str] = []
    for what, each in (("data set", made), ("model or engine", used)):
        if each:
            n = len(each)
            has = f"{n} {what}{'s' if n != 1 else ''} of the journal {'have' if n != 1 else 'has'}"
            notes.append(f"{has} no entry in {FILE}: owner class, licence and source approval: none recorded")
    for each in (*said.data, *said.models):
        if each.approval is None:
            notes.append(f"{each.proof.ref}: source approval: none recorded")
        elif not each.approval.is_in_force:
            notes.append(f"{each.proof.ref}: its source approval ended on {each.approval.until}")
    return notes
