"""The emergency stop of a page reaches the relay past everything else, and a campaign without a controller is ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autolab.core.clock import real_clock
from autolab.core.principals import Principal
from autolab.core.roles import Role
from autolab.journal.access import accesses
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.server import stopping
from safety.supply import keep_of, power_state
from tests.compose.files import example
from tests.report.journals import write_journal
from tests.rigs import until
from tests.safety.powering import power
from tests.server.house import NAMES, House, house
from tests.server.quick import PASSWORD

THREADS = 40
"""As many as the server has for what may wait (AnyIO's default)."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    (tmp_path / "data").mkdir()
    write_journal(tmp_path / "data", trials=4, campaign="teal-2", key="k2", ended=False)
    with house(example("colour", tmp_path).with_name("lab.yaml"), tmp_path / "data") as found:
        yield found


def test_an_emergency_stop_reaches_the_relay_while_everything_else_hangs(home: House):
    """Nobody is signed in, the journal is locked as by a controller that hangs, and all threads of the server wait."""
    with power(keep_of(home.data, "colour-bench")) as rig:
        root, observer = home.enter(Role.ADMINISTRATOR), NAMES[Role.OBSERVER]
        words = ("PUT", f"/api/v1/accounts/{observer}/roles", {"roles": ["observer"]})
        locked = Journal(home.data, real_clock())
        with closing(locked), locked.states.commit():
            busy = [threading.Thread(target=root.send, args=words) for _ in range(50)]
            for thread in busy:
                thread.start()
            until(lambda: len([each for each in threading.enumerate() if "AnyIO" in each.name]) >= THREADS, "threads")
            begun = time.monotonic()
            pressed = threading.Thread(target=home.nobody.post, args=("/emergency-stop",))
            pressed.start()
            until(lambda: "emergency stop" in str(rig.ask("state")["latch"]), "the latch", 5.0)
            took_s = time.monotonic() - begun
        for thread in [*busy, pressed]:
            thread.join()
        assert took_s < 2.0, "far below the 10 s for which the journal makes everybody wait"
        state = power_state(home.data, "colour-bench")
        assert state is not None
        assert state["power"] == "off"
        assert "the server, by somebody at 127.0.0.1" in str(state["latch"])
        first = home.enter(Role.TECHNICIAN).get("/api/v1/requests").json[0]
        assert (first["kind"], first["text"]) == ("reset", state["latch"]), "also where no controller has noted a trip"
        assert "The lab has tripped" in home.enter(Role.TECHNICIAN).get("/requests").text
    with home.context.reading() as reader:
        kept = [one.detail for one in accesses(reader.states) if one.what == "emergency stop"]
    assert kept == ["by the relay"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/accounts", {"name": "late", "roles": "observer"}),
        ("/keys", {"label": "logger", "scopes": "read:status", "days": "1"}),
        ("/password", {"old": PASSWORD, "new": f"{PASSWORD}!", "again": f"{PASSWORD}!"}),
    ],
)
def test_a_form_that_waits_for_the_journal_holds_nobody_up(home: House, path: str, form: dict[str, str]):
    root, took_s = home.enter(Role.ADMINISTRATOR), 0.0
    locked = Journal(home.data, real_clock())
    with closing(locked), locked.states.commit():
        waiting = threading.Thread(target=root.post, args=(path,), kwargs={"form": form})
        waiting.start()
        for _ in range(20):
            begun = time.monotonic()
            home.nobody.get("/static/icon.svg")
            took_s = max(took_s, time.monotonic() - begun)
            waiting.join(0.05)
        assert waiting.is_alive(), "it has to note what was done"
    waiting.join()
    assert took_s < 2.0, "far below the 10 s for which the journal makes everybody wait"


def test_a_campaign_whose_controller_has_gone_is_ended_however_often_somebody_presses(
    home: House, monkeypatch: pytest.MonkeyPatch
):
    ordered: list[str] = []
    monkeypatch.setattr(stopping, "ANSWER_REAL_S", 3.0)
    monkeypatch.setattr(stopping, "order", lambda _, wanted: ordered.append(f"{wanted.verb} {wanted.about}"))
    for _ in range(5):
        assert home.nobody.post("/api/v1/stop").status == 202
    until(lambda: bool(ordered), "the order", 10.0)
    assert ordered == ["end teal-2"]
    with home.context.reading() as reader:
        waiting = Inbox(reader.states).waiting("teal-2")
    assert {(request.verb, request.principal) for request in waiting} == {
        ("stop", Principal("somebody at 127.0.0.1", "person"))
    }
