"""From the rows of a journal to evidence records: which campaigns count, in which realm, and in which window.

Rows of different realms are never added. Within a realm only campaigns of the unit's present configuration count;
where there is none, those of others do, and the record says so. A window ends on the day of the assessment, or with the
newest row where nothing lies in it: the age of that row then lowers the class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import autolab
from autolab.core.canonical import content_hash
from autolab.core.proposing import UNLEARNED
from autolab.core.trials import CONFIRM, PERSON, REPEAT
from autolab.journal.audit import Audit
from facility_review.declared import read_declared
from facility_review.evidence import FIRST_DAY, EvidenceRecord, Finding, Integrity, not_computed
from facility_review.inputs import REALMS, Fact, Realm
from facility_review.instrument import Instrument
from facility_review.ledger import Campaign, Intervention, Ledger, Trial
from facility_review.queries import QUERIES
from facility_review.units import Unit, configuration_hash

__all__ = [
    "PRACTICE_DAYS",
    "Measured",
    "Slice",
    "Sources",
    "Window",
    "hours_active",
    "is_ai_directed",
    "is_valid",
    "machine_record",
    "measure",
    "once",
    "slices",
]

PRACTICE_DAYS = 365
"""Days for which records prove a step of a ladder or a fact; the instrument gives windows for metrics only."""
NOT_LEARNED = UNLEARNED | {REPEAT, CONFIRM, PERSON}
"""Engines whose suggestions no model made from outcomes."""
NOBODY = frozenset({"", "unknown"})
"""Names of nobody."""


@dataclass(frozen=True)
class Sources:
    """What the collectors of one unit may read."""

    unit: Unit
    instrument: Instrument
    as_of: date
    ledger: Ledger | None = None
    """None where there is no journal, or none of this unit."""
    audit: Audit | None = None
    """What became of the check of the journal's log, the worst of several; None where one was not checked."""
    audits: tuple[Audit, ...] = ()
    """The checks of all logs."""

    @property
    def integrity(self) -> Integrity:
        """What the check of the log says of whatever comes from the journal."""
        return "unhashed" if self.audit is None else "broken log" if self.audit.findings else "verified"

    @cached_property
    def parts(self) -> tuple[tuple[Slice, ...], tuple[Finding, ...]]:
        """The campaigns of the unit by realm, and what was left out: worked out once for all collectors."""
        return slices(self)

    @cached_property
    def declared(self) -> tuple[EvidenceRecord | Finding, ...]:
        """What people state in the unit's file of evidence, read once for all collectors."""
        return tuple(read_declared(self.unit))


@dataclass(frozen=True, eq=False)
class Window:
    """The started trials and the interventions of some campaigns between two days, both included.

    It equals no other, and what is computed of it can be kept with it, see `once`.
    """

    since: date
    until: date
    parts: tuple[tuple[Campaign, tuple[Trial, ...]], ...]
    newest: datetime
    """When its newest trial began."""

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """All its trials."""
        return tuple(trial for _, trials in self.parts for trial in trials)

    @cached_property
    def valid(self) -> tuple[Trial, ...]:
        """Those that gave a result, see `is_valid`."""
        return tuple(filter(is_valid, self.trials))

    @cached_property
    def kept(self) -> dict[object, Any]:
        """What functions have computed of it."""
        return {}

    def holds(self, moment: str) -> bool:
        """Whether a date lies in it."""
        return self.since.isoformat() <= moment[:10] <= self.until.isoformat()

    def interventions(self, campaign: Campaign) -> list[Intervention]:
        """What was done to a campaign in it."""
        return [each for each in campaign.interventions if self.holds(each.date)]


@dataclass(frozen=True)
class Slice:
    """Campaigns of one realm that count together."""

    realm: Realm
    configuration: str | None
    campaigns: tuple[Campaign, ...]
    identity: tuple[str, ...]
    """Model and serial number of each device of its newest campaign."""
    person: str
    """Who ran the newest campaign."""
    notes: tuple[str, ...]
    as_of: date

    def window(self, days: int) -> Window | None:
        """The trials that began in the last days, or in as many before the newest one; None where there are none."""
        if days not in self._windows:
            self._windows[days] = self._window(days)
        return self._windows[days]

    def _window(self, days: int) -> Window | None:
        first, last = FIRST_DAY.isoformat(), self.as_of.isoformat()
        past = list(filter(None, (campaign.newest_between(first, last) for campaign in self.campaigns)))
        if not past:
            return None
        newest = datetime.fromisoformat(max(past))
        until = self.as_of if newest.date() >= self.as_of - timedelta(days=days) else newest.date()
        since = until - timedelta(days=days)
        first, last = since.isoformat(), until.isoformat()
        chosen = ((campaign, campaign.begun_between(first, last)) for campaign in self.campaigns)
        parts = tuple((campaign, trials) for campaign, trials in chosen if trials)
        return Window(since, until, parts, newest)

    @cached_property
    def _windows(self) -> dict[int, Window | None]:
        return {}


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with what it was counted from."""

    value: float
    n: int | None = None
    successes: int | None = None
    interval: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    parts: Mapping[str, Sequence[int]] | None = None
    """Numbers of the trials behind it, by campaign; None for all of the window."""


P = ParamSpec("P")
Result = TypeVar("Result")


def once(function: Callable[Concatenate[Window, P], Result]) -> Callable[Concatenate[Window, P], Result]:
    """A function that looks at nothing but a window, and is asked for it several times: it is computed once."""

    @wraps(function)
    def computed(window: Window, *others: P.args, **named: P.kwargs) -> Result:
        if function not in window.kept:
            window.kept[function] = function(window, *others, **named)
        return window.kept[function]

    return computed


Metric = Callable[[Window, Sources], Measured | str]
"""A metric: from a window to a number, or to a sentence that says why there is none."""


def measure(sources: Sources, part: Slice, metric: str, query: str, function: Metric) -> EvidenceRecord | Finding:
    """Compute one metric over its window, or say why it cannot be computed.

    Args:
        sources: What may be read.
        part: The campaigns.
        metric: Id of the metric.
        query: Name of the query that its rows came from.
        function: Computes it.
    """
    window = part.window(sources.instrument.metrics[metric].window_days)
    if window is None:
        return not_computed(metric, "no trial has run", part.realm)
    found = function(window, sources)
    if isinstance(found, str):
        return not_computed(metric, found, part.realm)
    return machine_record(sources, part, window, metric, query, found)


def machine_record(
    sources: Sources,
    part: Slice,
    window: Window,
    subject: str,
    query: str,
    found: Measured,
    *,
    step: int | None = None,
    fact: Fact | None = None,
) -> EvidenceRecord:
    """The record of what was computed from a journal."""
    ledger = sources.ledger
    used = [campaign for campaign, _ in window.parts if found.parts is None or campaign.record.id in found.parts]
    digest = content_hash(
        [QUERIES[query], window.since.isoformat(), window.until.isoformat(), *(c.digest for c in used)]
    )
    is_metric = step is None and fact is None
    return EvidenceRecord(
        id=f"{subject}-{part.realm}-journal",
        unit=sources.unit.id,
        subject=subject,
        evidence_class="measured",
        realm=part.realm,
        method="EXAMINE",
        source=f"journal of {ledger.folder if ledger is not None and ledger.folder else 'the unit'}",
        collected=datetime(sources.as_of.year, sources.as_of.month, sources.as_of.day, tzinfo=UTC),
        value=found.value if is_metric else None,
        step=step,
        is_at_least=step is not None,
        fact=fact,
        n=found.n,
        successes=found.successes,
        interval=found.interval,
        observed=min(window.newest, datetime.combine(sources.as_of, datetime.max.time(), tzinfo=UTC)),
        window_days=None if is_metric else PRACTICE_DAYS,
        query=f"{QUERIES[query]} -- begun {window.since} to {window.until}",
        sha256=digest,
        integrity=sources.integrity,
        tool="autolab",
        tool_version=autolab.__version__,
        collector=query,
        attestor=part.person,
        identity=part.identity,
        configuration=part.configuration,
        runs=tuple(_runs(window, found)),
        notes=(*part.notes, *found.notes),
    )


def _runs(window: Window, found: Measured) -> Iterator[str]:
    for campaign, trials in window.parts:
        if found.parts is not None:
            numbers = sorted(found.parts.get(campaign.record.id, ()))
        else:
            numbers = [trial.number for trial in trials]
        if numbers:
            yield f"{campaign.record.id}: trials {_ranges(numbers)}"


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in rising order as people write them: ``1-3, 5``."""
    if list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):  # nearly always
        return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def slices(sources: Sources) -> tuple[tuple[Slice, ...], tuple[Finding, ...]]:
    """The campaigns of a unit by realm, and what was left out."""
    if sources.ledger is None:
        return (), ()
    by_realm: dict[Realm, list[tuple[Campaign, tuple[str, ...]]]] = defaultdict(list)
    findings: list[Finding] = []
    for campaign in sources.ledger.campaigns:
        realm, why = realm_of(campaign, sources.unit)
        by_realm[realm].append((campaign, why))
        findings += [Finding(f"{campaign.record.id}: {reason}") for reason in why]
    found: list[Slice] = []
    first, last = FIRST_DAY.isoformat(), sources.as_of.isoformat()
    odd = [c for c in sources.ledger.campaigns if len(c.begun_between(first, last)) < len(c.trials)]
    trials = [trial for campaign in odd for trial in campaign.trials]
    n_future = sum(trial.begun is not None and trial.begun[:10] > last for trial in trials)
    if n_future:
        said = f"{n_future} trials began after {sources.as_of}, the day of the assessment, and are not counted"
        findings.append(Finding(said, is_routine=True))
    n_past = sum(trial.begun is not None and trial.begun[:10] < first for trial in trials)
    if n_past:
        said = f"{n_past} trials say that they began before {FIRST_DAY}, and are not counted: look at the clock"
        findings.append(Finding(said))
    for realm in REALMS:
        if realm in by_realm:
            part, left_out = _slice(sources, realm, [campaign for campaign, _ in by_realm[realm]])
            found.append(part)
            findings += left_out
    return tuple(found), tuple(findings)


def realm_of(campaign: Campaign, unit: Unit) -> tuple[Realm, tuple[str, ...]]:
    """The realm that a campaign counts in: the worst that any of its records says, and why it is not physical.

    What no record says is simulated, and so is a physical one without a device's identity or a person's name.
    """
    said = {campaign.record.realm, *(d.realm for d in campaign.devices), *(t.realm for t in campaign.trials)}
    if not said <= set(REALMS):
        return "simulated", (f"its realm {sorted(said)} is not known: it counts as simulated",)
    if "simulated" in said:
        return "simulated", ()
    if "emulated" in said:
        return "emulated", ()
    name, kind = campaign.person
    if kind != "person" or name in NOBODY:
        return "simulated", (f"it says that it is physical, and {kind} {name!r} is no person: it counts as simulated",)
    read = frozenset[str]() if unit.identity is None else frozenset(unit.identity.devices)
    nameless = [device.name for device in campaign.devices if not device.serial_number and device.name not in read]
    if nameless or not campaign.devices:
        which = ", ".join(nameless) or "no device"
        why = f"it says that it is physical, and {which} has no serial number: it counts as simulated"
        return "simulated", (why,)
    return "physical", ()


def _slice(sources: Sources, realm: Realm, campaigns: list[Campaign]) -> tuple[Slice, list[Finding]]:
    present = sources.unit.configuration
    hashes = {campaign.record.lab_hash: campaign for campaign in campaigns}
    by_hash = {key: configuration_hash(campaign.record.lab_file) for key, campaign in hashes.items()}
    same = [campaign for campaign in campaigns if by_hash[campaign.record.lab_hash] == present]
    chosen, findings = same or campaigns, list[Finding]()
    if same and len(same) < len(campaigns):
        others = [campaign.record.id for campaign in campaigns if campaign not in same]
        said = f"{', '.join(others)}: ran on another configuration of {sources.unit.id}, and is not counted"
        findings.append(Finding(said, is_routine=True))
    newest = max(chosen, key=lambda campaign: campaign.record.created)
    plates = {} if sources.unit.identity is None else dict(sources.unit.identity.devices)
    identity = tuple(
        f"{device.name}: {device.model}, {device.serial_number}"
        if device.serial_number
        else plates.get(device.name, "")
        for device in newest.devices
    )
    configuration = by_hash[newest.record.lab_hash]
    notes = () if configuration == present else (f"run on another configuration of {sources.unit.id}",)
    person = newest.person[0] if newest.person[1] == "person" and newest.person[0] not in NOBODY else ""
    return Slice(realm, configuration or "unknown", tuple(chosen), identity, person, notes, sources.as_of), findings


def is_valid(trial: Trial) -> bool:
    """Whether a trial has given a result that the proposer has learned from."""
    return trial.state == "ingested" and trial.outcome is not None


def is_ai_directed(trial: Trial) -> bool:
    """Whether a model chose the trial from outcomes. A permit is bound to its values, so it ran unedited."""
    return trial.engine not in NOT_LEARNED and trial.is_informed


def hours_active(trials: Sequence[Trial]) -> float:
    """Hours of a campaign's lab time from the first start to the last end; what passed while it stood is not in it."""
    return (max(t.ended_s for t in trials) - min(t.begun_s or 0.0 for t in trials)) / 3600.0
