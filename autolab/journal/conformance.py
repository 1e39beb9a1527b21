"""Conformance tests of devices, as the record has them."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.canonical import content_hash
from autolab.core.principals import Principal
from autolab.journal.database import Database
from autolab.journal.journal import Journal
from autolab.journal.records import DeviceRecord

__all__ = ["CheckRecord", "ConformanceTest", "conformance_tests", "keep_conformance"]


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """What one check has found."""

    name: str
    verdict: str
    """``passed``, ``failed`` or ``not applicable``."""
    seen: str
    ms: float | None


@dataclass(frozen=True, slots=True)
class ConformanceTest:
    """One test of one device."""

    lab: str
    lab_hash: str
    device: DeviceRecord
    software: str
    """The version of autolab that tested it."""
    source_hash: str
    """Of the file of the device's class."""
    checks: tuple[CheckRecord, ...]
    by: str
    date: str = ""
    """When it was recorded, in UTC; empty before."""
    id: int = 0

    @property
    def passed(self) -> bool:
        """Whether no check has failed, and at least one had something to look at."""
        verdicts = {check.verdict for check in self.checks}
        return "failed" not in verdicts and "passed" in verdicts

    @property
    def sha256(self) -> str:
        """Over who, what and all that was seen; the date is that of the log's entry."""
        who = (self.lab, self.lab_hash, self.device, self.software, self.source_hash, self.by)
        return content_hash([*who, self.checks])


def keep_conformance(journal: Journal, test: ConformanceTest, by: Principal) -> str:
    """Record a test in one commit. Returns its date."""
    states, device = journal.states, test.device
    with journal.commit():
        date = journal.date()
        number = states.insert(
            "conformance_tests",
            lab=test.lab,
            lab_hash=test.lab_hash,
            device=device.name,
            **{"class": device.class_name},
            address=device.address,
            model=device.model,
            serial_number=device.serial_number,
            realm=device.realm,
            software=test.software,
            source_hash=test.source_hash,
            passed=int(test.passed),
            sha256=test.sha256,
            principal=journal.principal(by),
            date=date,
        )
        for place, check in enumerate(test.checks, 1):
            seen = {"name": check.name, "verdict": check.verdict, "seen": check.seen, "ms": check.ms}
            states.insert("conformance_checks", test=number, number=place, **seen)
    return date


def conformance_tests(states: Database, lab: str) -> list[ConformanceTest]:
    """The tests of a lab's devices, the oldest first."""
    query = "SELECT t.*, p.name AS person FROM conformance_tests t JOIN principals p ON p.id = t.principal "
    checks = "SELECT name, verdict, seen, ms FROM conformance_checks WHERE test = ? ORDER BY number"
    return [
        ConformanceTest(
            row["lab"],
            row["lab_hash"],
            DeviceRecord(row["device"], row["class"], row["address"], row["model"], row["serial_number"], row["realm"]),
            row["software"],
            row["source_hash"],
            tuple(CheckRecord(**check) for check in states.rows(checks, (row["id"],))),
            row["person"],
            row["date"],
            row["id"],
        )
        for row in states.rows(f"{query} WHERE t.lab = ? ORDER BY t.id", (lab,))
    ]
