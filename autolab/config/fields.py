"""Types of the fields of both files: what a name, a dotted name, a number and a quantity look like."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from autolab.config.words import kind_of, shown

__all__ = [
    "BARCODE",
    "DATE",
    "DOTTED",
    "EPICS",
    "IS_NUMBER",
    "MAIL",
    "MOMENT",
    "NAME",
    "PACKAGE",
    "PATTERNS",
    "PERMITTED",
    "SERIAL",
    "SIGNAL",
    "SLUG",
    "TEXT",
    "ZMQ",
    "Barcode",
    "Date",
    "DottedName",
    "FileModel",
    "Moment",
    "Name",
    "Number",
    "PackageName",
    "Quantity",
    "SignalName",
    "Slug",
    "Text",
    "Value",
    "one_of",
]

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
DOTTED = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$"
BARCODE = r"^[A-Za-z0-9][A-Za-z0-9_./:+-]{0,63}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"
PACKAGE = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$"
SIGNAL = r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63})+$"
PERMITTED = r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.[A-Za-z_][A-Za-z0-9_]{0,63})*$"
MAIL = r"^[^@\s<>,;]+@[^@\s<>,;]+$"
TEXT = r"^[^\n\t]*\S[^\n\t]*$"
EPICS = r"^[A-Za-z0-9_:;.<>\[\]+-]{1,60}$"
SERIAL = r"^\S{1,200}$"
ZMQ = r"^(tcp://([A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}|ipc://\S{1,200})$"

PATTERNS: dict[str, str] = {
    BARCODE: "a barcode of at most 64 letters, digits and '_./:+-' that begins with a letter or digit",
    SLUG: "a name of at most 64 letters, digits, '-' and '_' that begins with a letter or digit",
    NAME: "a name of at most 64 letters, digits and '_' that does not begin with a digit",
    DOTTED: "a dotted name such as 'plans.colour.mix_and_measure'",
    SIGNAL: "a device and its signal such as 'stage.position'",
    DATE: "a day such as '2027-03-31'",
    MOMENT: "a date and time in UTC such as '2027-03-31 14:05:00'",
    PERMITTED: "a device such as 'stage', or a signal such as 'stage.position',",
    PACKAGE: "the name of an importable package such as 'my_lab'",
    TEXT: "one line of text",
    MAIL: "an e-mail address such as 'bench@example.org'",
    EPICS: "a prefix of process variables such as 'BENCH:STAGE:'",
    SERIAL: "a serial port such as '/dev/ttyUSB0'",
    ZMQ: "an endpoint such as 'tcp://127.0.0.1:5555'",
}
"""What each pattern wants, in words."""


class FileModel(BaseModel):
    """Base of the models: strict, no unknown keys, and documented by the text under each field."""

    model_config = ConfigDict(
        extra="forbid", strict=True, use_attribute_docstrings=True, frozen=True, defer_build=True
    )  # most are parts of others, and are never checked by themselves


def one_of(*groups: tuple[str, ...]) -> ConfigDict:
    """Configuration of a model whose JSON Schema wants exactly one group of keys."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": list(group)} for group in groups]})


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "{message}", {"message": _not_a_number(value)})
    return value


def _not_a_number(value: bool | str) -> str:
    said = f"{shown(value)} is {kind_of(value)}, and a number is wanted"
    if isinstance(value, bool):
        return said
    for candidate in (value.replace("_", "").replace(",", ""), value.split(" ")[0]):
        try:
            float(candidate)
        except ValueError:
            continue
        if candidate.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
            return f"{shown(value)} is not a finite number"
        return f"{said}: write {candidate}" + (" and give the unit in 'unit'" if " " in value else "")
    return said


def _quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        message = f"{shown(value)} is {kind_of(value)}" if isinstance(value, bool) else f"{kind_of(value)} is given"
        raise PydanticCustomError(
            "quantity", "{message}", {"message": f"{message}, and a number with its unit is wanted, such as '250 mL'"}
        )
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        message = f"{shown(value)} is {kind_of(value)}, and {PATTERNS[DATE]} is wanted"
        raise PydanticCustomError("day", "{message}", {"message": message})
    return value


def _value(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise PydanticCustomError(
            "value", "{message}", {"message": f"{kind_of(value)} is given, and one number, text or boolean is wanted"}
        )
    return value


Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Name = Annotated[str, StringConstraints(pattern=NAME)]
DottedName = Annotated[str, StringConstraints(pattern=DOTTED, max_length=200)]
PackageName = Annotated[str, StringConstraints(pattern=PACKAGE, max_length=200)]
SignalName = Annotated[str, StringConstraints(pattern=SIGNAL, max_length=200)]
Barcode = Annotated[str, StringConstraints(pattern=BARCODE)]
Date = Annotated[str, StringConstraints(pattern=DATE), BeforeValidator(_day)]
"""Year, month and day, as a text."""
Moment = Annotated[str, StringConstraints(pattern=MOMENT)]
"""Date and time in UTC, as a text."""
Text = Annotated[str, StringConstraints(pattern=TEXT, max_length=200)]
IS_NUMBER = BeforeValidator(_number)
"""Refuses texts and booleans where a number is wanted, with advice."""
Number = Annotated[float, IS_NUMBER]
Quantity = Annotated[
    str | int | float, BeforeValidator(_quantity), WithJsonSchema({"type": ["string", "number"], "title": "Quantity"})
]
"""A text such as ``250 mL``, or a pure number."""
Value = Annotated[
    str | bool | int | float, BeforeValidator(_value), WithJsonSchema({"type": ["string", "boolean", "number"]})
]
