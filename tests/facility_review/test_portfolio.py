"""The portfolio: counts, never averages; order never matters; ranks only where a rank is honest."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolab.core.errors import InputError
from facility_review.assessment import LEVELS
from facility_review.document import AssessmentDocument, json_text
from facility_review.portfolio import Portfolio, Read, is_ranked_above, portfolio
from facility_review.portfoliofiles import find_assessments, portfolio_json, portfolio_tables, write_portfolio
from facility_review.portfoliopage import render_portfolio
from facility_review.reference import reference
from tests.facility_review.documents import document
from tests.facility_review.fleet import fleet, reads, write_fleet

AS_OF = date(2026, 11, 22)
KNOWN = reference()


def of(*documents: AssessmentDocument, as_of: date = AS_OF) -> Portfolio:
    return portfolio(reads(list(documents)), KNOWN, as_of)


def words(html: str) -> str:
    body = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_a_laboratory_shows_counts_the_highest_assured_level_and_the_first_open_hold_gate() -> None:
    found = of(
        document("a", "ORNL", level="R3", assured="R2"),
        document("b", "Oak Ridge National Laboratory", level="R0", failed=["G05", "G02"]),
        document("c", "Oak Ridge National Laboratory (ORNL)", level="R4", assured="R3"),
    )
    (lab,) = found.laboratories
    assert (lab.id, lab.is_national, lab.highest_assured) == ("ORNL", True, "R3")
    assert lab.by_level == {"R0": 1, "R1": 0, "R2": 0, "R3": 1, "R4": 1, "R5": 0}
    assert lab.lowest_hold == ("G02", "b")
    assert len(found.missing) == 16


def test_a_laboratory_that_was_renamed_is_one_laboratory() -> None:
    found = of(document("a", "NREL"), document("b", "National Laboratory of the Rockies"))
    assert [(lab.id, len(lab.units)) for lab in found.laboratories] == [("NLR", 2)]


def test_the_heat_map_has_the_median_and_the_worst_unit() -> None:
    found = of(*(document(name, "ORNL", scores={"SAF": score}) for name, score in (("a", 1.0), ("b", 4.0), ("c", 3.5))))
    cell = found.laboratories[0].heat[0].cells["SAF"]
    assert (cell.median, cell.worst, cell.worst_unit, cell.n) == (3.5, 1.0, "a", 3)


def test_scores_of_two_versions_are_not_put_in_one_median() -> None:
    found = of(document("a", "ORNL", scores=1.0), document("b", "ORNL", scores=5.0, version="0.2.0"))
    rows = found.laboratories[0].heat
    assert [(row.version, row.n, row.cells["SAF"].median) for row in rows] == [("0.1.0", 1, 1.0), ("0.2.0", 1, 5.0)]
    assert found.versions == {"0.1.0": 1, "0.2.0": 1}


RANKS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "apart": ({"interval": (60, 65)}, {"interval": (50, 55)}, True),
    "touching": ({"interval": (55, 65)}, {"interval": (50, 55)}, False),
    "below": ({"interval": (50, 55)}, {"interval": (60, 65)}, False),
    "another version": ({"interval": (60, 65)}, {"interval": (50, 55), "version": "0.2.0"}, False),
    "another level": ({"interval": (60, 65), "level": "R3"}, {"interval": (50, 55)}, False),
    "at R0": ({"interval": (60, 65), "level": "R0"}, {"interval": (50, 55), "level": "R0"}, False),
    "no index": ({"interval": (60, 65)}, {"index": None}, False),
    "simulated": ({"interval": (60, 65), "realm": "simulated"}, {"interval": (50, 55)}, False),
}


@pytest.mark.parametrize(("one", "other", "expected"), RANKS.values(), ids=RANKS)
def test_a_unit_ranks_above_another_only_where_that_is_honest(
    one: dict[str, Any], other: dict[str, Any], expected: bool
) -> None:
    assert is_ranked_above(document("a", **one), document("b", **other)) is expected
    found = of(document("a", **one), document("b", **other))
    assert {unit.id: unit.above for unit in found.units} == {"a": ("b",) if expected else (), "b": ()} or not expected


def test_challenges_count_units_that_are_able_and_those_that_are_not() -> None:
    found = of(
        document("a", "ORNL", level="R3", challenges=["predicting-living-systems"]),
        document("b", "ORNL", level="R2", challenges=["predicting-living-systems", "make-tea"]),
        document("c", "ANL", level="R4", challenges=["predicting-living-systems"]),
    )
    first, second = found.challenges
    assert (first.id, first.able, first.named) == (
        "predicting-living-systems",
        {"ANL": 1, "ORNL": 1},
        {"ANL": 1, "ORNL": 2},
    )
    assert (second.name, second.is_published, second.able) == ("make-tea", False, {})
    assert found.n_published == 40


def test_common_gaps_add_up_their_effort() -> None:
    found = of(
        document("a", "ORNL", gaps=[("SAF-01", "S"), ("OPS-01", "M")]),
        document("b", "ANL", gaps=[("SAF-01", "L")]),
        document("c", "ANL", gaps=[("SAF-01", "S")]),
    )
    first, second = found.gaps
    assert (first.subject, len(first.units), first.laboratories) == ("SAF-01", 3, 2)
    assert (first.sizes, first.person_days) == ({"S": 2, "L": 1}, (23, 70))
    assert (second.subject, second.person_days) == ("OPS-01", (6, 20))


def test_standards_are_counted_by_unit_and_the_missing_ones_apart() -> None:
    full, partial = ("device", "SiLA 2", "full"), ("device", "SiLA 2", "partial")
    found = of(
        document("a", "ORNL", standards=[full, ("sample", "SiLA 2", "partial")]),
        document("b", "ORNL", standards=[full, ("plan", "", "no_standard_exists")]),
        document("c", "ANL", standards=[partial, ("plan", "", "none")]),
    )
    (sila,) = found.standards
    assert (sila.full, sila.partial, sila.interfaces) == (1, 2, ("device", "sample"))
    (plan,) = found.no_standard
    assert (plan.interface, plan.unused, plan.nonexistent) == ("plan", 1, 1)


def test_evidence_ages_after_the_assessment() -> None:
    records = [
        ("E1", "fresh", None),
        ("E2", "fresh", "2026-12-31"),
        ("E3", "fresh", "2026-11-30"),
        ("E4", "lowered", "2027-11-30"),
    ]
    one = document("a", evidence=records, as_of=date(2026, 6, 1))
    assert [
        (f.fresh, f.expiring, f.expired, f.lowered) for f in (of(one, as_of=date(2026, 9, 1)).units[0].freshness,)
    ] == [(3, 0, 0, 1)]
    later = of(one, as_of=date(2026, 12, 1)).units[0]
    assert (later.freshness.fresh, later.freshness.expiring, later.freshness.expired) == (1, 1, 1)
    assert later.freshness.next_expiry == date(2026, 12, 31)
    assert (later.freshness.total, later.age_days) == (4, 183)


def test_the_newest_assessment_counts_and_the_older_ones_are_its_trend() -> None:
    found = of(
        document("a", level="R1", index=40, as_of=date(2026, 1, 1), version="0.0.9"),
        document("a", level="R2", index=45, as_of=date(2026, 5, 1)),
        document("a", level="R3", index=50, as_of=date(2026, 9, 1)),
        document("a", level="R4", index=60, as_of=date(2027, 1, 1)),
    )
    (unit,) = found.units
    assert (unit.level, unit.index) == ("R3", 50)
    assert [(point.level, point.is_comparable) for point in unit.trend] == [("R1", False), ("R2", False), ("R3", True)]
    assert found.notes == ("1 assessment of later days left out",)
    assert "R1 ┊ R2 → R3" in words(render_portfolio(found))


def test_the_next_level_has_its_cost_and_its_days() -> None:
    (unit,) = of(document("a", level="R2", path_days=(5, 20), gaps=[("SAF-01", "S")])).units
    assert unit.next is not None
    assert (unit.next.target, unit.next.person_days, unit.next.gaps) == ("R3", (5, 20), 1)
    assert unit.next.earliest == (date(2026, 11, 25), date(2027, 1, 17))
    assert of(document("a", level="R5")).units[0].next is None


def test_a_dimension_without_a_score_and_a_path_without_a_cost_are_left_open() -> None:
    plain = document("a", "ORNL").model_dump(mode="json")
    plain["dimensions"][0] |= {"score": None, "mean": None}
    plain["gaps"]["path_to_next"] |= {
        "person_days": None,
        "lead_time_days": None,
        "is_complete": False,
        "blockers": ["a third-party review is needed"],
    }
    found = of(AssessmentDocument.model_validate(plain))
    assert plain["dimensions"][0]["id"] not in found.laboratories[0].heat[0].cells
    (unit,) = found.units
    assert unit.next is not None
    assert (unit.next.person_days, unit.next.earliest, unit.next.is_complete) == (None, None, False)
    assert "not by these gaps alone: a third-party review is needed" in words(render_portfolio(found))
    assert "ORNL,a,a,R2,R2,no,50,49,51,0.9,0.1.0,2026-11-22,,R3,,,," in portfolio_tables(found)["units"]


def test_a_full_assessment_is_taken_before_its_redacted_view() -> None:
    for pair in ((True, False), (False, True)):
        found = of(*(document("a", redacted=each) for each in pair))
        assert [unit.is_redacted for unit in found.units] == [False]


BAD = {
    "two laboratories, one id": (
        [document("a", "ORNL"), document("a", "ANL")],
        "two units have the id 'a', one of 'ORNL' and one of 'ANL'",
    ),
    "two results of a day": (
        [document("a", index=40), document("a", index=41)],
        "two assessments of 'a' as of 2026-11-22",
    ),
    "nothing": ([], "no assessment up to 2026-11-22 was found"),
    "only tomorrow": ([document("a", as_of=date(2026, 11, 23))], "1 are from later days"),
}


@pytest.mark.parametrize(("documents", "said"), BAD.values(), ids=BAD)
def test_what_cannot_stand_side_by_side_is_refused_with_the_files(
    documents: list[AssessmentDocument], said: str
) -> None:
    numbered = [Read(f"{number}/assessment.json", each) for number, each in enumerate(documents)]
    with pytest.raises(InputError) as refused:
        portfolio(numbered, KNOWN, AS_OF)
    assert said in str(refused.value)
    if len(documents) == 2:
        assert str(refused.value).startswith("0/assessment.json and 1/assessment.json: ")


def test_the_same_assessment_given_twice_counts_once() -> None:
    assert len(of(document("a"), document("a")).units) == 1


DOCUMENTS = fleet(seed=3, criteria=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_the_order_in_which_laboratories_are_given_never_matters(shuffled: random.Random) -> None:
    mixed = list(DOCUMENTS)
    shuffled.shuffle(mixed)
    assert portfolio_json(of(*mixed)) == portfolio_json(of(*DOCUMENTS))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["ORNL", "ANL", "X"]), st.sampled_from(LEVELS)), min_size=1, max_size=9))
def test_no_level_ever_appears_that_no_unit_has(given_levels: list[tuple[str, str]]) -> None:
    found = of(*(document(f"u{n}", lab, level=level) for n, (lab, level) in enumerate(given_levels)))
    counts = Counter(level for _, level in given_levels)
    assert {level: n for level, n in found.by_level.items() if n} == counts
    for laboratory in found.laboratories:
        theirs = [level for lab, level in given_levels if lab == laboratory.id]
        assert laboratory.by_level == {level: theirs.count(level) for level in LEVELS}
        assert laboratory.highest_assured in theirs
    assert not re.search(r"R\d\.\d", words(render_portfolio(found)) + portfolio_json(found))
    assert not re.search(r'"(mean|average)', portfolio_json(found))


def test_the_page_says_what_it_is(tmp_path: Path) -> None:
    text = words(render_portfolio(of(*DOCUMENTS)))
    assert "18 laboratories as of 2026-11-22" in text
    assert "Levels are counted, never averaged" in text
    assert "No government body has published or endorsed this scale." in text
    assert "INTERNAL - review for CUI and export control before release" in text
    assert "SIMULATED" in text
    few = words(render_portfolio(of(document("a", "ORNL"))))
    assert "1 laboratory as of 2026-11-22" in few
    assert "No assessment was given of 16 of the 17 national laboratories, which says nothing about them" in few


def test_a_name_that_is_markup_stays_a_name() -> None:
    html = render_portfolio(of(document("a", "<b>Lab</b>", name='<script>alert("x")</script>')))
    assert "<script>alert" not in html
    assert "&lt;b&gt;Lab" in html


def test_files_are_found_at_any_depth_and_a_broken_one_is_passed_over_and_said(tmp_path: Path) -> None:
    write_fleet(tmp_path, DOCUMENTS)
    broken = tmp_path / "broken" / "assessment.json"
    broken.parent.mkdir()
    broken.write_text('{"level": 3}')
    found, unread = find_assessments([tmp_path, tmp_path / "broken"])
    assert len(found) == len(DOCUMENTS)
    assert len(unread) == 1
    assert unread[0].startswith(f"{broken}: is no assessment: ")
    page = words(render_portfolio(portfolio(found, KNOWN, AS_OF, unread)))
    assert "broken/assessment.json: is no assessment" in page


@pytest.mark.parametrize("place", ["nowhere", "empty", "broken"])
def test_places_without_an_assessment_are_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "assessment.json").write_text("{")
    with pytest.raises(InputError, match="autolab review"):
        find_assessments([tmp_path / place])


def test_every_file_is_written_and_says_the_same(tmp_path: Path) -> None:
    found = of(*DOCUMENTS)
    names = [path.name for path in write_portfolio(found, tmp_path / "new")]
    assert names == ["portfolio.html", "portfolio.json", *(f"portfolio-{n}.csv" for n in portfolio_tables(found))]
    data = json.loads((tmp_path / "new" / "portfolio.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "new" / "portfolio-units.csv").read_text())))
    levels = {unit["id"]: unit["level"] for laboratory in data["laboratories"] for unit in laboratory["units"]}
    assert {row["unit"]: row["level"] for row in rows} == levels
    assert data["as_of"] == "2026-11-22"
    gates = list(csv.DictReader(io.StringIO((tmp_path / "new" / "portfolio-gates.csv").read_text())))
    assert {row["state"] for row in gates} <= {
        "pass",
        "fail",
        "not demonstrated",
        "not applicable",
        "waived",
        "withheld",
    }
    assert len(gates) == 17 * len(rows)


def test_a_unit_whose_assessment_can_be_read_back_is_the_same(tmp_path: Path) -> None:
    one = document("a")
    (tmp_path / "assessment.json").write_text(json_text(one))
    found, unread = find_assessments([tmp_path / "assessment.json"])
    assert (found[0].document, unread) == (one, [])
