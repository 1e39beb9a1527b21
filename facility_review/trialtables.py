"""Trials of laboratories that do not run autolab: what their records say, in the few columns that metrics share.

None of it is hash-chained, so nobody can show that it is complete: it is documented at best, whatever it says.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import autolab
from facility_review.evidence import FIRST_DAY, LAST_DAY, EvidenceRecord, Finding
from facility_review.inputs import REALMS, Realm
from facility_review.measuring import Sources
from facility_review.statistics import wilson
from facility_review.unitfiles import file_hash

__all__ = ["COLUMNS", "ForeignTrial", "foreign_records", "read_documents", "read_table"]

COLUMNS = ("trial", "begun", "ended", "status", "chosen_by", "realm", "person")
"""Columns of a trial table. ``status``: *valid*, *failed* or *aborted*. ``chosen_by``: *ai*, *design* or *person*."""
STATUSES = ("valid", "failed", "aborted")
CHOOSERS = ("ai", "design", "person")
_SPAN = f"{FIRST_DAY.year} to {LAST_DAY.year}"
METRICS = ("m_valid_yield", "m_ai_directed_share")


@dataclass(frozen=True, slots=True)
class ForeignTrial:
    """One trial of another system."""

    id: str
    begun: datetime
    status: str
    chosen_by: str
    """Empty where the record does not say."""
    realm: Realm
    person: str


def read_table(path: Path) -> Iterator[ForeignTrial | Finding]:
    """Read a trial table: CSV with a head of `COLUMNS`; ``ended`` may be empty."""
    place = str(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        yield Finding(f"cannot be read as a table ({error}): none of it counts", place)
        return
    missing = [name for name in COLUMNS if rows and name not in rows[0]]
    if missing or not rows:
        said = f"has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}" if missing else "holds no trial"
        yield Finding(f"{said}: none of it counts", place, 1)
        return
    seen: dict[str, int] = {}
    for line, row in enumerate(rows, 2):
        values = {name: str(row.get(name) or "").strip() for name in COLUMNS}
        if problem := _problem(values, seen):
            yield Finding(f"{problem}: this row does not count", place, line)
            continue
        seen[values["trial"]] = line
        realm = cast("Realm", values["realm"])
        begun = _moment(values["begun"]) or datetime.min.replace(tzinfo=UTC)
        yield ForeignTrial(values["trial"], begun, values["status"], values["chosen_by"], realm, values["person"])


def _problem(values: Mapping[str, str], seen: Mapping[str, int]) -> str | None:
    known = {"status": STATUSES, "chosen_by": CHOOSERS, "realm": REALMS}
    for name, words in known.items():
        if values[name] not in words:
            return f"{name} {values[name]!r} is not known: write {', '.join(words)}"
    if not values["trial"]:
        return "the trial has no id"
    if values["trial"] in seen:
        return f"the trial {values['trial']!r} stands in line {seen[values['trial']]} too"
    return (
        None
        if _moment(values["begun"])
        else f"begun {values['begun']!r} is no date from {_SPAN}: write 2026-10-01T12:00:00+00:00"
    )


def _moment(text: str) -> datetime | None:
    """A date in UTC; one without a zone is. None also for one that nothing which is reviewed can have."""
    try:
        found = datetime.fromisoformat(text)
        moment = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if FIRST_DAY <= moment.date() <= LAST_DAY else None


def read_documents(path: Path) -> Iterator[ForeignTrial | Finding]:
    """Read Bluesky documents, one ``[name, document]`` a line: each run is a trial.

    A start document may carry ``realm`` and ``operator`` (or ``user``), and ``proposed_by`` (*ai*, *design*, *person*);
    a run without a realm is simulated, and so is one with a device whose configuration says ``is_simulated``. It is
    valid where its first stop document says *success*.
    """
    place, starts = str(path), dict[str, dict[str, Any]]()
    stops, simulated = dict[str, str](), set[str]()
    try:
        with path.open(encoding="utf-8") as file:
            for line, text in enumerate(file, 1):
                if text.strip() and (problem := _take(text, starts, stops, simulated)):
                    yield Finding(f"{problem}: this line does not count", place, line)
    except (OSError, UnicodeDecodeError) as error:
        yield Finding(f"cannot be read ({error}): none of it counts", place)
        return
    words = {"success": "valid", "fail": "failed", "abort": "aborted"}
    yield from _twins(starts, place)
    for uid, start in starts.items():
        said = "simulated" if uid in simulated else str(start.get("realm", "simulated"))
        realm = said if said in REALMS else "simulated"
        chosen = str(start.get("proposed_by", ""))
        person = str(start.get("operator") or start.get("user") or "")
        begun = datetime.fromtimestamp(float(start["time"]), UTC)
        status = words.get(stops.get(uid, "abort"), "aborted")
        yield ForeignTrial(uid, begun, status, chosen if chosen in CHOOSERS else "", realm, person)


def _twins(starts: Mapping[str, Mapping[str, Any]], place: str) -> Iterator[Finding]:
    """Says which runs began at the same moment: they may be copies of one."""
    by_time: dict[float, list[str]] = {}
    for uid, start in starts.items():
        by_time.setdefault(float(start["time"]), []).append(uid)
    for time, uids in by_time.items():
        if len(uids) > 1:
            shown = ", ".join(uids[:5]) + (", …" if len(uids) > 5 else "")
            said = f"{len(uids)} runs have the start time {time:.15g} ({shown}): look whether they are copies of one"
            yield Finding(said, place)


def _take(text: str, starts: dict[str, dict[str, Any]], stops: dict[str, str], simulated: set[str]) -> str | None:
    """Take one line; says what is wrong with it."""
    try:
        name, document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()  # half of a letter cannot be written into a report
        if name == "start":
            if not FIRST_DAY <= datetime.fromtimestamp(float(document["time"]), UTC).date() <= LAST_DAY:
                return f"the time {document['time']!r} is not from {_SPAN}, in seconds since 1970"
            if starts.setdefault(str(document["uid"]), document) is not document:
                return f"run {document['uid']!r} has a start document already, and the first one stands"
        elif name == "descriptor":
            if _says_simulated(document.get("configuration")):
                simulated.add(str(document["run_start"]))
        elif name == "stop":
            uid = str(document["run_start"])
            if uid in stops:
                return f"run {uid!r} has a stop document already, and the first one stands"
            stops[uid] = str(document.get("exit_status"))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError, RecursionError):
        return "it is no Bluesky document: write '[\"start\", {…}]', one a line"
    return None


def _says_simulated(configuration: Any) -> bool:
    """Whether any device's configuration has a key that ends in ``is_simulated`` and is true."""
    if not isinstance(configuration, dict):
        return False
    return any(
        (str(key).endswith("is_simulated") and str(value).strip().lower() in ("true", "1", "1.0"))
        or _says_simulated(value)
        for key, value in cast("dict[str, Any]", configuration).items()
    )


def foreign_records(
    sources: Sources, path: Path, found: Iterable[ForeignTrial | Finding], collector: str
) -> Iterator[EvidenceRecord | Finding]:
    """The metrics that such trials give, for each realm, each over its window."""
    trials: list[ForeignTrial] = []
    for each in found:
        if isinstance(each, Finding):
            yield each
        else:
            trials.append(each)
    if not trials:
        return
    digest = file_hash(path)
    for realm in REALMS:
        mine = [trial for trial in trials if trial.realm == realm and trial.begun.date() <= sources.as_of]
        for metric in METRICS if mine else ():
            yield from _record(sources, path, digest, mine, metric, realm, collector)


def _record(
    sources: Sources, path: Path, digest: str, trials: list[ForeignTrial], metric: str, realm: Realm, collector: str
) -> Iterator[EvidenceRecord | Finding]:
    days = sources.instrument.metrics[metric].window_days
    newest = max(trial.begun for trial in trials)
    last = sources.as_of if (sources.as_of - newest.date()).days <= days else newest.date()
    chosen = [trial for trial in trials if 0 <= (last - trial.begun.date()).days <= days]
    if metric == "m_ai_directed_share" and not all(trial.chosen_by for trial in chosen):
        yield Finding(f"{metric}: not computed: not all runs say who proposed them", str(path), subject=metric)
        return
    good = [t for t in chosen if (t.status == "valid" if metric == "m_valid_yield" else t.chosen_by == "ai")]
    people = sorted({trial.person for trial in chosen})
    yield EvidenceRecord(
        id=f"{metric}-{realm}-{path.name}".replace(" ", "-"),
        unit=sources.unit.id,
        subject=metric,
        evidence_class="documented",
        realm=realm,
        method="EXAMINE",
        source=str(path),
        collected=datetime.combine(sources.as_of, datetime.min.time(), tzinfo=UTC),
        value=len(good) / len(chosen),
        n=len(chosen),
        successes=len(good),
        interval=wilson(len(good), len(chosen)),
        observed=newest,
        query=f"trials begun in the {days} days to {last}",
        sha256=digest,
        tool="autolab",
        tool_version=autolab.__version__,
        collector=collector,
        attestor=", ".join(people) if all(people) else "",
        identity=sources.unit.identified if realm == "physical" else (),
        runs=tuple(trial.id for trial in chosen),
        notes=("the records of another system, in which nobody can show that none is missing",),
        file=str(path),
    )
