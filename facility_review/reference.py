"""What has been published of laboratories and challenges: names to compare with, never a claim about anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from autolab.config.fields import FileModel
from autolab.config.problems import Problems
from autolab.config.words import did_you_mean, listed
from autolab.config.yamlfile import read_yaml
from autolab.core.errors import InputError

__all__ = ["Challenge", "ChallengeList", "KnownLaboratory", "Reference", "reference"]

FILE = Path(__file__).with_name("reference.yaml")
Status = Literal["verified", "second_hand", "unverified"]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Day = Annotated[date, Field(strict=False)]


class KnownLaboratory(FileModel):
    """One of the 17 national laboratories."""

    id: str
    """Its abbreviation."""
    name: str
    group: str
    also: Texts = ()
    """Other names, former ones among them."""
    note: str = ""
    status: Status
    """How its name and what is said of it were seen."""


class ChallengeList(FileModel):
    """A list of challenges as it was announced."""

    id: str
    title: str
    announced: Day
    source: str


class Challenge(FileModel):
    """One published challenge."""

    id: str
    """Ours; what a campaign file writes as ``challenge``."""
    name: str
    lists: dict[str, int] = Field(alias="in")
    """Its number in each list."""
    theme: str = ""
    robotics: Literal["direct", "indirect", ""] = ""
    """Whether its text names automation of laboratories or production; empty where nobody looked."""
    status: Status


class ReferenceFile(FileModel):
    """The shape of ``reference.yaml``."""

    surveyed: Day
    laboratories: Annotated[tuple[KnownLaboratory, ...], Field(strict=False)]
    challenge_lists: Annotated[tuple[ChallengeList, ...], Field(strict=False)]
    challenges: Annotated[tuple[Challenge, ...], Field(strict=False)]


@dataclass(frozen=True, slots=True)
class Reference:
    """Names to compare with."""

    surveyed: date
    laboratories: Mapping[str, KnownLaboratory]
    """By abbreviation."""
    lists: Mapping[str, ChallengeList]
    challenges: Mapping[str, Challenge]
    """By id."""

    def laboratory(self, text: str) -> KnownLaboratory | None:
        """The laboratory that a text names by abbreviation or by any of its names, or None."""
        wanted = _letters(text)
        for each in self.laboratories.values():
            if wanted in {_letters(name) for name in (each.id, each.name, *each.also, f"{each.name} ({each.id})")}:
                return each
        return None

    def challenge(self, name: str) -> Challenge:
        """The challenge of an id, as a campaign file names it.

        Raises:
            InputError: there is none.
        """
        if name in self.challenges:
            return self.challenges[name]
        inside = next((known for known in self.challenges if name and name in known), None)
        guess = did_you_mean(name, self.challenges) or inside
        hint = f"did you mean {guess!r}? Published are" if guess else "published are"
        raise InputError(f"{name!r} is no published challenge: {hint} {listed(self.challenges)}")


@cache
def reference() -> Reference:
    """What ships with this version."""
    file = read_yaml(FILE)
    problems = Problems(file.source)
    problems.check_shape(ReferenceFile, file.values)
    problems.raise_any()
    model = ReferenceFile.model_validate(file.values)
    return Reference(
        surveyed=model.surveyed,
        laboratories={each.id: each for each in model.laboratories},
        lists={each.id: each for each in model.challenge_lists},
        challenges={each.id: each for each in model.challenges},
    )


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
