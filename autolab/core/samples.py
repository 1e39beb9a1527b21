"""Samples: physical things with an identity and a place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Sample", "sample_id"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A physical thing that a trial makes or uses."""

    id: str
    labware: str
    """Identity of the labware that holds it, such as ``strip-1``."""
    place: str
    """Where the labware belongs when nothing uses it, such as ``rack_1``."""
    well: int
    """Position in the labware, from 0."""
    barcode: str | None = None
    """What stands on it; None where it has no barcode."""


def sample_id(campaign: str, trial: int, attempt: int) -> str:
    """Id of the sample that an attempt at a trial makes: each attempt has one of its own."""
    return f"{campaign}.s{trial}" if attempt == 1 else f"{campaign}.s{trial}a{attempt}"
