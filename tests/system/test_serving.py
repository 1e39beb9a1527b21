"""The server as a process: its first administrator, what it listens on, and what its death does to a campaign."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import sync_playwright

from autolab.core.clock import real_clock
from autolab.core.roles import Role
from autolab.core.trials import TrialState
from autolab.journal.audit import audit
from autolab.journal.folder import has_controller
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.server.doors import COOKIE
from autolab.server.serving import opened
from autolab.server.settings import Settings
from benchmarks.warm import WarmCommand
from tests.cli.running import clean_environment
from tests.compose.files import example, free_port
from tests.rigs import until
from tests.server.house import Client, add_account, controller_of
from tests.server.quick import PASSWORD
from tests.system.command import autolab

BUDGET = "budget: {trials: 30}"


@contextmanager
def server(lab: Path, data: Path, *words: str, port: int | None = None) -> Iterator[tuple[WarmCommand, str, list[str]]]:
    """``autolab serve`` in a process of its own: the process, its address, and what it has said so far."""
    port = port or free_port()
    process = WarmCommand(("serve", lab, "--port", port, "--data", data, *words), clean_environment())
    try:
        said = [process.stderr.readline()]
        assert "campaigns go on" in said[0], said
        if not has_account(data):
            said += [process.stderr.readline(), process.stderr.readline()]
        yield process, f"http://127.0.0.1:{port}", said
    finally:
        process.kill()
        process.wait()
        process.close()


def has_account(data: Path) -> bool:
    with closing(sqlite3.connect(data / "accounts.sqlite")) as connection:
        return bool(connection.execute("SELECT 1 FROM accounts").fetchall())


def states(data: Path) -> list[str]:
    reader = JournalReader.open(data)
    try:
        return [record.state for record in reader.campaigns()]
    finally:
        reader.close()


def test_a_server_that_is_killed_disturbs_no_campaign_and_listens_on_one_socket(tmp_path: Path) -> None:
    budget = "budget: {trials: 12}\nengine: random"
    file, data = example("replay", tmp_path, {"campaign.yaml": (BUDGET, budget)}), tmp_path / "data"
    lab = file.with_name("lab.yaml")
    with server(lab, data, "--simulate") as (process, address, said):
        listening = [
            c.laddr for c in psutil.Process(process.pid).net_connections("all") if c.status == psutil.CONN_LISTEN
        ]
        assert [f"http://{place.ip}:{place.port}" for place in listening] == [address]
        (token,) = re.findall(r"/welcome\?token=(\S+)", "".join(said))
        nobody = Client(address)
        form = {"token": token, "name": "ada", "password": PASSWORD, "again": PASSWORD, "roles": ["researcher"]}
        first = nobody.post("/welcome", form=form)
        assert first.status == 303, first.text
        assert nobody.post("/welcome", form=form).status == 403, "a link opens one account"
        ada = nobody.sign_in("ada")
        start = {"file": "campaign.yaml", "simulate": True, "seed": 1, "time_factor": 20}
        answers = [ada.post("/api/v1/campaigns", start, idempotency_key="morning") for _ in range(2)]
        assert [answer.status for answer in answers] == [202, 202], answers
        assert answers[0].json["start"] == answers[1].json["start"]
        until(lambda: has_controller(data) and "running" in states(data), "the campaign", 90.0)
        assert "a campaign runs in this lab already" in ada.post("/api/v1/campaigns", start).json["detail"]
        os.kill(process.pid, signal.SIGKILL)
    with server(lab, data, "--simulate") as (process, address, _):
        again = Client(address, cookie=ada.cookie)
        assert again.get("/api/v1/me").json["name"] == "ada", "who was signed in still is"
        until(lambda: states(data) == ["finished"], "the end of the campaign", 120.0)
        shown = again.get("/api/v1/campaigns").json["items"][0]
        assert (shown["counts"], shown["by"]) == ({"ingested": 12}, "ada")
        until(lambda: not has_controller(data), "the end of the controller", 30.0)
        until(
            lambda: again.get(f"/api/v1/starts/{answers[0].json['start']}").json.get("state") == "ended",
            "its last word",
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)
    assert audit(data, None).findings == ()
    assert (data / "reports" / f"{shown['id']}.html").is_file()


def approving_lab(folder: Path) -> tuple[Path, Path]:
    """A lab whose trials are approved by somebody else than whoever runs them; its people have accounts."""
    change = ("budget: {trials: 30}", "budget: {trials: 1}\nengine: random\napproval: new")
    lab, data = example("replay", folder, {"campaign.yaml": change}).with_name("lab.yaml"), folder / "data"
    with opened(Settings(lab, data), real_clock()) as context:
        for name in ("ada", "bo"):
            add_account(context, name, Role.RESEARCHER, Role.ADMINISTRATOR)
        people = "".join(f"  {each.name}: {{key: {each.public}, may: [approve]}}\n" for each in context.accounts.all())
    lab.write_text(f"{lab.read_text()}people:\n{people}")
    return lab, data


def waits(data: Path) -> bool:
    """Whether a trial waits for approval."""
    with closing(JournalReader.open(data)) as reader:
        return bool(reader.states.rows("SELECT 1 FROM trials WHERE state = ?", (TrialState.AWAITING,)))


def approvals(data: Path) -> list[str | None]:
    """What the controller has answered to each approval that reached the record."""
    with closing(JournalReader.open(data)) as reader:
        return [row["answer"] for row in reader.states.rows("SELECT answer FROM requests WHERE verb = 'approve'")]


def requests_begun(data: Path) -> list[str]:
    """Keys of the requests that a server has begun and not answered."""
    with closing(sqlite3.connect(data / "accounts.sqlite")) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM once WHERE answer IS NULL")]


def test_an_approval_during_which_the_server_is_killed_counts_once_or_not_at_all(tmp_path: Path, chromium: str) -> None:
    """Killed before the approval is on record, by a program; and after it, by a page, which comes back by itself."""
    lab, data = approving_lab(tmp_path)
    port = free_port()
    with ExitStack() as stack:
        with server(lab, data, "--simulate", port=port) as (process, address, _):
            ada, bo = (Client(address).sign_in(name) for name in ("ada", "bo"))
            start = {"file": "campaign.yaml", "simulate": True, "seed": 1, "time_factor": 100}
            begun = ada.post("/api/v1/campaigns", start).json["start"]
            until(lambda: waits(data), "a trial that waits for approval", 90.0)
            controller = controller_of(data)
            stack.callback(let_go, controller)
            campaign = bo.get(f"/api/v1/starts/{begun}").json["campaign"]
            place, wish = f"/api/v1/campaigns/{campaign}/trials/1/approve", {"password": PASSWORD}
            with closing(Journal(data, real_clock())) as journal, journal.states.commit():
                sent = threading.Thread(target=lost, args=(bo, place, wish, "a1"))
                sent.start()
                until(lambda: requests_begun(data) == ["a1"], "the approval to begin")
                os.kill(process.pid, signal.SIGKILL)
                sent.join()
        assert approvals(data) == []
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.context.add_cookies([{"name": COOKIE, "value": str(bo.cookie), "url": address}])
        with server(lab, data, "--simulate", port=port) as (process, _, _):
            again = bo.post(place, wish, idempotency_key="a1")
            said = "its end is not known; look whether it has happened"
            assert (again.status, said in again.json["detail"]) == (409, True), again
            page.goto(f"{address}/requests")
            page.get_by_text("· live").wait_for()
            page.get_by_label("Your password").first.fill(PASSWORD)
            controller.suspend()
            page.get_by_role("button", name="Approve").click()
            until(lambda: approvals(data) == [None], "the approval to be on record")
            os.kill(process.pid, signal.SIGKILL)
            page.get_by_text("What you have sent is done once or not at all").wait_for()
        controller.resume()
        until(lambda: states(data) == ["finished"], "the end of the campaign", 90.0)
        with server(lab, data, "--simulate", port=port):
            page.get_by_text("Nothing waits for a person.").wait_for(timeout=30_000)
            page.get_by_text("· live").wait_for()
        browser.close()
        until(lambda: not has_controller(data), "the end of the controller", 30.0)
    (answer,) = approvals(data)
    assert f"trial 1 of {campaign} is approved by bo" in str(answer)
    assert audit(data, None).findings == ()


def let_go(controller: psutil.Process) -> None:
    """End a controller that a test which failed has left."""
    if controller.is_running():
        controller.resume()
        controller.kill()


def lost(client: Client, place: str, wish: dict[str, str], key: str) -> None:
    """Send a request that is never answered."""
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        client.post(place, wish, idempotency_key=key)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--host", "0.0.0.0"),
            "--host 0.0.0.0: passwords would cross the network in the clear: name --tls-certificate",
        ),
        (("--tls-key", "k.pem"), "--tls-certificate and --tls-key go together"),
        (("--port", "{taken}"), "Address already in use: name another port with --port"),
    ],
)
def test_a_server_that_could_not_be_safe_does_not_start(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    lab = example("replay", tmp_path).with_name("lab.yaml")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = autolab("serve", lab, *(word.format(taken=port) for word in words), data=tmp_path / "data")
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
