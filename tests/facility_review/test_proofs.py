"""Proof tests, bypasses and stop times: what they show is simulated, and only what passed counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from facility_review.collecting import UnitEvidence, collect
from facility_review.instrument import load_instrument
from facility_review.reduction import examine
from facility_review.units import load_units
from tests.facility_review.journals import ADA, IDENTITY, Bench, bench, write_unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()
RELAY = ("the controller is killed", "the controller hangs", "the emergency stop is pressed")


def prove(made: Bench, lab_hash: str, passed: bool = True) -> None:
    states, journal = made.journal.states, made.journal
    test = states.insert(
        "proof_tests", lab=made.lab, lab_hash=lab_hash, principal=journal.principal(ADA), date=journal.date(), passed=1
    )
    paths = [
        ("too-far", "stage.position reads 260 mm", passed, None),
        *(("relay", cause, True, 180.0) for cause in RELAY),
    ]
    for number, (rule, cause, did, power_ms) in enumerate(paths, 1):
        states.insert(
            "proof_paths", test=test, number=number, rule=rule, cause=cause, passed=int(did), latch_ms=5.0,
            power_ms=power_ms, seen="latched",
        )  # fmt: skip


def gathered(folder: Path, *, passed: bool = True, lab_hash: str | None = None, bypassed: bool = False) -> UnitEvidence:
    evidence = IDENTITY.format(name="bench") + "requirements: {stop_limit_s: 0.2}\n"
    units = load_units([write_unit(folder / "files", "bench", evidence)])
    assert units[0].lab is not None
    with bench(folder / "data") as made:
        prove(made, lab_hash or units[0].lab.content_hash, passed)
        if bypassed:
            who, now = made.journal.principal(ADA), datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp()
            made.journal.states.insert(
                "bypasses", lab="bench", rule="too-far", reason="r", measure="m", requester=who, since_s=now,
                until_s=now + 3600, request="{}", approver=who,
            )  # fmt: skip
    return collect(units, [folder / "data"], INSTRUMENT, AS_OF)[0]


def value(found: UnitEvidence, subject: str) -> float | None:
    return next(each.value for each in found.records if each.subject == subject)


def test_interlocks_that_passed_count_and_the_stop_is_timed(tmp_path: Path) -> None:
    found = gathered(tmp_path)
    assert value(found, "m_interlock_assured") == 1.0, "the alarm is none that is credited"
    assert value(found, "m_estop_ratio") == pytest.approx(0.9)
    assert {each.realm for each in found.records if each.collector == "proofs"} == {"simulated"}


def test_an_interlock_that_failed_or_is_bypassed_is_not_assured(tmp_path: Path) -> None:
    assert value(gathered(tmp_path / "failed", passed=False), "m_interlock_assured") == 0.0
    assert value(gathered(tmp_path / "bypassed", bypassed=True), "m_interlock_assured") == 0.0


def test_a_proof_test_of_another_lab_file_counts_one_class_lower(tmp_path: Path) -> None:
    now = examine(INSTRUMENT, gathered(tmp_path / "now"), AS_OF).inputs.records["SAF-03"]
    before = examine(INSTRUMENT, gathered(tmp_path / "before", lab_hash="0" * 64), AS_OF).inputs.records["SAF-03"]
    assert (now.evidence_class, before.evidence_class) == ("measured", "documented")
