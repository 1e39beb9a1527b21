"""Proof tests, trips and bypasses: whether the interlocks act, and how long a stop takes.

The proof test of this version exercises simulated sensors, whatever the lab is: what it shows is simulated.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import autolab
from autolab.config.specs import LabSpec
from autolab.core.canonical import content_hash
from autolab.core.interlocks import RELAY
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding, not_computed
from facility_review.ledger import Proof
from facility_review.measuring import Sources
from facility_review.queries import QUERIES

__all__ = ["COLLECTOR"]

STOP = "the emergency stop is pressed"
WATCHED = frozenset({"the controller is killed", "the controller hangs"})
"""Causes at which the watchdog, and nothing else, takes the power away."""


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """What the newest proof test of the unit shows."""
    lab, ledger = sources.unit.lab, sources.ledger
    proofs = [] if ledger is None else [p for p in ledger.proofs if p.date[:10] <= sources.as_of.isoformat()]
    if lab is None or not proofs:
        for metric in ("m_interlock_assured", "m_estop_ratio"):
            how = f"state it in evidence.yaml, with 'metric: {metric}' and the signed test report"
            how = how if lab is None else f"run 'autolab safety proof-test {shlex.quote(lab.source.file)}'"
            yield not_computed(metric, f"no proof test is recorded: {how}")
        return
    newest = max(proofs, key=lambda proof: (proof.date, proof.id))
    yield from _interlocks(sources, lab, newest)
    yield from _stop_time(sources, newest)
    yield from _separation(sources, lab, newest)


COLLECTOR = Collector("proofs", "journal: proof tests, trips, bypasses, stop and watchdog timings", collect)


def _interlocks(sources: Sources, lab: LabSpec, proof: Proof) -> Iterator[EvidenceRecord | Finding]:
    """Interlocks of the lab file that passed on every path and are not bypassed, over all that trip or permit."""
    credited = [rule.name for rule in lab.interlocks if rule.effect != "alarm"]
    if not credited:
        said = "the lab file declares no interlock that trips or permits"
        yield not_computed("m_interlock_assured", said)
        return
    tested = {path.rule for path in proof.paths}
    failed = {path.rule for path in proof.paths if not path.passed}
    bypassed = set(_bypassed(sources))
    good = [name for name in credited if name in tested - failed - bypassed]
    lacking = sorted(set(credited) - set(good))
    notes = (f"not assured: {', '.join(lacking)}",) if lacking else ()
    n = len(credited)
    yield _record(sources, proof, "m_interlock_assured", value=len(good) / n, n=n, successes=len(good), notes=notes)


def _bypassed(sources: Sources) -> Iterator[str]:
    """Rules that are out of service at any time of the day of the assessment."""
    begin = datetime.combine(sources.as_of, datetime.min.time(), tzinfo=UTC)
    end = begin + timedelta(days=1)
    for row in () if sources.ledger is None else sources.ledger.bypasses:
        until_s = row["until_s"] if row["ended_s"] is None else min(row["until_s"], row["ended_s"])
        if row["approver"] is not None and row["since_s"] < end.timestamp() and until_s >= begin.timestamp():
            yield row["rule"]


def _stop_time(sources: Sources, proof: Proof) -> Iterator[EvidenceRecord | Finding]:
    """Longest time from the emergency stop to no power, over the design limit."""
    limit_s, metric = sources.unit.requirements.stop_limit_s, "m_estop_ratio"
    times = [path.power_ms for path in proof.paths if path.rule == RELAY and path.cause == STOP and path.power_ms]
    if limit_s is None or not times:
        why = (
            "no design limit is declared ('requirements: stop_limit_s' in evidence.yaml)"
            if times
            else "the proof test has timed no emergency stop"
        )
        yield not_computed(metric, why)
        return
    notes = ("from the press to no power; when a motion that coasts has ended is not timed",)
    yield _record(sources, proof, metric, value=max(times) / 1000.0 / limit_s, n=len(times), notes=notes)


def _separation(sources: Sources, lab: LabSpec, proof: Proof) -> Iterator[EvidenceRecord]:
    """SAF-05, step 2: a separate watchdog that took the power away when the controller died and when it hung."""
    passed = {path.cause for path in proof.paths if path.rule == RELAY and path.passed}
    if lab.power is not None and passed >= WATCHED:
        yield _record(sources, proof, "SAF-05", step=2)


def _record(
    sources: Sources,
    proof: Proof,
    subject: str,
    *,
    value: float | None = None,
    n: int | None = None,
    successes: int | None = None,
    step: int | None = None,
    notes: tuple[str, ...] = (),
) -> EvidenceRecord:
    lab = sources.unit.lab
    is_present = lab is not None and proof.lab_hash == lab.content_hash
    ledger = sources.ledger
    return EvidenceRecord(
        id=f"{subject}-proof-{proof.id}",
        unit=sources.unit.id,
        subject=subject,
        evidence_class="measured",
        realm="simulated",
        method="TEST",
        source=f"journal of {ledger.folder if ledger is not None else 'the unit'}, proof test {proof.id}",
        collected=datetime.combine(date.fromisoformat(proof.date[:10]), datetime.min.time(), tzinfo=UTC),
        value=value,
        n=n,
        successes=successes,
        step=step,
        is_at_least=step is not None,
        window_days=365,
        query=QUERIES["proof paths"],
        sha256=content_hash(proof),
        integrity=sources.integrity,
        tool="autolab safety proof-test",
        tool_version=autolab.__version__,
        collector="proofs",
        attestor=proof.by,
        configuration=sources.unit.configuration if is_present else f"of lab file {proof.lab_hash}",
        runs=(f"proof test {proof.id}",),
        notes=("exercised on simulated sensors", *notes),
    )
