"""The materials of a lab: how much is left, and whether it is enough for another trial."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

__all__ = ["Consuming", "Stock"]


DUST_UL = 1e-6
"""Less than this is rounding."""
_REFILL = "refill it, write what is there now under 'materials' in the lab file, and resume with --accept-changes"


@runtime_checkable
class Consuming(Protocol):
    """An action that uses material up."""

    @property
    def material(self) -> str:
        """Name of the material, one of the lab file's."""
        ...

    @property
    def volume_ul(self) -> float:
        """Volume in microlitres."""
        ...


class Stock:
    """Keeps what is left of each material, in microlitres. What a trial needs it learns from the trials so far.

    An action is booked when it is intended, so that a crash can make the stock look smaller than it is and never
    larger; after it the record is read anew.

    Args:
        left_ul: Says what is left of each material by the record; asked when the first trial begins.
    """

    def __init__(self, left_ul: Callable[[], Mapping[str, float]]) -> None:
        self._read = left_ul
        self._left: dict[str, float] | None = None
        self._by_trial: dict[int, dict[str, float]] = {}
        self._most: dict[str, float] = {}
        self._lock = threading.Lock()

    def book(self, trial: int, action: Any) -> None:
        """Take note of an action that is about to be done. Callable from any thread."""
        if not isinstance(action, Consuming):
            return
        with self._lock:
            left = self._known()
            if action.material in left:
                left[action.material] -= action.volume_ul
                used = self._by_trial.setdefault(trial, {})
                used[action.material] = used.get(action.material, 0.0) + action.volume_ul
                self._most[action.material] = max(self._most.get(action.material, 0.0), used[action.material])

    def over(self, trial: int) -> None:
        """A trial needs nothing more."""
        with self._lock:
            self._by_trial.pop(trial, None)

    def lacking(self, needs_ul: Mapping[str, float] | None = None) -> str | None:
        """Why another trial cannot begin, in one sentence.

        Args:
            needs_ul: What it will need, by material; None where that is not known: as much as the greediest so far.
        """
        with self._lock:
            for material, left in self._known().items():
                if needs_ul is not None:
                    need, free_ul = needs_ul.get(material, 0.0), self._free_ul(material)
                    if need > free_ul + DUST_UL:
                        return (
                            f"{material} runs dry: {volume(max(0.0, free_ul))} are left and the trial needs "
                            f"{volume(need)}: {_REFILL}"
                        )
                    continue
                most, free_ul = self._most.get(material, 0.0), self._free_ul(material)
                if free_ul < most or left <= 0.0:
                    return (
                        f"{material} runs dry: {volume(max(0.0, free_ul))} are left and a trial has needed up to "
                        f"{volume(most)}: {_REFILL}"
                    )
        return None

    def free_ul(self) -> dict[str, float]:
        """What of each material is left for a trial that has not begun: less what running ones may still need."""
        with self._lock:
            return {material: max(0.0, self._free_ul(material)) for material in self._known()}

    def outlook(self, n_trials: int) -> str | None:
        """Which material will not last for so many more trials, in one sentence; None where all will."""
        with self._lock:
            for material, left in self._known().items():
                most = self._most.get(material, 0.0)
                if most > 0.0 and left < n_trials * most:
                    return (
                        f"{material} may run dry: {volume(left)} are left, {n_trials} trials are to come, and one has "
                        f"needed up to {volume(most)}"
                    )
        return None

    def _free_ul(self, material: str) -> float:
        most = self._most.get(material, 0.0)
        reserved = sum(max(0.0, most - used.get(material, 0.0)) for used in self._by_trial.values())
        return self._known()[material] - reserved

    def _known(self) -> dict[str, float]:
        if self._left is None:
            self._left = dict(self._read())
        return self._left


def volume(microlitres: float) -> str:
    """A volume as people write it."""
    return f"{microlitres / 1000:.3g} mL" if abs(microlitres) >= 1000 else f"{microlitres:.3g} µL"
