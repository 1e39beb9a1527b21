"""The report in a real browser: no error, no network, readable by all, and printed with its watermark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facility_review.page import render_page
from facility_review.printing import find_browser, print_pdf
from facility_review.redaction import redacted
from tests.facility_review.compiled import document
from tests.facility_review.examples import NAMES

PROBLEMS = """() => {
  const found = [], all = (query) => [...document.querySelectorAll(query)];
  const say = (what, element) => found.push(`${what}: ${(element.id || element.outerHTML || "").slice(0, 80)}`);
  if (document.documentElement.lang !== "en") found.push("the page has no language");
  if (!document.title) found.push("the page has no title");
  if (all("h1").length !== 1) found.push("the page has not one h1");
  if (all("main").length !== 1 || all("body > header").length !== 1) found.push("main or header is missing");
  if (all("nav[aria-label]").length !== all("nav").length) found.push("a nav has no name");
  let level = 0;
  for (const heading of all("h1,h2,h3,h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) say("a heading skips a level", heading);
    level = next;
    if (!heading.textContent.trim()) say("a heading is empty", heading);
  }
  const named = (part) => document.getElementById(part.getAttribute("aria-labelledby"));
  for (const part of all("section")) if (!named(part)) say("a section has no name", part);
  for (const part of all("[role=region]")) if (!part.getAttribute("aria-label")) say("a region has no name", part);
  for (const table of all("table")) {
    const heads = [...table.querySelectorAll("thead th")];
    const isPoor = (head) => head.scope !== "col" || !head.textContent.trim();
    if (!heads.length || heads.some(isPoor)) say("a column has no head", table);
    for (const row of table.querySelectorAll("tbody tr:not(.more)"))
      if (!row.querySelector("th[scope=row],th[scope=rowgroup]")) say("a row has no head", row);
  }
  for (const picture of all("svg,img")) {
    const names = (picture.getAttribute("aria-labelledby") || "").split(" ");
    const isNamed = names.length === 2 && names.every((id) => document.getElementById(id));
    if (picture.getAttribute("role") !== "img" || !isNamed) say("a picture has no words", picture);
  }
  for (const link of all("a[href]")) {
    if (!link.textContent.trim()) say("a link is empty", link);
    const target = link.getAttribute("href");
    if (!target.startsWith("#") || !document.getElementById(target.slice(1))) say("a link leads nowhere", link);
  }
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((each) => each === id).length > 1) found.push(`id ${id} stands twice`);
  return found;
}"""
"""What a person who does not see the page, or sees it differently, would miss."""

CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || element.closest("[aria-hidden=true],svg,.skip")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
  }
  return poor;
}"""
"""Texts whose contrast to what is behind them is below 4.5 (WCAG 2.2, 1.4.3)."""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        (folder / f"{name}.html").write_text(render_page(document(name)), encoding="utf-8")
        (folder / f"{name}-redacted.html").write_text(render_page(redacted(document(name))), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", [*NAMES, "B-redacted", "C-redacted"])
def test_it_is_accessible_and_asks_nothing_of_a_network(name: str, pages: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1180, "height": 900})
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    address = (pages / f"{name}.html").as_uri()
    try:
        page.goto(address)
        problems, poor = page.evaluate(PROBLEMS), page.evaluate(CONTRAST)
    finally:
        page.close()
    assert heard == [address]
    assert problems == []
    assert poor == []


@pytest.mark.parametrize("width", [1180, 700, 480])
def test_nothing_is_wider_than_the_window(width: int, pages: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    try:
        page.goto((pages / "C.html").as_uri())
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        hidden = "[...document.querySelectorAll('.scroll')].map((part) => part.scrollWidth - part.clientWidth)"
        assert max(page.evaluate(hidden)) < 24, "no column is out of sight"
    finally:
        page.close()


def test_a_number_opens_its_evidence(pages: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1180, "height": 900})
    try:
        page.goto((pages / "B.html").as_uri())
        page.click("#AUT-02 td strong a")
        target = page.evaluate("document.querySelector(':target').textContent")
        top = page.evaluate("document.querySelector(':target').getBoundingClientRect().top")
    finally:
        page.close()
    assert "AUT-02-journal" in target
    assert "teal-in-forty-20261101t080000: trials 1-40" in target
    assert 0 <= top < 900


def test_it_is_printed_with_a_watermark_on_every_page(pages: Path, browser: Any, chromium: str) -> None:
    assert find_browser() is not None
    pdf = pages / "C.pdf"
    assert print_pdf(pages / "C.html", pdf, chromium) is None
    assert pdf.read_bytes().startswith(b"%PDF-")
    page = browser.new_page()
    try:
        page.emulate_media(media="print")
        page.goto((pages / "C.html").as_uri())
        fixed = page.evaluate("getComputedStyle(document.querySelector('.watermark')).position")
    finally:
        page.close()
    assert fixed == "fixed", "what is fixed is printed on every page"


def test_a_browser_that_prints_nothing_is_said_in_a_sentence(pages: Path) -> None:
    said = print_pdf(pages / "C.html", pages / "none.pdf", "/bin/true")
    assert said == f"/bin/true ended with code 0 and printed nothing: print {pages / 'C.html'} from a browser"
    said = print_pdf(pages / "C.html", pages / "none.pdf", str(pages / "gone"))
    assert said is not None
    assert "could not be started (No such file or directory)" in said
    assert not (pages / "none.pdf").exists()
