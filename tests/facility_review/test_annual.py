"""The yearly chapter: every figure comes from records, and what is not recorded is said to be so."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from autolab.core.errors import InputError
from facility_review.agreements import read_agreements
from facility_review.annual import Chapter, Sources, annual_chapter, markdown, read_annual
from facility_review.campaigns import CampaignFacts, read_campaigns
from facility_review.document import AssessmentDocument
from facility_review.instrument import load_instrument
from facility_review.registers import read_registers
from facility_review.timeline import calendar_of, timeline
from tests.facility_review.deliverables import ANNUAL, AS_OF, FIRST, SECOND, write_campaigns, write_files
from tests.facility_review.documents import document


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignFacts, ...]:
    folder = tmp_path_factory.mktemp("data")
    write_campaigns(folder)
    return read_campaigns(folder, "colour-bench", date(2030, 1, 1))


def chapter(
    folder: Path,
    campaigns: tuple[CampaignFacts, ...],
    as_of: date = AS_OF,
    assessment: AssessmentDocument | None = None,
) -> Chapter:
    file = load_instrument("0.1.0").file
    known = tuple(each for each in campaigns if each.day <= as_of)
    sources = Sources(
        lab="colour-bench",
        laboratory="Example National Laboratory",
        campaigns=known,
        registers=read_registers(folder, known, as_of),
        agreements=read_agreements(folder, known, as_of),
        assessment=assessment,
        annual=read_annual(folder, as_of),
    )
    return annual_chapter(sources, timeline(calendar_of(file.order, file.timeline), as_of))


def said(found: Chapter, clause: str) -> str:
    return " ".join(s.text for p in found.paragraphs if p.clause == clause for s in p.sentences)


def test_the_six_points_say_what_is_recorded(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    write_files(tmp_path)
    assessment = document(level="R2", assured="R1", failed=["G02"], gaps=[("SAF-01", "S"), ("OPS-01", "M")])
    found = chapter(tmp_path, campaigns, assessment=assessment)
    assert [each.clause for each in found.paragraphs] == [
        f"EO-6a-{number}" for number in ("i", "ii", "iii", "iv", "v", "vi")
    ]
    assert (found.first, found.as_of, found.report_due) == (date(2025, 11, 24), AS_OF, date(2026, 11, 24))
    status = said(found, "EO-6a-i")
    assert "at level R2 (Automated and AI-augmented), assured R1" in status
    assert "nobody has endorsed" in status
    assert "Of 17 gates: 1 fail, 16 pass; hold gates open: 1." in status
    assert "2 campaigns with 42 trials ran (42 simulated); 39 of 42 trials have an outcome" in status
    assert "18 of 42 were chosen by an engine from earlier outcomes" in status
    joined = said(found, "EO-6a-ii")
    assert "Resources in use: 1 computing (federal), 1 storage (partner)." in joined
    assert "2 data sets on record; 1 of 2 with a source approval in force." in joined
    assert "Links to others: 1 (group share: records are copied there every night)." in joined
    people = said(found, "EO-6a-iii")
    assert "1 person started campaigns." in people
    assert "Students: 15 people (course on closed loops (12); second course (3))." in people
    results = said(found, "EO-6a-iv")
    assert "0 of 2 campaigns with a target met it as measured." in results
    assert "achieving-ai-driven-autonomous-laboratories (1 campaign)" in results
    assert "Publications: 1 ('A robot mixes teal' (doi:10.0000/teal))." in results
    assert "Prototypes: none recorded." in results
    partners = said(found, "EO-6a-v")
    assert "2 agreements in force with 2 partners (1 academic, 1 industry)." in partners
    assert "Sec. 5(c)(iii): none recorded." in partners
    assert "Transitions: 1 (Dyes Inc.: the recipe of teal is made there)." in partners
    needs = said(found, "EO-6a-vi")
    assert "Needs: 1 (a common format for plans of trials, because three of them exist)." in needs
    assert "Closing 2 gaps leads to R3: 5 to 20 person-days" in needs


def test_every_sentence_with_a_figure_names_its_records(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    write_files(tmp_path)
    found = chapter(tmp_path, campaigns, assessment=document(gaps=[("SAF-01", "S")]))
    for paragraph in found.paragraphs:
        for sentence in paragraph.sentences:
            if "none recorded" in sentence.text:
                assert not sentence.evidence
            else:
                assert sentence.evidence, sentence.text
    trials = next(s for s in found.paragraphs[0].sentences if "trials ran" in s.text)
    assert trials.evidence == (f"journal:{FIRST}", f"journal:{SECOND}")


def test_where_nothing_is_recorded_nothing_is_counted(tmp_path: Path) -> None:
    found = chapter(tmp_path, ())
    for paragraph in found.paragraphs:
        for sentence in paragraph.sentences:
            assert sentence.text.endswith("none recorded."), sentence.text
            assert not re.search(r"\d", re.sub(r"Sec\. \d\(\w\)", "", sentence.text)), sentence.text


def test_only_the_year_of_the_report_counts(tmp_path: Path, campaigns: tuple[CampaignFacts, ...]) -> None:
    write_files(tmp_path)
    found = chapter(tmp_path, campaigns, as_of=date(2026, 11, 25))
    assert found.first == date(2026, 11, 25)
    assert "Campaigns: none recorded." in said(found, "EO-6a-i")
    assert "Publications: none recorded." in said(found, "EO-6a-iv")
    assert "left out, as from before 2026-11-25: 2 × campaign" in found.notes
    assert "left out, as from before 2026-11-25: 5 × entry of annual.yaml" in found.notes


def test_the_text_to_paste_names_the_records_behind_each_sentence(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...]
) -> None:
    write_files(tmp_path)
    text = markdown(chapter(tmp_path, campaigns))
    assert text.startswith("# colour-bench, Example National Laboratory\n")
    assert text.count("\n## Sec. 6(a)(") == 6
    assert f"from earlier outcomes. [`journal:{FIRST}`, `journal:{SECOND}`]" in text
    assert "- no assessment was given (level, gates and gaps: none recorded)" in text


@pytest.mark.parametrize(
    ("assessment", "advice"),
    [
        (document(unit="another"), "the assessment is of 'another'"),
        (document(as_of=date(2026, 11, 23)), "is as of 2026-11-23, after 2026-11-22"),
    ],
)
def test_an_assessment_of_another_unit_or_of_tomorrow_is_refused(
    tmp_path: Path, assessment: AssessmentDocument, advice: str
) -> None:
    with pytest.raises(InputError, match=re.escape(advice)):
        chapter(tmp_path, (), assessment=assessment)


BAD = {
    "tomorrow": ("date: 2026-09-15", "date: 2026-11-23", ":9: ", "is after 2026-11-22"),
    "nobody": ("people: 12", "people: 0", ":4: ", "is less than 1"),
    "half a person": ("people: 12", "people: 12.5", ":4: ", "a whole number is wanted"),
    "kind": ("kind: publication", "kind: paper", ":7: ", "'paper' is not known"),
    "no such campaign": ("campaigns: [teal-2026]", "campaigns: [red]", ":11: ", "no campaign of this lab"),
    "no such day": ("date: 2026-10-01", "date: 2026-13-01", ":13: ", "is no day of the calendar"),
}


@pytest.mark.parametrize(("old", "new", "place", "advice"), BAD.values(), ids=BAD)
def test_a_bad_line_is_refused_with_its_place(
    tmp_path: Path, campaigns: tuple[CampaignFacts, ...], old: str, new: str, place: str, advice: str
) -> None:
    assert old in ANNUAL
    write_files(tmp_path, annual=ANNUAL.replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        chapter(tmp_path, campaigns)
    assert f"annual.yaml{place}" in str(refused.value)
    assert advice in str(refused.value)
