"""What ``registers.yaml`` says: resources, data sets and models, as people write them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autolab.config.fields import Date, FileModel, Slug, Text
from facility_review.entries import ApprovalModel, EntryModel, OwnerClass, Words

__all__ = ["DataModel", "MetadataModel", "ModelModel", "RegistersModel", "ResourceModel"]


class ResourceModel(EntryModel):
    """A computing, storage or network resource that the lab uses."""

    kind: Literal["computing", "storage", "network"] = Field(examples=["storage"])
    """What it is."""
    name: Text = Field(examples=["Data store of the colour bench"])
    """What people call it."""
    owner: Text = Field(examples=["Example National Laboratory"])
    """The organisation that owns it."""
    owner_class: OwnerClass = Field(examples=["federal"])
    """`federal` or `partner`."""
    capacity: Text | None = None
    """How much of it there is, with units, such as `40 TB` or `16 cores, 64 GB memory`."""
    location: Text | None = None
    """Where it stands."""
    state: Literal["in_use", "planned", "retired"] = "in_use"
    """Whether it is there."""
    since: Date | None = None
    """Day since which this is so."""
    access: Text | None = None
    """Who may use it, and how."""
    security: Text | None = None
    """Its authorisation: boundary, category, letter."""
    connects: list[Slug] = Field(default_factory=list[str], max_length=100)
    """Ids of the resources that it is connected to."""


class MetadataModel(FileModel):
    """What somebody needs to know who finds a data set."""

    creator: Text | None = None
    """Who made it."""
    description: Words | None = None
    """What it is about."""
    variables: list[Text] = Field(default_factory=list[str], max_length=1000)
    """What was varied and measured, with units."""
    format: Text | None = None
    """Format of its files."""
    licence: Text | None = None
    """Terms of use."""
    contact: Text | None = None
    """Whom to ask."""


class DataModel(EntryModel):
    """A data set."""

    title: Text = Field(examples=["Spectra of the teal campaigns"])
    """Its title."""
    owner: Text = Field(examples=["Example National Laboratory"])
    """The organisation that owns it."""
    owner_class: OwnerClass = Field(examples=["federal"])
    """`federal` or `partner`."""
    digitisation: Literal["born_digital", "digitised", "partly_digitised", "not_digitised"] = Field(
        examples=["born_digital"]
    )
    """How far it can be read by a machine."""
    campaigns: list[Text] = Field(default_factory=list[str], max_length=10_000)
    """Campaigns that made it, by id or by the unique beginning of one; the journal fills in what it knows."""
    standard: Text | None = None
    """Community standard that its files and names follow."""
    metadata: MetadataModel = MetadataModel()
    """What a finder needs to know."""
    provenance: Words | None = None
    """How it came to be; beside this the campaigns that made it are shown with their hashes."""
    approval: ApprovalModel | None = None
    """Who approved the source for use on the shared platform."""
    access: Literal["open", "controlled", "restricted"] | None = None
    """Who may have it."""
    location: Text | None = None
    """Where it is kept."""


class ModelModel(EntryModel):
    """A model, or another asset that computes."""

    name: Text = Field(examples=["Colour surrogate"])
    """What people call it."""
    kind: Literal["surrogate", "simulation", "foundation", "language", "control", "other"] = Field(
        examples=["surrogate"]
    )
    """What it does."""
    version: Text = Field(examples=["1.2.0"])
    """Its version."""
    owner: Text = Field(examples=["Example National Laboratory"])
    """The organisation that owns it."""
    owner_class: OwnerClass = Field(examples=["federal"])
    """`federal` or `partner`."""
    engine: Text | None = None
    """Engine of campaigns that it describes, such as `ax`; the journal fills in where it was used."""
    trained_on: list[Slug] = Field(default_factory=list[str], max_length=100)
    """Ids of the data sets in this file that it learnt from."""
    provenance: Words | None = None
    """Where it comes from."""
    licence: Text | None = None
    """Terms of use."""
    approval: ApprovalModel | None = None
    """Who approved the source for use on the shared platform."""
    access: Literal["open", "controlled", "restricted"] | None = None
    """Who may have it."""


class RegistersModel(FileModel):
    """The registers of one facility."""

    resources: dict[Slug, ResourceModel] = Field(default_factory=dict[str, ResourceModel], max_length=1000)
    """Computing, storage and network resources, by id."""
    data: dict[Slug, DataModel] = Field(default_factory=dict[str, DataModel], max_length=1000)
    """Data sets, by id."""
    models: dict[Slug, ModelModel] = Field(default_factory=dict[str, ModelModel], max_length=1000)
    """Models, by id."""
