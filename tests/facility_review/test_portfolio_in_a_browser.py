"""A browser shows the portfolio of 17 laboratories and the deliverables of one: without a network, at every width."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from facility_review.deliverables import deliverables, write_deliverables
from facility_review.portfolio import portfolio
from facility_review.portfoliofiles import write_portfolio
from facility_review.reference import reference
from tests.facility_review.deliverables import AS_OF, write_campaigns, write_files
from tests.facility_review.fleet import fleet, reads

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = portfolio(reads(fleet()), reference(), date(2026, 11, 22))
    return write_portfolio(found, tmp_path_factory.mktemp("out"))[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize(
    ("width", "scheme", "media"), [(1280, "light", "screen"), (420, "dark", "screen"), (1046, "light", "print")]
)
def test_it_opens_without_error_and_without_network(
    page_file: Path, browser: Any, width: int, scheme: str, media: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    try:
        page.emulate_media(media=media, color_scheme=scheme)
        page.goto(page_file.as_uri())
        too_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        cells = page.locator(".heat .cell").count()
    finally:
        page.close()
    assert heard == [page_file.as_uri()]
    assert not too_wide
    assert cells == 18 * 10


def test_text_on_every_shade_can_be_read(page_file: Path, browser: Any) -> None:
    """The contrast of the heat map's text is at least 4.5, as WCAG 2 asks of small text."""
    page = browser.new_page()
    try:
        page.goto(page_file.as_uri())
        ratios = page.evaluate(
            """() => [...document.querySelectorAll('#heat .cell')].map(cell => {
                const light = (text) => { const c = text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
                    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
                const style = getComputedStyle(cell);
                const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
                return (a + 0.05) / (b + 0.05); })"""
        )
    finally:
        page.close()
    assert min(ratios) >= 4.5


def test_tables_and_signs_have_names_for_those_who_do_not_see_them(page_file: Path, browser: Any) -> None:
    page = browser.new_page()
    try:
        page.goto(page_file.as_uri())
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('[role=img],[role=region],nav')].filter(e =>
                !e.getAttribute('aria-label') && !document.getElementById(e.getAttribute('aria-labelledby'))).length"""
        )
        bare = page.evaluate("() => [...document.querySelectorAll('th')].filter(th => !th.scope).length")
        ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
        targets = page.evaluate("() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href').slice(1))")
    finally:
        page.close()
    assert (unnamed, bare) == (0, 0)
    assert len(ids) == len(set(ids))
    assert set(targets) <= set(ids)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (420, "dark")])
def test_the_deliverables_of_one_facility_open_too(tmp_path: Path, browser: Any, width: int, scheme: str) -> None:
    write_campaigns(tmp_path)
    write_files(tmp_path)
    found = deliverables("colour-bench", "Example National Laboratory", tmp_path, tmp_path, AS_OF)
    file = write_deliverables(found, tmp_path / "out")[0]
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: heard.append(request.url))
    try:
        page.goto(file.as_uri())
        too_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        text = page.inner_text("main")
    finally:
        page.close()
    assert heard == [file.as_uri()]
    assert not too_wide
    assert "No campaign on record ran on hardware." in text
    assert text.count("none recorded") > 5
