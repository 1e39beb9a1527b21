"""What became of an action: the question that a device is asked after a crash, and how its answer is judged."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, Protocol, runtime_checkable

from autolab.core.errors import DeviceError
from autolab.core.operations import OperationId
from autolab.core.phases import Settlement

__all__ = ["Counting", "Recallable", "Reconcilable", "counts", "judged"]


@runtime_checkable
class Counting(Protocol):
    """A device whose instrument counts its operations."""

    def counters(self) -> Mapping[str, int]:
        """Counters of the instrument by name, read now; the count of its operations is named ``operations``."""
        ...


@runtime_checkable
class Reconcilable(Protocol):
    """A device that can say what became of an action, from its own durable record or by looking."""

    name: str

    def reconcile(self, operation: OperationId, counted: int | None) -> Settlement:
        """Say what became of an action that was intended and not seen to end. Nothing moves.

        Args:
            operation: Id of the action.
            counted: The instrument's own count of operations before the action, where it was known.

        Raises:
            DeviceError: the device does not answer.
        """
        ...


@runtime_checkable
class Recallable(Protocol):
    """A device whose readings come from an action (a measurement): it can take them from one that was done before."""

    name: str

    def recall(self, operation: OperationId) -> None:
        """Take the result of an action that was done, without doing anything.

        Raises:
            DeviceError: the device does not answer, or does not know the result.
        """
        ...


def counts(devices: Mapping[str, Any]) -> dict[str, int]:
    """Each device's own count of operations by its name, where it has one and answers."""
    found: dict[str, int] = {}
    for name, device in devices.items():
        if isinstance(device, Counting):
            with suppress(DeviceError):
                counted = device.counters().get("operations")
                found |= {} if counted is None else {name: counted}
    return found


def judged(
    device: str,
    operation: OperationId,
    state: Literal["unknown", "running", "done", "failed"],
    about: str,
    counted: int | None,
    counts: int,
) -> Settlement:
    """Judge what an instrument says of an action that was intended.

    Args:
        device: Name of the device.
        operation: Id of the action.
        state: What the instrument knows of it.
        about: What else the instrument says of it, such as why it failed.
        counted: Its count of operations before the action, as the journal has it; None where that is not known.
        counts: Its count of operations now.
    """
    if state == "running":
        return Settlement("running", f"{device} says that it is still carrying out {operation}")
    if state == "done":
        return Settlement("done", f"{device} says that it has carried out {operation} (it counts {counts} operations)")
    if state == "failed":
        return Settlement("partly", f"{device} says that {operation} failed: {about or 'no reason given'}")
    asked = f"{device} does not know {operation}"
    if counted is None:
        return Settlement("unknown", f"{asked}, and its count before the action is not recorded")
    if counts == counted:
        return Settlement("not done", f"{asked}, and still counts {counts} operations as before the action")
    if counts < counted:
        return Settlement("unknown", f"{asked}, and its count went back from {counted} to {counts}: it was reset")
    return Settlement("unknown", f"{asked}, and its count went from {counted} to {counts}: somebody else used it")
