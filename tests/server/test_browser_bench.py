"""A technician's day at the simulated bench, in a real browser: a bottle is refilled, and an interlock really trips."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

from autolab.config.lab import load_lab
from autolab.core.roles import Role
from autolab.journal.folder import has_controller
from tests.compose.files import example
from tests.rigs import until
from tests.server.days import Day, serious
from tests.server.house import NAMES, House, controller_of, house
from tests.server.quick import PASSWORD

PATIENCE_MS = 90_000
"""For whatever waits for the bench."""
FACTOR = 20
RULES = """\
power: {devices: [arm, dispenser, stage]}
interlocks:
  - {name: fast, when: stage.velocity > 60 mm/s, effect: trip, why: an open well spills, stale_after: 30 s}
safe_state: [{device: arm, do: stop}, {set: stage.velocity, to: 40 mm/s}]
"""
DID = "somebody had set it at the panel of the drive"
TRIP = "interlock fast: stage.velocity > 60 mm/s holds (an open well spills)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A bench with an interlock and a relay, on which there is too little of one liquid."""
    folder = tmp_path_factory.mktemp("bench")
    lab = example("colour", folder, {"lab.yaml": ("interlocks: []\nsafe_state: []\n", RULES)}).with_name("lab.yaml")
    lab.write_text(lab.read_text().replace("clear:   {stock: 250 mL}", "clear:   {stock: 2 mL}"))
    campaign = lab.with_name("campaign.yaml")
    campaign.write_text(campaign.read_text().replace("[1, 30]", "[1, 5]") + "engine: sobol\n")
    with house(lab, folder / "data", simulate=False) as found:
        key = found.context.accounts.entry(NAMES[Role.TECHNICIAN]).public
        people = f"people: {{{NAMES[Role.TECHNICIAN]}: {{key: {key}, may: [reset]}}}}\nenvelope:"
        lab.write_text(lab.read_text().replace("envelope:", people, 1))
        yield found
        if has_controller(found.data):  # of a test that has failed
            found.nobody.post("/api/v1/stop")
            until(lambda: not has_controller(found.data), "the controller to end", 60.0)


def drive_too_fast(home: House) -> None:
    """Somebody sets the velocity at the drive itself, over the wire and past all guards, as at its own panel."""
    (at,) = [each["at"] for each in simulators(controller_of(home.data)) if each["device"] == "stage"]
    puts = [[[f"{at['epics']}VELOCITY", 90.0]], [f"{at['epics']}VELOCITY_RBV"]]
    where = {"EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_SERVER_PORT": str(at["port"])}
    command = [sys.executable, "-m", "tests.safety.writers", "channel_access", json.dumps(puts)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | where, check=False)
    assert done.returncode == 0, done.stderr


def simulators(controller: psutil.Process) -> Iterator[Any]:
    """What each simulator of a controller was asked to serve."""
    for process in controller.children():
        with suppress(psutil.Error):  # one that has just ended
            words = process.cmdline()
            if "simulators.serve" in words:
                yield json.loads(words[-1])


def start(page: Any) -> str:
    """Start the campaign on simulators. Returns its id."""
    page.get_by_role("link", name="Start one").click()
    page.get_by_role("button", name="Check it").click()
    page.get_by_text("no fault found", exact=True).wait_for(timeout=PATIENCE_MS)
    page.get_by_label("On simulators").check()
    page.get_by_label("Trials").fill("40")
    page.get_by_label("Seed").fill("1")
    page.get_by_label("Time factor").fill(str(FACTOR))
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/campaigns/teal-*", timeout=PATIENCE_MS)
    return page.url.rpartition("/")[2]


def see_another_outcome(page: Any) -> None:
    """Wait on the page of the campaign until one more trial has an outcome."""
    outcomes = page.locator("#trials .state.good")
    wanted, tripped = outcomes.nth(outcomes.count()), page.locator("#standing .alarm")
    wanted.or_(tripped).first.wait_for(timeout=PATIENCE_MS)
    if tripped.count():  # this machine did not run the controller for so long that the watchdog rightly stepped in
        reset(page, "hangs")
        resume(page)
        outcomes.nth(outcomes.count()).wait_for(timeout=PATIENCE_MS)


def refill(page: Any) -> None:
    """Pause where the page says so, fill the bottle, and write down what is there."""
    page.get_by_role("link", name="Materials").click()
    clear = page.locator("#stock tr", has=page.get_by_role("rowheader", name="clear"))
    clear.get_by_text("too little").wait_for(timeout=PATIENCE_MS)
    page.get_by_text("pause it before you open a bottle").wait_for()
    page.get_by_role("group", name="Stop and pause").get_by_role("button", name="Pause").click()
    page.get_by_label("What", exact=True).select_option("clear", timeout=PATIENCE_MS)
    page.get_by_label("What is there now").fill("250 mL")
    assert serious(page) == [], "while a bottle is refilled"
    assert page.locator("#standing .bad").count() == 0, "without power, as it should be, is no alarm"
    page.get_by_role("button", name="Write it down").click()
    page.locator(".said.done", has_text="clear: 250 mL from now on").wait_for(timeout=PATIENCE_MS)
    clear.get_by_text("250 mL").wait_for()
    clear.get_by_text("enough").wait_for()
    page.get_by_role("main").get_by_role("link", name="Requests").click()


def resume(page: Any, *, is_changed: bool = False) -> None:
    """Go on, on the page of requests."""
    if is_changed:
        page.get_by_label("although its files have changed").check()
    page.get_by_role("button", name="Resume").click()
    page.wait_for_url("**/campaigns/teal-*", timeout=PATIENCE_MS)


def reset(page: Any, cause: str) -> None:
    """See from wherever one is that the lab has tripped, why, and reset it."""
    page.get_by_role("link", name="tripped").click(timeout=PATIENCE_MS)
    page.locator("#safety", has_text=cause).wait_for(timeout=PATIENCE_MS)
    page.locator("#standing", has_text="nothing runs").wait_for(timeout=PATIENCE_MS)
    page.locator("#standing .bad", has_text="power off").wait_for(timeout=PATIENCE_MS)
    assert page.get_by_role("button", name="Stop", exact=True).is_enabled()
    assert serious(page) == [], "while the lab has tripped"
    form = page.locator("section", has=page.get_by_role("heading", name="Reset"))
    form.get_by_label("What was the cause, and what you did about it").fill(DID)
    form.get_by_label("Your password").fill(PASSWORD)
    form.get_by_role("button", name="Reset the lab").click()
    page.locator(".said.done", has_text="is reset").wait_for(timeout=PATIENCE_MS)
    page.get_by_role("navigation").get_by_role("link", name="Requests").click()


def test_a_technicians_day_at_the_bench(browser: Any, home: House) -> None:
    day = Day(browser, home)
    page = day.sign_in(Role.TECHNICIAN)
    campaign = start(page)
    see_another_outcome(page)
    refill(page)
    resume(page, is_changed=True)
    see_another_outcome(page)
    page.get_by_role("link", name="Now").click()
    drive_too_fast(home)
    page.locator("#now", has_text=TRIP).wait_for(timeout=PATIENCE_MS)
    reset(page, TRIP)
    page.get_by_text("the lab has been reset since").wait_for(timeout=PATIENCE_MS)
    resume(page)
    see_another_outcome(page)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("heading", name="stopping").wait_for()
    page.wait_for_url(f"{home.address}/", timeout=PATIENCE_MS)
    page.get_by_text("stopped", exact=True).first.wait_for(timeout=PATIENCE_MS)
    page.goto(f"{home.address}/campaigns/{campaign}")
    page.get_by_role("link", name="Open the report").click()
    page.get_by_role("heading", level=1).wait_for()
    day.end()

    technician = NAMES[Role.TECHNICIAN]
    assert load_lab(home.lab).materials["clear"].stock_ul == 250_000.0
    lines = home.enter(Role.SAFETY_OFFICER).get("/api/v1/audit?limit=200").json
    refilled = [(line["by"], line["detail"]) for line in lines if line["what"] == "refill"]
    assert refilled == [(technician, "clear: 250 mL (lab.yaml)")]
    with home.context.reading() as reader:
        record, intents = reader.campaign(campaign), reader.intents(campaign)
        deeds = [(one.principal, one.cause, one.detail) for one in reader.interventions(campaign)]
        trips = reader.states.rows("SELECT cause, name, reset_because FROM trips JOIN principals p ON p.id = reset_by")
    assert {"cause": TRIP, "name": technician, "reset_because": DID} in trips
    assert (record.state, record.realm) == ("stopped", "simulated")
    assert [cause for who, cause, _ in deeds if who == technician][-1] == "stop"
    causes = [cause for _, cause, _ in deeds]
    assert causes.count("accept changes") == 1, "what was accepted once is not asked again"
    assert len([cause for _, cause, detail in deeds if cause == "power: trip" and detail.startswith(TRIP)]) == 1
    assert causes.index("trip") > causes.index("resume")
    assert len({intent.operation for intent in intents}) == len(intents), "nothing was done twice"
    assert [intent.operation for intent in intents if intent.state == "intended"] == [], "nothing is in doubt"
