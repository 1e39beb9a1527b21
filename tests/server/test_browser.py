"""A technician's day in a real browser, against a real server and a campaign that a controller of its own runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autolab.core.clock import real_clock
from autolab.core.roles import Role
from autolab.journal import trips
from autolab.journal.folder import has_controller
from autolab.journal.journal import Journal
from tests.rigs import until
from tests.server.days import Day, serious, until_it_holds
from tests.server.house import NAMES, House, controller_of, house
from tests.server.quick import PASSWORD
from tests.system.test_by_hand import by_hand

TUTORIAL = "docs/tutorials/a-day-at-the-bench.md"
LARGEST_PICTURE = 150_000
"""Bytes of a picture that the tutorial shows."""
LAB = "envelope:"
PEOPLE = "people:\n{people}\nenvelope:"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("browser")
    lab = by_hand(folder, approval=("budget: {trials: 12}", "budget: {trials: 12}\napproval: new")).with_name(
        "lab.yaml"
    )
    with house(lab, folder / "data", simulate=False) as found:
        people = "".join(
            f"  {NAMES[role]}: {{key: {found.context.accounts.entry(NAMES[role]).public}, may: [{right}]}}\n"
            for role, right in ((Role.TECHNICIAN, "reset"), (Role.RESEARCHER, "approve"))
        )
        lab.write_text(lab.read_text().replace(LAB, PEOPLE.format(people=people)))
        yield found
        if has_controller(found.data):  # of a test that has failed
            found.nobody.post("/api/v1/stop")
            until(lambda: not has_controller(found.data), "the controller to end", 60.0)


def running(home: House) -> str:
    found: list[str] = []

    def is_there() -> bool:
        with home.context.reading() as reader:
            found[:] = [row["id"] for row in reader.states.rows("SELECT id FROM campaigns ORDER BY rowid DESC LIMIT 1")]
        return bool(found)

    until(is_there, "the campaign", 90.0)
    return found[0]


def approve_as_another_person(browser: Any, home: House) -> None:
    """The researcher looks at trial 1, mistypes the password, and then signs."""
    other = Day(browser, home)
    page = other.sign_in(Role.RESEARCHER)
    page.get_by_role("link", name="See to it").click()
    for password, said in (
        (f"not {PASSWORD}", "the password is wrong; nothing was done"),
        (PASSWORD, "is approved by"),
    ):
        form = page.locator("form[action$='/trials/1/approve']")
        form.get_by_label("Your password").fill(password)
        form.get_by_role("button", name="Approve").click()
        page.locator(".said", has_text=said).wait_for()
    other.end()


def approve_by_program(home: House, campaign: str, trial: int) -> None:
    """The researcher approves as a program would, with what was seen, twice: it counts once."""
    client, found = home.enter(Role.RESEARCHER), list[Any]()

    def is_asked() -> bool:
        waiting = [each for each in client.get("/api/v1/requests").json if each["kind"] == "approve"]
        found[:] = [each for each in waiting if each["trial"] == trial]
        return bool(found)

    until(is_asked, "the request", 60.0)
    wish = {"hash": found[0]["proposal"]["hash"], "password": PASSWORD}
    place = f"/api/v1/campaigns/{campaign}/trials/{trial}/approve"
    assert "was proposed anew" in client.post(place, {**wish, "hash": "0" * 64}).json["detail"]
    answers = [client.post(place, wish, idempotency_key="a2") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200], answers
    assert answers[0].text == answers[1].text


def type_a_result(page: Any) -> None:
    """What is no number is refused, and the question stays open."""
    page.get_by_text("Dissolve").first.wait_for(timeout=60_000)
    page.get_by_label("conductivity (mS/cm)").fill("abc")
    page.get_by_role("button", name="That is what I found").click()
    page.get_by_text("'abc' is").wait_for()
    until_it_holds(page.get_by_label("conductivity (mS/cm)"), "abc")  # what was typed is there again
    page.get_by_label("conductivity (mS/cm)").fill("96")
    page.get_by_role("button", name="That is what I found").click()
    page.locator(".said.done").wait_for()


def lose_the_controller(home: House, campaign: str) -> None:
    """Power fails in the middle of an action, and on the way down an interlock trips."""
    controller_of(home.data).kill()
    until(lambda: not has_controller(home.data), "the end of the controller")
    with closing(Journal(home.data, real_clock())) as journal:
        trips.record(journal, campaign, "wet-bench", "physical", "the door of the hood was open")


def recover(page: Any, kept: Path) -> None:
    """Settle what is in doubt, reset the lab with the password that is right, and go on."""
    page.get_by_role("link", name="Requests").click()
    doubt = page.locator("article.settle")
    assert "by-hand of technician: was it done?" in doubt.inner_text()
    page.evaluate("() => document.querySelector('article.settle').scrollIntoView()")
    page.screenshot(path=kept / "day-doubt.png")
    doubt.get_by_label("not done").check()
    doubt.get_by_label("What you saw").fill("the beaker is dry")
    doubt.get_by_role("button", name="Settle it").click()
    page.locator(".said.done", has_text="is settled as not done").wait_for()
    trip = page.locator("article.reset")
    assert "the door of the hood was open" in trip.inner_text()
    cause = trip.get_by_label("What was the cause, and what you did about it")
    cause.fill("somebody was cleaning")
    for password, said in ((f"not {PASSWORD}", "the password is wrong"), (PASSWORD, "wet-bench is reset")):
        until_it_holds(cause, "somebody was cleaning")  # what was typed is there again, less the password
        until_it_holds(trip.get_by_label("Your password"), "")
        trip.get_by_label("Your password").fill(password)
        trip.get_by_role("button", name="Reset").click()
        page.locator(".said", has_text=said).wait_for()
    page.get_by_role("button", name="Resume").click()
    page.wait_for_url("**/campaigns/salt-*", timeout=90_000)


def test_a_technicians_day(browser: Any, home: House, tmp_path: Path, repository: Path) -> None:
    """As the tutorial tells it, with the pictures that it shows: ``AUTOLAB_SCREENSHOTS`` names a folder for them."""
    kept = Path(os.environ.get("AUTOLAB_SCREENSHOTS") or tmp_path)
    day = Day(browser, home)
    page = day.sign_in(Role.TECHNICIAN)
    page.get_by_role("link", name="Start one").click()
    page.get_by_role("button", name="Check it").click()
    page.get_by_text("no fault found", exact=True).wait_for(timeout=90_000)
    page.get_by_label("On the lab's hardware").check()
    page.get_by_label("Trials").fill("3")
    page.get_by_label("Seed").fill("1")
    armed = page.locator("section", has=page.get_by_role("heading", name="Start it"))
    armed.screenshot(path=kept / "day-check.png")
    page.get_by_role("button", name="Start", exact=True).dblclick()
    page.wait_for_url("**/campaigns/salt-*", timeout=90_000)
    campaign = page.url.rpartition("/")[2]

    page.get_by_text("Why a person is asked").first.wait_for(timeout=60_000)
    assert page.get_by_role("button", name="Approve").count() == 0, "a technician does not approve"
    page.screenshot(path=kept / "day-approval.png", clip={"x": 0, "y": 0, "width": 1360, "height": 680})
    approve_as_another_person(browser, home)

    page.get_by_text("Dissolve").first.wait_for(timeout=60_000)
    page.screenshot(path=kept / "day-question.png")
    type_a_result(page)

    page.get_by_role("link", name="Now").click()
    page.locator("tbody .state.good").first.wait_for(timeout=60_000)
    page.locator("figure .main-svg").first.wait_for(timeout=60_000)
    page.screenshot(path=kept / "day-now.png")
    page.get_by_role("group", name="Stop and pause").get_by_role("button", name="Pause").click()
    page.get_by_text("paused", exact=True).first.wait_for(timeout=60_000)

    researcher = home.enter(Role.RESEARCHER)
    place, wish = f"/api/v1/campaigns/{campaign}/budget", {"trials": 5, "because": "the gain is worth it"}
    assert "and not 3" in researcher.post(place, wish).json["said"]
    assert "its budget cannot be 1" in researcher.post(place, {**wish, "trials": 1}).json["detail"]

    page.get_by_role("link", name="Requests").click()
    page.get_by_role("button", name="Resume").click()
    page.wait_for_url(f"**/campaigns/{campaign}", timeout=90_000)
    assert "of 5 trials" in page.locator(".progress").first.inner_text()
    approve_by_program(home, campaign, 2)
    page.get_by_text("Dissolve").first.wait_for(timeout=60_000)
    lose_the_controller(home, campaign)
    recover(page, kept)
    page.get_by_text("Dissolve").first.wait_for(timeout=60_000)
    page.get_by_label("It could not be done, because").fill("the beaker broke")
    page.get_by_role("button", name="The trial fails").click()
    page.get_by_text("the beaker broke").first.wait_for(timeout=60_000)

    assert serious(page) == [], "while a campaign runs"
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("heading", name="stopping").wait_for()
    page.wait_for_url(f"{home.address}/", timeout=20_000)
    page.get_by_text("stopped", exact=True).first.wait_for(timeout=60_000)

    page.goto(f"{home.address}/campaigns/{campaign}")
    page.get_by_role("link", name="Open the report").click()
    page.get_by_role("heading", level=1).wait_for()
    day.end()
    told = set(re.findall(r"\.\./images/(day-\w+\.png)", (repository / TUTORIAL).read_text(encoding="utf-8")))
    assert {path.name for path in kept.glob("day-*.png") if path.stat().st_size} == told
    with home.context.reading() as reader:
        record = reader.campaign(campaign)
        deeds = [(one.principal, one.cause) for one in reader.interventions(campaign)]
        n_campaigns = len(reader.campaigns())
        reset = reader.states.rows("SELECT name, reset_because FROM trips JOIN principals p ON p.id = reset_by")
    technician = NAMES[Role.TECHNICIAN]
    assert (record.principal, record.state, n_campaigns) == (technician, "stopped", 1)
    own = ["answer", "pause", "resume", "resume", "answer", "stop"]
    assert [cause for who, cause in deeds if who == technician] == own
    assert reset == [{"name": technician, "reset_because": "somebody was cleaning"}]
    assert [cause for who, cause in deeds if who == NAMES[Role.RESEARCHER]] == ["approve", "change budget", "approve"]


def test_the_pictures_of_the_tutorial_are_small(repository: Path) -> None:
    pictures = {path.name: path.stat().st_size for path in (repository / "docs/images").glob("day-*.png")}
    assert pictures
    assert {name: size for name, size in pictures.items() if not 0 < size < LARGEST_PICTURE} == {}


PAGES = (
    "/", "/campaigns", "/new", "/requests", "/devices", "/devices/technician/move", "/safety", "/materials", "/data",
    "/readiness", "/audit", "/settings",
)  # fmt: skip


SOME = ("/", "/campaigns", "/settings")
"""Pages that are looked at in all sizes and themes; all of them are where somebody wants pictures."""


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("desktop", "dark"), ("tablet", "dark")])
def test_no_page_has_a_serious_fault(browser: Any, home: House, size: str, theme: str) -> None:
    """``AUTOLAB_SCREENSHOTS`` names a folder for pictures of all pages, for whoever looks at them."""
    kept = os.environ.get("AUTOLAB_SCREENSHOTS")
    if "everything" not in [entry.name for entry in home.context.accounts.all()]:
        token = home.context.accounts.add("everything", [role for role in Role if role is not Role.AGENT])
        home.context.accounts.open(token or "", "everything", PASSWORD)
    day = Day(browser, home, size, theme)
    page = day.open("/login")
    assert serious(page) == []
    page.get_by_label("Name").fill("everything")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    with home.context.reading() as reader:
        found = [f"/campaigns/{record.id}" for record in reader.campaigns()]
    faults: dict[str, list[str]] = {}
    is_all = bool(kept) or (size, theme) == ("desktop", "light")
    for path in (*(PAGES if is_all else SOME), *found[:1], *(f"{each}/trials/1" for each in found[:1])):
        page = day.open(path)
        if page.locator("[data-pictures]").count() and found:
            page.locator("figure .main-svg").first.wait_for(timeout=60_000)
        faults[path] = [] if size == "tablet" else serious(page, *(["color-contrast"] if theme == "dark" else []))
        if kept:
            name = "trial" if "trials" in path else "campaign" if path in found else path.strip("/") or "now"
            page.screenshot(path=Path(kept) / f"{name}-{size}-{theme}.png", full_page=True)
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} pixels wider than a {size}"
        stops = page.get_by_role("button", name="Emergency stop").bounding_box()
        assert stops is not None
        assert stops["y"] < 120, path
    day.end()
    assert {path: seen for path, seen in faults.items() if seen} == {}


def test_the_search_for_faults_finds_one(browser: Any, home: House) -> None:
    day = Day(browser, home)
    page = day.open("/login")
    page.evaluate("() => document.querySelector('label').remove()")
    page.evaluate("() => document.querySelector('.soft').style.color = '#ddd'")
    assert {found.partition(":")[0] for found in serious(page)} == {"label", "color-contrast"}
    day.end()


def test_a_document_is_brought_along_with_the_evidence_and_one_that_is_too_large_is_not_sent(
    browser: Any, home: House
) -> None:
    day = Day(browser, home)
    page = day.sign_in(Role.MANAGER)
    page.get_by_role("link", name="Readiness").click()
    page.get_by_label("About").select_option("m_asset_coverage")
    for label, said in (("Step or value", "0.9"), ("Who stands for it", "Ada Lovelace"), ("Counted", "40")):
        page.get_by_label(label).fill(said)
    page.get_by_label("Of them well").fill("36")
    page.get_by_label("Day").fill("2026-10-01")
    page.get_by_label("Counts until").fill("2027-10-01")
    brought, document = page.get_by_label("Or bring one along"), {"name": "walk.csv", "mimeType": "text/csv"}
    page.evaluate("() => (document.getElementById('upload').dataset.largest = 4)")
    brought.set_input_files({**document, "buffer": b"stage,yes"})
    page.get_by_role("button", name="Add it").click()
    assert "walk.csv is too large" in brought.evaluate("(field) => field.validationMessage")
    brought.set_input_files({**document, "buffer": b"yes"})
    page.get_by_role("button", name="Add it").click()
    page.locator(".said.done", has_text="m_asset_coverage is stated").wait_for()
    assert (home.lab.parent / "evidence/walk.csv").read_bytes() == b"yes"
    day.end()


def test_a_page_says_at_once_that_the_server_is_gone_and_that_it_is_back(browser: Any, home: House) -> None:
    day = Day(browser, home)
    page = day.sign_in(Role.OBSERVER)
    page.get_by_text("· live").wait_for()
    day.tab.set_offline(True)
    home.context.feed.cut()
    page.get_by_text("The server does not answer.").wait_for(timeout=20_000)
    assert page.evaluate("() => getComputedStyle(document.querySelector('main')).filter") == "grayscale(1)"
    assert page.get_by_role("button", name="Stop", exact=True).is_enabled()
    day.tab.set_offline(False)
    page.get_by_text("· live").wait_for(timeout=20_000)
    assert page.get_by_text("The server does not answer.").is_hidden()
    day.wrong.clear()  # the browser says of each try that there is no network
    day.end()
