"""At most so many of some parameters are above 0: the others are left out, and stand at exactly 0."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from autolab.core.conditionals import Conditional
from autolab.core.errors import InputError
from autolab.core.parameters import ChoiceParameter, FixedParameter, Parameter

__all__ = ["AtMost", "is_at_most", "unfit_for_at_most"]

_BEGINS = re.compile(r"\s*at\s+most\b", flags=re.IGNORECASE)
_FORM = re.compile(r"\s*at\s+most\s+([0-9]{1,9})\s+of\s+\[([^\[\]]*)\]\s+above\s+0\s*")
_WANTED = "write for example 'at most 2 of [a, b, c] above 0'"


def is_at_most(text: str) -> bool:
    """True where a constraint of a campaign file is meant to be one of these."""
    return _BEGINS.match(text) is not None


@dataclass(frozen=True, slots=True)
class AtMost:
    """At most ``count`` of the parameters ``names`` are above 0.

    Raises:
        InputError: fewer than one of them may be, all of them may be, or one is named twice.
    """

    count: int
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        for index, name in enumerate(self.names):
            if name in self.names[:index]:
                raise InputError(f"constraint {self.text!r}: {name!r} is named twice: remove one of the two")
        if self.count < 1:
            raise InputError(f"constraint {self.text!r}: none may be above 0: fix them with 'value: 0' instead")
        if self.count >= len(self.names):
            said = f"it always holds, since it names {len(self.names)}"
            raise InputError(f"constraint {self.text!r}: {said}: lower the number, name more, or remove it")

    @classmethod
    def read(cls, text: str) -> AtMost:
        """Read ``at most 2 of [a, b, c] above 0``.

        Raises:
            InputError: ``text`` is not in this form.
        """
        match = _FORM.fullmatch(text)
        names = tuple(name.strip() for name in match[2].split(",")) if match else ()
        if match is None or not all(name.isidentifier() for name in names):
            shown = text if len(text) <= 60 else f"{text[:59]}…"
            raise InputError(f"constraint {shown!r} cannot be read: {_WANTED}")
        return cls(int(match[1]), names)

    @property
    def text(self) -> str:
        """The constraint as a file says it."""
        return f"at most {self.count} of [{', '.join(self.names)}] above 0"

    def above(self, values: Mapping[str, float]) -> list[str]:
        """Which of the parameters are above 0."""
        return [name for name in self.names if values[name] > 0.0]

    def holds(self, values: Mapping[str, float]) -> bool:
        """True where no more than allowed are above 0; a trace of a thing is above 0 too."""
        return len(self.above(values)) <= self.count


def unfit_for_at_most(parameter: Parameter | None, conditionals: tuple[Conditional, ...]) -> str | None:
    """Why ``at most`` cannot name a parameter (None: there is none of that name), or None where it can."""
    if parameter is None:
        return "is not a parameter"
    if isinstance(parameter, FixedParameter):
        return "has a fixed value: leave it out, and lower the number where it is above 0"
    if isinstance(parameter, ChoiceParameter):
        if not parameter.is_numeric:
            return "is a parameter without numbers"
        lowest = min(float(choice) for choice in parameter.choices)
    else:
        lowest = parameter.lower
    if lowest != 0.0:
        return f"begins at {lowest:g}, and only what begins at 0 can be left out: let it begin at 0"
    for rule in conditionals:
        if rule.name == parameter.name and rule.otherwise != 0:
            return f"stands at {rule.otherwise!r} where it does not matter, and would count: write 'otherwise: 0'"
    return None
