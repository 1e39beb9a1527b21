"""Bringing a lab into its safe state: ordered steps, each done whatever became of the one before."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from autolab.core.clock import Clock, VirtualClock
from autolab.core.interlocks import SafeStateStep, StopStep
from safety.trip import Trip

__all__ = ["enter_safe_state"]

STEP_REAL_S = 10.0
"""Real seconds within which a step must be done."""


def enter_safe_state(
    steps: Sequence[SafeStateStep],
    devices: Mapping[str, Any],
    trip: Trip,
    clock: Clock,
    loop: asyncio.AbstractEventLoop | None = None,
) -> list[str]:
    """Do all steps in their order. What fails is said, and the next step follows. Doing it again changes nothing.

    Args:
        steps: The steps; values in the units of the devices.
        devices: The lab's devices by name.
        trip: Lets the values of the steps through, whatever has tripped.
        clock: For the virtual clock, on which waiting lets time pass.
        loop: Event loop of the asynchronous devices; None where there are none.

    Returns:
        A sentence for each step: what was done, or why it failed.
    """
    said: list[str] = []
    for step in steps:
        what = f"{step.device}: stop" if isinstance(step, StopStep) else f"{step.signal} = {step.value}"
        try:
            if isinstance(step, StopStep):
                _finish(devices[step.device].stop(), clock, loop)
            else:
                trip.let(step.signal, step.value)
                _finish(_settable(devices, step.signal).set(step.value), clock, loop)
        except Exception as error:  # noqa: BLE001 (the other steps must be done whatever this device raises)
            what = f"{what}: failed ({error})"
        said.append(what)
    return said


def _settable(devices: Mapping[str, Any], signal: str) -> Any:
    """The signal of a device, or the device itself where its own ``set`` writes it."""
    name, _, dotted = signal.partition(".")
    part = devices[name]
    for attribute in dotted.split("."):
        part = getattr(part, attribute, None)
    return part if hasattr(part, "set") else devices[name]


def _finish(status: Any, clock: Clock, loop: asyncio.AbstractEventLoop | None) -> None:
    """Wait for what a device has begun.

    Raises:
        Exception: it failed, or did not end in time.
    """
    if inspect.iscoroutine(status):
        if loop is None:
            raise RuntimeError("an asynchronous device without an event loop")
        asyncio.run_coroutine_threadsafe(status, loop).result(STEP_REAL_S)
    elif hasattr(status, "wait"):
        if isinstance(clock, VirtualClock):
            clock.run_until(lambda: status.done)
        status.wait(timeout=STEP_REAL_S)
