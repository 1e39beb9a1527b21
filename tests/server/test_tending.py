"""Looking after a lab from the pages: refills, bypasses by two people, proof tests, another envelope."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from autolab.compose.detached import said_of
from autolab.compose.options import RunOptions
from autolab.compose.proving import is_proving
from autolab.compose.running import data_folder
from autolab.config.lab import load_lab
from autolab.core.clock import real_clock
from autolab.core.principals import Principal
from autolab.core.roles import Role
from autolab.journal.journal import Journal
from tests.compose.files import example
from tests.journal.test_journal import START
from tests.rigs import until
from tests.server.house import NAMES, Client, House, house
from tests.server.quick import PASSWORD

API = "/api/v1"
RULES = """\
power: {devices: [arm, dispenser, stage]}
interlocks:
  - {name: far, when: stage.position > 15 cm, effect: trip, why: it hits the hood}
  - {name: warn, when: stage.position > 14 cm, effect: alarm, why: close}
safe_state: [{device: arm, do: stop}]
"""
ASK = {"rule": "far", "lasts": "30min", "because": "the sensor is swapped", "instead": "a person watches"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("tending")
    lab = example("colour", folder, {"lab.yaml": ("interlocks: []\nsafe_state: []\n", RULES)}).with_name("lab.yaml")
    with house(lab, folder / "data", simulate=False) as found:
        rights = {Role.TECHNICIAN: "bypass", Role.SAFETY_OFFICER: "bypass", Role.MANAGER: "approve"}
        keys = {role: found.context.accounts.entry(NAMES[role]).public for role in rights}
        people = "".join(f"  {NAMES[r]}: {{key: {keys[r]}, may: [{right}]}}\n" for r, right in rights.items())
        lab.write_text(lab.read_text().replace("envelope:", f"people:\n{people}envelope:", 1))
        yield found


@pytest.fixture(scope="module")
def technician(home: House) -> Client:
    return home.enter(Role.TECHNICIAN)


def test_a_refill_is_written_into_the_lab_file_and_journalled_with_who_did_it(home: House, technician: Client):
    page = technician.get("/materials").text
    assert "Write it down" in page
    assert "Write it down" not in home.enter(Role.OBSERVER).get("/materials").text
    form = {
        "csrf": technician.headers.get("X-CSRF-Token", ""),
        "name": "cyan",
        "amount": "100 mL",
        "back": "/materials",
    }
    answer = technician.post("/stock/refill", form=form)
    assert (answer.status, answer.headers["location"]) == (303, "/materials")
    assert load_lab(home.lab).materials["cyan"].stock_ul == 100_000.0
    lines = home.enter(Role.SAFETY_OFFICER).get(f"{API}/audit").json
    assert [(line["by"], line["detail"]) for line in lines if line["what"] == "refill"] == [
        (NAMES[Role.TECHNICIAN], "cyan: 100 mL (lab.yaml)")
    ]
    wrong = technician.post(f"{API}/stock/refill", {"name": "cyan", "amount": "some"})
    assert (wrong.status, "'some'" in wrong.json["detail"]) == (422, True)


def test_a_refill_waits_for_a_controller_that_is_about_to_end(home: House, technician: Client):
    """Its campaign has paused, and the page says so; a moment later it lets go of the lab."""
    filled = {"name": "magenta", "amount": "90 mL"}
    with ExitStack() as controller:
        controller.enter_context(data_folder(RunOptions(data=home.data)))
        ending = threading.Timer(0.5, controller.pop_all().close)
        ending.start()
        answer = technician.post(f"{API}/stock/refill", filled)
        is_over = ending.finished.is_set()
        ending.join()
    assert (answer.status, is_over) == (200, True), answer.text
    assert load_lab(home.lab).materials["magenta"].stock_ul == 90_000.0


def test_a_bypass_takes_two_people_who_sign_and_stands_on_every_page(home: House, technician: Client):
    officer = home.enter(Role.SAFETY_OFFICER)
    asked = technician.post(f"{API}/bypasses", ASK)
    assert asked.status == 200, asked.text
    assert "far is not bypassed yet" in asked.json["said"]
    place, signed = f"{API}/bypasses/far/approve", {"password": PASSWORD}
    own = technician.post(place, signed)
    assert (own.status, f"{NAMES[Role.TECHNICIAN]} proposed it" in own.json["detail"]) == (403, True)
    assert "only your password opens your key" in officer.post(place, {}).json["detail"]
    page = officer.get("/safety").text
    assert "Approve the bypass" in page
    assert "nobody has approved it" in page
    assert "far is bypassed until" in officer.post(place, signed).json["said"]
    (one,) = officer.get(f"{API}/lab").json["bypasses"]
    assert (one["rule"], one["asked_by"], one["is_approved"]) == ("far", NAMES[Role.TECHNICIAN], True)
    assert "1 bypassed" in technician.get("/").text
    ended = technician.post("/bypasses/far/end", form={"csrf": "", "back": "/safety"})
    assert ended.status == 303
    assert technician.get(f"{API}/lab").json["bypasses"] == []
    manager = home.enter(Role.MANAGER).post(f"{API}/bypasses", ASK)
    assert (manager.status, "may not ask for a bypass" in manager.json["detail"]) == (403, True), "the lab file decides"


def test_a_proof_test_is_started_from_the_page_and_its_paths_stand_there(home: House, technician: Client):
    assert technician.get(f"{API}/proof-tests/last").json is None
    lab = home.lab.read_text()
    home.lab.write_text(
        lab.replace(RULES, "power: {devices: [arm, dispenser, stage]}\ninterlocks: []\nsafe_state: []\n")
    )
    begun = technician.post(f"{API}/proof-tests", {}, idempotency_key="p1").json
    assert begun["state"] == "starting"
    until(lambda: is_proving(home.data), "the proof test to begin", 60.0)
    assert "a proof test runs already" in technician.post(f"{API}/proof-tests", {}).json["detail"]
    until(lambda: said_of(home.data, begun["start"]).state != "starting", "the proof test", 60.0)
    end = technician.get(f"{API}/starts/{begun['start']}").json
    assert (end["state"], end["said"]) == ("ended", "colour-bench: all 5 paths passed")
    test = technician.get(f"{API}/proof-tests/last").json
    assert (test["by"], test["passed"], test["is_of_this_file"]) == (NAMES[Role.TECHNICIAN], True, True)
    assert "the emergency stop is pressed" in [path["cause"] for path in test["paths"]]
    assert "the controller hangs" in technician.get("/safety").text
    home.lab.write_text(lab)
    assert "the lab file has changed since" in technician.get("/safety").text


def test_another_envelope_is_shown_on_the_campaigns_page_and_approved_there(home: House):
    lab = load_lab(home.lab)
    started = replace(
        START, lab=lab.name, lab_file=lab.source.text, lab_hash=lab.content_hash, envelope_hash=lab.envelope_hash,
        envelope_version=lab.envelope_version, options={"file": str(home.lab.with_name("campaign.yaml"))},
    )  # fmt: skip
    journal = Journal(home.data, real_clock())
    journal.start_campaign(started, Principal("ada", "person"))
    journal.close()
    manager, place = home.enter(Role.MANAGER), f"{API}/campaigns/c-1/envelope/approve"
    same = manager.post(place, {"password": PASSWORD})
    assert (same.status, "there is nothing to approve" in same.json["detail"]) == (422, True)
    assert "another one than this campaign runs in" not in manager.get("/campaigns/c-1").text
    text = home.lab.read_text().replace("max: 300 mm", "max: 290 mm", 1)
    home.lab.write_text(f"envelope_version: '2'\n{text}")
    page = manager.get("/campaigns/c-1").text
    assert "max 300 mm" in page.partition("→ min")[0]
    assert "max 290 mm" in page
    approved = manager.post(place, {"password": PASSWORD})
    assert (approved.status, "version 2 of the envelope is approved by the-manager" in approved.text) == (200, True)
