"""Avoidances: parts of the space that a person knows to be of no use, until a date.

In a campaign file they are called rules; here the word is taken by those of the interlocks and of the screen.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Avoidance"]


@dataclass(frozen=True, slots=True)
class Avoidance:
    """Something that no trial should be, in a person's judgement."""

    avoid: str
    """What to avoid, as the file has it, such as ``stirring > 180 rpm``."""
    keep: str
    """The constraint that keeps out of it, in the units of the parameters: ``stirring <= 180.0``."""
    because: str
    by: str
    """Who says so."""
    until: str
    """The last day on which it is in force, ISO 8601."""

    def __str__(self) -> str:
        return f"avoid {self.avoid} until {self.until}: {self.because} ({self.by})"
