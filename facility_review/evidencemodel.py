"""The shape of ``evidence.yaml``: what people state of one unit beside its records. Dates are texts, in UTC."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autolab.config.fields import IS_NUMBER, Date, FileModel, Name, Slug, Text, Value

__all__ = [
    "EntryModel",
    "EvidenceFileModel",
    "HeaderModel",
    "IdentityDeviceModel",
    "IdentityModel",
    "NotApplicableModel",
    "RequirementsModel",
    "WaiverModel",
]

Number = Annotated[float, IS_NUMBER]
Positive = Annotated[float, IS_NUMBER, Field(gt=0)]


class IdentityDeviceModel(FileModel):
    """What is written on a device."""

    model: Text
    """Its model, as the plate says."""
    serial_number: Text
    """Its serial number, as the plate says; no two devices have one."""


class IdentityModel(FileModel):
    """Who has read the plates of the devices, and what stands on them. Without it nothing counts as physical."""

    by: Text = Field(examples=["Ada Lovelace"])
    """The person."""
    date: Date = Field(examples=["2026-10-01"])
    """The day."""
    devices: dict[Name, IdentityDeviceModel] = Field(
        min_length=1, max_length=1000, examples=["{stage: {model: Stage 300, serial_number: S-1}}"]
    )
    """By name, as in the lab file."""


class RequirementsModel(FileModel):
    """What the unit's own numbers are compared with; approved in one of its documents."""

    precision_rsd: dict[Slug, Positive] = Field(default_factory=dict[str, float])
    """By metric, the relative standard deviation that the decisions of its campaigns ask for, such as 0.05."""
    ideal_cycle_s: Positive | None = None
    """Seconds that one experiment takes where nothing waits."""
    parallel_lanes: Annotated[int, Field(ge=1)] = 1
    """Experiments that can run at the same time."""
    decision_deadline_s: Positive | None = None
    """Seconds in which the planner must have answered."""
    stop_limit_s: Positive | None = None
    """Seconds in which an emergency stop must have taken the hazard away, by design."""
    material_baseline_ul: Positive | None = None
    """Microlitres that the documented manual method uses for one valid experiment."""


class NotApplicableModel(FileModel):
    """Why a criterion does not apply, and who agreed."""

    reason: Text
    """Why it does not apply."""
    approver: Text
    """Who agreed."""


class WaiverModel(FileModel):
    """A ceiling gate that a named authority has set aside."""

    authority: Text
    """Who has set it aside."""
    expires: Date
    """Last day on which that holds."""
    reason: Text
    """Why."""


class EntryModel(FileModel):
    """One piece of evidence."""

    criterion: str | None = None
    """Id of the criterion; exactly one of `criterion`, `metric` and `fact`."""
    metric: str | None = None
    """Id of the metric."""
    fact: str | None = None
    """Id of the fact."""
    class_name: Literal["measured", "documented", "attested"] = Field(alias="class", examples=["documented"])
    """`documented`: an approved document or signed test report, hashed under `files`. `attested`: a named person says
    so. `measured`: read from records by a person; it counts as documented, for nobody can show that it is complete."""
    realm: Literal["physical", "emulated", "simulated"] = Field(examples=["physical"])
    """Where it was shown. `physical` needs `identity`."""
    by: Text | None = None
    """Who approved it, ran it or says so: a person."""
    date: Date = Field(examples=["2026-10-01"])
    """The day on which it was approved, measured or said."""
    valid_until: Date | None = None
    """Last day on which it counts in full; wanted for documents and attestations."""
    value: Value | None = None
    """Value of the metric in its unit, or of the fact."""
    step: int | None = None
    """Highest step of the ladder that it shows."""
    n: int | None = None
    """How many were counted."""
    successes: int | None = None
    """How many of them went well."""
    interval: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = None
    """90 % interval: lower and upper bound."""
    method: Literal["EXAMINE", "INTERVIEW", "TEST"] | None = None
    """Looked at, asked, or exercised; by its class where it is not written."""
    files: dict[str, str] = Field(default_factory=dict[str, str], max_length=1000)
    """By path, seen from this file, the SHA-256 of each document or data file; empty while nobody has hashed it."""
    query: str = ""
    """How the number was taken from the files."""
    tool: str = ""
    """The program that counted, where one did."""
    tool_version: str = ""
    """Its version."""
    configuration: str | None = None
    """Configuration hash of the unit that it was made on; the report of the unit gives the present one."""
    independence: Literal["self", "peer", "third_party"] = "self"
    """How independent of the unit the person is."""
    marking: str = ""
    """How the document may be handed on, in its own words; the report bears it."""
    supersedes: list[str] = Field(default_factory=list[str])
    """Ids of entries that it takes the place of."""
    id: Slug | None = None
    """Unique in the unit; given by its place where it is not written."""
    notes: str = ""
    """Anything else that a reader should know."""


class HeaderModel(FileModel):
    """What the file says of the unit itself."""

    unit: Slug = Field(examples=["colour-bench"])
    """Id of the unit: the name in its lab file."""
    name: Text | None = None
    """The unit's name for people."""
    laboratory: Text | None = None
    """The organisation; wanted where there is no lab file."""
    roles: list[Literal["experimentation", "production"]] = Field(
        default_factory=list[Literal["experimentation", "production"]]
    )
    """`production` adds the criteria of the manufacturing track."""
    boundary: str = ""
    """What belongs to the unit and what does not, in words."""
    owner: Literal["federal", "partner", "unknown"] = "unknown"
    """Who owns it."""
    configuration: str | None = None
    """Configuration hash of a unit without a lab file."""
    identity: IdentityModel | None = None
    """What a named person has read on the plates of the devices."""
    requirements: RequirementsModel = RequirementsModel()
    """What the unit's own numbers are compared with."""
    not_applicable: dict[str, NotApplicableModel] = Field(default_factory=dict[str, NotApplicableModel])
    """Criteria that do not apply, by id. The report says how much of the weight they take away."""
    waivers: dict[str, WaiverModel] = Field(default_factory=dict[str, WaiverModel])
    """Ceiling gates that are set aside, by id. Hold gates cannot be."""
    agreement: Annotated[float, IS_NUMBER, Field(ge=-1, le=1)] | None = None
    """Agreement of two raters: ordinal Krippendorff's alpha."""
    bluesky: list[str] = Field(default_factory=list[str])
    """Files of Bluesky documents, one `[name, document]` a line, seen from this file. A start document may carry
    `realm`, `user` (the person), and `proposed_by` (`ai`, `design`, `person`)."""
    tables: list[str] = Field(default_factory=list[str])
    """Trial tables (CSV), seen from this file, with the columns `trial`, `begun`, `ended`, `status` (`valid`, `failed`,
    `aborted`), `chosen_by` (`ai`, `design`, `person`), `realm` and `person`; `ended` may be empty."""
    workbook: str | None = None
    """A filled-in workbook of the criteria, seen from this file."""


class EvidenceFileModel(HeaderModel):
    """What people state of one unit."""

    evidence: list[EntryModel] = Field(default_factory=list[EntryModel])
    """The entries, one for each document, test report or statement."""
