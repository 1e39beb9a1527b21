"""How fast a portfolio of 17 laboratories is made and opened, and how both grow: ``python -m benchmarks.portfolio``.

The assessments are invented by ``tests.facility_review.fleet``; what is timed is read from files, as a person would.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date as day
from pathlib import Path

from facility_review.document import json_text
from facility_review.portfolio import portfolio
from facility_review.portfoliofiles import find_assessments, write_portfolio
from facility_review.reference import reference
from tests.facility_review.fleet import fleet

AS_OF = day(2026, 11, 22)
OPENS_S = 1.0
"""Longest median time, in seconds, in which a browser opens the page of 17 laboratories."""
REPEATS = 5


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median time of some work in seconds."""
    found: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def measure(units: int, criteria: int, folder: Path, browser: object) -> dict[str, float]:
    """Times of one size: read and put together, written, and opened in a browser until it is laid out."""
    documents = fleet(units=units, criteria=criteria)
    for number, each in enumerate(documents):
        path = folder / f"{number:04d}" / "assessment.json"
        path.parent.mkdir(parents=True)
        path.write_text(json_text(each), encoding="utf-8")
    made = portfolio(find_assessments([folder])[0], reference(), AS_OF)
    out = folder.parent / f"{folder.name}-out"
    page_file = write_portfolio(made, out)[0]
    page = browser.new_page(viewport={"width": 1280, "height": 900})

    def opened() -> None:
        page.goto(page_file.as_uri())
        page.evaluate("document.body.getBoundingClientRect().height")

    found = {
        "laboratories": float(len(made.laboratories)),
        "units": float(len(made.units)),
        "assessments": float(len(documents)),
        "read": seconds(lambda: portfolio(find_assessments([folder])[0], reference(), AS_OF)),
        "write": seconds(lambda: write_portfolio(made, out)),
        "open": seconds(opened),
        "kilobytes": page_file.stat().st_size / 1000,
    }
    page.close()
    return found


def page_text(date: str, rows: list[dict[str, float]]) -> str:
    """The page of the figures."""
    lines = [
        "# Proof: a portfolio opens at once",
        "",
        f"Measured on {date} with `python -m benchmarks.portfolio` on a machine of two cores on which other work ran:",
        f"medians of {REPEATS}. The assessments are invented: of the 17 national laboratories and one more, each",
        "with several units, some with earlier assessments. *Read* is from files to the portfolio, *write* makes the",
        "page, JSON and CSV, *open* is Chromium until the page is laid out. To open the first, at most",
        f"{OPENS_S:g} s are allowed.",
        "",
        "| laboratories | units | assessments | read (s) | write (s) | open (s) | page (kB) |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['laboratories']:.0f} | {row['units']:.0f} | {row['assessments']:.0f} | {row['read']:.2f} "
        f"| {row['write']:.2f} | {row['open']:.2f} | {row['kilobytes']:.0f} |"
        for row in rows
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure, print and, where a page is named, write it."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.browser, args=["--no-sandbox"])
        rows = [measure(units, 25, Path(folder) / f"n{units}", browser) for units in (3, 6, 12)]
        browser.close()
    text = page_text(given.date, rows)
    print(text)
    if given.page is not None:
        given.page.write_text(text, encoding="utf-8")
    if rows[0]["open"] > OPENS_S:
        raise SystemExit(f"the page took {rows[0]['open']:.2f} s to open, and {OPENS_S:g} s is allowed")


if __name__ == "__main__":
    main()
