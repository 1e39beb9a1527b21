"""What a lab uses up: how much is left, and whether it is enough for another trial."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

__all__ = ["Consuming", "Stock", "Uses", "volume"]


DUST_UL = 1e-3
"""Less than this is rounding: a nanolitre."""
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


class Uses(Protocol):
    """What a kind of stock is used up by, and how it is spoken of."""

    def of(self, action: Any) -> Mapping[str, float]:
        """How much of what an action uses up."""
        ...

    def lacks(self, name: str, free: float, need: float, *, is_known: bool) -> str:
        """That too little is left, and what to do, in one sentence."""
        ...

    def may_lack(self, name: str, left: float, most: float, n_trials: int) -> str:
        """That too little may be left, in one sentence."""
        ...


class _Materials:
    """Materials, in microlitres."""

    def of(self, action: Any) -> Mapping[str, float]:
        return {action.material: action.volume_ul} if isinstance(action, Consuming) else {}

    def lacks(self, name: str, free: float, need: float, *, is_known: bool) -> str:
        need_text = f"the trial needs {volume(need)}" if is_known else f"a trial has needed up to {volume(need)}"
        return f"{name} runs dry: {volume(max(0.0, free))} are left and {need_text}: {_REFILL}"

    def may_lack(self, name: str, left: float, most: float, n_trials: int) -> str:
        return (
            f"{name} may run dry: {volume(left)} are left, {n_trials} trials are to come, and one has needed up to "
            f"{volume(most)}"
        )


class Stock:
    """Keeps what is left of each thing that is used up. What a trial needs it learns from the trials so far.

    An action is booked when it is intended, so that a crash can make the stock look smaller than it is and never
    larger; after it the record is read anew.

    Args:
        left: Says what is left of each by the record; asked when the first trial begins.
        uses: What actions use up; materials, in microlitres, by default.
    """

    def __init__(self, left: Callable[[], Mapping[str, float]], uses: Uses | None = None) -> None:
        self._read, self._uses = left, uses or _Materials()
        self._left: dict[str, float] | None = None
        self._by_trial: dict[int, dict[str, float]] = {}
        self._most: dict[str, float] = {}
        self._needs: dict[int, Mapping[str, float]] = {}
        self._lock = threading.Lock()

    def book(self, trial: int, action: Any) -> None:
        """Take note of an action that is about to be done. Callable from any thread."""
        if not (wanted := self._uses.of(action)):
            return
        with self._lock:
            left = self._known()
            for name in wanted.keys() & left.keys():
                left[name] -= wanted[name]
                used = self._by_trial.setdefault(trial, {})
                used[name] = used.get(name, 0.0) + wanted[name]
                self._most[name] = max(self._most.get(name, 0.0), used[name])

    def expect(self, trial: int, needs: Mapping[str, float]) -> None:
        """A trial begins that will need so much, by name: that is reserved for it, and no more."""
        with self._lock:
            self._by_trial[trial], self._needs[trial] = {}, needs

    def over(self, trial: int) -> None:
        """A trial needs nothing more."""
        with self._lock:
            self._by_trial.pop(trial, None)
            self._needs.pop(trial, None)

    def lacking(self, needs: Mapping[str, float] | None = None) -> str | None:
        """Why another trial cannot begin, in one sentence.

        Args:
            needs: What it will need, by name; None where that is not known: as much as the greediest so far.
        """
        with self._lock:
            for name, left in self._known().items():
                free = self._free(name)
                if needs is not None:
                    if (need := needs.get(name, 0.0)) > free + DUST_UL:
                        return self._uses.lacks(name, free, need, is_known=True)
                    continue
                most = self._most.get(name, 0.0)
                if free < most or left <= 0.0:
                    return self._uses.lacks(name, free, most, is_known=False)
        return None

    def free_ul(self) -> dict[str, float]:
        """What of each is left for a trial that has not begun: less what running ones may still need."""
        with self._lock:
            return {name: max(0.0, self._free(name)) for name in self._known()}

    def outlook(self, n_trials: int) -> str | None:
        """What will not last for so many more trials, in one sentence; None where all will."""
        with self._lock:
            for name, left in self._known().items():
                most = self._most.get(name, 0.0)
                if most > 0.0 and left < n_trials * most:
                    return self._uses.may_lack(name, left, most, n_trials)
        return None

    def _free(self, name: str) -> float:
        most = self._most.get(name, 0.0)
        needs = {trial: self._needs[trial].get(name, 0.0) if trial in self._needs else most for trial in self._by_trial}
        reserved = sum(max(0.0, needs[trial] - used.get(name, 0.0)) for trial, used in self._by_trial.items())
        return self._known()[name] - reserved

    def _known(self) -> dict[str, float]:
        if self._left is None:
            self._left = dict(self._read())
        return self._left


def volume(microlitres: float) -> str:
    """A volume as people write it."""
    microlitres = microlitres if abs(microlitres) >= DUST_UL else 0.0
    return f"{microlitres / 1000:.3g} mL" if abs(microlitres) >= 1000 else f"{microlitres:.3g} µL"
