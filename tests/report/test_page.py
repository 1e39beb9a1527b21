"""The report: what it says, that it runs nothing foreign, and that a browser shows it without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autolab.core.avoidances import Avoidance
from autolab.core.diagnoses import LeftOut
from autolab.core.front import front_of
from autolab.core.objectives import Objective
from autolab.core.problem import Problem
from autolab.journal.reader import JournalReader
from autolab.report.competing import front_figure, volumes
from autolab.report.facts import Facts
from autolab.report.page import render_report, summary, write_report
from autolab.report.trusting import misfit_lines
from tests.report.journals import DIAGNOSIS, PROBLEM, write_journal

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_journal(folder)
    reader = JournalReader.open(folder)
    path = write_report(reader, reader.campaign(), folder / "reports" / "report.html")
    reader.close()
    return path


def rendered(folder: Path, **more: Any) -> str:
    write_journal(folder, **more)
    reader = JournalReader.open(folder)
    try:
        return render_report(reader, reader.campaign())
    finally:
        reader.close()


def words(html: str) -> str:
    """What a person reads, without scripts and tags."""
    body = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_it_says_how_far_the_model_can_be_trusted_and_what_does_not_fit(report: Path) -> None:
    html = report.read_text(encoding="utf-8")
    text = words(html)
    assert (
        "colour_distance: each of 4 outcomes predicted from the others, the model explains 83 % of their variance; "
        "3 of 4 lie inside the interval that should hold 90 %. Its noise is 0.31." in text
    )
    assert "Misfit: colour_distance: 1 outcome lies far from the model. Repeat trial 7." in text
    assert "parameter importance lengthscale magenta 80 % 0.25 cyan 12 % 1.4" in text
    assert "colour_distance 7 10 10.20 ± 0.40" in text
    assert 'id="trust-data"' in html


@pytest.mark.parametrize(
    ("n", "said"),
    [(11, "With 11 outcomes nothing can be said of misfits: 12 are wanted."), (12, "No misfit was found.")],
)
def test_no_misfit_is_something_else_than_too_few_outcomes_to_see_one(n: int, said: str) -> None:
    left_out = tuple(LeftOut(trial, 1.0, 1.0, 0.1) for trial in range(n))
    assert misfit_lines(replace(DIAGNOSIS.metrics[0], misfits=(), left_out=left_out)) == [said]


def test_a_campaign_without_a_model_says_nothing_of_one(tmp_path: Path) -> None:
    html = rendered(tmp_path, ended=False)
    assert "can be trusted" not in html
    assert 'id="model"' not in html


def test_the_rules_of_people_stand_in_it_with_their_state(tmp_path: Path) -> None:
    foams = Avoidance("cycles > 4", "cycles <= 4", "foams", "ana", "2026-12-31")
    drips = Avoidance("cyan < 5 uL", "cyan >= 5", "the pump drips", "bo", "2025-12-31")
    text = words(rendered(tmp_path, problem=replace(PROBLEM, avoided=(foams,), lapsed=(drips,))))
    assert "Rules of people" in text
    assert "cycles &gt; 4 foams ana 2026-12-31 in force at the start" in text
    assert "cyan &lt; 5 uL the pump drips bo 2025-12-31 had expired, not applied" in text


def test_each_trial_has_what_was_expected_of_it(report: Path) -> None:
    text = words(report.read_text(encoding="utf-8"))
    assert "expected: colour_distance 3.21 ± 0.42 (one sd, noise 0.1)" in text
    assert "expected gain over the best trial: 0.37, 62 % of it exploration" in text
    assert text.count("nothing is predicted: a point that fills the space") == 12


def test_several_objectives_show_their_front_and_the_growth_of_its_hypervolume(tmp_path: Path) -> None:
    others = (Objective("turbidity", "minimize", threshold=0.4),)
    problem = Problem(PROBLEM.space, Objective("colour_distance", "minimize"), (), others)
    write_journal(tmp_path, problem=problem, ended=False)
    reader = JournalReader.open(tmp_path)
    campaign = reader.campaign()
    facts, html = Facts.read(reader, campaign), render_report(reader, campaign)
    reader.close()
    outcomes = [(m.trial.number, m.trial.outcome or {}) for m in facts.measured]
    assert facts.front == front_of(problem, outcomes)
    text = words(html)
    numbers = ", ".join(map(str, facts.front))
    assert f"No trial beats one of these {len(facts.front)} trials in all objectives" in text
    assert f"(low colour_distance and low turbidity): {numbers}." in text
    assert "Best so far" not in text
    assert "turbidity 0.4 that the front covers" in text
    shares = [share for _, share in volumes(facts)]
    assert shares == sorted(shares)
    assert 0.0 < shares[-1] < 1.0
    (drawn,) = [trace for trace in front_figure(facts).data if trace.name == "front"]
    assert list(drawn.y) == [outcome["turbidity"].value for number, outcome in outcomes if number in facts.front]


def test_weights_show_the_weighted_sum(tmp_path: Path) -> None:
    others = (Objective("turbidity", "minimize", weight=10.0),)
    problem = Problem(PROBLEM.space, Objective("colour_distance", "minimize", weight=1.0), (), others)
    text = words(rendered(tmp_path, problem=problem, ended=False))
    assert "is the best so far: 1 × colour_distance + 10 × turbidity" in text
    assert "Hypervolume" not in text


def test_it_says_what_came_of_the_campaign_and_that_it_was_simulated(report: Path) -> None:
    text = words(report.read_text())
    assert "SIMULATED All devices were simulators." in text
    assert "Trial 24 is recommended: colour_distance 3.350 ± 0.090. The target of at most 2 was not met." in text
    assert "28 of 30 trials have an outcome, 1 failed, 1 was refused." in text
    for part in (
        "Recommended recipe",
        "Best so far",
        "Parameters over trials",
        "Where it looked",
        "Trials",
        "Time line of the devices",
        "Timings",
        "What people did",
        "Environment and files",
    ):
        assert part in text


def test_trials_that_failed_or_were_refused_are_shown_with_their_cause(report: Path) -> None:
    text = words(report.read_text())
    assert "the gripper closed and its read-back says open" in text
    assert "cyan + magenta + yellow is 312 uL, above the 300 uL that a well holds" in text


def test_no_number_has_more_digits_than_a_person_reads(report: Path) -> None:
    text = re.sub(r"sha256 \w+|<script.*?</script>", "", report.read_text(), flags=re.DOTALL)
    assert not re.search(r"\d\.\d{7,}", words(text))


def test_every_figure_has_words_and_a_table(report: Path) -> None:
    html = report.read_text()
    figures = re.findall(r'<div class="figure"[^>]*>', html)
    assert len(figures) == 6
    for figure in figures:
        assert 'role="img"' in figure
        for name in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', figure):
            assert f'id="{name}"' in html
    assert html.count(" as a table</summary>") == 4
    assert html.count('<a href="#trials">') == 2


def test_a_name_that_is_a_script_does_not_run(tmp_path: Path) -> None:
    html = rendered(tmp_path, name='<script>alert("x")</script>', trials=4)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in html


@pytest.mark.parametrize("trials", [0, 1, 2])
def test_a_campaign_that_hardly_began_has_a_report(tmp_path: Path, trials: int) -> None:
    text = words(rendered(tmp_path, trials=trials, ended=False))
    assert "still running" in text
    assert ("No trial has an outcome" in text) is (trials == 0)


def test_a_physical_campaign_has_no_banner_of_a_simulated_one(tmp_path: Path) -> None:
    html = rendered(tmp_path, trials=2, realm="physical")
    assert "SIMULATED" not in words(html)
    assert '<span class="badge physical">' in html


def test_the_same_journal_gives_the_same_report(report: Path) -> None:
    reader = JournalReader.open(report.parents[1])
    assert render_report(reader, reader.campaign()) == report.read_text()
    assert summary(Facts.read(reader, reader.campaign())).endswith("It ended: all 30 trials of the budget are used.")
    reader.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "dark")])
def test_a_browser_shows_it_without_error_and_without_network(
    report: Path, browser: Any, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    try:
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=30_000)
        picture = page.screenshot(full_page=True)
        drawn = page.eval_on_selector_all("[data-figure] .main-svg", "all => all.length")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        too_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    finally:
        page.close()
    assert heard == [report.as_uri()]
    assert drawn >= 5
    assert not too_wide
    assert len(picture) > 100_000, "a blank page makes a small picture"
    assert (background == "rgb(247, 247, 245)") is (scheme == "light")
