"""Completion: from the work of a device to a status that can be believed.

A status that an instrument reports is no proof that anything happened. Devices therefore write a long operation as
*work*: a generator that sends the command, yields the lab seconds to wait before it looks again, reads back what the
instrument really did, and returns only where that agrees with what was commanded. `follow` runs it on the device's
clock, holds it to a deadline, and turns its end into a status. The same work runs under the real, the scaled and the
virtual clock.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import suppress

from ophyd.status import DeviceStatus

from autolab.core.clock import Clock, Task
from autolab.core.errors import AutolabError, DeviceTimeoutError

__all__ = ["LOOK_REAL_S", "MARGIN_REAL_S", "Work", "follow", "pause_s"]

Work = Generator[float, None, None]
"""Yields lab seconds to wait; returns when the operation is proven done; raises an `AutolabError` when it failed."""

MARGIN_REAL_S = 5.0
"""Seconds that an operation may take beyond its expected lab time: real seconds, for transports and busy processors."""

LOOK_REAL_S = 0.1
"""Real seconds between two looks at a busy instrument: how soon a stop, a death or a hang is noticed at the latest."""

VIRTUAL_LOOK_S = 1.0
"""Lab seconds between two looks under the virtual clock, where looking takes no time."""


def follow(device: object, clock: Clock, work: Work, *, expected_s: float, what: str) -> DeviceStatus:
    """Run the work of a device and report its end by a status.

    The first step of the work, up to its first ``yield``, runs on the clock's thread (under the virtual clock: before
    this function returns). At the deadline a `DeviceTimeoutError` is thrown into the work at its ``yield``, so that it
    can halt the instrument; whatever the work does then, the status has failed.

    Args:
        device: The device that the status belongs to; it has a ``name``.
        clock: The device's clock.
        work: What is to be done. Each of its own transport calls has a timeout; between them it yields.
        expected_s: Lab seconds that the operation should take. It has `MARGIN_REAL_S` real seconds more
            (under the virtual clock: lab seconds) before it is given up.
        what: The operation in words, for the message, such as ``move to 20 mm``.

    Returns:
        A status that finishes only when the work has returned, and fails with the error that the work raised.
    """
    status = DeviceStatus(device, call_stop_on_failure=False)  # a late stop would hit whatever was commanded since
    clock.start(_drive(status, clock, work, expected_s, what))
    return status


def pause_s(clock: Clock, remaining_s: float) -> float:
    """Lab seconds until the next look at an instrument that should be busy for ``remaining_s`` lab seconds more."""
    look = VIRTUAL_LOOK_S if math.isinf(clock.factor) else LOOK_REAL_S * clock.factor
    return min(max(remaining_s, 0.02), look)


def _drive(status: DeviceStatus, clock: Clock, work: Work, expected_s: float, what: str) -> Task:
    margin = MARGIN_REAL_S if math.isinf(clock.factor) else MARGIN_REAL_S * clock.factor
    deadline = clock.now() + expected_s + margin
    try:
        while clock.now() < deadline:
            try:
                delay = next(work)
            except StopIteration:
                status.set_finished()
                return
            yield min(delay, max(deadline - clock.now(), 0.0))
        status.set_exception(_give_up(status, work, expected_s, what))
    except Exception as error:  # noqa: BLE001 (a status must never be left hanging, whatever the transport raised)
        status.set_exception(error)
    finally:
        work.close()


def _give_up(status: DeviceStatus, work: Work, expected_s: float, what: str) -> DeviceTimeoutError:
    name = getattr(status.device, "name", "device")
    late = DeviceTimeoutError(
        f"{name}: {what} did not finish within {expected_s:.4g} s of lab time and {MARGIN_REAL_S:g} s: "
        "look at the instrument, then retry or skip the trial"
    )
    with suppress(AutolabError, StopIteration):
        work.throw(late)  # its chance to halt the instrument; the status fails with the time-out in any case
    return late
