"""The lab as a whole: its devices, its stock, what protects it, and who did what."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from autolab.compose.bypassing import known_bypasses
from autolab.config.specs import LabSpec
from autolab.core.clock import Clock
from autolab.core.envelope import Limit, RangeLimit
from autolab.core.errors import AutolabError
from autolab.journal.database import Database
from autolab.journal.folder import has_controller
from autolab.journal.reader import JournalReader
from autolab.report.numbers import number_text, unit_text, with_unit
from autolab.server.models import AlarmView, AuditLine, BypassView, DeviceView, LabView, ProofPathView, ProofView
from autolab.server.settings import Settings
from autolab.server.waiting import latched_trips
from safety.bypasswords import bypass_text
from safety.supply import power_state

__all__ = ["alarms_of", "audit_page", "devices_of", "lab_view", "limits_of", "newest_campaign", "proof_of"]

MOST_DOCUMENTS = 200
MOST_ALARMS = 50
_DEEDS = """
SELECT 'access' AS kind, a.id, a.date, p.name, p.kind AS person, a.what, '' AS about, a.detail
FROM accesses a JOIN principals p ON p.id = a.principal
UNION ALL
SELECT 'intervention', i.id, i.date, p.name, p.kind, i.cause, i.campaign || coalesce(' trial ' || i.trial, ''), i.detail
FROM interventions i JOIN principals p ON p.id = i.principal
UNION ALL
SELECT 'request', r.id, r.date, p.name, p.kind, r.verb, r.campaign, coalesce(r.answer, 'no answer yet')
FROM requests r JOIN principals p ON p.id = r.principal
"""


def lab_view(reader: JournalReader, lab: LabSpec, settings: Settings, clock: Clock) -> LabView:
    """The lab as a whole."""
    power = power_state(settings.data, lab.name) or {}
    tests = reader.states.rows(
        "SELECT date, passed, lab_hash FROM proof_tests WHERE lab = ? ORDER BY id DESC LIMIT 1", (lab.name,)
    )
    return LabView(
        name=lab.name,
        laboratory=lab.laboratory,
        has_controller=has_controller(settings.data),
        power=power.get("power"),
        latch=power.get("latch"),
        trips=[trip["cause"] for trip in latched_trips(reader.states, lab.name)],
        alarms=alarms_of(reader.states, lab.name),
        bypasses=_bypasses(reader.states, lab.name),
        proof_test=_proof(tests[0], lab) if tests else None,
        now=clock.date().isoformat(timespec="seconds"),
    )


def alarms_of(states: Database, lab: str) -> list[AlarmView]:
    """Alarms and trips of a lab, the newest first; each with how many followed it."""
    rows = states.rows(
        "SELECT a.*, (SELECT COUNT(*) FROM alarms f WHERE f.head = a.id) AS n FROM alarms a "
        "WHERE a.lab = ? AND a.head IS NULL ORDER BY a.id DESC LIMIT ?",
        (lab, MOST_ALARMS),
    )
    return [
        AlarmView(what=row["what"], rule=row["rule"], cause=row["cause"], date=row["date"], followers=row["n"])
        for row in rows
    ]


def newest_campaign(states: Database) -> str | None:
    """Id of the newest campaign; None where there was none."""
    rows = states.rows("SELECT id FROM campaigns ORDER BY rowid DESC LIMIT 1")
    return rows[0]["id"] if rows else None


def devices_of(reader: JournalReader, lab: LabSpec, *, is_alive: bool) -> list[DeviceView]:
    """The devices that the lab file names, as the newest campaign has met them.

    Args:
        reader: The journal.
        lab: The lab.
        is_alive: Whether a controller runs that campaign: only then does a device do what was begun.
    """
    newest = newest_campaign(reader.states)
    known = {record.name: record for record in reader.devices(newest)} if newest else {}
    read, deeds = (_readings(reader, newest, lab.devices), _deeds(reader, newest)) if newest else ({}, {})
    found: list[DeviceView] = []
    for name, spec in lab.devices.items():
        met = known.get(name)
        doing, last, last_s, fault = deeds.get(name, (None, None, None, None))
        found.append(
            DeviceView(
                name=name,
                class_name=spec.class_name,
                address=met.address if met else str(spec.at),
                model=met.model if met else "",
                serial_number=met.serial_number if met else "",
                realm=met.realm if met else "not met yet",
                limits=[_limit(each) for signal, each in lab.envelope.items() if signal.partition(".")[0] == name],
                doing=doing if is_alive else None,
                last=last,
                last_lab_s=last_s,
                fault=fault,
                readings=read.get(name, []),
            )
        )
    return found


def audit_page(states: Database, *, before: str | None, limit: int, who: str | None = None) -> list[AuditLine]:
    """Who did what, the newest first.

    Args:
        states: Database of the states.
        before: Only what was done before this date.
        limit: At most so many.
        who: Only what this one did.
    """
    rows = states.rows(
        f"SELECT * FROM ({_DEEDS}) WHERE (?1 IS NULL OR date < ?1) AND (?2 IS NULL OR name = ?2) "  # noqa: S608 (our own text)
        "ORDER BY date DESC, kind, id DESC LIMIT ?3",
        (before, who, limit),
    )
    return [
        AuditLine(
            id=f"{row['kind']}-{row['id']}", date=row["date"], by=row["name"], kind=row["person"], what=row["what"],
            about=row["about"], detail=row["detail"],
        )
        for row in rows
    ]  # fmt: skip


def _bypasses(states: Database, lab: str) -> list[BypassView]:
    try:
        return [
            BypassView(
                text=bypass_text(one), rule=one.rule, asked_by=one.requester.name, is_approved=one.approver is not None
            )
            for one in known_bypasses(states, lab)
        ]
    except AutolabError as error:
        return [BypassView(text=str(error), rule="", asked_by="", is_approved=False)]


def proof_of(states: Database, lab: LabSpec) -> ProofView | None:
    """The last proof test of a lab; None where there was none."""
    tests = states.rows(
        "SELECT t.*, p.name FROM proof_tests t JOIN principals p ON p.id = t.principal WHERE t.lab = ? "
        "ORDER BY t.id DESC LIMIT 1",
        (lab.name,),
    )
    if not tests:
        return None
    (test,) = tests
    paths = states.rows("SELECT * FROM proof_paths WHERE test = ? ORDER BY number", (test["id"],))
    return ProofView(
        date=test["date"],
        by=test["name"],
        passed=bool(test["passed"]),
        is_of_this_file=test["lab_hash"] == lab.content_hash,
        paths=[
            ProofPathView(
                rule=path["rule"], cause=path["cause"], passed=bool(path["passed"]), latch_ms=path["latch_ms"],
                power_ms=path["power_ms"], seen=path["seen"],
            )
            for path in paths
        ],
    )  # fmt: skip


def limits_of(lab: LabSpec) -> list[tuple[str, str, str, str]]:
    """Each limit of the envelope: signal, what it may be, its tier, and where it goes in the safe state."""
    return [
        (each.signal, _limit(each).partition(": ")[2], each.tier, _safe(each)) for each in lab.envelope.values()
    ]  # fmt: skip


def _safe(limit: Limit) -> str:
    if not isinstance(limit, RangeLimit):
        return "–"
    return "stays" if limit.safe == "hold" else with_unit(number_text(limit.safe), limit.unit)


def _proof(row: dict[str, Any], lab: LabSpec) -> str:
    said = "passed" if row["passed"] else "FAILED"
    changed = "" if row["lab_hash"] == lab.content_hash else "; the lab file has changed since"
    return f"{said} on {row['date'][:10]}{changed}"


def _limit(limit: Limit) -> str:
    name = limit.signal.partition(".")[2]
    if isinstance(limit, RangeLimit):
        return with_unit(f"{name}: {number_text(limit.lower)} to {number_text(limit.upper)}", limit.unit)
    return f"{name}: {limit.pattern or ', '.join(str(value) for value in limit.values)}"


def _deeds(reader: JournalReader, campaign: str) -> dict[str, tuple[str | None, str | None, float | None, str | None]]:
    """What each device does now, what it did last and when, and its last fault."""
    found: dict[str, tuple[str | None, str | None, float | None, str | None]] = {}
    rows = reader.states.rows(
        "SELECT rowid AS at, device, trial, operation, state, detail, intended_lab_s FROM intents WHERE campaign = ? "
        "ORDER BY trial DESC, rowid DESC LIMIT ?",
        (campaign, MOST_DOCUMENTS),
    )
    rows.sort(key=lambda row: row["at"], reverse=True)
    for row in rows:
        phase = row["operation"].split(".")[3] if row["operation"].count(".") == 4 else row["operation"]
        what = f"{phase} of trial {row['trial']}"
        doing, last, last_s, fault = found.get(row["device"], (None, None, None, None))
        if row["state"] == "intended" and last is None:
            doing = what
        if row["state"] == "failed" and fault is None:
            fault = f"{what}: {row['detail']}"
        if last is None:
            end = "begun, and not settled" if row["state"] == "intended" else row["state"]
            last, last_s = f"{what} ({end})", row["intended_lab_s"]
        found[row["device"]] = (doing, last, last_s, fault)
    return found


def _readings(reader: JournalReader, campaign: str, names: Collection[str]) -> dict[str, list[str]]:
    """The last value of each reading by device, from the newest documents. A plan may read a signal by itself."""

    def device_of(read: str) -> str:
        return max((name for name in names if f"{read}_".startswith(f"{name}_")), key=len, default=read)

    devices: dict[str, str] = {}
    units: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, document in reader.newest_documents(campaign, MOST_DOCUMENTS):
        if name == "descriptor":
            devices |= {key: device_of(read) for read, keys in document.get("object_keys", {}).items() for key in keys}
            units |= {key: str(one.get("units") or "") for key, one in document.get("data_keys", {}).items()}
        elif name == "event":
            values = {**document["data"], **values}
    found: dict[str, list[str]] = {}
    for key, value in values.items():
        if isinstance(value, int | float | str) and key in devices:
            said = number_text(float(value)) if isinstance(value, float) else str(value)
            found.setdefault(devices[key], []).append(with_unit(f"{key} {said}", unit_text(units.get(key, ""))))
    return found
