"""Conformance tests of devices: which drivers were shown to keep what every device has to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

import autolab
from autolab.config.specs import LabSpec
from autolab.core.canonical import content_hash
from autolab.journal.conformance import ConformanceTest
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.inputs import REALMS, Realm
from facility_review.measuring import Sources

__all__ = ["COLLECTOR"]

METRIC = "m_open_interface"
DAYS = 180
"""Window of the metric: a test that is older says nothing of the driver as it is."""


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """Devices behind a published standard, or behind a driver that has passed, over all devices.

    It takes the place of what the lab file alone gives, which counts the published standard only.
    """
    lab = sources.unit.lab
    if lab is None or sources.ledger is None:
        return
    newest = _newest(sources, lab)
    for name, test in newest.items():
        if not test.passed:
            failed = ", ".join(check.name for check in test.checks if check.verdict == "failed")
            said = f"{name} does not conform ({failed or 'nothing could be checked'}), tested on {test.date[:10]}"
            yield Finding(f"{said}: mend the driver, then run 'autolab conformance' again", lab.source.file)
    passed = {name: test for name, test in newest.items() if test.passed}
    if passed:
        yield _record(sources, lab, passed)


COLLECTOR = Collector("conformance", "journal: conformance tests of devices", collect)


def _newest(sources: Sources, lab: LabSpec) -> Mapping[str, ConformanceTest]:
    """The newest test of each device that is still of the class that was tested, within the window."""
    since = (sources.as_of - timedelta(days=DAYS)).isoformat()
    until = sources.as_of.isoformat()
    tests = () if sources.ledger is None else sources.ledger.conformance
    return {
        test.device.name: test
        for test in tests
        if since <= test.date[:10] <= until
        and test.device.name in lab.devices
        and lab.devices[test.device.name].class_name == test.device.class_name
    }


def _record(sources: Sources, lab: LabSpec, passed: Mapping[str, ConformanceTest]) -> EvidenceRecord:
    standard = {name for name, device in lab.devices.items() if device.at.kind == "epics"}
    n, n_open = len(lab.devices), len(standard | passed.keys())
    tests = list(passed.values())
    untested = sorted(lab.devices.keys() - standard - passed.keys())
    ledger, last = sources.ledger, date.fromisoformat(max(test.date for test in tests)[:10])
    return EvidenceRecord(
        id=f"{METRIC}-conformance",
        unit=sources.unit.id,
        subject=METRIC,
        evidence_class="measured",
        realm=_realm(tests),
        method="TEST",
        source=f"journal of {ledger.folder if ledger is not None and ledger.folder else 'the unit'}",
        collected=datetime.combine(last, datetime.min.time(), tzinfo=UTC),
        value=n_open / n,
        n=n,
        successes=n_open,
        query="devices at an 'epics' address or whose newest conformance test has passed, over all devices",
        sha256=content_hash([test.sha256 for test in tests]),
        integrity=sources.integrity,
        window_days=DAYS,
        tool="autolab conformance",
        tool_version=autolab.__version__,
        collector="conformance",
        attestor=max(tests, key=lambda test: test.date).by,
        identity=sources.unit.identified
        or tuple(f"{test.device.name}: {test.device.model}, {test.device.serial_number}" for test in tests),
        configuration=sources.unit.configuration,
        supersedes=(f"{METRIC}-lab-file",),
        runs=tuple(f"conformance test {test.id}" for test in tests),
        notes=(f"neither: {', '.join(untested)}",) if untested else (),
    )


def _realm(tests: list[ConformanceTest]) -> Realm:
    """The weakest realm in which one of them was tested."""
    said = {test.device.realm for test in tests}
    weakest: Realm = "simulated"
    for realm in REALMS:
        if realm in said:
            weakest = realm
    return weakest
