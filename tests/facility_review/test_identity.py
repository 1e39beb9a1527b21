"""What an identity block is worth by itself: nothing that takes the watermark away, and no serial of a simulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from facility_review.collecting import UnitEvidence, collect
from facility_review.evidence import EvidenceRecord
from facility_review.inputs import Inputs
from facility_review.instrument import load_instrument
from facility_review.reduction import examine
from facility_review.review import assess
from facility_review.units import load_units
from tests.facility_review.examples import assess as assess_example
from tests.facility_review.examples import inputs_of
from tests.facility_review.journals import IDENTITY, bench, write_unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()
HEAD = IDENTITY.format(name="bench")


def gathered(folder: Path, head: str = HEAD, realm: str | None = None) -> UnitEvidence:
    folders: list[Path] = []
    if realm is not None:
        folders.append(folder / "data")
        with bench(folders[0], realm=realm) as made:
            run = made.begin()
            run.trial(5.0)
            run.end()
    units = load_units([write_unit(folder / "files", evidence=head)])
    return collect(units, folders, INSTRUMENT, AS_OF)[0]


def envelope(found: UnitEvidence) -> EvidenceRecord:
    return next(each for each in found.records if each.subject == "CAP-02" and each.collector == "registry")


@pytest.mark.parametrize(
    ("realm", "expected"), [(None, "simulated"), ("simulated", "simulated"), ("physical", "physical")]
)
def test_a_lab_file_counts_in_the_realm_in_which_campaigns_ran(
    tmp_path: Path, realm: str | None, expected: str
) -> None:
    assert envelope(gathered(tmp_path, realm=realm)).realm == expected


def test_an_identity_alone_leaves_the_watermark(tmp_path: Path) -> None:
    assert assess(INSTRUMENT, gathered(tmp_path / "bare"), AS_OF).level.is_simulated_profile
    assert assess(INSTRUMENT, gathered(tmp_path / "sim", realm="simulated"), AS_OF).level.is_simulated_profile
    assert not assess(INSTRUMENT, gathered(tmp_path / "real", realm="physical"), AS_OF).level.is_simulated_profile


def test_a_stated_measurement_leaves_the_watermark(tmp_path: Path) -> None:
    entry = (
        "  - {metric: m_mfa, class: measured, realm: physical, by: Grace Hopper, date: 2026-11-01, value: 0.95,"
        ' n: 50, query: q, tool: t, files: {"evidence.yaml": ""}}\n'
    )
    found = gathered(tmp_path, f"{HEAD}evidence:\n{entry}")
    assert "SEC-04" in examine(INSTRUMENT, found, AS_OF).inputs.records
    assert assess(INSTRUMENT, found, AS_OF).level.is_simulated_profile


def test_answers_that_files_state_are_told_from_measured_ones() -> None:
    unit = inputs_of("B")
    marked = {name: replace(answer, evidence=(name,)) for name, answer in unit.records.items()}
    stated: Inputs = replace(unit, records=marked, stated=frozenset(marked))
    assert assess_example(stated, draws=20).is_simulated_profile
    assert not assess_example(replace(stated, stated=frozenset()), draws=20).is_simulated_profile


@pytest.mark.parametrize("change", [str.lower, lambda serial: f" {serial} ", lambda serial: serial])
def test_a_simulators_serial_is_known_however_it_is_written(tmp_path: Path, change: object) -> None:
    assert callable(change)
    head = HEAD.replace("S-1", f'"{change("SIM-S-1")}"')
    found = gathered(tmp_path, head, realm="simulated")
    assert not found.unit.identified
    finding = next(each for each in found.findings if "has said that it is simulated" in each.text)
    assert finding.line == head.splitlines().index("  devices:") + 1


def test_one_serial_for_two_devices_is_refused(tmp_path: Path) -> None:
    found = gathered(tmp_path, HEAD.replace("D-1", "s-1"))
    assert not found.unit.identified
    assert any("pump, stage: serial number 's-1' stands for each" in each.text for each in found.findings)


def test_an_identity_of_the_future_is_refused(tmp_path: Path) -> None:
    found = gathered(tmp_path, HEAD.replace("2026-10-01", "2026-11-23"))
    assert not found.unit.identified
    finding = next(each for each in found.findings if "is after 2026-11-22" in each.text)
    assert finding.line == 4
