"""A page that was opened before a campaign began shows it, and then the next one: nobody has to load it again."""

from __future__ import annotations

from typing import Any

import pytest

from autolab.compose.detached import said_of
from autolab.core.roles import Role
from autolab.journal.folder import has_controller
from tests.compose.files import example
from tests.rigs import until
from tests.server.days import Day
from tests.server.house import Client, House, house


def run(home: House, ada: Client, seed: int) -> str:
    wish = {"file": "campaign.yaml", "simulate": True, "seed": seed, "time_factor": 20}
    start = ada.post("/api/v1/campaigns", wish).json["start"]
    until(lambda: said_of(home.data, start).campaign is not None, "the campaign", 90.0)
    return said_of(home.data, start).campaign or ""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("pictures")
    change = {"campaign.yaml": ("budget: {trials: 30}", "budget: {trials: 2}\nengine: random")}
    with house(example("replay", folder, change).with_name("lab.yaml"), folder / "data") as found:
        yield found


def test_a_page_that_is_left_open_follows_each_campaign_that_begins(browser: Any, home: House) -> None:
    day, ada = Day(browser, home), home.enter(Role.RESEARCHER)
    page = day.sign_in(Role.TECHNICIAN)
    page.get_by_text("No campaign has run in this lab yet.").wait_for()
    page.evaluate("() => (window.isTheSame = true)")
    for seed in (1, 2):
        campaign = run(home, ada, seed)
        page.locator(f"#now a[href='/campaigns/{campaign}']").wait_for(timeout=60_000)
        page.locator(f"[data-campaign='{campaign}'] figure .main-svg").first.wait_for(timeout=90_000)
        until(lambda: not has_controller(home.data), "the end of the campaign", 90.0)
    assert page.evaluate("() => window.isTheSame"), "nothing was loaded again"
    assert page.locator("[data-pictures]").count() == 1
    day.end()
