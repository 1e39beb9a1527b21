"""Which signals of a device take a number by themselves, without an action, and what sets them."""

from __future__ import annotations

from typing import Any

from ophyd import Kind

from autolab.core.errors import InputError
from devices.channels import GuardedEpicsSignal

__all__ = ["settable", "setter"]


def settable(device_class: type) -> dict[str, str]:
    """Signals that a number sets by itself.

    A device class says by ``sets`` which signal its own ``set`` writes, where that takes a number; those of guarded
    process variables that take numbers are set by their components.

    Args:
        device_class: A class of ours; one of another making says of no signal how it is set and proven.

    Returns:
        For each signal, as the envelope names it, the attribute that sets it; empty where the device itself does.
        How it moves, such as its velocity, comes before where to.
    """
    components = {name: getattr(device_class, name) for name in getattr(device_class, "component_names", ())}
    guarded = {
        name: component
        for name, component in components.items()
        if issubclass(component.cls, GuardedEpicsSignal) and not component.kwargs.get("string", False)
    }
    ordered = sorted(guarded, key=lambda name: guarded[name].kind != Kind.config)
    found = {str(guarded[name].kwargs["declared"]): name for name in ordered}
    own = getattr(device_class, "sets", None)
    return found if own is None else {**found, own: ""}


def setter(device: Any, signal: str) -> Any:
    """What sets a signal of a device.

    Raises:
        InputError: the signal is not set by itself.
    """
    found = settable(type(device))
    if signal not in found:
        known = ", ".join(found) or "none"
        raise InputError(
            f"{device.name}.{signal} is not set by itself: it belongs to an action, or there is no such signal; "
            f"set by themselves are: {known}"
        )
    return getattr(device, found[signal]) if found[signal] else device
