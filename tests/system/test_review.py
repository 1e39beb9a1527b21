"""From a demo campaign to a review: what it measured stands in the report, and each number opens its trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.running import autolab

ROOT = Path(__file__).parents[2]
LAB = str(ROOT / "examples" / "colour-bench" / "lab.yaml")


def test_the_demo_is_reviewed_as_a_simulated_profile_whose_numbers_open_its_trials(
    tmp_path: Path, chromium: str
) -> None:
    demo = autolab("demo", "--trials", "8", "--time-factor", "2000", "--json", "--data", "d", cwd=tmp_path, seconds=240)
    assert demo.returncode == 0, demo.stderr
    campaign = json.loads(demo.stdout)["campaign"]
    done = autolab("review", LAB, "--data", "d", "--out", "out", "--no-pdf", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "colour-bench"
    found = json.loads((folder / "assessment.json").read_text())
    assert (found["level"]["id"], found["level"]["is_simulated_profile"]) == ("R0", True)
    records = {each["id"]: each for each in found["evidence_index"]}
    measured = [each for each in found["metrics"] if each["evidence_class"] == "measured"]
    by_journal = [
        each for each in measured if any(campaign in run for e in each["evidence"] for run in records[e]["runs"])
    ]
    assert len(by_journal) >= 8, [each["id"] for each in measured]
    assert all(each["score"] <= 2 for each in found["criteria"]), "a simulator earns no more"
    yielded = next(each for each in found["metrics"] if each["id"] == "m_valid_yield")
    (record,) = yielded["evidence"]
    assert (yielded["n"], records[record]["runs"]) == (8, [f"{campaign}: trials 1-8"])
    shown = open_in_browser(folder / "report.html", chromium)
    assert shown["heard"] == [(folder / "report.html").as_uri()]
    assert f"{campaign}: trials 1-8" in shown["target"]
    assert "SIMULATED PROFILE" in shown["text"]


def open_in_browser(page: Path, chromium: str) -> dict[str, Any]:
    """What a browser hears and shows after a click on the value of the yield."""
    from playwright.sync_api import sync_playwright

    heard: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            view = browser.new_page()
            view.on("console", lambda message: heard.append(message.text))
            view.on("request", lambda request: heard.append(request.url))
            view.goto(page.as_uri())
            view.click("#m_valid_yield td a")
            target = view.evaluate("document.querySelector(':target').textContent")
            return {"heard": heard, "target": target, "text": view.inner_text("body")}
        finally:
            browser.close()
