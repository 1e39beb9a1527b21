"""Guards for devices of classes that we did not write: each writable signal is guarded at its lowest write, or closed.

A signal is known to the envelope by its dotted name in the device (``user_setpoint``, ``axis.setpoint``). What the
envelope does not declare is closed: its writes raise `EnvelopeError`, and its value does not change, whoever writes,
the device itself included. The verb ``set`` of a device may reach hardware or state around every signal, so it is
guarded as well: by the entry ``value``, or by that of a signal named ``user_setpoint`` or ``setpoint`` in the device;
where none of them is declared it is closed. A device that is itself one signal has the name ``value``.

Stop always works: while a device's own ``stop`` runs, it may write signals that the envelope does not declare (an
EPICS motor stops by writing to one). What is declared is checked even then. A soft signal of classic ophyd may update
itself in its own ``trigger``, as the detectors of ``ophyd.sim`` do; nothing else may write it.

Neither ophyd nor ophyd-async is imported here: a device of theirs has imported them already.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final

from autolab.core.envelope import RangeLimit
from autolab.core.errors import EnvelopeError
from safety.envelope import check_write
from safety.gate import PvGate, only_read
from safety.guard import Guard

__all__ = ["close_for_writing", "guard_foreign", "setpoint_entries", "setpoint_entry"]

WHOLE_DEVICE: Final = "value"
"""Name of the entry for what a device's own ``set`` writes."""

SETPOINTS: Final = (WHOLE_DEVICE, "user_setpoint", "setpoint")
"""Entries that a device's ``set`` is checked against; the first that is declared counts."""

POSITIONER_VERBS: Final = ("move", "_setup_move")
"""What a positioner of classic ophyd has below ``set``, down to the method that its author fills in."""

_in_stop: ContextVar[bool] = ContextVar("autolab_in_stop", default=False)
_in_trigger: ContextVar[object] = ContextVar("autolab_in_trigger", default=None)

Check = Callable[[object], None]


def close_for_writing(device: Any) -> list[str]:
    """Close every writable signal of a device, and its ``set``, for writing.

    Args:
        device: A device of classic ophyd, of ophyd-async, or any object with ``set``.

    Returns:
        Names of what was closed, see `guard_foreign`.
    """
    return guard_foreign(device, Guard(str(device.name)))


def guard_foreign(device: Any, guard: Guard) -> list[str]:
    """Let writes of a device through to signals that the envelope declares, checked, and close all others.

    Call it once the device is connected; calling it again can only close more. An ophyd-async device that is
    connected to a mock afterwards is no longer guarded, and reaches no hardware.

    Args:
        device: A device of classic ophyd, of ophyd-async, or any object with ``set``.
        guard: The envelope of this device, by dotted name of the signal.

    Returns:
        Dotted names of the signals that are closed, in the order of the device; ``value`` for its own ``set``.

    Raises:
        EnvelopeError: the object does not let itself be guarded.
    """
    names: list[str] = []
    for prefix, part in _parts(device):
        if _is_classic_signal(part):
            if _is_read_only(part):
                _seal_reading(part, f"{guard.device}.{prefix}")
                continue
            name = prefix or WHOLE_DEVICE
            _gate_classic(part, guard, name)
        elif _is_async_signal(part):
            name = prefix or WHOLE_DEVICE
            if not _is_async_writable(part):
                _seal_async(part, f"{guard.device}.{name}")
                continue
            _gate_async(part, guard, name)
        elif _is_async_command(part):
            name = prefix or WHOLE_DEVICE
            _gate_command(part, guard, name)
        else:
            name = _gate_device(part, guard, prefix)
        if name and guard.limit(name) is None:
            names.append(name)
    return names


def setpoint_entries(prefix: str) -> list[str]:
    """Entries of the envelope that a device's ``set`` may be checked against; ``prefix`` is its name in its device."""
    return [f"{prefix}.{name}" if prefix else name for name in SETPOINTS]


def setpoint_entry(guard: Guard, prefix: str) -> str:
    """The entry of the envelope that a device's ``set`` is checked against: the first that is declared."""
    names = setpoint_entries(prefix)
    return next((name for name in names if guard.limit(name) is not None), names[0])


def _parts(device: Any) -> Iterator[tuple[str, Any]]:
    """The device and everything in it, with dotted names; that of the device itself is empty."""
    yield "", device
    if _is_classic_device(device):
        device.lazy_wait_for_connection = False
        for walk in device.walk_subdevices(include_lazy=True):
            walk[1].lazy_wait_for_connection = False
            yield str(walk[0]), walk[1]
        for walk in device.walk_signals(include_lazy=True):
            yield str(walk.dotted_name), walk.item
    elif _is_async_device(device):
        yield from _async_children(device, "")


def _async_children(device: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, child in device.children():
        dotted = f"{prefix}.{name}" if prefix else str(name)
        yield dotted, child
        yield from _async_children(child, dotted)


def _gate_classic(signal: Any, guard: Guard, name: str) -> None:
    """Check in ``put``, in ``set``, and below both in the put of the process variable."""

    def check(value: object) -> None:
        if guard.limit(name) is None and (_in_stop.get() or _in_trigger.get() is signal):
            return
        guard.check(name, value, signal.get)

    def checked(write: Callable[..., Any]) -> Callable[..., Any]:
        def gated(value: Any, *args: Any, **kwargs: Any) -> Any:
            check(value)
            return write(value, *args, **kwargs)

        return gated

    _replace(signal, "put", checked(signal.put))
    _replace(signal, "set", checked(signal.set))
    if (written := getattr(signal, "_write_pv", None)) is not None:
        read = signal._read_pv
        _replace(signal, "_write_pv", PvGate(written, check))
        _replace(signal, "_read_pv", signal._write_pv)
        if read is not written:
            _replace(signal, "_read_pv", PvGate(read, only_read(f"{guard.device}.{name}")))
    elif getattr(signal, "_read_pv", None) is not None:
        _replace(signal, "_read_pv", PvGate(signal._read_pv, check))
    else:
        _replace(signal, "trigger", _within(_in_trigger, signal, signal.trigger))


def _seal_reading(signal: Any, name: str) -> None:
    """Nothing goes to the process variable of a signal that only reads, whatever its server allows."""
    if getattr(signal, "_read_pv", None) is not None:
        _replace(signal, "_read_pv", PvGate(signal._read_pv, only_read(name)))


def _gate_async(signal: Any, guard: Guard, name: str) -> None:
    """Check in the backend's put, below which there is only the control system."""
    for backend in _backends(signal):
        _replace(backend, "put", _async_put(backend, guard, name))


def _seal_async(signal: Any, name: str) -> None:
    """Nothing is put by a signal that only reads; soft ones are updated below the put."""
    refuse = only_read(name)

    async def put(value: Any, *_: Any, **__: Any) -> None:
        refuse(value)

    for backend in _backends(signal):
        _replace(backend, "put", put)


def _backends(part: Any) -> list[Any]:
    """What a signal or command of ophyd-async writes to, now and after it connects again."""
    connector = part._connector  # ophyd-async has no public way to the lowest write
    return list({id(backend): backend for backend in (connector.backend, connector._init_backend)}.values())


def _async_put(backend: Any, guard: Guard, name: str) -> Callable[..., Awaitable[None]]:
    write = backend.put

    async def put(value: Any, *args: Any, **kwargs: Any) -> None:
        limit = guard.limit(name)
        if limit is not None or not _in_stop.get():
            needs_present = isinstance(limit, RangeLimit) and limit.max_step is not None
            present = await backend.get_setpoint() if needs_present else None
            guard.check(name, 1 if value is None else value, present)  # None: a trigger, declared by allowing 1
        await write(value, *args, **kwargs)

    return put


def _gate_command(command: Any, guard: Guard, name: str) -> None:
    """Check in the backend's execute: the one argument of a command, or 1 for a command without any."""
    for backend in _backends(command):
        _replace(backend, "execute", _async_execute(backend.execute, guard, name))


def _async_execute(execute: Callable[..., Any], guard: Guard, name: str) -> Callable[..., Awaitable[Any]]:
    async def gated(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        if guard.limit(name) is not None or not _in_stop.get():
            guard.check(name, values if len(values) > 1 else (values or (1,))[0])
        return await execute(*args, **kwargs)

    return gated


def _gate_device(device: Any, guard: Guard, prefix: str) -> str | None:
    """Guard ``set`` and mark ``stop``; the name of the entry for ``set``, None for a device without it."""
    if callable(stop := getattr(device, "stop", None)):
        _replace(device, "stop", _within(_in_stop, True, stop))
    if not callable(getattr(device, "set", None)):
        return None
    name, whole = setpoint_entry(guard, prefix), setpoint_entries(prefix)[0]

    def present() -> float:
        return float(device.position)

    def checked(write: Callable[..., Any]) -> Callable[..., Any]:
        def gated(value: Any, *args: Any, **kwargs: Any) -> Any:
            limit = guard.limit(name)
            if _is_async_device(device) and isinstance(limit, RangeLimit) and name != whole:
                check_write(
                    f"{guard.device}.{name}", replace(limit, max_step=None), value
                )  # the signal checks the step
            else:
                guard.check(name, value, present)
            return write(value, *args, **kwargs)

        return gated

    for verb in ("set", *(POSITIONER_VERBS if _is_positioner(device) else ())):
        if callable(write := getattr(device, verb, None)):
            _replace(device, verb, checked(write))
    return name


def _within(variable: ContextVar[Any], value: object, verb: Callable[..., Any]) -> Callable[..., Any]:
    """``verb``, during which ``variable`` has ``value``: in this thread or task, and for no other writer."""

    @contextmanager
    def marked() -> Generator[None]:
        token = variable.set(value)
        try:
            yield
        finally:
            variable.reset(token)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with marked():
            return await verb(*args, **kwargs)

    def called(*args: Any, **kwargs: Any) -> Any:
        with marked():
            return verb(*args, **kwargs)

    return awaited if inspect.iscoroutinefunction(verb) else called


def _replace(owner: Any, attribute: str, value: Any) -> None:
    try:
        object.__setattr__(owner, attribute, value)  # ophyd-async's own refuses the verbs of Bluesky
        if getattr(owner, attribute) is value:
            return
    except (AttributeError, TypeError):
        pass
    raise EnvelopeError(
        f"{getattr(owner, 'name', owner)!s}: {type(owner).__name__}.{attribute} cannot be guarded, "
        "so the device is refused: use a device class of ophyd, ophyd-async or this project"
    )


def _library(name: str) -> Any:
    """A library that is loaded, or None; what is not loaded has no devices."""
    return sys.modules.get(name)


def _is_classic_device(thing: Any) -> bool:
    ophyd = _library("ophyd")
    return ophyd is not None and isinstance(thing, ophyd.Device)


def _is_classic_signal(thing: Any) -> bool:
    ophyd = _library("ophyd")
    return ophyd is not None and isinstance(thing, ophyd.Signal)


def _is_read_only(signal: Any) -> bool:
    ophyd: Any = _library("ophyd")
    return isinstance(signal, ophyd.EpicsSignalRO | ophyd.signal.SignalRO)


def _is_positioner(thing: Any) -> bool:
    ophyd = _library("ophyd.positioner")
    return ophyd is not None and isinstance(thing, ophyd.PositionerBase)


def _is_async_device(thing: Any) -> bool:
    ophyd_async = _library("ophyd_async.core")
    return ophyd_async is not None and isinstance(thing, ophyd_async.Device)


def _is_async_signal(thing: Any) -> bool:
    ophyd_async = _library("ophyd_async.core")
    return ophyd_async is not None and isinstance(thing, ophyd_async.Signal)


def _is_async_writable(signal: Any) -> bool:
    ophyd_async: Any = _library("ophyd_async.core")
    return isinstance(signal, ophyd_async.SignalW | ophyd_async.SignalX)


def _is_async_command(thing: Any) -> bool:
    ophyd_async = _library("ophyd_async.core")
    return ophyd_async is not None and isinstance(thing, ophyd_async.Command)
