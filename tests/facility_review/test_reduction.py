"""Which evidence stands: rules that hold whatever the records are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.errors import InputError
from facility_review.collecting import UnitEvidence
from facility_review.evidence import EvidenceRecord, judge
from facility_review.inputs import CLASSES, REALMS, EvidenceClass, Realm
from facility_review.instrument import load_instrument
from facility_review.reduction import examine, reduce
from facility_review.units import Unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()
UNIT = Unit("bench", "bench", "Example National Laboratory", folder=Path(), configuration="c" * 64)


def made(number: int = 1, subject: str = "CAP-05", **said: Any) -> EvidenceRecord:
    record = EvidenceRecord(
        id=f"e{number}",
        unit="bench",
        subject=subject,
        evidence_class="measured",
        realm="physical",
        method="TEST",
        source="a test",
        collected=datetime(2026, 11, 1, tzinfo=UTC),
        sha256="0" * 64,
        attestor="Ada Lovelace",
        identity=("stage: Stage 300, S-1",),
        step=3 if subject == "CAP-05" else None,
        value=0.9 if subject != "CAP-05" else None,
    )
    return replace(record, **said)


def answer(*records: EvidenceRecord, subject: str = "CAP-05"):
    return examine(INSTRUMENT, UnitEvidence(UNIT, records, ()), AS_OF).inputs.records.get(subject)


records = st.builds(
    made,
    number=st.integers(1, 6),
    subject=st.sampled_from(["CAP-05", "PER-04", "m_estop_coverage", "SAF-02"]),
    evidence_class=st.sampled_from(CLASSES),
    realm=st.sampled_from(REALMS),
    n=st.none() | st.integers(1, 300),
    attestor=st.sampled_from(["Ada Lovelace", ""]),
    sha256=st.sampled_from([None, "1" * 64, "2" * 64]),
    collected=st.dates(date(2024, 1, 1), date(2027, 1, 1)).map(
        lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC)
    ),
    is_at_least=st.booleans(),
)


@given(st.lists(records, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_evidence_never_matters(found: list[EvidenceRecord], random: object) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # pyright: ignore[reportAttributeAccessIssue] (hypothesis gives a Random)
    assert examine(INSTRUMENT, UnitEvidence(UNIT, tuple(found), ()), AS_OF) == examine(
        INSTRUMENT, UnitEvidence(UNIT, tuple(mixed), ()), AS_OF
    )


@given(records)
def test_nothing_ever_counts_more_than_it_was_made(record: EvidenceRecord) -> None:
    found = judge(record, AS_OF, 90, UNIT.configuration)
    assert CLASSES.index(found.evidence_class) >= CLASSES.index(record.evidence_class)
    assert REALMS.index(found.realm) >= REALMS.index(record.realm)
    assert (found.evidence_class, found.realm) == (record.evidence_class, record.realm) or found.reasons


@given(records, st.integers(0, 900))
def test_evidence_never_gets_better_with_age(record: EvidenceRecord, days: int) -> None:
    later = record.seen_on + timedelta(days=days)
    now = judge(record, record.seen_on, 90, None)
    assert CLASSES.index(judge(record, later, 90, None).evidence_class) >= CLASSES.index(now.evidence_class)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "measured"),
        ({"sha256": None}, "documented"),
        ({"integrity": "failed"}, "documented"),
        ({"integrity": "broken log"}, "attested"),
        ({"integrity": "broken log", "attestor": ""}, "none"),
        ({"configuration": "d" * 64}, "documented"),
        ({"configuration": "c" * 64}, "measured"),
        ({"collected": datetime(2026, 8, 1, tzinfo=UTC)}, "documented"),
        ({"collected": datetime(2026, 8, 1, tzinfo=UTC), "sha256": None}, "attested"),
        ({"collected": datetime(2026, 1, 1, tzinfo=UTC)}, "none"),
        ({"collected": datetime(2026, 11, 23, tzinfo=UTC)}, "none"),
        ({"evidence_class": "documented", "attestor": ""}, "none"),
        ({"evidence_class": "attested", "attestor": "", "realm": "simulated"}, "none"),
    ],
)
def test_what_is_left_of_a_class(change: dict[str, Any], expected: EvidenceClass) -> None:
    assert judge(made(**change), AS_OF, 90, UNIT.configuration).evidence_class == expected


@pytest.mark.parametrize("realm", ["emulated", "simulated"])
def test_physical_evidence_stands_before_what_was_simulated(realm: Realm) -> None:
    found = answer(made(1, step=2), made(2, step=5, realm=realm))
    assert found is not None
    assert (found.realm, found.step) == ("physical", 2)


def test_a_physical_word_does_not_stand_before_a_simulated_measurement_that_may_earn_more() -> None:
    words = made(1, "PER-04", evidence_class="attested", value=0.99)
    found = answer(words, made(2, "PER-04", realm="simulated", value=0.9), subject="PER-04")
    assert found is not None
    assert found.realm == "simulated"


def test_where_two_disagree_the_less_favourable_stands_and_a_finding_is_said() -> None:
    pair = (made(1, "PER-04", value=0.95, interval=(0.93, 0.97)), made(2, "PER-04", value=0.7, interval=(0.6, 0.8)))
    found = examine(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF)
    assert found.inputs.records["PER-04"].value == 0.7
    assert "disagree" in found.findings[0].text
    lower_is_better = (made(1, "SAF-02", value=0.5), made(2, "SAF-02", value=1.4, evidence_class="documented"))
    assert examine(INSTRUMENT, UnitEvidence(UNIT, lower_is_better, ()), AS_OF).inputs.records["SAF-02"].value == 1.4


def test_a_number_within_the_interval_of_value_and_n_agrees_and_the_best_class_stands() -> None:
    pair = (made(1, "PER-04", value=0.95, n=100), made(2, "PER-04", value=0.93, n=50, evidence_class="documented"))
    found = examine(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF)
    assert (found.inputs.records["PER-04"].value, found.findings) == (0.95, ())


def test_a_wide_interval_that_is_stated_hides_no_disagreement() -> None:
    wide = made(1, "PER-04", value=0.99, n=1000, interval=(0.0, 1.0))
    found = examine(INSTRUMENT, UnitEvidence(UNIT, (wide, made(2, "PER-04", value=0.3, n=100)), ()), AS_OF)
    assert found.inputs.records["PER-04"].value == 0.3
    assert "e1 says 0.99, e2 says 0.3; they disagree" in found.findings[0].text


@pytest.mark.parametrize(
    ("physical", "simulated", "stands"),
    [
        (("attested", 3), ("measured", 0), 3),
        (("attested", 0), ("measured", 3), 3),
        (("documented", 0), ("documented", 3), 0),
    ],
)
def test_disagreement_across_realms_is_said(
    physical: tuple[EvidenceClass, int], simulated: tuple[EvidenceClass, int], stands: int
) -> None:
    pair = tuple(
        made(n, "open_serious_events", value=None, fact=fact, evidence_class=name, realm=realm)
        for n, ((name, fact), realm) in enumerate(((physical, "physical"), (simulated, "simulated")), 1)
    )
    found = examine(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF)
    assert found.inputs.facts["open_serious_events"] == stands
    assert any("they disagree" in each.text for each in found.findings)


def test_what_proves_a_step_does_not_contradict_a_higher_one() -> None:
    pair = (made(1, is_at_least=True, step=2), made(2, evidence_class="documented", step=4))
    found = examine(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF)
    assert (found.inputs.records["CAP-05"].step, found.findings) == (4, ())
    pair = (made(1, is_at_least=True, step=4), made(2, evidence_class="documented", step=2))
    found = examine(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF)
    assert found.inputs.records["CAP-05"].step == 2
    assert "disagree" in found.findings[0].text


@pytest.mark.parametrize(
    ("fact", "values", "stands"),
    [
        ("open_serious_events", (0, 2), 2),
        ("software_can_actuate", (False, True), True),
        ("closed_loop_campaigns", (4, 3), 3),
        ("assessor_independence", ("third_party", "self"), "self"),
    ],
)
def test_of_facts_that_disagree_the_one_that_asks_more_stands(fact: str, values: tuple, stands: object) -> None:
    pair = tuple(made(n, fact, value=None, fact=value) for n, value in enumerate(values, 1))
    found = examine(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF)
    assert found.inputs.facts[fact] == stands


DAY = datetime(2026, 10, 1, tzinfo=UTC)


def stated(number: int, **said: Any) -> EvidenceRecord:
    return made(number, **{"collector": "evidence.yaml", **said})


def test_a_record_takes_the_place_of_another_of_no_better_class() -> None:
    pair = (stated(1, step=2), made(2, step=4, supersedes=("e1",)))
    assert reduce(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF).records["CAP-05"].step == 4


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        pytest.param({}, {"evidence_class": "documented"}, "counts as documented", id="class"),
        pytest.param({}, {"sha256": None}, "counts as documented", id="judged class"),
        pytest.param({}, {"realm": "simulated"}, "counts as simulated", id="realm"),
        pytest.param({}, {"identity": ()}, "counts as simulated", id="judged realm"),
        pytest.param({}, {"collected": DAY}, "is newer", id="older"),
        pytest.param({}, {"collected": datetime(2026, 12, 1, tzinfo=UTC)}, "does not count itself", id="future"),
        pytest.param({"collector": "trials"}, {}, "was computed", id="computed"),
        pytest.param({"subject": "CAP-02"}, {}, "it is about CAP-05", id="subject"),
        pytest.param({"supersedes": ("e2",)}, {}, "in a circle", id="cycle"),
        pytest.param({}, {"supersedes": ("e2",)}, "it is itself", id="itself"),
        pytest.param({}, {"supersedes": ("e9",)}, "no such evidence", id="unknown"),
        pytest.param({"collected": DAY, "sha256": None}, {"collected": DAY, "valid_until": date(2026, 11, 1)},
                     "it has expired", id="expired"),
    ],
)  # fmt: skip
def test_what_does_not_take_a_place_is_said_and_both_stay(old: dict[str, Any], new: dict[str, Any], why: str) -> None:
    pair = (stated(1, **{"step": 2, **old}), stated(2, **{"step": 4, "supersedes": ("e1",), **new}))
    found = examine(INSTRUMENT, UnitEvidence(UNIT, pair, ()), AS_OF)
    assert found.inputs.records[pair[0].subject].step == 2
    assert any("does not take the place" in each.text and why in each.text for each in found.findings)


def test_evidence_of_another_unit_is_said_and_left_out() -> None:
    found = examine(INSTRUMENT, UnitEvidence(UNIT, (made(unit="other"),), ()), AS_OF)
    assert found.inputs.records == {}
    assert "evidence of 'other'" in found.findings[0].text


@pytest.mark.parametrize(
    "change",
    [
        {"n": 5, "successes": 6},
        {"successes": 1},
        {"step": 6},
        {"interval": (2.0, 1.0)},
        {"value": float("nan")},
        {"n": -1},
    ],
)
def test_a_record_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="e1: "):
        made(1, "PER-04", **change)


@pytest.mark.parametrize(
    ("day", "valid_until", "expected"),
    [
        (date(2025, 12, 1), None, "measured"),
        (date(2025, 11, 1), None, "documented"),
        (date(2022, 11, 1), date(2190, 1, 1), "measured"),
        (date(2021, 11, 1), date(2190, 1, 1), "documented"),
        (date(1990, 1, 1), date(2190, 1, 1), "none"),
    ],
)
def test_a_ladder_counts_for_a_year_and_a_stated_validity_for_five(
    day: date, valid_until: date | None, expected: EvidenceClass
) -> None:
    record = made(collected=datetime(day.year, day.month, day.day, tzinfo=UTC), valid_until=valid_until)
    assert judge(record, AS_OF, None, None).evidence_class == expected
