"""What a person is asked to do in a trial, and what they say: an instruction, and results typed in or scanned."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from autolab.core.errors import InputError
from autolab.core.operations import OperationId
from autolab.core.parameters import Value

__all__ = ["PERSON", "Asker", "AsksPeople", "Question", "Reply", "Wanted"]

Kind = Literal["number", "text", "scan"]
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:+-]{0,63}")
LONGEST_TEXT = 500
PERSON = "person"
"""Model of a device that is a person."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result that a person types in or scans."""

    name: str
    kind: Kind = "number"
    unit: str = ""
    """Unit of a number, as pint writes it; empty for a pure number."""
    lower: float | None = None
    """Lowest number that is possible, in `unit`."""
    upper: float | None = None
    choices: tuple[str, ...] = ()
    """The texts that are possible; empty where any is."""
    is_sample: bool = False
    """Whether what is scanned is the barcode of the trial's sample."""

    def __str__(self) -> str:
        if self.kind == "number":
            unit = self.unit or "a pure number"
            return f"{self.name} in {unit}{self._range()}"
        among = f", one of {', '.join(self.choices)}" if self.choices else ""
        return f"{self.name}, {'scanned' if self.kind == 'scan' else 'a text'}{among}"

    def checked(self, value: object) -> Value:
        """A value that is possible.

        Args:
            value: A number in `unit`, or a text.

        Raises:
            InputError: it is not possible, and why.
        """
        if self.kind == "number":
            return self._number(value)
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT:
            raise InputError(f"{self.name}: {value!r} is no text of 1 to {LONGEST_TEXT} characters")
        if self.kind == "scan" and not _CODE.fullmatch(value):
            raise InputError(f"{self.name}: {value!r} is no barcode: scan it again")
        if self.choices and value not in self.choices:
            raise InputError(f"{self.name}: {value!r} is none of {', '.join(self.choices)}")
        return value

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{self.name}: {value!r} is no finite number")
        too_low = self.lower is not None and value < self.lower
        if too_low or (self.upper is not None and value > self.upper):
            raise InputError(
                f"{self.name}: {value:g} {self.unit}".rstrip()
                + f" is not possible{self._range()}: look again, and say "
                "'--failed TEXT' where it really is so"
            )
        return float(value)

    def _range(self) -> str:
        if self.lower is None and self.upper is None:
            return ""
        if self.upper is None:
            return f", at least {self.lower:g}"
        return f", at most {self.upper:g}" if self.lower is None else f", from {self.lower:g} to {self.upper:g}"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked to do, and to say when it is done."""

    instruction: str
    operation: OperationId
    wanted: tuple[Wanted, ...] = ()
    """What they are to type in or scan; empty where they only say that it is done."""
    picture: str | None = None
    """File or address of a picture that shows how."""
    told: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """The values that the instruction tells, numbers in the units of the envelope."""

    def checked(self, values: Mapping[str, object]) -> dict[str, Value]:
        """A complete answer: a possible value for each result that is wanted.

        Raises:
            InputError: a result is missing, not wanted, or not possible; all that is wrong is said.
        """
        known = {one.name: one for one in self.wanted}
        wrong = [f"{name} was not asked for" for name in values if name not in known]
        wrong += [f"{one} is missing" for name, one in known.items() if name not in values]
        found: dict[str, Value] = {}
        for name, one in known.items():
            try:
                found |= {name: one.checked(values[name])} if name in values else {}
            except InputError as error:
                wrong.append(str(error))
        if wrong:
            raise InputError("; ".join(wrong))
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person said to a question."""

    by: str
    date: str
    """In UTC, ISO 8601."""
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    failed: str | None = None
    """Why it could not be done; None where it was."""


class Asker(Protocol):
    """Asks people, and keeps what they say. Callable from any thread."""

    def ask(self, device: str, question: Question) -> None:
        """Ask a question, or ask it again."""
        ...

    def withdraw(self, operation: OperationId) -> None:
        """Nobody needs an answer any more, for now."""
        ...

    def reply(self, operation: OperationId) -> Reply | None:
        """What a person has said to a question; None while nobody has."""
        ...

    @property
    def is_pausing(self) -> bool:
        """Whether the campaign is about to pause or to stop: then nobody is waited for."""
        ...


@runtime_checkable
class AsksPeople(Protocol):
    """A device that asks people."""

    def answered_by(self, asker: Asker) -> None:
        """Let people be asked through ``asker`` from here on."""
        ...
