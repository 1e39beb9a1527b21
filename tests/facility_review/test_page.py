"""The report: its order, what each number opens, what a redacted view keeps to itself."""

from __future__ import annotations

import re

import pytest

from facility_review.document import AssessmentDocument, json_text
from facility_review.page import render_page
from facility_review.redaction import redacted
from tests.facility_review.compiled import PERSON, RUNS, SECRET, document, document_of
from tests.facility_review.examples import NAMES, inputs_of

IN_ORDER = ("first", "answers", "profile", "metrics", "criteria", "gaps", "evidence", "method", "annual")


def words(html: str) -> str:
    """What a person reads, without styles and tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style.*?</style>", " ", html, flags=re.DOTALL)))


@pytest.mark.parametrize("name", NAMES)
def test_the_sections_stand_in_the_order_of_the_instrument_and_gates_come_before_the_index(name: str) -> None:
    html = render_page(document(name))
    places = [html.index(f'<section id="{each}"') for each in IN_ORDER]
    assert places == sorted(places)
    text = words(html)
    assert text.index("Gates") < text.index("assured level") < text.index("index")
    assert "proposal, not endorsed" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere_and_no_id_stands_twice(name: str) -> None:
    html = render_page(document(name))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_every_scored_criterion_opens_its_evidence_and_that_names_its_runs() -> None:
    found = document("B")
    html = render_page(found)
    for number, line in enumerate(found.evidence_index, start=1):
        body = re.search(rf'<tbody id="E{number}">.*?</tbody>', html, flags=re.DOTALL)
        assert body is not None
        assert line.id in body.group()
        assert RUNS[0] in body.group()
        assert f"<code>{line.sha256}</code>" in body.group()
    for line in found.criteria:
        row = re.search(rf'<tr id="{line.id}".*?</tr>', html, flags=re.DOTALL)
        assert row is not None
        if line.evidence:
            assert re.search(rf'<strong><a href="#E\d+">{line.score:.2f}</a></strong>', row.group()), line.id


def test_no_metric_stands_without_n_and_window_and_interval_or_the_word_none() -> None:
    html = render_page(document("B"))
    rows = re.findall(r'<tr id="m_\w+">.*?</tr>', html, flags=re.DOTALL)
    assert len(rows) > 40
    for row in rows:
        _, n, window, interval = re.findall(r'<td class="n">(.*?)</td>', row)
        assert re.match(r"none|\d+", n), row
        assert re.fullmatch(r"\d+ d", window), row
        assert re.fullmatch(r"none|\S+ to \S+", interval), row
    for sentence in (each.text for each in document("B").profile.annual_6a):
        for number in re.finditer(r": -?\d+(\.\d+)? \w+ \(", sentence):
            assert sentence[number.end() :].startswith("n "), sentence


def test_simulated_evidence_is_watermarked_on_screen_and_in_print_and_nothing_else_is() -> None:
    simulated, physical = render_page(document("C")), render_page(document("B"))
    assert 'class="watermark"' in simulated
    assert '@top-right{content:"SIMULATED PROFILE' in simulated
    assert words(simulated).count("SIMULATED PROFILE") >= 3
    assert "SIMULATED PROFILE" not in physical


def test_the_states_of_gates_are_told_in_words() -> None:
    text = words(render_page(document("A")))
    assert "✗ fail G02 Credited interlocks proven (hold)" in text
    assert "1. G02" not in text, "the numbers of a list are drawn by the browser"
    assert "What blocks R1 G02 Credited interlocks proven: fail" in text


def test_the_redacted_view_gives_the_level_and_says_what_it_leaves_out() -> None:
    for name in NAMES:
        view = redacted(document(name))
        html, text = render_page(view), words(render_page(view))
        assert "This view is redacted" in text
        assert document(name).level.id in text
        for secret in (
            PERSON,
            SECRET,
            RUNS[0],
            "c0" * 32,
            "d0" * 32,
            "e0" * 32,
            "bench 3",
            "labs/bench",
            "G02",
            "SAF-03",
        ):
            assert secret not in html, secret
            assert secret not in json_text(view), secret
        assert redacted(view) == view
        assert "waivers left out" in text
        assert not [each for each in view.profile.answers_3e if "%" in each.answer], "a share without n and window"


def test_a_name_that_is_a_script_does_not_run() -> None:
    from dataclasses import replace

    found = document_of(replace(inputs_of("E"), name='<script>alert("x")</script>'))
    html = render_page(found)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("name", NAMES)
def test_the_same_document_gives_the_same_page(name: str) -> None:
    copy = AssessmentDocument.model_validate_json(json_text(document(name)))
    assert render_page(copy) == render_page(document(name))


def test_what_changed_has_a_section_of_its_own() -> None:
    html = render_page(document("B"), ("Level: R3 on 2026-10-01 became R0 on 2026-11-22.",))
    assert "10 What changed" in words(html)
    assert "10 What changed" not in words(render_page(document("B")))


@pytest.mark.parametrize("name", ["B", "C"])
def test_each_view_bears_its_marking_as_a_band_and_lists_what_it_holds(name: str) -> None:
    found = document(name)
    full, view = render_page(found), render_page(redacted(found))
    for page in (full, view):
        band = page.partition('class="marking"')[2].partition("</div>")[0]
        assert "INTERNAL - review for CUI and export control before release" in band
    contents = re.findall(r'<li><a href="#(\w+)">', view.partition("</nav>")[0])
    assert contents == ["first", "answers", "method"]
    assert "evidence.yaml:12" in full
    assert "evidence.yaml:12" not in view
