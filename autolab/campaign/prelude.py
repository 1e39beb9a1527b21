"""What a lane does before the plan of a trial: wait, bring the lab in order, calibrate."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bluesky.utils import Msg

__all__ = ["Document", "Prelude", "Step"]

Document = tuple[str, dict[str, Any]]
"""Name and content of a document."""


@dataclass(frozen=True, slots=True)
class Step:
    """A plan that comes before that of the trial. What it records belongs to no trial."""

    name: str
    """What it is called in the record."""
    plan: Callable[[], Generator[Msg, Any, Any]]
    """Makes it."""
    done: Callable[[Sequence[Document]], None]
    """Told when it has ended, with what it recorded. Raises one of our errors where that is no good."""
    md: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What its start documents say besides."""


def _no_steps() -> Iterator[Step]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Prelude:
    """What a lane does before the plan of a trial, and whom it tells what the plan then does."""

    wait_s: float = 0.0
    """Lab seconds to wait first."""
    steps: Callable[[], Iterator[Step]] = _no_steps
    """The steps; which one is the next is asked when the one before has ended."""
    watch: Callable[[Msg, str], None] = lambda *_: None
    """Told of each message of the trial's own plan before it is done, with the uid of the run that is open. Raises one
    of our errors where it must not be done."""
