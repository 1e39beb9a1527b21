"""What a message does to a device: by the class's own foresight, or by what is known of classes of other people."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from autolab.core.effects import Write
from autolab.core.errors import AutolabError
from autolab.screen.shadows import Part, Shadows
from devices.foresight import Foreseeable, Foreseen, TriggerForeseeable
from safety.foreign import WHOLE_DEVICE, setpoint_entry

__all__ = ["NotAnalysableError", "foresee_set", "foresee_stage", "foresee_trigger", "keys_of"]


HARMLESS = ("ophyd.device", "ophyd.ophydobj", "ophyd.signal", "ophyd_async.core._readable", "ophyd_async.core._signal")
"""Where ``trigger`` and ``stage`` do no more than a device lists in ``trigger_signals`` and ``stage_sigs``."""


class NotAnalysableError(AutolabError):
    """Nobody can say what a plan does, and why."""


def foresee_set(shadows: Shadows, part: Part, value: Any, known: Mapping[str, Any]) -> Foreseen:
    """What ``set(value)`` of a device or signal would do.

    Raises:
        NotAnalysableError: its class does not say.
        AutolabError: the device would refuse it.
    """
    if _says(type(part.shadow), Foreseeable):
        shadows.reached.is_foreseeing = True
        try:
            return part.shadow.foresee(value, known)
        except AutolabError:
            raise
        except Exception as error:
            raise NotAnalysableError(f"set({value!r}) of {part}: its foresight failed ({error!r})") from error
        finally:
            shadows.reached.is_foreseeing = False
    if part.is_ours:
        raise NotAnalysableError(
            f"set of {part}: {type(part.shadow).__name__} does not say what it would do: give the class a method "
            "'foresee' (see docs/how-to/add-a-device.md)"
        )
    return _foreign_set(shadows, part, value)


def _foreign_set(shadows: Shadows, part: Part, value: Any) -> Foreseen:
    """A class of other people: it writes its main signal, and nobody knows what else of it changes."""
    if _is_signal(part.shadow):
        signal = f"{part.device}.{part.prefix or WHOLE_DEVICE}"
        known = {part.shadow.name: value}
    elif callable(getattr(type(part.shadow), "set", None)):
        signal = f"{part.device}.{setpoint_entry(part.guard, part.prefix)}"
        known = {}
    else:
        raise NotAnalysableError(f"set of {part}: {type(part.shadow).__name__} has no 'set'")
    return Foreseen((Write(signal, value),), known, keys_of(shadows, part.device) - set(known))


def foresee_trigger(shadows: Shadows, part: Part, known: Mapping[str, Any]) -> Foreseen:
    """What ``trigger()`` would do, see `foresee_set`."""
    if _says(type(part.shadow), TriggerForeseeable):
        shadows.reached.is_foreseeing = True
        try:
            return part.shadow.foresee_trigger(known)
        finally:
            shadows.reached.is_foreseeing = False
    if _inherits(part.shadow, "trigger") and not getattr(part.shadow, "trigger_signals", ()):
        return Foreseen()
    return _closed_for_writing(shadows, part, "trigger")


def foresee_stage(shadows: Shadows, part: Part, verb: str) -> Foreseen:
    """What ``stage()`` or ``unstage()`` would do: it writes what the device lists to be written then."""
    if not _inherits(part.shadow, verb):
        return _closed_for_writing(shadows, part, verb)
    effects: list[Write] = []
    for item in shadows.parts_of(part.device):
        staged = getattr(item.shadow, "stage_sigs", None) or {}
        if staged and verb == "unstage":
            raise NotAnalysableError(f"unstage of {part}: it puts back what {', '.join(map(str, staged))} was before")
        for name, value in staged.items():
            dotted = f"{item.prefix}.{name}" if item.prefix else str(name)
            effects.append(Write(f"{part.device}.{dotted}", value))
    return Foreseen(tuple(effects))


def keys_of(shadows: Shadows, device: str) -> frozenset[str]:
    """Keys of readings of a device and all in it, as far as their names say."""
    return frozenset(str(part.shadow.name) for part in shadows.parts_of(device))


@cache
def _says(kind: type[Any], protocol: type[Any]) -> bool:
    """Whether a class meets a protocol; to look that up takes longer than the foresight itself."""
    return issubclass(kind, protocol)


def _closed_for_writing(shadows: Shadows, part: Part, verb: str) -> Foreseen:
    """A verb of other people's making: it writes nothing where the envelope opens no signal of the device."""
    opened = [item.prefix or WHOLE_DEVICE for item in shadows.parts_of(part.device) if _is_opened(item)]
    if part.is_ours or opened:
        what = f"it may write {', '.join(opened)}" if opened else "its class does not say"
        raise NotAnalysableError(f"{verb} of {part}: nobody knows what {type(part.shadow).__name__} does then: {what}")
    return Foreseen(unknown=keys_of(shadows, part.device))


def _is_opened(part: Part) -> bool:
    entry = part.prefix or WHOLE_DEVICE if _is_signal(part.shadow) else setpoint_entry(part.guard, part.prefix)
    return part.guard.limit(entry) is not None


def _inherits(shadow: Any, verb: str) -> bool:
    """True where ``verb`` is that of the library, which does no more than the device says, or where there is none."""
    owner = next((cls for cls in type(shadow).__mro__[1:] if verb in vars(cls)), None)
    return owner is None or owner.__module__ in HARMLESS


def _is_signal(shadow: Any) -> bool:
    ophyd, ophyd_async = sys.modules.get("ophyd"), sys.modules.get("ophyd_async.core")
    return (ophyd is not None and isinstance(shadow, ophyd.Signal)) or (
        ophyd_async is not None and isinstance(shadow, ophyd_async.Signal)
    )
