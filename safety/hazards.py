"""The hazard register: what can go wrong, what is done about it, where that is, and which test shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

__all__ = ["RegisteredHazard", "hazard_page", "hazards"]

REGISTER = Path(__file__).with_name("hazards.yaml")
_HEAD = """\
# Hazard register

This page is written from `safety/hazards.yaml`, and a test compares the two. The build fails where a control names code
that is not there, or a test that does not exist. None of it is a certified safety function:
[what guard, watchdog and relay are, and are not](../explanation/safety-claims.md).

| hazard | cause | control |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class RegisteredHazard:
    """One hazard.

    Raises:
        ValueError: a part is missing: a hazard without a control, its place, a test or what is left is not registered.
    """

    id: str
    cause: str
    consequence: str
    control: str
    enforced: tuple[str, ...]
    """Dotted names of what enforces the control."""
    tests: tuple[str, ...]
    """Node ids of the tests that show it."""
    residual: str
    """What is left."""

    def __post_init__(self) -> None:
        parts = (self.id, self.cause, self.consequence, self.control, self.enforced, self.tests, self.residual)
        if not all(parts):
            raise ValueError(f"hazard {self.id or '?'}: every part of it must be filled in")


def hazards(file: Path = REGISTER) -> tuple[RegisteredHazard, ...]:
    """The register, in its order.

    Raises:
        ValueError: a hazard is not whole, or two have one id.
    """
    raw = cast("list[dict[str, Any]]", yaml.safe_load(file.read_text(encoding="utf-8")))
    try:
        found = tuple(_hazard(each) for each in raw)
    except TypeError as error:
        raise ValueError(f"{file}: a hazard has not the parts that it must have: {error}") from None
    ids = [hazard.id for hazard in found]
    if len(set(ids)) < len(ids):
        raise ValueError(f"{file}: two hazards have one id: {', '.join(ids)}")
    return found


def hazard_page(register: Sequence[RegisteredHazard]) -> str:
    """The register as a page, in Markdown."""
    rows = "".join(f"| [{each.id}](#{each.id}) | {each.cause} | {each.control} |\n" for each in register)
    return f"{_HEAD}{rows}\n{''.join(_section(each) for each in register)}".rstrip() + "\n"


def _hazard(raw: dict[str, Any]) -> RegisteredHazard:
    lists: dict[str, Any] = {key: tuple(raw[key]) for key in ("enforced", "tests") if key in raw}
    return RegisteredHazard(**{**raw, **lists})


def _section(hazard: RegisteredHazard) -> str:
    lines = [
        f"## {hazard.id}\n",
        f"- **cause:** {hazard.cause}",
        f"- **consequence:** {hazard.consequence}",
        f"- **control:** {hazard.control}",
        f"- **enforced by:** {', '.join(f'`{name}`' for name in hazard.enforced)}",
        f"- **shown by:** {', '.join(f'`{test}`' for test in hazard.tests)}",
        f"- **what is left:** {hazard.residual}",
    ]
    return "\n".join(lines) + "\n\n"
