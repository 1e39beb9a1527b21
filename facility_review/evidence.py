"""Evidence: one record of one thing that somebody or something has shown, and what it still counts on a day.

A record is never changed. What lowers its class (age, a missing hash, a log that does not verify, another
configuration) is worked out on the day of the assessment by `judge`, with a sentence for each step down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from autolab.core.errors import FileError, InputError, InputErrors
from facility_review.inputs import CLASSES, EvidenceClass, Fact, Realm
from facility_review.instrument import Instrument
from facility_review.instrumentmodel import FactDefinition, Metric

__all__ = [
    "COMPARED",
    "FIRST_DAY",
    "LAST_DAY",
    "MOST",
    "EvidenceRecord",
    "Finding",
    "Independence",
    "Integrity",
    "Judged",
    "Method",
    "finding_of",
    "impossible",
    "is_computed",
    "is_expired",
    "is_named",
    "judge",
    "no_day",
    "not_computed",
]

Method = Literal["EXAMINE", "INTERVIEW", "TEST"]
"""As in NIST SP 800-53A: looked at, asked, or exercised."""
Independence = Literal["self", "peer", "third_party"]
Integrity = Literal["verified", "unhashed", "failed", "broken log"]
"""Whether what it was made from still is what it was: its hash agrees, nobody has hashed it, the hash does not agree or
the file is gone, or it comes from a span of the audit log that does not verify."""


STATED = ("evidence.yaml", "workbook")
"""Collectors of what people state; all others compute."""
MOST = 1e12
"""Beyond it no count and no value of a metric lies."""
DEFAULT_DAYS = 365
"""A ladder or fact without a last day counts in full for so long."""
MOST_DAYS = 5 * 366
"""However late its last day is."""
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""Nothing that is reviewed lies before or after; a day outside is a slip of the pen."""
NOBODY = frozenset(
    (
        "",
        "unknown",
        "n/a",
        "na",
        "n.a",
        "none",
        "nobody",
        "no one",
        "anonymous",
        "null",
        "nil",
        "tbd",
        "todo",
        "not known",
    )
)
"""What stands where a name should, and names nobody."""
COMPARED = "hazard_analysis_config_hash_matches"
"""A fact that nobody can state: a collector compares the hashes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know of the evidence: what is wrong, and what it means for the assessment."""

    text: str
    """A sentence."""
    file: str | None = None
    line: int | None = None
    """Line of the file, from 1; of a workbook, the row."""
    subject: str | None = None
    """Criterion, metric or fact that it is about."""
    record: str | None = None
    """Id of the evidence record."""
    is_routine: bool = False
    """True for what is as it is, and nobody has to mend: a number that no record gives yet, an entry that was
    replaced."""

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file}: " if self.line is None else f"{self.file}:{self.line}: "
        return f"{place}{self.text}"


def not_computed(metric: str, why: str, realm: Realm | None = None) -> Finding:
    """The finding that a metric has no value, and why."""
    place = "" if realm is None else f" ({realm})"
    return Finding(f"{metric}{place}: not computed: {why}", subject=metric, is_routine=True)


def finding_of(error: InputError) -> tuple[Finding, ...]:
    """The findings that a refusal stands for: one, or all that it gathers."""
    if isinstance(error, InputErrors):
        return tuple(finding for each in error.errors for finding in finding_of(each))
    if isinstance(error, FileError):
        return (Finding(error.message, error.file, error.line),)
    return (Finding(str(error)),)


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One piece of evidence.

    Raises:
        InputError: fewer counted than successes, a step outside 0 to 5, a number that is not finite, or bounds that
            are swapped.
    """

    id: str
    """Unique in a unit."""
    unit: str
    subject: str
    """Id of the criterion, metric or fact that it is about."""
    evidence_class: EvidenceClass
    """As it was made; `judge` says what is left of it."""
    realm: Realm
    method: Method
    source: str
    """What it was taken from, in words that lead there: a file, a table of the journal."""
    collected: datetime
    """When it was gathered, or a document approved; in UTC."""
    value: float | None = None
    """Of a metric, in the metric's unit."""
    step: int | None = None
    """Of a ladder: the highest step that it shows."""
    is_at_least: bool = False
    """True where it proves the step and is silent about higher ones, as records of a machine are."""
    fact: Fact | None = None
    """Of a fact."""
    n: int | None = None
    """How many were counted."""
    successes: int | None = None
    """How many of them went well, where it is a share of counted things."""
    interval: tuple[float, float] | None = None
    """90 % interval of the value."""
    observed: datetime | None = None
    """When the newest thing that it shows happened; None for when it was gathered."""
    window_days: int | None = None
    """Age beyond which it counts less, where the metric's own window does not say."""
    valid_until: date | None = None
    """Last day on which a document counts in full."""
    query: str = ""
    """How the number was taken from the source."""
    sha256: str | None = None
    """Hash of what it was made from."""
    integrity: Integrity = "verified"
    tool: str = ""
    tool_version: str = ""
    collector: str = ""
    """What gathered it."""
    attestor: str = ""
    """The person who stands for it: who attests it, approved the document, or ran the campaigns."""
    independence: Independence = "self"
    identity: tuple[str, ...] = ()
    """The devices that it was seen on, each with model and serial number. What has none is not physical."""
    configuration: str | None = None
    """Configuration hash of the unit that it was made on, where it is bound to one."""
    marking: str = ""
    supersedes: tuple[str, ...] = ()
    """Ids of records that it takes the place of."""
    runs: tuple[str, ...] = ()
    """Campaigns, and trials of them, that it was computed from: ``campaign`` or ``campaign: trials 1-30, 32``."""
    notes: tuple[str, ...] = ()
    file: str | None = None
    """File that a person wrote it in, for messages."""
    line: int | None = None

    def __post_init__(self) -> None:
        if problem := next(_problems(self), None):
            raise InputError(f"{self.id}: {problem}")

    @property
    def seen_on(self) -> date:
        """Day of what it shows, in UTC."""
        return _day(self.observed or self.collected)


def impossible(instrument: Instrument, record: EvidenceRecord) -> str | None:
    """Why what somebody states cannot be so; None where it can, or a collector computed it."""
    if record.collector not in STATED:
        return None
    if record.subject in instrument.facts:
        return _impossible_fact(instrument.facts[record.subject], record)
    scale = instrument.criteria[record.subject].metric if record.subject in instrument.criteria else None
    metric = instrument.metrics.get(record.subject if scale is None else scale.id)
    return None if metric is None or record.value is None else _impossible_number(metric, record, record.value)


def _impossible_fact(fact: FactDefinition, record: EvidenceRecord) -> str | None:
    value, said = record.fact, f"{record.subject} = {record.fact!r}"
    if fact.type == "bool":
        return None if isinstance(value, bool) else f"{said}: write true or false"
    if fact.type == "enum":
        if value not in fact.values:
            return f"{said}: write {', '.join(fact.values)}"
        order: tuple[Fact, ...] = ("self", "peer", "third_party")
        if record.subject == "assessor_independence" and order.index(value) > order.index(record.independence):
            return f"{said}, and the entry is of independence {record.independence!r}: one who is {value} states it"
        return None
    if isinstance(value, bool | str) or value is None or not 0 <= value <= MOST:
        return f"{said}: write a number from 0 to {1 if fact.type == 'fraction' else f'{MOST:.0e}'}"
    if fact.type == "int" and not isinstance(value, int):
        return f"{said}: write a whole number"
    if fact.type == "fraction":
        return f"{said}: a share is between 0 and 1" if value > 1 else _other_share(record, value)
    return None


def _impossible_number(metric: Metric, record: EvidenceRecord, value: float) -> str | None:
    said = f"{metric.id} = {value:g}"
    if abs(value) > MOST:
        return f"{said}: more than {MOST:.0e} is no measurement: write it in {metric.unit}"
    if value < 0 and not metric.may_be_negative:
        return f"{said}: it cannot be below 0: write it in {metric.unit}"
    if metric.unit == "fraction" and value > 1 and not metric.may_be_negative:
        return f"{said}: a share is between 0 and 1: write {value / 100:g} for {value:g} %"
    if record.interval is not None and not record.interval[0] <= value <= record.interval[1]:
        return f"{said} is outside its interval, {record.interval[0]:g} to {record.interval[1]:g}: correct one of them"
    if record.n is None:
        return (
            f"{said} without n, and it wants {metric.min_n}: write how many were counted" if metric.min_n > 1 else None
        )
    if record.n == 0:
        return f"{said} with n = 0: what nobody has counted has no value: leave the entry out"
    return _other_share(record, value) if metric.unit == "fraction" and metric.ci_method != "wilson_abs_diff" else None


def _other_share(record: EvidenceRecord, value: float) -> str | None:
    """Why a share is not that of its counts."""
    if record.successes is None or not record.n or abs(value - record.successes / record.n) <= 1e-6:
        return None
    return f"value {value:g}, and {record.successes} of {record.n} is {record.successes / record.n:.6f}: correct one"


def no_day(text: str) -> str | None:
    """Why a text is no day that somebody can mean; None where it is one."""
    try:
        is_day = FIRST_DAY <= date.fromisoformat(text) <= LAST_DAY
    except ValueError:
        is_day = False
    span = f"{FIRST_DAY.year} to {LAST_DAY.year}"
    return None if is_day else f"{text!r} is no day of the calendar from {span}: write it as 2026-10-01"


def is_named(person: str) -> bool:
    """Whether a text names a person: 'unknown' and the like do not."""
    return person.strip(" .-_?/()").casefold() not in NOBODY and any(letter.isalpha() for letter in person)


def is_computed(record: EvidenceRecord) -> bool:
    """Whether a collector computed it from records, and nobody stated it."""
    return record.collector not in STATED or record.subject == COMPARED


def is_expired(record: EvidenceRecord, as_of: date, window_days: int | None) -> bool:
    """Whether it is older than it counts in full for."""
    valid_days = _valid_days(record, window_days or record.window_days)
    return valid_days is not None and (as_of - record.seen_on).days > valid_days


def _valid_days(record: EvidenceRecord, window_days: int | None) -> int | None:
    """Days that it counts in full for."""
    if record.valid_until is None:
        return DEFAULT_DAYS if window_days is None else window_days
    own = min((record.valid_until - record.seen_on).days, MOST_DAYS)
    return own if window_days is None else min(own, window_days)


def _problems(record: EvidenceRecord) -> Iterator[str]:
    numbers = (record.value, *(record.interval or ()))
    if any(number is not None and not math.isfinite(number) for number in numbers):
        yield f"value {record.value}, interval {record.interval}: give finite numbers"
    if record.interval is not None and record.interval[0] > record.interval[1]:
        yield f"interval {record.interval}: give the lower bound first"
    if record.step is not None and not 0 <= record.step <= 5:
        yield f"step {record.step}: a ladder has steps 0 to 5"
    if record.n is not None and record.n < 0:
        yield f"n = {record.n}: a count is 0 or more"
    if record.successes is not None and not 0 <= record.successes <= (record.n if record.n is not None else -1):
        yield f"{record.successes} successes of n = {record.n}: there cannot be more successes than were counted"


@dataclass(frozen=True, slots=True)
class Judged:
    """A record as it counts on one day."""

    record: EvidenceRecord
    evidence_class: EvidenceClass
    """What is left of its class; ``none`` where it does not count at all."""
    realm: Realm
    reasons: tuple[str, ...]
    """Why the class is lower than it was made, one sentence for each step."""


def judge(record: EvidenceRecord, as_of: date, window_days: int | None, configuration: str | None) -> Judged:
    """Say what a record counts on a day.

    Args:
        record: The record.
        as_of: The day of the assessment.
        window_days: Window of the metric that it is about; None for what has no window of its own.
        configuration: Configuration hash of the unit as it is; None where it is not known.
    """
    if why := next(_refusals(record, as_of), None):
        return Judged(record, "none", record.realm, (why,))
    steps = list(_lowered(record, as_of, window_days or record.window_days, configuration))
    found, reasons = record.evidence_class, list[str]()
    for down, why in steps:
        after = CLASSES[min(CLASSES.index(found) + down, len(CLASSES) - 1)]
        if after != found:
            reasons.append(why)
        found = after
    if record.integrity == "broken log" and CLASSES.index(found) < CLASSES.index("attested"):
        found = "attested"
        reasons.append("it comes from a part of the audit log that does not verify: it counts as attested")
    if found == "attested" and not is_named(record.attestor):
        found = "none"
        reasons.append("nobody's name stands for it, and what is attested needs one: it does not count")
    if record.realm == "physical" and not (record.identity and is_named(record.attestor)):
        missing = "the identity of its devices" if is_named(record.attestor) else "a named person"
        reasons.append(f"{missing} is not known, so it does not pass as physical: it counts as simulated")
        return Judged(record, found, "simulated", tuple(reasons))
    return Judged(record, found, record.realm, tuple(reasons))


def _refusals(record: EvidenceRecord, as_of: date) -> Iterator[str]:
    if _day(record.collected) > as_of or record.seen_on > as_of:
        newest = max(_day(record.collected), record.seen_on)
        yield f"it is of {newest}, which is after the assessment's day {as_of}: it does not count"
    if record.evidence_class == "attested" and not is_named(record.attestor):
        yield "nobody's name stands for it, and what is attested needs one: it does not count"
    if record.evidence_class == "documented" and not is_named(record.attestor):
        yield "no name of an approver stands on it, and a document without one does not count"


def _lowered(
    record: EvidenceRecord, as_of: date, window_days: int | None, configuration: str | None
) -> Iterator[tuple[int, str]]:
    """Steps down, with why."""
    age_days = (as_of - record.seen_on).days
    valid_days = _valid_days(record, window_days)
    if valid_days is not None and age_days > 2 * valid_days:
        yield len(CLASSES), f"it is {age_days} days old, more than twice the {valid_days} it counts for"
    elif valid_days is not None and age_days > valid_days:
        yield 1, f"it is {age_days} days old, and counts in full for {valid_days}: one class down"
    if record.evidence_class in ("measured", "documented"):
        if record.integrity == "failed":
            yield 1, "its hash does not agree with what is there, or the file is gone: one class down"
        elif record.sha256 is None or record.integrity == "unhashed":
            yield 1, "what it was made from is not hashed: one class down"
    if None not in (record.configuration, configuration) and record.configuration != configuration:
        yield 1, "it was made on another configuration of the unit: one class down"


def _day(moment: datetime) -> date:
    return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
