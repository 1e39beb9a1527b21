"""The page of a backtest: its words, that nothing foreign runs on it, and that a browser shows it without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from autolab.core.backtests import Accuracy, Backtest, EngineScore, GoalScore, Interval
from autolab.report.backtest import notes_of, render_backtest, summary_of
from tests.report.test_page import CHROMIUM, words


def engine(name: str, level: float, *, is_reference: bool = False) -> EngineScore:
    curve = tuple(Interval(level / trial, 0.9 * level / trial, 1.1 * level / trial) for trial in range(1, 7))
    factor = None if is_reference else Interval(1.5, 1.2, 2.0)
    goals = (GoalScore("top 1 %", Interval(4.0, 3.0, 6.0), 3, factor), GoalScore("top 5 %", curve[0], 4, factor))
    return EngineScore(name, "", curve, level, factor, factor, goals)


def found(**more: Any) -> Backtest:
    made = Backtest(
        campaign="barrels",
        objective="maximize toughness",
        data="<script>alert(1)</script>.csv",
        sha256="ab" * 32,
        rows=40,
        rows_read=41,
        conditions=20,
        world="pool",
        accuracy=(),
        goals={"top 1 %": 40.0, "top 5 %": 33.8},
        trials=6,
        seeds=4,
        seed=0,
        lanes=1,
        reference="random",
        notes=("1 row is outside the space and left out",),
        engines=(engine("botorch", 0.3), engine("random", 0.9, is_reference=True)),
    )
    return replace(made, **more)


def test_it_says_what_came_out_and_on_which_data() -> None:
    text = words(render_backtest(found()))
    assert "REPLAYED Earlier measurements answered. No lab was asked." in text
    assert "botorch ended with the least mean regret, 0.05 (0.045 to 0.055)." in text
    assert "overlap" not in summary_of(found())
    assert "botorch top 1 % 4 (3 to 6) 3 of 4 at least 1.5 (1.2 to 2)" in text
    assert "botorch top 5 % 0.3 (0.27 to 0.33) 4 of 4 1.5 (1.2 to 2)" in text
    assert "1 row is outside the space and left out" in text
    assert "40 of 41" in text


def test_engines_that_cannot_be_told_apart_are_named() -> None:
    close = found(engines=(engine("botorch", 0.3), engine("random", 0.32, is_reference=True)))
    assert summary_of(close).endswith("The intervals of random overlap with it.")


def test_an_emulator_is_named_with_its_accuracy_and_a_stand_in_with_its_reason() -> None:
    noted = replace(engine("ax", 0.3), note="botorch served it: Ax takes no equality")
    made = found(world="gp", accuracy=(Accuracy("toughness", 0.876, 3.21),), engines=(noted, engine("random", 0.9)))
    assert "a Gaussian process fitted to the table (toughness: R2 0.88, RMSE 3.21" in words(render_backtest(made))
    assert "ax: botorch served it: Ax takes no equality" in notes_of(made)


def test_one_run_is_shown_without_intervals() -> None:
    bare = EngineScore("random", "", (Interval(0.5, None, None),), 0.5, None, None, ())
    text = words(render_backtest(found(engines=(bare,), trials=1, seeds=1)))
    assert "random ended with the least mean regret, 0.5." in text


def test_the_same_backtest_gives_the_same_page_and_a_name_that_is_a_script_does_not_run() -> None:
    html = render_backtest(found())
    assert html == render_backtest(found())
    assert "<script>alert" not in html


def test_a_browser_shows_it_without_error_and_without_network(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "backtest.html"
    file.write_text(render_backtest(found()), encoding="utf-8")
    heard: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 800, "height": 900})
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=30_000)
        lines = page.eval_on_selector_all("[data-figure] .scatterlayer .trace", "all => all.length")
        too_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        browser.close()
    assert heard == [file.as_uri()]
    assert lines == 4, "a line and a band for each engine"
    assert not too_wide
