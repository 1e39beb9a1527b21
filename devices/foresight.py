"""Foresight: what an action of a device would do, said without doing it.

A device class says it beside the method that does it, from what is known of the lab: the dry run of the screen asks a
device object that was never connected. Everything is by key of the documents (``stage_position``), so that what is
foreseen is what a plan reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from autolab.core.effects import Effect, Lapse

__all__ = ["Foreseeable", "Foreseen", "TellsFacts", "TriggerForeseeable", "known_number", "lapse"]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What an action would do, if the device does what it is told."""

    effects: tuple[Effect, ...] = ()
    """In their order."""
    readings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Readings that are known afterwards, by key."""
    unknown: frozenset[str] = frozenset()
    """Keys of readings that nobody knows afterwards, before they are read."""


@runtime_checkable
class Foreseeable(Protocol):
    """A device or signal that can say what its ``set`` would do."""

    def foresee(self, action: Any, known: Mapping[str, Any]) -> Foreseen:
        """Say what ``set(action)`` would do. Nothing is asked and nothing is written.

        Args:
            action: The argument of ``set``.
            known: What is known of the lab, by key; what is missing is unknown.

        Raises:
            AutolabError: ``set`` would refuse it.
        """
        ...


@runtime_checkable
class TriggerForeseeable(Protocol):
    """A device that can say what its ``trigger`` would do."""

    def foresee_trigger(self, known: Mapping[str, Any]) -> Foreseen:
        """Say what ``trigger()`` would do, see `Foreseeable.foresee`."""
        ...


@runtime_checkable
class TellsFacts(Protocol):
    """A device that has learnt something from its instrument that its foresight needs, and that no reading holds."""

    def facts(self) -> Mapping[str, Any]:
        """What it has learnt, by key as of a reading. Known once it is connected; asks nothing."""
        ...


def known_number(known: Mapping[str, Any], key: str) -> float | None:
    """A finite number above zero that is known, or None."""
    value = known.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0.0 < value < float("inf") else None


def lapse(seconds: object) -> tuple[Lapse, ...]:
    """Lab time that goes by; nothing where that is no time in seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ()
    return (Lapse(seconds),) if 0.0 <= seconds < float("inf") else ()
