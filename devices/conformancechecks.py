"""The checks of the conformance kit: one promise each, judged with a sentence."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from autolab.core.envelope import RangeLimit
from devices.conformance import Judged, NotApplicableError, NumberEntry, Subject, Verdict
from devices.reconciling import Reconcilable

__all__ = ["CHECKS", "judge"]

STOP_REAL_S = 2.0
"""Real seconds in which a stop must have ended the action, and the device must have come to rest."""
BEGUN_REAL_S = 0.15
"""Real seconds after which an action has begun."""
ACTION_REAL_S = 120.0
"""Real seconds in which an action of the kit must have ended."""
STILL_REAL_S = 0.3
"""Real seconds in which a device that stands does not move."""
BACK_REAL_S = 30.0
"""Real seconds in which an instrument that goes on must answer again."""

TRIES = 3
"""How often an action is begun anew that may have ended by itself just before the check reached it."""

Found = tuple[Verdict, str, float | None]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "number": (int, float, np.integer, np.floating),
    "integer": (int, np.integer),
    "string": (str,),
    "boolean": (bool, np.bool_, int),
    "array": (list, tuple, np.ndarray),
}


def describe(subject: Subject) -> Found:
    """Each reading is described, each description is read, and types, shapes and names agree."""
    device, wrong = subject.device, list[str]()
    if not callable(getattr(device, "read", None)):
        raise NotApplicableError("it cannot be read")
    for read, described in (("read", "describe"), ("read_configuration", "describe_configuration")):
        if not callable(getattr(device, read, None)):
            continue
        keys, readings = subject.call(getattr(device, described)), subject.call(getattr(device, read))
        wrong += [f"{read}() has {key!r}, and {described}() has not" for key in readings if key not in keys]
        wrong += [f"{described}() has {key!r}, and {read}() has not" for key in keys if key not in readings]
        wrong += [
            f"{key}: {said}"
            for key in readings
            if key in keys
            for said in _disagreements(subject.name, key, keys[key], readings[key])
        ]
    if wrong:
        return "failed", "; ".join(wrong), None
    return "passed", f"{len(subject.call(device.read))} readings agree with their descriptions", None


def limits(subject: Subject) -> Found:
    """Nothing outside the envelope is written, by ``set`` or by a signal, and nothing moves when it is tried."""
    tried = [*_outside_by_set(subject), *_outside_by_signals(subject)]
    if not tried:
        raise NotApplicableError("nothing of it can be written, or the envelope has no range for it")
    before, number = _counts(subject), subject.number()
    stood = None if number is None else subject.position(number)
    for what, write in tried:
        if not _is_refused(subject, write):
            return "failed", f"{what} was taken, and it lies outside the envelope", None
    if number is not None and stood is not None and abs(subject.position(number) - stood) > number.tolerance:
        return "failed", f"every write was refused, and yet it moved from {stood:g}", None
    if _counts(subject) != before:
        return "failed", f"every write was refused, and yet its instrument counts {_counts(subject)}", None
    return "passed", f"refused {len(tried)} writes outside the envelope; nothing moved", None


def read_back(subject: Subject) -> Found:
    """Where a status is done, the device reads back what was commanded."""
    number = subject.number()
    for level in (0.25, 0.6):
        action = subject.action(level)
        status = _ended(subject, action)
        if status.exception() is not None:
            return "failed", f"{_words(action)} failed: {status.exception()}", None
        if number is not None and (said := _off(subject, number, float(action))):
            return "failed", f"the status of {_words(action)} is done, and {said}", None
        operation = getattr(action, "operation", None)
        if isinstance(subject.device, Reconcilable) and operation is not None:
            settled = subject.device.reconcile(operation, None)
            if settled.state != "done":
                return "failed", f"the status of {operation} is done, and {settled.evidence}", None
    return "passed", "two actions ended, and it read back what was commanded", None


def counter(subject: Subject) -> Found:
    """The instrument counts one for each action, and none for an operation id that it has carried out."""
    before = subject.counters()
    action = subject.action(0.4)
    status = _ended(subject, action)
    if status.exception() is not None:
        return "failed", f"{_words(action)} failed: {status.exception()}", None
    once = subject.counters()
    grown = {name: once[name] - before.get(name, 0) for name in once if once[name] != before.get(name, 0)}
    if list(grown.values()) != [1]:
        return "failed", f"one action was commanded, and the counts went from {dict(before)} to {dict(once)}", None
    if getattr(action, "operation", None) is None:
        return "passed", f"counted one action ({next(iter(grown))} is {once[next(iter(grown))]})", None
    with suppress(Exception):  # whether it is done at once or refused: what counts is that nothing is done twice
        _ended(subject, action)
    twice = subject.counters()
    if twice != once:
        return "failed", f"the same operation id was sent again, and the counts went from {once} to {dict(twice)}", None
    return "passed", f"counted one action, and none for the same operation id again ({next(iter(grown))})", None


def stop(subject: Subject) -> Found:
    """A stop ends the action soon, its status fails, and the device does not go on to where it was sent.

    It may go back: what was heated cools when its heater is off.
    """
    if not callable(getattr(subject.device, "stop", None)):
        raise NotApplicableError("it has no 'stop'")
    return _reached(lambda: _stopped(subject))


def _stopped(subject: Subject) -> tuple[Found, bool]:
    """What a stop does, and whether the action may have ended by itself before the stop reached it."""
    status, target = _begun(subject)
    since = subject.real()
    subject.stop()
    if not subject.until(lambda: status.done, STOP_REAL_S):
        return ("failed", f"its action had not ended {STOP_REAL_S:g} s after the stop", None), False
    ms = 1000.0 * (subject.real() - since)
    number = subject.number()
    if status.exception() is None:
        may_have_ended = number is None or _off(subject, number, float(target)) is None
        return ("failed", "the action was stopped, and its status says that it succeeded", ms), may_have_ended
    if number is not None:
        begin, end, rests = _rest(subject, number, target, since + STOP_REAL_S)
        if not rests or abs(end - target) <= number.tolerance < abs(begin - target):
            return ("failed", f"it was stopped at {begin:g}, and went on to {end:g}", ms), False
    return ("passed", f"stopped within {ms:.0f} ms, and the status failed: {status.exception()}", ms), False


def _reached(attempt: Callable[[], tuple[Found, bool]]) -> Found:
    """What an attempt finds; one whose action may have ended by itself is made again, and the last one counts."""
    for _ in range(TRIES - 1):
        found, may_have_ended = attempt()
        if not may_have_ended:
            return found
    return attempt()[0]


def _rest(subject: Subject, number: NumberEntry, target: float, end_s: float) -> tuple[float, float, bool]:
    """Where a device was when its action had ended, where it is in the end, and whether it goes no further by then.

    It is looked at once at least, and until ``end_s`` in real seconds.
    """
    places = [subject.position(number)]

    def rests() -> bool:
        subject.wait(STILL_REAL_S)
        places.append(subject.position(number))
        return abs(places[-2] - target) - abs(places[-1] - target) <= number.tolerance

    is_still = subject.until(rests, end_s - subject.real())
    return places[0], places[-1], is_still


def timeout(subject: Subject) -> Found:
    """An instrument that falls silent in the middle of an action is noticed, and answers again when it goes on."""
    if subject.hang is None:
        raise NotApplicableError("only an instrument that is simulated here may be made to hang")
    hang = subject.hang
    return _reached(lambda: _hung(subject, hang))


def _hung(subject: Subject, hang: Callable[[bool], None]) -> tuple[Found, bool]:
    """What a silence does, and whether the action may have ended by itself before the instrument fell silent."""
    status, _ = _begun(subject)
    since = subject.real()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries below warn of what is wanted here
        hang(True)
        try:
            is_noticed = subject.until(lambda: status.done, subject.patience_s)
            ms = 1000.0 * (subject.real() - since)
        finally:
            hang(False)
        answers = subject.until(lambda: _answers(subject), BACK_REAL_S)
        with suppress(Exception):  # it may have ended already
            subject.stop()
    if not is_noticed:
        said = f"its instrument hung, and after {subject.patience_s:g} s its status had not failed"
        return ("failed", said, ms), False
    if status.exception() is None:
        said = "its instrument hung in the middle of the action, and the status says that it succeeded"
        return ("failed", said, ms), True
    if not answers:
        return ("failed", f"its instrument goes on, and it had not answered after {BACK_REAL_S:g} s", ms), False
    return ("passed", f"noticed after {ms / 1000:.1f} s, and answered again: {status.exception()}", ms), False


def reconnect(subject: Subject) -> Found:
    """Let go twice and opened anew, it is the same instrument with the same readings and counts."""
    subject.until(lambda: _is_settled(subject), BACK_REAL_S)
    before, keys, identity = _counts(subject), set(subject.call(subject.device.describe)), subject.opened.identity
    disconnect = getattr(subject.device, "disconnect", None)
    opened = subject.reopen()
    if disconnect is not None and identity is not None:
        disconnect()  # of the object that was let go: to let go again does nothing
    if opened.identity != identity:
        return "failed", f"it was {identity}, and opened anew it says that it is {opened.identity}", None
    now = set(subject.call(subject.device.describe))
    if now != keys:
        return "failed", f"opened anew it describes other readings: {', '.join(sorted(now ^ keys))}", None
    if _counts(subject) != before:
        return "failed", f"its instrument counted {before}, and opened anew {_counts(subject)}", None
    return "passed", "let go and opened anew: the same instrument, readings and counts", None


CHECKS: Mapping[str, Callable[[Subject], Found]] = {
    "limits": limits,
    "read-back": read_back,
    "describe": describe,
    "counter": counter,
    "stop": stop,
    "timeout": timeout,
    "reconnect": reconnect,
}
"""All checks by name, in the order in which they are made."""


def judge(subject: Subject, check: str) -> Judged:
    """Make one check. Whatever the device raises where it must not is a failure with its words."""
    try:
        return Judged(check, *CHECKS[check](subject))
    except NotApplicableError as error:
        return Judged(check, "not applicable", str(error))
    except Exception as error:  # noqa: BLE001 (the device under test may raise anything: that is what is judged)
        return Judged(check, "failed", f"{type(error).__name__}: {' '.join(str(error).split())}")


def _disagreements(name: str, key: str, described: Mapping[str, Any], reading: Mapping[str, Any]) -> Iterator[str]:
    value: Any = reading.get("value")
    dtype = str(described.get("dtype"))
    if not key.startswith(name):
        yield f"its name does not begin with {name!r}"
    if not described.get("source"):
        yield "its description names no source"
    if "timestamp" not in reading:
        yield "its reading has no timestamp"
    if dtype not in _TYPES:
        yield f"its dtype {dtype!r} is none of {', '.join(_TYPES)}"
    elif not isinstance(value, _TYPES[dtype]):
        yield f"it is described as {dtype}, and {value!r} is none"
    shape = list(np.shape(value))
    if shape != list(described.get("shape", [])) and not isinstance(value, str):
        yield f"its shape is described as {described.get('shape')}, and is {shape}"


def _outside_by_set(subject: Subject) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Writes by ``set`` that lie outside."""
    number = subject.number()
    if number is None and callable(getattr(subject.device, "set", None)):
        with suppress(NotApplicableError):
            action = subject.action(1.5)
            yield _words(action), lambda: subject.set(action)
    if number is None:
        return
    for value in (number.at(-0.1), number.at(1.1), math.nan, math.inf):
        yield f"{number.signal} = {value:g}", lambda value=value: subject.set(value)


def _outside_by_signals(subject: Subject) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Writes by signals of the device, as far as the envelope has a range for them."""
    for path, signal in _signals(subject.device):
        limit = subject.opened.guard.limit(path)
        if isinstance(limit, RangeLimit) and callable(getattr(signal, "set", None)):
            beyond = limit.upper + 0.1 * (limit.upper - limit.lower)
            yield f"{path} = {beyond:g}", lambda signal=signal, beyond=beyond: subject.call(signal.set, beyond)


def _signals(device: Any) -> Iterator[tuple[str, Any]]:
    """The direct signals of a device of classic ophyd or of ophyd-async, by name."""
    for name in getattr(device, "component_names", ()):
        yield str(name), getattr(device, name)
    children = getattr(device, "children", None)
    if callable(children) and not hasattr(device, "component_names"):
        yield from ((str(name), child) for name, child in device.children())


def _is_refused(subject: Subject, write: Callable[[], Any]) -> bool:
    """Whether a write is refused, at once or by its status. One that is taken is stopped again."""
    try:
        status = write()
    except Exception:  # noqa: BLE001 (each class refuses in its own words)
        return True
    if status is not None and subject.until(lambda: status.done, STOP_REAL_S) and status.exception() is not None:
        return True
    with suppress(Exception):  # a device without a stop ends by itself
        subject.stop()
    return False


def _ended(subject: Subject, action: Any) -> Any:
    """The status of an action, once it has ended."""
    status = subject.set(action)
    if not subject.until(lambda: status.done, ACTION_REAL_S):
        with suppress(Exception):
            subject.stop()
        raise TimeoutError(f"{_words(action)} had not ended after {ACTION_REAL_S:g} s")
    return status


def _begun(subject: Subject) -> tuple[Any, Any]:
    """The status of an action that is going on, and the action.

    Raises:
        NotApplicableError: it ends before anything can be done to it.
    """
    number = subject.number()
    is_low = number is not None and subject.position(number) < number.at(0.5)
    action = subject.action(0.95 if is_low or number is None else 0.05)
    status = subject.set(action)
    subject.wait(BEGUN_REAL_S)
    if status.done:
        error = status.exception()
        said = "ended" if error is None else f"failed ({error})"
        raise NotApplicableError(f"an action {said} within {BEGUN_REAL_S:g} s, before anything could be done to it")
    return status, action


def _off(subject: Subject, number: NumberEntry, wanted: float) -> str | None:
    """Where a device stands, if that is not where it was sent."""
    stands = subject.position(number)
    return None if abs(stands - wanted) <= number.tolerance else f"it reads back {stands:g}"


def _answers(subject: Subject) -> bool:
    """Whether the instrument answers: by its count where it has one, since some have nothing to read now."""
    try:
        if not _counts(subject):
            subject.call(subject.device.read)
    except Exception:  # noqa: BLE001 (as long as it does not answer)
        return False
    return True


def _is_settled(subject: Subject) -> bool:
    """Whether nothing is counted any more that a check before has begun."""
    before = _counts(subject)
    subject.wait(STILL_REAL_S)
    return _counts(subject) == before


def _counts(subject: Subject) -> Mapping[str, int]:
    try:
        return dict(subject.counters())
    except NotApplicableError:
        return {}


def _words(action: Any) -> str:
    return f"set({action:g})" if isinstance(action, float) else f"set({action})"
