"""What scoring takes: the answers of one unit, reduced from its evidence. Frozen values; nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, cast, get_args

from autolab.core.errors import InputError

__all__ = [
    "CLASSES",
    "MOST",
    "REALMS",
    "Answer",
    "EvidenceClass",
    "Fact",
    "Inputs",
    "NotApplicable",
    "Realm",
    "Waiver",
    "inputs_from",
    "plain_inputs",
]

EvidenceClass = Literal["measured", "documented", "attested", "none"]
Realm = Literal["physical", "emulated", "simulated"]
Fact = bool | int | float | str

CLASSES: tuple[EvidenceClass, ...] = get_args(EvidenceClass)
"""Best first."""
MOST = 10**12
"""The largest count that is taken; more is a slip of the pen."""
REALMS: tuple[Realm, ...] = get_args(Realm)
"""Best first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of one criterion, metric or fact."""

    evidence_class: EvidenceClass
    realm: Realm
    value: float | None = None
    """Of a metric, in the metric's unit."""
    step: int | None = None
    """Of a ladder: the highest step for which it and all before it are satisfied, 0 to 5."""
    n: int | None = None
    """How many were counted, as the metric's `min_n` counts them; None where nothing is counted."""
    interval: tuple[float, float] | None = None
    """90 % interval of `value`, where the reduction computed one from the records."""
    evidence: tuple[str, ...] = ()
    """Ids of the evidence records behind it. Scoring hands them on and does not look at them."""
    notes: tuple[str, ...] = ()
    """Why its class was lowered, or what was missing: sentences for the report."""

    def __post_init__(self) -> None:
        numbers = (self.value, *(self.interval or ()))
        if any(number is not None and not math.isfinite(number) for number in numbers):
            raise InputError(f"value {self.value}, interval {self.interval}: give finite numbers")
        if self.interval is not None and self.interval[0] > self.interval[1]:
            raise InputError(f"interval {self.interval}: give the lower bound first")
        if self.step is not None and not 0 <= self.step <= 5:
            raise InputError(f"step {self.step}: give a step from 0 to 5")
        if self.n is not None and self.n < 0:
            raise InputError(f"n = {self.n}: a count is 0 or more")


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """Why a criterion does not apply to a unit, and who agreed."""

    reason: str
    approver: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """A ceiling gate set aside by a named authority. Hold gates cannot be waived."""

    authority: str
    expires: date
    reason: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that `score` takes of one unit."""

    unit: str
    """Id of the unit."""
    name: str
    roles: frozenset[str]
    """Such as ``{"production"}``."""
    facts: Mapping[str, Fact]
    extra_metrics: Mapping[str, Answer]
    """By metric id: what gates and the profile ask for and no criterion scores."""
    records: Mapping[str, Answer]
    """By criterion id. A criterion without a record counts as not assessed."""
    fact_answers: Mapping[str, Answer] = field(default_factory=dict[str, Answer])
    """By fact id: class, realm, n and evidence behind it, where known. What the fact is stands in `facts`."""
    not_applicable: Mapping[str, NotApplicable] = field(default_factory=dict[str, NotApplicable])
    """By criterion id. No gate is lifted by it."""
    waivers: Mapping[str, Waiver] = field(default_factory=dict[str, Waiver])
    """By gate id; those that have expired are left out by the reduction, which knows the date."""
    agreement: float | None = None
    """Agreement of two raters (ordinal Krippendorff's alpha); None where one person or none has rated."""
    stated: frozenset[str] = frozenset()
    """Ids of evidence that comes from files that a person wrote: it shows no hardware by itself."""


_ANSWER_KEYS = {"class", "realm", "value", "step", "n", "ci", "evidence", "notes"}
_INPUT_KEYS = {
    *("unit", "name", "roles", "facts", "extra_metrics", "records"),
    *("fact_answers", "not_applicable", "waivers", "agreement", "stated"),
}


def inputs_from(plain: Mapping[str, Any], unit: str | None = None) -> Inputs:
    """Read inputs from their plain form, which is that of the worked examples.

    Args:
        plain: Mapping with `name`, `roles`, `facts`, `extra_metrics`, `records` and what else `Inputs` has.
        unit: Id of the unit; that of `plain`, or else its name, where it is not given.

    Raises:
        InputError: a key is unknown, or a value is none that an answer may have. The message names it.
    """
    if unknown := sorted(set(plain) - _INPUT_KEYS):
        raise InputError(f"inputs: unknown key {unknown[0]!r}; known are {', '.join(sorted(_INPUT_KEYS))}")
    name = str(plain.get("name", unit or ""))
    return Inputs(
        unit=unit or str(plain.get("unit", name)),
        name=name,
        roles=frozenset(cast("list[str]", plain.get("roles", ()))),
        facts=dict(cast("Mapping[str, Fact]", plain.get("facts", {}))),
        extra_metrics=_answers("extra_metrics", plain),
        records=_answers("records", plain),
        fact_answers=_answers("fact_answers", plain),
        not_applicable={key: NotApplicable(**item) for key, item in plain.get("not_applicable", {}).items()},
        waivers={
            key: Waiver(item["authority"], date.fromisoformat(item["expires"]), item["reason"])
            for key, item in plain.get("waivers", {}).items()
        },
        agreement=plain.get("agreement"),
        stated=frozenset(cast("list[str]", plain.get("stated", ()))),
    )


def plain_inputs(inputs: Inputs) -> dict[str, Any]:
    """The plain form of inputs, from which `inputs_from` reads the same inputs."""
    plain: dict[str, Any] = {
        "unit": inputs.unit,
        "name": inputs.name,
        "roles": sorted(inputs.roles),
        "facts": dict(inputs.facts),
    }
    for key in ("extra_metrics", "records", "fact_answers"):
        answers: Mapping[str, Answer] = {
            "extra_metrics": inputs.extra_metrics,
            "records": inputs.records,
            "fact_answers": inputs.fact_answers,
        }[key]
        plain[key] = {name: _plain_answer(answer) for name, answer in answers.items()}
    plain["not_applicable"] = {
        key: {"reason": item.reason, "approver": item.approver} for key, item in inputs.not_applicable.items()
    }
    plain["waivers"] = {
        key: {"authority": item.authority, "expires": item.expires.isoformat(), "reason": item.reason}
        for key, item in inputs.waivers.items()
    }
    plain["agreement"] = inputs.agreement
    plain["stated"] = sorted(inputs.stated)
    return plain


def _answers(key: str, plain: Mapping[str, Any]) -> dict[str, Answer]:
    entries = cast("Mapping[str, Mapping[str, Any]]", plain.get(key, {}))
    return {name: _answer(f"{key}.{name}", entry) for name, entry in entries.items()}


def _answer(place: str, entry: Mapping[str, Any]) -> Answer:
    if unknown := sorted(set(entry) - _ANSWER_KEYS):
        raise InputError(f"{place}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_ANSWER_KEYS))}")
    evidence_class = entry.get("class", "none")
    if evidence_class not in CLASSES:
        raise InputError(f"{place}: class {evidence_class!r} is none of {', '.join(CLASSES)}")
    realm = entry.get("realm", "simulated" if evidence_class == "none" else None)
    if realm not in REALMS:
        raise InputError(f"{place}: realm {realm!r} is none of {', '.join(REALMS)}")
    for key in ("n", "step"):
        count = entry.get(key)
        if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
            raise InputError(f"{place}: {key} = {str(count)[:40]} is no whole number: give one")
        if key == "n" and count is not None and count > MOST:
            raise InputError(f"{place}: n is above {MOST}, more than can have been counted: mend it")
    interval = entry.get("ci")
    value = entry.get("value")
    try:
        return Answer(
            evidence_class=evidence_class,
            realm=realm,
            value=None if value is None else float(value),
            step=entry.get("step"),
            n=entry.get("n"),
            interval=None if interval is None else (float(interval[0]), float(interval[1])),
            evidence=tuple(entry.get("evidence", ())),
            notes=tuple(entry.get("notes", ())),
        )
    except (InputError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise InputError(f"{place}: {error}") from None


def _plain_answer(answer: Answer) -> dict[str, Any]:
    plain: dict[str, Any] = {"class": answer.evidence_class, "realm": answer.realm}
    if answer.interval is not None:
        plain["ci"] = list(answer.interval)
    optional: dict[str, Any] = {"value": answer.value, "step": answer.step, "n": answer.n}
    plain |= {key: item for key, item in optional.items() if item is not None}
    lists = {"evidence": answer.evidence, "notes": answer.notes}
    return plain | {key: list(item) for key, item in lists.items() if item}
