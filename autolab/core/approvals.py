"""What a trial asks for before it may run, and what exactly is approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from autolab.core.canonical import content_hash
from autolab.core.parameters import Value

__all__ = ["PERSONS", "EnvelopeChange", "Finding", "Level", "Proposal"]

Level = Literal["routine", "new", "hazardous"]
"""What a trial asks for: nothing, one person (a new region or material), or two."""
PERSONS: Mapping[Level, int] = MappingProxyType({"routine": 0, "new": 1, "hazardous": 2})
"""How many different people each level asks for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a trial that a person is to decide, or that is never done."""

    level: Literal["new", "hazardous", "prohibited"]
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, as whoever approves sees it. Another value of anything is another proposal."""

    campaign: str
    trial: int
    attempt: int
    parameters: Mapping[str, tuple[Value, str]]
    """Value and unit of each parameter."""
    plan: str
    plan_hash: str
    """Content hash of the files that the plan stands in, and of all files of the lab owner's packages."""
    envelope: str
    """Content hash of the envelope."""
    lab: str
    """Content hash of the lab file: devices and their options, materials, labware, zones, interlocks."""
    persons: int
    reasons: tuple[str, ...]
    """Why a person is asked."""

    @property
    def name(self) -> str:
        """What is approved, in words."""
        again = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        return f"trial {self.trial}{again} of {self.campaign}"

    @property
    def content_hash(self) -> str:
        """What an approval is bound to."""
        return content_hash(self)


@dataclass(frozen=True, slots=True)
class EnvelopeChange:
    """Another envelope for a campaign that has begun."""

    campaign: str
    before: str
    """Content hash of the envelope so far."""
    after: str
    """Content hash of the one in the lab file."""
    version_before: str
    version_after: str
    persons: int = 1

    @property
    def name(self) -> str:
        """What is approved, in words."""
        return f"the envelope of {self.campaign}"

    @property
    def content_hash(self) -> str:
        """What an approval is bound to."""
        return content_hash(self)
