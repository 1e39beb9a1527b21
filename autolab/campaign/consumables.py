"""What is used up besides the materials: tips, plates that are used once, the room of waste bottles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolab.campaign.stock import Consuming, volume
from autolab.config.specs import ConsumableSpec

__all__ = ["BEGINS", "ConsumableUses", "amount"]

BEGINS = object()
"""Stands for the beginning of an attempt at a trial, among the actions."""
_REFILL = "write what is there now under 'consumables' in the lab file, and resume with --accept-changes"


class ConsumableUses:
    """How a lab's consumables are used up: `autolab.campaign.stock.Uses`.

    Args:
        specs: The consumables, by name.
    """

    def __init__(self, specs: Mapping[str, ConsumableSpec]) -> None:
        self._specs = specs

    def of(self, action: Any) -> Mapping[str, float]:
        """How much of what an action uses up."""
        if action is BEGINS:
            return {name: 1.0 for name, spec in self._specs.items() if spec.per == "trial"}
        if not isinstance(action, Consuming):
            return {}
        used = {"pour": 1.0, "volume": action.volume_ul}
        return {name: used[spec.per] for name, spec in self._specs.items() if spec.per in used}

    def lacks(self, name: str, free: float, need: float, *, is_known: bool) -> str:
        """That too little is left, and what to do, in one sentence."""
        spec = self._specs[name]
        needs = "needs" if is_known else "has needed up to"
        if spec.per == "volume":
            left, what = volume(max(0.0, free)), f"{name} is full: room for"
            return f"{what} {left} is left and a trial {needs} {volume(need)}: empty it, {_REFILL}"
        return f"{name} run out: {max(0.0, free):g} are left and a trial {needs} {need:g}: put in more, {_REFILL}"

    def may_lack(self, name: str, left: float, most: float, n_trials: int) -> str:
        """That too little may be left, in one sentence."""
        spec = self._specs[name]
        what = f"{name} may be full" if spec.per == "volume" else f"{name} may run out"
        return (
            f"{what}: {amount(spec, left)} left, {n_trials} trials are to come, and one has needed up to "
            f"{amount(spec, most)}"
        )


def amount(spec: ConsumableSpec, number: float) -> str:
    """So many pieces, or so much room, as people write it."""
    return volume(number) if spec.per == "volume" else f"{number:.4g}"
