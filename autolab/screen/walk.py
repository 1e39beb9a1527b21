"""A walk: a plan's messages, one after the other, each answered as the lab would and none of them carried out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bluesky.utils import Msg

from autolab.core.effects import Effect, Lapse, Write
from autolab.core.errors import AutolabError
from autolab.core.traces import Trace
from autolab.screen.foreseeing import NotAnalysableError, foresee_set, foresee_stage, foresee_trigger, keys_of
from autolab.screen.present import Present
from autolab.screen.shadows import Part, Reached, ReachedError, Shadows
from autolab.screen.unknowns import Oracle, Quantity, SeenReading, plain_value
from devices.foresight import Foreseen
from safety.envelope import plain_scalar

__all__ = ["MAX_MESSAGES", "Walk"]

MAX_MESSAGES = 100_000
"""Messages after which a plan counts as one that never ends."""

_NOTHING = frozenset({
    "checkpoint", "clear_checkpoint", "close_run", "create", "declare_stream", "drop", "monitor", "null", "rewindable",
    "save", "unmonitor",
})  # fmt: skip
"""Commands that do nothing to a device."""

_WHY_NOT: Mapping[str, str] = {
    "input": "it asks a person, whose answer nobody knows",
    "pause": "a person may do anything to the lab in a pause",
    "subscribe": "what it subscribes would see documents, of which a dry run makes none",
    "wait_for": "it waits for something that is no device",
    "kickoff": "a flyer does its work between the messages",
    "complete": "a flyer does its work between the messages",
    "collect": "a flyer does its work between the messages",
    "prepare": "nobody knows what a device does then",
}


class Walk:
    """One walk through a plan.

    Args:
        shadows: What the plan takes for the lab's devices.
        present: What is known of the lab when the plan begins.
        oracle: Answers for what is not known.
        is_late: True when the time for the dry run is over.
    """

    def __init__(self, shadows: Shadows, present: Present, oracle: Oracle, is_late: Callable[[], bool]) -> None:
        self._shadows, self._present, self._oracle, self._is_late = shadows, present, oracle, is_late
        self._known = dict(present.known)
        self._effects: list[Effect] = []
        self._messages: list[int] = []
        self._number = 0
        self._statuses: list[_Status] = []

    def through(self, plan: Callable[[], Generator[Msg, Any, Any]]) -> Trace:
        """Walk through a plan.

        Raises:
            NotAnalysableError: nobody can say what the plan does, and why.
        """
        error: str | None = None
        try:
            self._drive(plan())
        except NotAnalysableError:
            raise
        except (Exception, SystemExit, GeneratorExit) as raised:  # noqa: BLE001 (whatever it is, the walk ends with it)
            where = f" after message {self._number}" if self._number else ""
            error = f"the plan ends{where} with {type(raised).__name__}: {raised}"
        if self._shadows.reached:
            raise NotAnalysableError(self._shadows.reached[0])
        branch = ", ".join(f"{key} = {_short(value)}" for key, value in self._oracle.looked_at.items())
        return Trace(tuple(self._effects), tuple(self._messages), self._present.known, self._known, branch, error)

    def _drive(self, plan: Generator[Msg, Any, Any]) -> None:
        try:
            msg = next(plan)
            while True:
                self._number += 1
                if self._number > MAX_MESSAGES:
                    raise NotAnalysableError(f"the plan has not ended after {MAX_MESSAGES} messages")
                if self._is_late():
                    raise NotAnalysableError(f"the plan has not ended in time, after {self._number} messages")
                msg = plan.send(self._answer(msg))
        except StopIteration:
            return
        finally:
            with suppress(Exception):  # what it sends on its way out is sent to nobody
                plan.close()

    def _answer(self, msg: Any) -> Any:
        if not isinstance(msg, Msg):
            raise NotAnalysableError(f"message {self._number} is no message: {msg!r}")
        if msg.command in _NOTHING:
            return None
        handler = _HANDLERS.get(msg.command)
        if handler is None:
            why = _WHY_NOT.get(msg.command, "nobody has said what it does")
            raise NotAnalysableError(f"message {self._number} is {msg.command!r}: {why}")
        return handler(self, msg)

    # what a message does

    def _set(self, msg: Msg) -> Any:
        part = self._part(msg)
        if len(msg.args) != 1:
            raise NotAnalysableError(f"message {self._number}: set of {part} takes one value, and has {len(msg.args)}")
        return self._do(part, lambda: foresee_set(self._shadows, part, plain_value(msg.args[0]), self._known))

    def _trigger(self, msg: Msg) -> Any:
        part = self._part(msg)
        return self._do(part, lambda: foresee_trigger(self._shadows, part, self._known))

    def _stage(self, msg: Msg) -> list[Any]:
        part = self._part(msg)
        self._do(part, lambda: foresee_stage(self._shadows, part, msg.command))
        return []

    def _stop(self, msg: Msg) -> None:
        self._do(part := self._part(msg), lambda: Foreseen(unknown=keys_of(self._shadows, part.device)))

    def _read(self, msg: Msg) -> dict[str, Any]:
        part = self._part(msg)
        wanted = self._present.read.get(part.device, {}) if not part.prefix else None
        if wanted is None:
            wanted = {part.shadow.name: self._present.quantities.get(part.shadow.name, Quantity())}
        elif not wanted:
            raise NotAnalysableError(f"message {self._number}: nobody knows what {part} reads: it does not answer")
        return {key: self._reading(key, quantity) for key, quantity in wanted.items()}

    def _locate(self, msg: Msg) -> Any:
        located = [self._location(self._part(Msg("locate", obj))) for obj in (msg.obj, *msg.args) if obj is not None]
        return located[0] if len(located) == 1 and msg.kwargs.get("squeeze", True) else located

    def _location(self, part: Part) -> Mapping[str, Any]:
        hinted = (getattr(part.shadow, "hints", None) or {}).get("fields", [])
        key = hinted[0] if len(hinted) == 1 else str(part.shadow.name)
        return _Location(self._reading(key, self._present.quantities.get(key, Quantity())))

    def _configure(self, msg: Msg) -> tuple[Any, Any]:
        part, settings = self._part(msg), msg.args[0] if len(msg.args) == 1 else None
        if not isinstance(settings, Mapping):
            raise NotAnalysableError(f"message {self._number}: configure of {part}: nobody knows what it does")
        for name, value in settings.items():
            signal = self._shadows.part(getattr(part.shadow, name, None))
            if signal is None:
                raise NotAnalysableError(f"message {self._number}: configure of {part}: it has no signal {name!r}")
            self._do(signal, lambda s=signal, v=value: foresee_set(self._shadows, s, plain_value(v), self._known))
        return {}, {}

    def _sleep(self, msg: Msg) -> None:
        seconds = plain_scalar(plain_value(msg.args[0]))
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0.0 <= seconds < float("inf"):
            self._note(Lapse(float(seconds)))
            return
        raise NotAnalysableError(f"message {self._number}: sleep of {msg.args[0]!r} is no time in seconds")

    def _wait(self, msg: Msg) -> bool:  # noqa: ARG002 (like all handlers)
        for status in self._statuses:
            status.is_waited_for = True
        self._statuses.clear()
        return True

    def _open_run(self, msg: Msg) -> str:  # noqa: ARG002 (like all handlers)
        return "00000000-0000-4000-8000-000000000000"

    def _engine_class(self, msg: Msg) -> Any:  # noqa: ARG002 (like all handlers)
        from bluesky import RunEngine

        return RunEngine

    # what all of them use

    def _part(self, msg: Msg) -> Part:
        part = self._shadows.part(msg.obj)
        if part is None:
            name = getattr(msg.obj, "name", msg.obj)
            raise NotAnalysableError(
                f"message {self._number}: {msg.command} of {name!s}, which is no device of the lab that the plan takes"
            )
        return part

    def _do(self, part: Part, foresee: Callable[[], Foreseen]) -> Any:
        try:
            foreseen = foresee()
        except NotAnalysableError as error:
            raise NotAnalysableError(f"message {self._number}: {error}") from None
        except AutolabError as error:
            raise NotAnalysableError(f"message {self._number}: {part} would refuse it: {error}") from None
        for effect in foreseen.effects:
            self._note(effect)
        for key in foreseen.unknown:
            self._known.pop(key, None)
        self._known |= foreseen.readings
        status = _Status(f"the status of message {self._number}", self._oracle, self._shadows.reached)
        self._statuses.append(status)
        return status

    def _note(self, effect: Effect) -> None:
        if isinstance(effect, Write):
            value = plain_scalar(effect.value)
            effect = Write(effect.signal, f"object {effect.value!r:.80}" if value is None else value)
        self._effects.append(effect)
        self._messages.append(self._number)

    def _reading(self, key: str, quantity: Quantity) -> SeenReading:
        known = (self._known[key],) if key in self._known else ()
        return SeenReading(key, known, quantity, self._oracle)


@dataclass
class _Status:
    """What a plan gets for a ``set`` or ``trigger``: it succeeds, and nobody knows when before it was waited for."""

    _key: str
    _oracle: Oracle
    _reached: Reached
    is_waited_for: bool = False
    _looks: int = 0
    success: bool = True

    @property
    def done(self) -> bool:
        """True after a wait; before, also True from the second look on."""
        self._looks += 1
        if self.is_waited_for or self._looks > 1:
            return True
        return bool(self._oracle.answer(self._key, Quantity("boolean")))

    def exception(self, timeout: float | None = None) -> None:
        """No error."""

    def add_callback(self, callback: Any) -> None:
        """Refuse: it would be called on another thread."""
        self._reached.append(f"the plan has {callback!r} called when a device is done: wait for it instead")
        raise ReachedError(self._reached[-1])


class _Location(Mapping[str, Any]):
    """Setpoint and read-back, which are one reading."""

    def __init__(self, reading: SeenReading) -> None:
        self._reading = reading

    def __getitem__(self, name: str) -> Any:
        if name in ("setpoint", "readback"):
            return self._reading["value"]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("setpoint", "readback"))

    def __len__(self) -> int:
        return 2


def _short(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:.6g}"
    return repr(value) if isinstance(value, str | bool) else "an array"


_HANDLERS: Mapping[str, Callable[[Walk, Msg], Any]] = {
    "RE_class": Walk._engine_class,
    "configure": Walk._configure,
    "locate": Walk._locate,
    "open_run": Walk._open_run,
    "read": Walk._read,
    "set": Walk._set,
    "sleep": Walk._sleep,
    "stage": Walk._stage,
    "stop": Walk._stop,
    "trigger": Walk._trigger,
    "unstage": Walk._stage,
    "wait": Walk._wait,
}
