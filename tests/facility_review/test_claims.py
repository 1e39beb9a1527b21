"""Criteria that somebody says do not apply: they are counted, listed, and never reach a level by themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from facility_review.assessment import Assessment
from facility_review.inputs import Inputs, NotApplicable
from facility_review.page import render_page
from facility_review.redaction import redacted
from facility_review.review import assess as assess_unit
from tests.facility_review.examples import assess, assessed, inputs_of, instrument
from tests.facility_review.test_identity import AS_OF, HEAD, INSTRUMENT, gathered

B = inputs_of("B")


def claimed(*names: str) -> Inputs:
    return replace(B, not_applicable={name: NotApplicable("not here", "R. Roe") for name in names})


def of_dimension(name: str) -> list[str]:
    return [key for key, item in instrument().criteria.items() if item.dimension == name]


def dimension_score(found: Assessment, name: str) -> float | None:
    return next(each.score for each in found.dimensions if each.dimension == name)


def test_a_dimension_without_criteria_meets_no_minimum() -> None:
    name = instrument().criteria["OPS-01"].dimension
    found = assess(claimed(*of_dimension(name)), draws=20)
    assert dimension_score(found, name) is None
    assert found.level < assessed("B").level
    assert any(why.startswith(f"{name}: no criterion applies, and R") for why in found.blocking)
    assert found.path_to_next is not None
    assert not found.path_to_next.is_complete


def test_many_claims_make_a_result_provisional_and_few_do_not() -> None:
    few = assess(claimed("OPS-01"), draws=20)
    assert (few.claims, few.provisional) == (("OPS-01",), ())
    many = assess(claimed(*(name for name in B.records if name[:3] in ("OPS", "PER"))), draws=20)
    assert many.claimed_share > 0.1
    assert any("are said not to apply, more than 10%: " in why for why in many.provisional)


def test_what_gates_lift_is_no_claim() -> None:
    assert (assessed("E").claims, assessed("E").claimed_share) == ((), 0.0)


def test_page_one_lists_the_claims_and_the_redacted_view_does_not(tmp_path: Path) -> None:
    head = HEAD + "not_applicable: {OPS-01: {reason: not here, approver: R. Roe}}\n"
    document = assess_unit(INSTRUMENT, gathered(tmp_path, head), AS_OF)
    assert document.coverage.claims == ("OPS-01",)
    first = render_page(document).partition('id="answers"')[0]
    assert "said not to apply" in first
    assert '<a href="#OPS-01">OPS-01</a>' in first
    assert redacted(document).coverage.claims == ()
