"""What a dry run has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from autolab.core.effects import Effect, Pour
from autolab.core.traces import Trace

__all__ = ["DryRun", "not_analysable"]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the walks through a plan have shown."""

    found: Literal["proved", "explored", "not analysable"]
    traces: tuple[Trace, ...] = ()
    """The different ones, in the order in which they were found; those that are not analysable end early."""
    walks: int = 0
    why: str = ""
    """Why it is not analysable."""

    def end(self) -> Mapping[str, Any]:
        """What is known of the lab afterwards, whichever way the plan takes."""
        ends = [trace.end for trace in self.traces]
        if not ends:
            return {}
        return {key: v for key, v in ends[0].items() if all(key in end and _same(end[key], v) for end in ends[1:])}

    def effects(self) -> tuple[Effect, ...]:
        """What the plan may do, whichever way it takes."""
        return tuple(effect for trace in self.traces for effect in trace.effects)

    def needs_ul(self) -> dict[str, float]:
        """The most that one of its ways pours, in microlitres by material."""
        most: dict[str, float] = {}
        for trace in self.traces:
            pours = [effect for effect in trace.effects if isinstance(effect, Pour)]
            for material in {pour.material for pour in pours}:
                volume_ul = sum(pour.volume_ul for pour in pours if pour.material == material)
                most[material] = max(most.get(material, 0.0), volume_ul)
        return most

    def __str__(self) -> str:
        if self.found == "explored":
            branches = "1 branch" if len(self.traces) == 1 else f"{len(self.traces)} branches"
            return f"explored {branches} in {self.walks} walks"
        return f"{self.found}: {self.why}" if self.why else self.found


def _same(one: Any, other: Any) -> bool:
    """True for one and the same value; arrays are only equal to themselves."""
    return one is other or (type(one) is type(other) and isinstance(one, str | bool | int | float) and one == other)


def not_analysable(why: str) -> DryRun:
    """The dry run of which nothing is known, and why."""
    return DryRun("not analysable", why=why)
