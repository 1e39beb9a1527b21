"""A unit from its files and its journal to its level: collect, reduce, score."""

from __future__ import annotations

import atexit
import base64
import hashlib
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from autolab.core.principals import Principal
from facility_review.assessment import Assessment
from facility_review.collecting import collect
from facility_review.evidence import EvidenceRecord
from facility_review.instrument import load_instrument
from facility_review.reduction import examine
from facility_review.scoring import score
from facility_review.units import Unit, configuration_hash, load_units
from tests.facility_review.journals import IDENTITY, Bench, bench, lab_text

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()
KEY = base64.b64encode(hashlib.sha256(b"ada").digest()).decode()
PEOPLE = f"people:\n  Ada: {{key: '{KEY}', may: [approve]}}\n"
LAB = lab_text().replace("serial: /dev/ttyUSB0", 'epics: "BENCH:PUMP:"') + PEOPLE
EXAMPLES = Path(__file__).with_name("worked_examples.yaml")


def _campaigns(made: Bench) -> None:
    """Three closed loops of 40 trials of half an hour, and five references; one intervention in all."""
    for number in range(5):
        run = made.begin("ax", budget=40)
        for trial in range(40):
            spread = {"cyan": 2.5 * trial, "time": float(1 + 2.5 * trial)}
            value = 9.0 - 0.2 * trial if trial < 8 + number % 3 else 1.0
            run.trial(value, values=spread, informed=trial >= 5, engine="ax" if trial >= 5 else "sobol", seconds=1800.0)
        if number == 2:
            run.intervene("refuse")
        run.end()
    for number in range(5):
        run = made.begin("random", budget=40)
        run.trials([8.0, 7.5] * 17 + [1.9] * (5 - number), engine="random", informed=False, seconds=10.0)
        run.end()


def _entries(known: set[str], unit: str = "B") -> list[dict[str, Any]]:
    """What the second worked example states, as far as the journal does not say it."""
    stated = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))["units"][unit]["input"]
    metrics = {item.metric.id: key for key, item in INSTRUMENT.criteria.items() if item.metric is not None}
    found: list[dict[str, Any]] = []
    for key, answer in {**stated["records"], **stated["extra_metrics"]}.items():
        if key in known or key in {metrics.get(metric) for metric in known}:
            continue
        entry: dict[str, Any] = {"criterion" if key in INSTRUMENT.criteria else "metric": key}
        entry |= {name: answer[name] for name in ("value", "step", "n") if name in answer}
        entry |= {"class": answer["class"], "realm": "physical", "by": "Grace Hopper", "date": "2026-11-01"}
        entry |= {"valid_until": "2027-11-01", "query": "as in the report", "tool": "logtool"}
        if "ci" in answer:
            entry["interval"] = [float(bound) for bound in answer["ci"]]
        found.append(entry)
    facts = {"hold_requests_honoured_share": 1.0, "open_serious_events": 0, "assessor_independence": "peer"}
    for fact, value in facts.items():
        entry = {"fact": fact, "value": value, "class": "documented", "realm": "physical", "by": "Grace Hopper"}
        found.append(entry | {"date": "2026-11-01", "valid_until": "2027-11-01", "n": 40, "independence": "peer"})
    return found


def assessed(folder: Path, *, realm: str = "physical", change: dict[str, dict[str, Any]] | None = None) -> Assessment:
    """The generated unit, with some of its entries changed."""
    files = folder / "files"
    files.mkdir()
    (files / "lab.yaml").write_text(LAB, encoding="utf-8")
    report = b"signed test report"
    (files / "report.pdf").write_bytes(report)
    unit = load_units([files / "lab.yaml"])[0]
    assert unit.lab is not None
    data = _journal(realm, unit.lab.envelope_hash)
    known = {each.subject for each in collect([unit], [data], INSTRUMENT, AS_OF)[0].records}
    entries = _entries(known)
    for entry in entries:
        entry["files"] = {"report.pdf": hashlib.sha256(report).hexdigest()}
        name = entry.get("criterion") or entry.get("metric") or entry.get("fact")
        if name == "SAF-01":
            entry["configuration"] = configuration_hash(LAB)
        entry |= (change or {}).get(str(name), {})
    head = yaml.safe_load(IDENTITY.format(name="bench"))
    head["identity"]["date"] = "2026-10-01"
    stated = [entry for entry in entries if entry["class"] != "measured"]
    text = yaml.safe_dump({**head, "evidence": stated}, sort_keys=False)
    (files / "evidence.yaml").write_text(text, encoding="utf-8")
    gathered = collect(load_units([files / "lab.yaml"]), [data], INSTRUMENT, AS_OF)[0]
    computed = tuple(_computed(gathered.unit, entry) for entry in entries if entry["class"] == "measured")
    found = examine(INSTRUMENT, replace(gathered, records=(*gathered.records, *computed)), AS_OF)
    return score(INSTRUMENT, found.inputs, draws=400)


def _computed(unit: Unit, entry: dict[str, Any]) -> EvidenceRecord:
    """What a collector of the building's own records would give: no statement counts as measured."""
    subject = str(entry.get("criterion") or entry.get("metric"))
    return EvidenceRecord(
        id=f"{subject}-building",
        unit=unit.id,
        subject=subject,
        evidence_class="measured",
        realm="physical",
        method="TEST",
        source="records of the building",
        collected=datetime(2026, 11, 1, tzinfo=UTC),
        value=entry.get("value"),
        step=entry.get("step"),
        n=entry.get("n"),
        interval=None if "interval" not in entry else (entry["interval"][0], entry["interval"][1]),
        sha256="0" * 64,
        collector="a test",
        attestor="Grace Hopper",
        identity=unit.identified,
    )


@cache
def _journal(realm: str, envelope: str) -> Path:
    """The campaigns are written once for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="autolab-review-"))
    atexit.register(shutil.rmtree, folder)
    with bench(folder, realm=realm, text=LAB, envelope=envelope, person=Principal("Ada", "person")) as made:
        _campaigns(made)
    return folder


def test_a_unit_with_physical_evidence_reaches_r3(tmp_path: Path) -> None:
    found = assessed(tmp_path)
    short = {gate.gate: gate.ceiling for gate in found.gates if gate.state != "pass"}
    assert short == {"G14": "R3", "G17": "R4"}, "a journal holds 7 of 10 links; nobody has reproduced it"
    assert found.level == "R3"
    assert not found.is_simulated_profile


@pytest.mark.parametrize(
    ("subject", "change", "gate"),
    [
        ("SAF-03", {"value": 0.96}, "G02"),
        ("open_serious_events", {"value": 1}, "G05"),
        ("SAF-01", {"configuration": "of another cell"}, "G03"),
    ],
)
def test_one_failed_hold_gate_gives_r0(tmp_path: Path, subject: str, change: dict[str, Any], gate: str) -> None:
    found = assessed(tmp_path, change={subject: change})
    assert found.level == "R0"
    assert {each.gate for each in found.gates if each.kind == "hold" and each.state == "fail"} == {gate}


def test_the_same_campaigns_on_a_twin_do_not_reach_r3(tmp_path: Path) -> None:
    found = assessed(tmp_path, realm="simulated")
    assert found.level in ("R0", "R1", "R2")
    assert any("physical" in reason for reason in found.provisional)
