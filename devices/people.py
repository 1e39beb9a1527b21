"""People who do a part of a trial by hand: they are asked, and what they type in or scan is what is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bluesky.protocols import Status

from autolab.config.units import convert, read_quantity
from autolab.core.addresses import Address
from autolab.core.clock import Clock
from autolab.core.effects import Write
from autolab.core.errors import DeviceError, InputError, InterruptedByPerson, NotConnectedError
from autolab.core.operations import OperationId
from autolab.core.parameters import Value
from autolab.core.people import PERSON, Asker, Question, Reply, Wanted
from autolab.core.phases import Settlement
from devices.base import Identity, WritableSignal
from devices.completion import Work, pause_s
from devices.foresight import Foreseen
from devices.instrument import Instrument, describe_number, describe_text
from safety.envelope import plain_scalar
from safety.guard import Guard

__all__ = ["Do", "Person"]

_RESULT_KEYS = frozenset({"unit", "min", "max", "choices", "scan"})


@dataclass(frozen=True, slots=True)
class Do:
    """Have a person do something."""

    operation: OperationId
    instruction: str = ""
    """What to do, with ``{cyan}`` where a parameter's value belongs; empty for that of the lab file."""
    results: tuple[str, ...] | None = None
    """Names of the results to type in or scan; None for all that the lab file declares."""
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """A value for each parameter that the lab file declares, numbers in its unit; empty where there is none."""
    picture: str | None = None
    """File or address of a picture that shows how; None for that of the lab file."""


class Person(Instrument):
    """Somebody who works by hand: a technician at the bench. The limits of the envelope hold for what they are told.

    Args:
        name: Name of the device.
        at: Nowhere: a person has no address.
        clock: Lab time; a person lives in real time all the same.
        guard: The limits of the parameters.
        results: What they can type in or scan, by name: ``{unit: g, min: 0, max: 20}`` for a number (without the unit
            for a pure one), ``{choices: [clear, cloudy]}`` or ``{}`` with ``choices: any`` for a text, and
            ``{scan: sample}`` or ``{scan: code}`` for a barcode, the first of which labels the trial's sample.
        answer_within: How long they have in real time, such as ``30 min``; then the campaign pauses.
        instruction: What to do where a plan does not say, with ``{cyan}`` where a parameter's value belongs.
        picture: File or address of a picture that shows how.
        parameters: Unit of each parameter that they are told a value for; None for one that takes texts.

    Raises:
        InputError: a result is not declared as above, or the time is none.
    """

    writable_signals: ClassVar[tuple[WritableSignal, ...]] = ()
    """None known to the class: see `writable_signals_for`."""

    @classmethod
    def writable_signals_for(
        cls, parameters: Mapping[str, str | None] | None = None, **_: object
    ) -> tuple[WritableSignal, ...]:
        """The signals that a person with these options is told: one for each parameter."""
        return tuple(WritableSignal(name, unit) for name, unit in (parameters or {}).items())

    def __init__(
        self,
        *,
        name: str,
        at: Address,
        clock: Clock,
        guard: Guard,
        results: Mapping[str, Mapping[str, Any]] | None = None,
        answer_within: str = "8 h",
        instruction: str = "",
        picture: str | None = None,
        parameters: Mapping[str, str | None] | None = None,
    ) -> None:
        super().__init__(name=name, at=at, clock=clock, guard=guard)
        self._wanted = {key: _wanted(key, said) for key, said in (results or {}).items()}
        quantity = read_quantity(answer_within, "s")
        self._within, self._within_s = answer_within, convert(quantity.value, quantity.unit, "s")
        self._instruction, self._picture, self._parameters = instruction, picture, dict(parameters or {})
        self._asker: Asker | None = None
        self._replies: dict[str, Value] = {}
        self._trial: tuple[str, int, int] | None = None
        self._is_halted = False

    def answered_by(self, asker: Asker) -> None:
        """Let people be asked through ``asker`` from here on."""
        self._asker = asker

    def connect(self, timeout_s: float) -> Identity:  # noqa: ARG002 (as all devices have it)
        """A person is there when they answer. Nothing is asked."""
        self._identity = Identity(PERSON, "", is_simulated=False)
        return self._identity

    def disconnect(self) -> None:
        """Ask nothing more. Idempotent."""
        self._identity = None

    def counters(self) -> Mapping[str, int]:
        """A person counts nothing."""
        return {}

    def reconcile(self, operation: OperationId, counted: int | None) -> Settlement:  # noqa: ARG002 (a person counts nothing)
        """Say what became of a question, from the record: see `devices.reconciling.Reconcilable`."""
        reply = self._open().reply(operation)
        if reply is None:
            return Settlement("not done", f"nobody has answered {operation}: it is asked again")
        if reply.failed is not None:
            return Settlement("partly", _failure(reply))
        return Settlement("done", f"{reply.by} answered {operation} on {reply.date[:16]}")

    def recall(self, operation: OperationId) -> None:
        """Take what was answered before, see `devices.reconciling.Recallable`."""
        reply = self._open().reply(operation)
        if reply is None:
            raise DeviceError(f"{self.name}: the record has no answer to {operation}")
        self._take(operation, reply)

    def set(self, action: Do) -> Status:
        """Ask, and wait for the answer. A question that was answered before is not asked again.

        Returns:
            A status that finishes when somebody has said that it is done, with all results; it fails with
            `InterruptedByPerson` where nobody has within the time, or the campaign pauses.

        Raises:
            EnvelopeError: the guard refuses what the person would be told.
            InputError: the action is not ours, or names a result or parameter that the lab file does not declare.
        """
        self._require_connected()
        asker, question = self._open(), self._question(action)
        self._permit(question)
        self._is_halted = False
        return self._follow(self._work(asker, question), float("inf"), f"asking for {question.operation}")

    def foresee(self, action: Do, known: Mapping[str, Any]) -> Foreseen:  # noqa: ARG002 (nothing is known of a person)
        """Say what `set` would do, see `devices.foresight`: nobody knows what a person will say."""
        question = self._question(action)
        writes = tuple(Write(f"{self.name}.{name}", value) for name, value in question.told.items())
        return Foreseen(writes, unknown=frozenset(f"{self.name}_{one.name}" for one in question.wanted))

    def stop(self, *, success: bool = False) -> None:  # noqa: ARG002 (Bluesky's signature; a stop is a stop)
        """Wait for nobody any more; the question can be asked again."""
        self._is_halted = True

    def _question(self, action: Do) -> Question:
        if not isinstance(action, Do):
            raise InputError(f"{self.name}: takes a Do, not {action!r}")
        names = tuple(self._wanted) if action.results is None else action.results
        for name in names:
            if name not in self._wanted:
                known = ", ".join(self._wanted) or "none"
                raise InputError(f"{self.name}: no result {name!r} is declared in the lab file; declared are {known}")
        if action.values and set(action.values) != set(self._parameters):
            raise InputError(
                f"{self.name}: the lab file declares the parameters {', '.join(self._parameters) or 'none'}, and the "
                f"plan gives {', '.join(action.values)}"
            )
        values = {name: plain_scalar(value) for name, value in action.values.items()}
        told = {name: value for name, value in values.items() if value is not None}
        for name in values:
            if name not in told:
                raise InputError(
                    f"{self.name}: {name} is {action.values[name]!r}, and a number, text or boolean is wanted"
                )
        text = self._filled(action.instruction or self._instruction or "Do the trial", told)
        wanted = tuple(self._wanted[name] for name in names)
        return Question(text, action.operation, wanted, action.picture or self._picture, told)

    def _permit(self, question: Question) -> None:
        """Refuse what would tell a person to leave the envelope."""
        for name, value in question.told.items():
            self._guard.check(name, value)

    def _tell(self, asker: Asker, question: Question) -> None:
        """Ask, after the guard has seen what the person will be told: the lowest write of this device."""
        self._permit(question)
        asker.ask(self.name, question)

    def _filled(self, text: str, values: Mapping[str, Value]) -> str:
        """The instruction with the parameters' values in it, or behind it where it names none."""
        told = {name: _told(value, self._parameters.get(name)) for name, value in values.items()}
        try:
            filled = text.format_map(told)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = ", ".join(f"{{{name}}}" for name in told) or "no parameter"
            raise InputError(f"{self.name}: the instruction {text!r} names {error}, and there is {known}") from None
        return (
            f"{text}: {', '.join(f'{name} {said}' for name, said in told.items())}"
            if told and filled == text
            else filled
        )

    def _work(self, asker: Asker, question: Question) -> Work:
        reply = asker.reply(question.operation)
        if reply is None:
            self._tell(asker, question)
            end_real_s = self._clock.real() + self._within_s
            while (reply := asker.reply(question.operation)) is None:
                if self._is_halted or asker.is_pausing:
                    asker.withdraw(question.operation)
                    raise InterruptedByPerson(f"{self.name}: paused while {question.operation} was asked")
                if self._clock.real() >= end_real_s:
                    asker.withdraw(question.operation)
                    raise InterruptedByPerson(
                        f"{self.name}: nobody has answered within {self._within}: {question.instruction}; it is asked "
                        "again when the campaign is resumed"
                    )
                yield pause_s(self._clock, float("inf"))
        if reply.failed is not None:
            raise DeviceError(f"{self.name}: {_failure(reply)}")
        self._take(question.operation, reply)

    def _take(self, operation: OperationId, reply: Reply) -> None:
        trial = (operation.campaign, operation.trial, operation.attempt)
        if trial != self._trial:
            self._trial, self._replies = trial, {}
        self._replies |= reply.values

    def _values(self) -> Mapping[str, Any]:
        missing = [name for name in self._wanted if name not in self._replies]
        if missing:
            raise DeviceError(
                f"{self.name}: nobody was asked for {', '.join(missing)} in this trial: ask before reading"
            )
        return {name: self._replies[name] for name in self._wanted}

    def _keys(self) -> Mapping[str, dict[str, Any]]:
        return {name: self._described(one) for name, one in self._wanted.items()}

    def _described(self, one: Wanted) -> dict[str, Any]:
        if one.kind != "number":
            return describe_text("person")
        limits = {"lower_ctrl_limit": one.lower, "upper_ctrl_limit": one.upper}
        return describe_number("person", one.unit) | {key: n for key, n in limits.items() if n is not None}

    def _configuration(self) -> Mapping[str, str | bool]:
        numbers = ",".join(name for name, one in self._wanted.items() if one.kind == "number")
        return {**super()._configuration(), "numbers": numbers}

    def _open(self) -> Asker:
        if self._asker is None:
            raise NotConnectedError(f"{self.name}: nobody can be asked outside a campaign that runs")
        return self._asker


def _failure(reply: Reply) -> str:
    return f"{reply.by} says that it could not be done: {reply.failed}"


def _told(value: Value, unit: str | None) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{text} {unit}" if unit else text


def _wanted(name: str, said: Mapping[str, Any]) -> Wanted:
    """A result as the lab file declares it.

    Raises:
        InputError: it is not declared as it should be.
    """
    example = f"write '{name}: {{unit: g, min: 0, max: 20}}', '{name}: {{choices: [clear, cloudy]}}' or "
    if not isinstance(said, Mapping) or not set(said) <= _RESULT_KEYS or ({"choices", "scan"} <= set(said)):
        raise InputError(f"result {name}: {said!r} is no result: {example}'{name}: {{scan: sample}}'")
    if "scan" in said:
        if said["scan"] not in ("sample", "code"):
            raise InputError(f"result {name}: scan is {said['scan']!r}, and 'sample' or 'code' is wanted")
        return Wanted(name, "scan", is_sample=said["scan"] == "sample")
    if "choices" in said:
        choices = () if said["choices"] == "any" else tuple(str(choice) for choice in said["choices"])
        return Wanted(name, "text", choices=choices)
    bounds = [said.get("min"), said.get("max")]
    if any(isinstance(b, bool) or not isinstance(b, int | float | None) for b in bounds):
        raise InputError(f"result {name}: min and max are numbers in its unit: {example}'{name}: {{scan: sample}}'")
    lower, upper = (None if bound is None else float(bound) for bound in bounds)
    if lower is not None and upper is not None and lower >= upper:
        raise InputError(f"result {name}: min {lower:g} is not below max {upper:g}")
    convert(1.0, str(said.get("unit", "")), str(said.get("unit", "")))
    return Wanted(name, "number", str(said.get("unit", "")), lower, upper)
