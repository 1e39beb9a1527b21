"""Samples: physical things with an identity and a place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Sample"]


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
