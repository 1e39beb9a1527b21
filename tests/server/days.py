"""A browser in which somebody works, and what axe says of its pages."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_FILE_PATH

from autolab.core.roles import Role
from tests.server.house import NAMES, House
from tests.server.quick import PASSWORD

SIZES = {"desktop": (1360, 900), "tablet": (820, 1180)}


class Day:
    """One browser in which somebody works. What the console says is an error of the page."""

    def __init__(self, browser: Any, home: House, size: str = "desktop", theme: str = "light") -> None:
        width, height = SIZES[size]
        self.home = home
        self.tab = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        self.page = self.tab.new_page()
        self.wrong: list[str] = []
        self.hosts: set[str] = set()
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda asked: self.hosts.add(asked.url.split("/")[2]))

    def open(self, path: str) -> Any:
        self.page.goto(self.home.address + path)
        return self.page

    def sign_in(self, role: Role) -> Any:
        page = self.open("/login")
        page.get_by_label("Name").fill(NAMES[role])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        return page

    def end(self) -> None:
        self.tab.close()
        assert not self.wrong, self.wrong
        assert self.hosts == {self.home.address.split("/")[2]}, "a request left the machine"


def serious(page: Any, *rules: str) -> list[str]:
    """What axe finds to be a serious fault of a page, by all its rules or by those that are named."""
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    only = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate("(only) => axe.run(document, {resultTypes: ['violations'], ...only})", only)
    return [
        f"{each['id']}: {node['html'][:160]}: {node['failureSummary'][:200]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def until_it_holds(field: Any, text: str) -> None:
    """Wait until a field of a form holds a text."""
    from playwright.sync_api import expect

    expect(field).to_have_value(text, timeout=30_000)
