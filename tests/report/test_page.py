"""The report: what it says, that it runs nothing foreign, and that a browser shows it without a network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from autolab.core.avoidances import Avoidance
from autolab.core.diagnoses import LeftOut
from autolab.core.front import front_of
from autolab.core.imports import IMPORT
from autolab.core.objectives import Objective
from autolab.core.problem import Problem
from autolab.core.trials import PERSON, REPEAT, Verdict
from autolab.journal.reader import JournalReader
from autolab.report.competing import front_figure, volumes
from autolab.report.consuming import consumption, consumption_rows, consumption_text
from autolab.report.facts import Facts
from autolab.report.page import render_report, summary, write_report
from autolab.report.parallel import parallel_figure
from autolab.report.reproducing import reproduction
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
    assert (
        "Trial 24 is recommended: colour_distance 3.350 ± 0.090 (not confirmed). The target of at most 2 was not met."
        in text
    )
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
    assert len(figures) == 9
    for figure in figures:
        assert 'role="figure"' in figure
        for name in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', figure):
            assert f'id="{name}"' in html
    assert html.count(" as a table</summary>") == 6
    assert html.count('<a href="#trials">') == 3


def test_slices_show_each_parameter_through_the_recommended_trial(report: Path) -> None:
    text = words(report.read_text())
    assert "Around the recommended trial: colour_distance" in text
    assert "cyan 120 µL 8.0 ± 3.4 yes" in text
    assert "cyan 300 µL -10.0 ± 7.0 no" in text
    assert "solvent ethanol 9.0 ± 2.0 yes" in text


def test_consumption_is_compared_with_what_the_dry_runs_foresaw(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=12)
    reader = JournalReader.open(tmp_path)
    facts = Facts.read(reader, reader.campaign())
    reader.close()
    found = {each.material: each for each in consumption(facts)}
    assert set(found) == {"cyan", "magenta", "yellow"}
    expected = sum(float(t.suggestion.values["cyan"]) for t in facts.trials if t.number != 9)
    assert found["cyan"].compared == (pytest.approx(expected), pytest.approx(expected))
    twice = [replace(i, trial=4) if i.trial == 5 else i for i in facts.intents]
    mixed = {each.material: each for each in consumption(replace(facts, intents=tuple(twice)))}
    foreseen, used = mixed["cyan"].compared
    assert used == pytest.approx(expected)
    assert foreseen < expected, "an attempt that was repeated was not foreseen"
    unknown = tuple(replace(t, verdict=Verdict("allowed")) for t in facts.trials)
    blind = consumption(replace(facts, trials=unknown))
    assert consumption_text(blind).endswith("No dry run of the plan could foresee it.")
    assert consumption_rows(blind)[0][1] == "–"


def test_it_says_how_to_run_the_campaign_again_with_the_files_it_holds(report: Path) -> None:
    html = report.read_text()
    files = re.findall(r"<pre>(.*?)</pre>", html, flags=re.DOTALL)
    for file in files:
        assert hashlib.sha256(unescape(file).encode()).hexdigest() in html
    assert "autolab run campaign.yaml --seed 7 --trials 30 --simulate" in html
    assert "People stepped in" in html


def test_what_nobody_proposed_is_not_said_to_be_run_again(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=3)
    reader = JournalReader.open(tmp_path)
    facts = Facts.read(reader, reader.campaign())
    reader.close()
    assert reproduction(facts) is not None
    engines = (PERSON, REPEAT, IMPORT)
    by_people = tuple(
        replace(trial, suggestion=replace(trial.suggestion, engine=engine))
        for trial, engine in zip(facts.trials, engines, strict=True)
    )
    assert reproduction(replace(facts, trials=by_people)) is None
    assert reproduction(replace(facts, trials=(*by_people, facts.trials[0]))) is not None


def test_hardware_is_not_promised_to_repeat_itself(tmp_path: Path) -> None:
    html = rendered(tmp_path, trials=2, realm="physical")
    assert "Hardware gives outcomes of its own" in html


def test_recipes_lie_side_by_side_with_the_best_outcome_on_top(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=12)
    reader = JournalReader.open(tmp_path)
    facts = Facts.read(reader, reader.campaign())
    reader.close()
    figure: Any = parallel_figure(facts)
    lines = {trace.name: trace for trace in figure.data}
    n_axes = len(PROBLEM.space.parameters) + 1
    assert sum(len(trace.x) for name, trace in lines.items() if name != "recommended") == (n_axes + 1) * 11
    assert all(0 <= y <= 1 for trace in figure.data for y in trace.y if y is not None)
    assert max(y for y in lines["the best tenth"].y[n_axes - 1 :: n_axes + 1]) == 1.0


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


def test_axe_finds_nothing_that_keeps_anybody_from_reading_it(report: Path, browser: Any) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    try:
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=30_000)
        page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        page.evaluate("document.querySelector('h1').outerHTML = '<img src=x><h1></h1>'")
        spoilt = page.evaluate("axe.run(document, {runOnly: ['image-alt']})")["violations"]
    finally:
        context.close()
    assert [(each["impact"], each["id"], each["nodes"][0]["html"][:120]) for each in found] == []
    assert [each["id"] for each in spoilt] == ["image-alt"], "a page with a fault is found out"
