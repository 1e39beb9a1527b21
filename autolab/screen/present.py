"""The present: what is known of a lab before a plan begins, as its devices say it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from autolab.screen.unknowns import Quantity
from devices.foresight import TellsFacts
from devices.threads import join_channel_access
from safety.envelope import plain_scalar

__all__ = ["Presence", "Present"]

ANSWER_REAL_S = 2.0
"""Real seconds within which an asynchronous device must answer."""


@dataclass(frozen=True)
class Present:
    """What is known of a lab, by key of the documents."""

    known: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values; what is missing is unknown."""
    read: Mapping[str, Mapping[str, Quantity]] = field(default_factory=dict[str, Mapping[str, Quantity]])
    """For each device what it answers to ``read``; empty for one that did not say."""
    quantities: Mapping[str, Quantity] = field(default_factory=dict[str, Quantity])
    """What readings and settings may be, as far as a device has said."""


class Presence:
    """Asks the devices of an open lab. What they can read is asked once, what they read each time.

    Args:
        devices: The devices by name, connected.
        loop: Event loop of the asynchronous devices; None where there are none.
        at_once: Ask each device on a thread of its own, all at the same time; False under the virtual clock.
    """

    def __init__(
        self, devices: Mapping[str, Any], loop: asyncio.AbstractEventLoop | None = None, *, at_once: bool = False
    ) -> None:
        self._devices, self._loop, self._at_once = devices, loop, at_once
        self._read: dict[str, Mapping[str, Quantity]] = {}
        self._settings: dict[str, Mapping[str, Quantity]] = {}

    def now(self, names: Iterable[str]) -> Present:
        """Ask these devices. One that does not answer is unknown."""
        wanted = list(names)
        if self._at_once and len(wanted) > 1:
            with ThreadPoolExecutor(len(wanted), initializer=join_channel_access) as pool:
                answers = list(pool.map(self._known, wanted))
        else:
            answers = [self._known(name) for name in wanted]
        known = {key: value for answer in answers for key, value in answer.items()}
        quantities: dict[str, Quantity] = {}
        for name in wanted:
            quantities |= {**self._read.get(name, {}), **self._settings.get(name, {})}
        return Present(known, {name: self._read.get(name, {}) for name in wanted}, quantities)

    def _known(self, name: str) -> dict[str, Any]:
        """What one device says."""
        device, known = self._devices[name], dict[str, Any]()
        for kind, described in (("", self._read), ("_configuration", self._settings)):
            read = self._ask(getattr(device, f"read{kind}", None))
            known |= {key: _value(reading["value"]) for key, reading in read.items()}
            if name not in described and (said := self._ask(getattr(device, f"describe{kind}", None))):
                described[name] = {key: _quantity(one) for key, one in said.items()}
        return {**known, **device.facts()} if isinstance(device, TellsFacts) else known

    def _ask(self, question: Callable[[], Any] | None) -> Mapping[str, Any]:
        """What a device answers, at once or on its event loop; nothing where it does not."""
        with suppress(Exception):  # whatever is wrong with it: what it would say is unknown
            answer = question() if question is not None else {}
            if inspect.isawaitable(answer):
                if self._loop is None:
                    return {}
                answer = asyncio.run_coroutine_threadsafe(_awaited(answer), self._loop).result(ANSWER_REAL_S)
            return answer
        return {}


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def _value(value: Any) -> Any:
    """The plain value of a scalar; arrays as they are."""
    scalar = plain_scalar(value)
    return value if scalar is None else scalar


def _quantity(described: Mapping[str, Any]) -> Quantity:
    """What a device says that a reading may be. Limits of what is commanded bound what is read."""
    shape = tuple(n if isinstance(n, int) else 1 for n in described.get("shape") or ())
    bounds = [described.get(key) for key in ("lower_ctrl_limit", "upper_ctrl_limit")]
    lower, upper = (float(b) if isinstance(b, int | float) and not isinstance(b, bool) else None for b in bounds)
    return Quantity(str(described.get("dtype", "number")), shape, lower, upper)
