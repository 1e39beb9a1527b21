"""One row of the bypass matrix: a device under a guard, what can be written on it, and what tells what arrived."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bluesky import RunEngine

from autolab.core.clock import VirtualClock
from autolab.core.envelope import Limit
from tests.rigs import until
from tests.safety.wiretaps import Arrival, outside

Way = Callable[[Any], Any]
"""Writes a value somehow; gives a status, or nothing."""


class Fickle:
    """A number that is another one each time it is asked: first one that is allowed, then one that is not."""

    def __init__(self, first: float, then: float) -> None:
        self._numbers = [first, then]

    def __float__(self) -> float:
        self._numbers.reverse()
        return self._numbers[1]


class Masked(float):
    """A float that says of itself that it is another number."""

    mask = 0.0

    def __float__(self) -> float:
        return self.mask


class Agreeable(str):
    """A text that is equal to every other."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


def bad_numbers(inside: float, above: float, below: float) -> dict[str, Any]:
    """What no signal with limits may take, by the name of its fault."""
    masked = Masked(above)
    masked.mask = inside
    return {
        "above": above,
        "below": below,
        "far above": 1e30,
        "nan": float("nan"),
        "infinite": float("inf"),
        "minus infinite": float("-inf"),
        "a text": str(inside),
        "a truth value": True,
        "nothing": None,
        "a list": [inside, inside],
        "fickle": Fickle(inside, above),
        "masked": masked,
    }


def bad_texts(allowed: str) -> dict[str, Any]:
    """What no signal with allowed texts may take, by the name of its fault."""
    return {
        "not allowed": "elsewhere",
        "empty": "",
        "in capitals": allowed.upper() if allowed.upper() != allowed else allowed.lower(),
        "with a newline": f"{allowed}\n",
        "with a zero": f"{allowed}\0",
        "a number": 999.0,
        "nothing": None,
        "bytes": allowed.encode(),
        "a list": [allowed],
        "agreeable": Agreeable("elsewhere"),
    }


@dataclass(frozen=True)
class Subject:
    """One thing of a device that can be written."""

    name: str
    """As the envelope calls it."""
    thing: Any
    """What a message names: the signal, or the device itself."""
    bad: Mapping[str, Any]
    good: tuple[Any, Any] | None = None
    """Two values that are allowed; None where the envelope declares nothing, so that all are outside."""
    wrap: Callable[[Any], Any] = lambda value: value
    """What `thing.set` takes, from the value."""
    present: Callable[[], float] | None = None
    """Where it is now; None where no plan can move it by so much."""
    ways: Mapping[str, Way] = field(default_factory=dict[str, Way])
    """Direct calls below ``set``, down to the lowest."""
    sealed: Mapping[str, Way] = field(default_factory=dict[str, Way])
    """Ways by which nothing at all may arrive, not even an allowed value."""


@dataclass
class Bench:
    """A device, and how to drive it."""

    device: Any
    limits: Mapping[str, Limit]
    tap: Any
    subjects: tuple[Subject, ...]
    engine: RunEngine
    clock: VirtualClock | None = None
    is_idle: Callable[[], bool] = lambda: True
    """Whether the instrument has done what it was told; an EPICS record that is busy takes the next put later."""
    _pending: list[Any] = field(default_factory=list)

    def write(self, subject: Subject, value: Any) -> Any:
        """Call ``set`` from whatever thread this is."""
        return self.keep(self._in_loop(lambda: subject.thing.set(subject.wrap(value))))

    def use(self, way: Way, value: Any) -> None:
        self.keep(self._in_loop(lambda: way(value)))

    def keep(self, status: Any) -> Any:
        """Remember a status, to wait for its end."""
        if hasattr(status, "add_callback") or isinstance(status, asyncio.Future):
            self._pending.append(status)
        return status

    def finish(self) -> None:
        """Wait for the end of what was started; how it ended is seen on the wire."""
        while self._pending:
            status = self._pending.pop()
            if (clock := self.clock) is not None:  # signals of ophyd's write in a thread, beside the virtual clock
                until(lambda status=status, clock=clock: clock.run_until(lambda: status.done), "the end of a write")
            elif hasattr(status, "task") or isinstance(status, asyncio.Future):
                asyncio.run_coroutine_threadsafe(_ended(status), self.engine.loop).result(10)
            else:
                with suppress(Exception):
                    status.wait(10)
        if self.clock is not None:
            self.clock.sleep(1000.0)  # what was begun without a status ends too

    def attempt(self, path: Callable[[], Any]) -> bool:
        """Try to write by a path. It may raise or not: what counts is what arrives. False where it raised."""
        is_gone = False
        with suppress(Exception):
            path()
            is_gone = True
        self.finish()
        return is_gone

    def arrived(self) -> list[Arrival]:
        """What has arrived since the last look."""
        arrivals = self.tap.received()
        until(self.is_idle, "the instrument's rest")
        return arrivals

    def outside(self) -> list[Arrival]:
        """What has arrived since the last look, and should not have."""
        return outside(self.limits, self.arrived())

    def _in_loop(self, call: Callable[[], Any]) -> Any:
        """Devices of ophyd-async are written in the loop of the RunEngine."""
        if not type(self.device).__module__.startswith("ophyd_async"):
            return call()
        if threading.current_thread() is self.engine._th:
            return asyncio.ensure_future(_awaited(call))
        return asyncio.run_coroutine_threadsafe(_awaited(call), self.engine.loop).result(10)


async def _awaited(call: Callable[[], Any]) -> None:
    result = call()
    if result is not None:
        await result


async def _ended(status: Any) -> None:
    with suppress(Exception):
        await status
