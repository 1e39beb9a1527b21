"""From ``quality`` of a lab file to checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from autolab.config.problems import Problems, valid
from autolab.config.qualitymodel import QualityModel
from autolab.config.words import did_you_mean, listed
from autolab.core.calibrations import Calibration
from autolab.core.quality import QualityCheck

__all__ = ["read_quality"]

Kind = Literal["saturation", "range", "scatter", "stall", "drift"]
_KINDS: tuple[Kind, ...] = ("saturation", "range", "scatter", "stall", "drift")
_TAKES: Mapping[Kind, tuple[str, ...]] = {
    "saturation": ("max", "share"),
    "range": ("min", "max"),
    "scatter": ("max",),
    "stall": (),
    "drift": ("metric", "max"),
}
"""Keys that go with each kind."""
_NEEDS: Mapping[Kind, str] = {"saturation": "max", "scatter": "max", "drift": "metric"}


def read_quality(
    problems: Problems, values: Mapping[str, Any], calibrations: Sequence[Calibration]
) -> tuple[QualityCheck, ...]:
    """Read the quality checks, and gather what is wrong with them.

    Args:
        problems: Takes the refusals.
        values: The plain values of the file.
        calibrations: The calibrations of the lab, among them its references.

    Returns:
        Those that are right, in the order of the file.
    """
    raw = values.get("quality")
    devices = cast("dict[str, Any]", values["devices"]) if isinstance(values.get("devices"), dict) else {}
    found: list[QualityCheck] = []
    for name, item in cast("dict[str, Any]", raw).items() if isinstance(raw, dict) else ():
        model = valid(QualityModel, item)
        if model is None:
            continue
        given: dict[Kind, str | None] = {kind: model.__dict__[kind] for kind in _KINDS}
        kinds: list[Kind] = [kind for kind in _KINDS if given[kind] is not None]
        if len(kinds) != 1:
            said = f"{name}: say one thing to look at: {', '.join(_KINDS[:-1])} or {_KINDS[-1]}"
            problems.add(("quality", name), said)
            continue
        kind, before = kinds[0], problems.count
        _check_keys(problems, name, kind, model, set(cast("dict[str, Any]", item)))
        of = str(given[kind])
        if "." in of and (device := of.partition(".")[0]) not in devices:
            guess = did_you_mean(device, list(devices))
            hint = f"did you mean {guess!r}?" if guess else f"devices are {listed(list(devices))}"
            problems.add(("quality", name, kind), f"{name}: {device!r} is not a device of this lab: {hint}")
        if kind == "drift" and not any(one.name == of and one.reduce is not None for one in calibrations):
            known = [one.name for one in calibrations if one.reduce is not None]
            hint = f"these do: {listed(known)}" if known else "no calibration does"
            problems.add(("quality", name, kind), f"{name}: {of!r} is no calibration that yields values: {hint}")
        if problems.count == before:
            found.append(QualityCheck(name, kind, of, model.min, model.max, model.share, model.metric or ""))
    return tuple(found)


def _check_keys(problems: Problems, name: str, kind: Kind, model: QualityModel, given: set[str]) -> None:
    path = ("quality", name)
    for key in sorted(given - {kind, *_TAKES[kind]} - set(_KINDS)):
        problems.add((*path, key), f"{name}: {key} has no effect on a check of {kind}: remove it")
    if (needed := _NEEDS.get(kind)) is not None and needed not in given:
        problems.add(path, f"{name}: a check of {kind} needs {needed!r}: add it")
    if kind == "range" and model.min is None and model.max is None:
        problems.add(path, f"{name}: a check of range needs 'min' or 'max': add one")
    if model.min is not None and model.max is not None and model.min > model.max:
        problems.add((*path, "min"), f"{name}: min {model.min:g} is above max {model.max:g}: swap them")
