"""Every door × every role: what is refused is refused, what is let through is let through, and no door asks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from autolab.core.errors import NotAuthorisedError
from autolab.core.roles import ROLES, Role, Scope
from autolab.server.app import open_all_doors
from autolab.server.doors import Door, Doors
from autolab.server.reference import reference
from autolab.server.serving import serving
from autolab.server.sessions import Sessions
from autolab.server.settings import Settings
from tests.compose.files import example
from tests.server.house import Answer, Client, House, house
from tests.server.quick import QUICK

TABLE = open_all_doors(FastAPI(openapi_url=None, docs_url=None, redoc_url=None)).table
EXEMPT = {"POST /stop", "POST /emergency-stop", "POST /api/v1/stop", "POST /api/v1/emergency-stop"}
WAYS_IN = {"GET /login", "POST /login", "GET /welcome", "POST /welcome", "GET /static/{name}", "GET /favicon.ico"}
BY_HAND = {
    "POST /api/v1/campaigns/{campaign}/trials/{trial}/approve": {"researcher", "safety officer", "manager"},
    "POST /api/v1/lab/reset": {"technician", "safety officer"},
    "POST /api/v1/campaigns": {"technician", "researcher"},
    "POST /api/v1/campaigns/{campaign}/trials": {"researcher", "agent"},
    "POST /api/v1/accounts": {"administrator"},
    "GET /api/v1/audit": {"safety officer", "manager", "administrator"},
    "GET /api/v1/campaigns": set(Role),
}
"""Some cells as a person wrote them down, so that the table of roles is not held against itself alone."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("doors")
    with house(example("replay", folder).with_name("lab.yaml"), folder / "data") as found:
        yield found


def knock(client: Client, door: Door) -> Answer:
    path = door.path
    for name in ("campaign", "start", "operation", "name", "key"):
        path = path.replace(f"{{{name}}}", "none")
    path = path.replace("{trial}", "1")
    if door.path == "/check":
        path += "?file=none"
    if door.method == "GET":
        return client.get(path)
    is_form = not door.path.startswith("/api/")
    return client.send(door.method, path, **({"form": {"nothing": "x"}} if is_form else {"body": {}}))


def is_let_through(answer: Answer) -> bool:
    """Whether a door was opened: what is behind it may refuse all the same, but not for want of a scope."""
    if answer.status == 401 or (answer.status == 303 and answer.headers["location"].startswith("/login?next=")):
        return False
    return not (answer.status == 403 and ("it takes the role" in answer.text or "an API key" in answer.text))


def expected(door: Door, role: Role | None) -> bool:
    if door.asks in ("nothing", "nothing at all"):
        return True
    if role is None:
        return False
    return door.asks == "an account" or door.asks in ROLES[role]


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_each_door_lets_in_whom_the_roles_say_and_nobody_else(role: Role | None, home: House):
    wrong, client = [], home.enter(role)
    for door in sorted(TABLE, key=lambda door: door.path == "/logout"):  # which ends the session
        answer = knock(client, door)
        assert answer.status < 500, (door, answer.text)
        assert "Traceback" not in answer.text
        if is_let_through(answer) != expected(door, role):
            wrong.append(f"{door.method} {door.path} {role}: {answer.status} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


def test_the_cells_that_a_person_wrote_down_are_those_of_the_table():
    by_name = {f"{door.method} {door.path}": door for door in TABLE}
    for name, roles in BY_HAND.items():
        assert {str(role) for role in Role if expected(by_name[name], role)} == {str(role) for role in roles}, name


def test_only_the_stops_and_the_way_in_ask_for_no_account():
    asks_nothing = {f"{door.method} {door.path}" for door in TABLE if door.asks == "nothing at all"}
    ways_in = {f"{door.method} {door.path}" for door in TABLE if door.asks == "nothing"}
    assert (asks_nothing, ways_in) == (EXEMPT, WAYS_IN)


def test_a_route_that_is_opened_past_the_doors_is_refused():
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    doors = open_all_doors(app)
    app.add_api_route("/debug/reset", lambda: None, methods=["POST"])
    with pytest.raises(NotAuthorisedError, match="routes that ask nobody: POST /debug/reset"):
        doors.check()
    with pytest.raises(NotAuthorisedError, match=r"routes that ask nobody: GET /openapi.json"):
        Doors(FastAPI(docs_url=None, redoc_url=None)).check()


def test_what_a_form_says_once_is_said_to_the_person_and_not_to_the_script_that_reads_the_page(home: House):
    ada = home.enter(Role.TECHNICIAN)
    answer = ada.post("/stock/refill", form={"name": "cyan", "amount": "some", "back": "/materials"})
    assert answer.status == 303
    said = answer.headers["set-cookie"].partition(";")[0]
    coming = Client(home.address, cookie=f"{ada.cookie}; {said}")
    read = coming.get("/materials", X_Live="1")
    assert (read.status, "set-cookie" in read.headers, "said problem" in read.text) == (200, False, False)
    shown = coming.get("/materials")
    assert (said.partition("=")[0] in shown.headers["set-cookie"], "said problem" in shown.text) == (True, True)


@pytest.mark.parametrize("proxy", ["127.0.0.1", None])
def test_who_is_behind_the_labs_proxy_has_a_limit_of_their_own_and_nobody_else_is_believed(
    proxy: str | None, tmp_path: Path
):
    lab = example("replay", tmp_path).with_name("lab.yaml")
    with serving(Settings(lab, tmp_path / "data", port=0, proxy=proxy), QUICK) as (address, _):

        def sign_in(said: str) -> int:
            form = {"name": "eve", "password": "a wrong password"}
            return Client(address).post("/login", form=form, X_Forwarded_For=said).status

        while sign_in("203.0.113.7") != 429:
            pass
        assert sign_in("203.0.113.8, 203.0.113.7") == 429, "only the last word is the proxy's own"
        assert (sign_in("203.0.113.8") == 429) is (proxy is None)
        assert (sign_in("203.0.113.7, 203.0.113.8") == 429) is (proxy is None)


def test_an_error_while_it_is_decided_is_a_no_and_never_stops_a_stop(home: House, monkeypatch: pytest.MonkeyPatch):
    ada = home.enter(Role.RESEARCHER)
    assert ada.get("/api/v1/campaigns").status == 200

    def fail(*_: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(Sessions, "account", fail)
    answer = ada.get("/api/v1/campaigns")
    assert (answer.status, "it cannot be decided" in answer.text, "fire" in answer.text) == (403, True, False)
    assert ada.post("/api/v1/stop").json == {"said": "stopping"}


def test_the_reference_page_is_what_the_doors_ask(repository: Path):
    page = (repository / "docs/reference/doors.md").read_text(encoding="utf-8")
    assert page == reference(TABLE), "write it again: python -m tests.server.write_reference"


def test_every_scope_opens_a_door():
    assert {door.asks for door in TABLE} >= set(Scope)
