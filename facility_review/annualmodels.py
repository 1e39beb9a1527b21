"""What ``annual.yaml`` says: what no journal can know of a facility's year, as people write it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autolab.config.fields import Date, FileModel, Slug, Text
from facility_review.entries import EntryModel, Words

__all__ = ["AnnualModel", "EngagementModel", "IntegrationModel", "NeedModel", "ResultModel", "TransitionModel"]


class IntegrationModel(EntryModel):
    """A link to another laboratory, to shared computing, data or facilities; Sec. 6(a)(ii)."""

    kind: Literal["laboratory", "computing", "data", "facility", "platform"] = Field(examples=["computing"])
    """What it links to."""
    to: Text = Field(examples=["shared computing of the laboratory"])
    """Its name."""
    what: Words = Field(examples=["campaign records are copied there every night"])
    """What the link does, in one sentence."""
    date: Date = Field(examples=["2026-05-04"])
    """Day on which it began to work."""


class EngagementModel(EntryModel):
    """People who used the facility or learnt there; Sec. 6(a)(iii)."""

    kind: Literal["users", "students", "training", "fellowship", "apprenticeship", "internship"] = Field(
        examples=["students"]
    )
    """Who they were."""
    people: int = Field(ge=1, le=1_000_000, examples=["12"])
    """How many people."""
    what: Words = Field(examples=["summer course on closed loops"])
    """What they did, in one sentence."""
    date: Date = Field(examples=["2026-07-01"])
    """First day."""


class ResultModel(EntryModel):
    """Something that came of the work; Sec. 6(a)(iv)."""

    kind: Literal["publication", "prototype", "advance", "software", "data"] = Field(examples=["publication"])
    """What it is."""
    title: Text = Field(examples=["A robot mixes teal"])
    """Its title."""
    date: Date = Field(examples=["2026-09-15"])
    """Day on which it appeared or was shown."""
    reference: Text | None = None
    """DOI, address or report number."""
    campaigns: list[Text] = Field(default_factory=list[str], max_length=10_000)
    """Campaigns that it rests on, by id or by the unique beginning of one."""


class TransitionModel(EntryModel):
    """A result that moved to production or to somebody else; Sec. 6(a)(v)."""

    to: Text = Field(examples=["Dyes Inc."])
    """Who has it now."""
    what: Words = Field(examples=["the recipe of teal is made there"])
    """What moved, in one sentence."""
    date: Date = Field(examples=["2026-10-01"])
    """Day on which it moved."""


class NeedModel(EntryModel):
    """Something that the facility needs from others; Sec. 6(a)(vi)."""

    kind: Literal["authority", "interagency", "standard", "resources", "other"] = Field(examples=["standard"])
    """What it asks for."""
    what: Words = Field(examples=["a common format for plans of trials"])
    """The need, in one sentence."""
    because: Words | None = None
    """Why, in one sentence."""


class AnnualModel(FileModel):
    """What people add to the facility's chapter of the yearly report."""

    integration: dict[Slug, IntegrationModel] = Field(default_factory=dict[str, IntegrationModel], max_length=1000)
    """Links to others, by id."""
    engagement: dict[Slug, EngagementModel] = Field(default_factory=dict[str, EngagementModel], max_length=1000)
    """People, by id."""
    results: dict[Slug, ResultModel] = Field(default_factory=dict[str, ResultModel], max_length=1000)
    """Results, by id."""
    transitions: dict[Slug, TransitionModel] = Field(default_factory=dict[str, TransitionModel], max_length=1000)
    """Transitions, by id."""
    needs: dict[Slug, NeedModel] = Field(default_factory=dict[str, NeedModel], max_length=1000)
    """Needs, by id."""
