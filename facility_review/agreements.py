"""Agreements and partners of one facility, by the functions that Sec. 5(c) and 5(d) of the order name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from autolab.config.fields import Date, FileModel, Slug, Text
from facility_review.campaigns import CampaignFacts
from facility_review.entries import Entries, EntryModel, Proof, Words, read_entries

__all__ = ["FILE", "FUNCTIONS", "Agreement", "Agreements", "Partner", "read_agreements"]

FILE = "agreements.yaml"
"""Name of the file that people write."""
FunctionName = Literal["frameworks", "ownership", "data_access", "vetting", "international"]
FUNCTIONS: Mapping[FunctionName, tuple[str, str]] = {
    "frameworks": ("Sec. 5(c)(i)", "Partnership frameworks: cooperative research, data use, model sharing"),
    "ownership": (
        "Sec. 5(c)(ii)",
        "Ownership, licensing, trade secrets and commercialisation, results of AI-directed experiments among them",
    ),
    "data_access": ("Sec. 5(c)(iii)", "Data access and cybersecurity of partners outside the Federal government"),
    "vetting": ("Sec. 5(c)(iv)", "Vetting and authorisation of users and collaborators"),
    "international": ("Sec. 5(d)", "International scientific collaboration"),
}
"""Clause and meaning of each function."""
_SOON_DAYS = 90
"""An agreement that ends within so many days is said to end soon."""


class PartnerModel(EntryModel):
    """An organisation that the facility works with."""

    name: Text = Field(examples=["Example University"])
    """Its name."""
    kind: Literal["federal", "laboratory", "academic", "industry", "nonprofit", "international"] = Field(
        examples=["academic"]
    )
    """What it is."""
    country: Text | None = None
    """Where it has its seat."""


class AgreementModel(EntryModel):
    """One agreement."""

    title: Text = Field(examples=["Cooperative research on dyes"])
    """Its title."""
    kind: Literal["crada", "user", "strategic_partnership", "data_use", "model_sharing", "licence", "mou", "other"] = (
        Field(examples=["crada"])
    )
    """Its kind; `user` is a user agreement."""
    functions: list[FunctionName] = Field(min_length=1, max_length=5, examples=["[frameworks]"])
    """What it settles: `frameworks`, `ownership`, `data_access`, `vetting`, `international`."""
    partners: list[Slug] = Field(min_length=1, max_length=100, examples=["[example-university]"])
    """Ids of the partners in this file."""
    from_: Date = Field(alias="from", examples=["2026-01-01"])
    """First day on which it holds."""
    until: Date | None = None
    """Last day on which it holds; without it, it does not end by itself."""
    scope: Words | None = None
    """What it covers."""
    outcomes: Words | None = None
    """What has come of it."""
    campaigns: list[Text] = Field(default_factory=list[str], max_length=10_000)
    """Campaigns under it, by id or by the unique beginning of one."""


class AgreementsModel(FileModel):
    """The agreements and partners of one facility."""

    partners: dict[Slug, PartnerModel] = Field(default_factory=dict[str, PartnerModel], max_length=1000)
    """Organisations, by id."""
    agreements: dict[Slug, AgreementModel] = Field(default_factory=dict[str, AgreementModel], max_length=1000)
    """Agreements, by id."""


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation."""

    id: str
    name: str
    kind: str
    country: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement as it stands on a day."""

    id: str
    title: str
    kind: str
    functions: tuple[FunctionName, ...]
    partners: tuple[Partner, ...]
    first: date
    last: date | None
    state: Literal["in force", "ends soon", "ended", "not begun"]
    scope: str
    outcomes: str
    campaigns: tuple[str, ...]
    proof: Proof

    @property
    def is_in_force(self) -> bool:
        """Whether it holds on the day."""
        return self.state in {"in force", "ends soon"}


@dataclass(frozen=True, slots=True)
class Agreements:
    """All agreements of one facility."""

    partners: tuple[Partner, ...]
    agreements: tuple[Agreement, ...]
    notes: tuple[str, ...]
    """What is missing or does not hold, in sentences."""

    def by_function(self) -> dict[FunctionName, tuple[Agreement, ...]]:
        """The agreements of each function, also of those that have none."""
        return {name: tuple(each for each in self.agreements if name in each.functions) for name in FUNCTIONS}


def read_agreements(folder: Path, campaigns: Sequence[CampaignFacts], as_of: date) -> Agreements:
    """The agreements as of a day.

    Args:
        folder: Where ``agreements.yaml`` is, if there is one.
        campaigns: What the journal knows.
        as_of: The day.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    entries = read_entries(folder / FILE, AgreementsModel, as_of)
    if entries is None:
        return Agreements((), (), (f"there is no {FILE} beside the lab file (agreements and partners: none recorded)",))
    partners = {
        name: Partner(name, each.name, each.kind, each.country or "", entries.proof(("partners", name), each))
        for name, each in entries.model.partners.items()
    }
    agreements = [
        _agreement(entries, name, each, partners, campaigns) for name, each in entries.model.agreements.items()
    ]
    entries.problems.raise_any()
    proofs = [each.proof for each in (*partners.values(), *agreements)]
    notes = [proof.problem for proof in proofs if proof.problem]
    notes += [f"{each.proof.ref}: ended on {each.last}" for each in agreements if each.state == "ended"]
    notes += [f"{each.proof.ref}: ends on {each.last}: renew it" for each in agreements if each.state == "ends soon"]
    return Agreements(tuple(partners.values()), tuple(agreements), tuple(notes))


def _agreement(
    entries: Entries[AgreementsModel],
    name: str,
    model: AgreementModel,
    partners: Mapping[str, Partner],
    campaigns: Sequence[CampaignFacts],
) -> Agreement:
    path = ("agreements", name)
    for number, partner in enumerate(model.partners):
        entries.known((*path, "partners", number), partner, list(partners), "partner of this file")
    first, last = entries.days(path, model.from_, model.until)
    named = [entries.campaign((*path, "campaigns", n), said, campaigns) for n, said in enumerate(model.campaigns)]
    return Agreement(
        id=name,
        title=model.title,
        kind=model.kind,
        functions=tuple(model.functions),
        partners=tuple(partners[each] for each in model.partners if each in partners),
        first=first or entries.as_of,
        last=last,
        state=_state(first or entries.as_of, last, entries.as_of),
        scope=model.scope or "",
        outcomes=model.outcomes or "",
        campaigns=tuple(each.id for each in named if each is not None),
        proof=entries.proof(path, model),
    )


def _state(first: date, last: date | None, as_of: date) -> Literal["in force", "ends soon", "ended", "not begun"]:
    if as_of < first:
        return "not begun"
    if last is None or (last - as_of).days > _SOON_DAYS:
        return "in force"
    return "ended" if last < as_of else "ends soon"
