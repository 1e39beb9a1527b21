"""Shadows: device objects of the real classes that were never connected, and that a plan cannot reach anything through.

Their transport is dead: whatever is asked or written ends in it. Above that, every public method and property that a
plan has no business to call is closed. Either is noted as well as refused, so that a plan that catches the refusal is
found out all the same.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autolab.core.errors import AutolabError

__all__ = ["DeadCore", "Part", "Reached", "ReachedError", "Shadows"]

OPEN = frozenset({
    "attr_name", "attr_names", "children", "component_names", "configuration_attrs", "dotted_name", "foresee",
    "foresee_trigger", "get_instantiated_signals", "hints", "kind", "name", "parent", "read_attrs", "root",
    "signal_names", "source_name", "stage_sigs", "trigger_signals", "walk_components", "walk_signals",
    "walk_subdevices", "writable_signals", "writable_signals_for",
})  # fmt: skip
"""What a plan may use of a device by itself: it asks nothing and writes nothing."""


class ReachedError(AutolabError):
    """A plan reached for a device by itself instead of by a message."""


class Reached(list[str]):
    """What a plan reached for by itself, in words."""

    is_foreseeing = False
    """True while a device's own foresight runs, which may use what is its own."""


@dataclass(frozen=True)
class Part:
    """A device of the lab, or something in it."""

    device: str
    prefix: str
    """Dotted name in the device; empty for the device itself."""
    shadow: Any = field(repr=False)
    guard: Any = field(repr=False)
    is_ours: bool

    def __str__(self) -> str:
        return f"{self.device}.{self.prefix}" if self.prefix else self.device


class DeadCore:
    """The transport of a shadow: nobody is there. While the shadow is built, reading gives zeros.

    Args:
        device: Name of the device.
        reached: Where it is noted that somebody asked or wrote, in words.
    """

    def __init__(self, device: str, reached: Reached) -> None:
        self._device, self._reached = device, reached
        self.is_built = False
        self.pvs: Mapping[str, Any] = _AnyPv()
        self.lock: Any = None

    def beat(self) -> None:
        """Nothing lives here."""

    def read(self, name: str, now: float) -> Any:  # noqa: ARG002 (as all cores have it)
        """Zero while the shadow is built; a refusal afterwards."""
        if self.is_built:
            self._refuse(f"read {name}")
        return _Zero()

    def write(self, name: str, value: Any, now: float) -> None:  # noqa: ARG002 (as all cores have it)
        self._refuse(f"wrote {value!r} to {name}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._refuse("used its transport")

    def _refuse(self, what: str) -> Any:
        self._reached.append(f"the plan itself {what} of {self._device}: let a message do it")
        raise ReachedError(self._reached[-1])


class _Zero:
    value = 0.0
    severity = 0


class _Pv:
    kind = "number"
    unit = ""
    writable = True
    lower = upper = None
    precision = 3
    choices = ()


class _AnyPv(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return _Pv()


class Shadows:
    """The shadows of a lab.

    Args:
        reached: Where it is noted that a plan reached for one of them; that of their transports.
    """

    def __init__(self, reached: Reached) -> None:
        self.reached = reached
        self.devices: dict[str, Any] = {}
        self._parts: dict[int, Part] = {}

    def add(self, name: str, device: Any, guard: Any, *, is_ours: bool) -> None:
        """Make a device that was built, and never connected, a shadow."""
        found = [("", device), *_inside(device)]
        self.devices[name] = device
        for prefix, thing in found:
            self._parts[id(thing)] = Part(name, prefix, thing, guard, is_ours)
            object.__setattr__(thing, "_autolab_reached", self.reached)
            object.__setattr__(thing, "__class__", _closed(type(thing)))

    def part(self, thing: Any) -> Part | None:
        """Which part of the lab an object of a message is; None for one that is none."""
        return self._parts.get(id(thing))

    def parts_of(self, device: str) -> Iterator[Part]:
        """A device and all in it."""
        return (part for part in self._parts.values() if part.device == device)


def _inside(device: Any) -> Iterator[tuple[str, Any]]:
    """All that is in a device, with dotted names; lazy parts are made now."""
    ophyd, ophyd_async = sys.modules.get("ophyd"), sys.modules.get("ophyd_async.core")
    if ophyd is not None and isinstance(device, ophyd.Device):
        device.lazy_wait_for_connection = False
        for name, part in device.walk_subdevices(include_lazy=True):
            yield str(name), part
        for walk in device.walk_signals(include_lazy=True):
            yield str(walk.dotted_name), walk.item
    elif ophyd_async is not None and isinstance(device, ophyd_async.Device):
        yield from _children(device, "")


def _children(device: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, child in device.children():
        dotted = f"{prefix}.{name}" if prefix else str(name)
        yield dotted, child
        yield from _children(child, dotted)


@functools.cache
def _closed(cls: type) -> type:
    """A class like ``cls``, with all closed that asks or writes."""
    members: dict[str, Any] = {"__doc__": cls.__doc__, "__module__": cls.__module__, "__slots__": ()}
    for owner in cls.__mro__[:-1]:
        for name, raw in _public(vars(owner)):
            if name in OPEN or name in members:
                continue
            if isinstance(raw, property | functools.cached_property):
                members[name] = property(_refusal(name, raw, is_property=True))
            elif isinstance(raw, staticmethod | classmethod) or callable(raw):
                members[name] = _refusal(name, raw)
    return type(cls.__name__, (cls,), members)


def _public(members: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, raw) for name, raw in members.items() if not name.startswith("_") and not isinstance(raw, type))


def _refusal(name: str, raw: Any, *, is_property: bool = False) -> Callable[..., Any]:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._autolab_reached.is_foreseeing:
            own = raw.__get__(self, type(self))
            return own if is_property else own(*args, **kwargs)
        said = f"the plan itself uses {getattr(self, 'name', '?')}.{name}: let a message do it (yield from bps...)"
        self._autolab_reached.append(said)
        raise ReachedError(said)

    return refuse
