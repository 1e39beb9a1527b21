"""The API: pages, problem details, idempotency, the event stream, the two stops, and headers on every answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.campaign.stopping import StopRequest
from autolab.core.clock import real_clock
from autolab.core.errors import SafetyError
from autolab.core.principals import Principal
from autolab.core.roles import Role
from autolab.core.trials import Estimate, TrialState
from autolab.journal import amendments
from autolab.journal.access import accesses
from autolab.journal.audit import audit
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.report.facts import Facts
from autolab.server.bests import Bests
from autolab.server.waiting import requests_of
from tests.compose.files import example
from tests.report.journals import write_journal
from tests.rigs import until
from tests.server.house import Client, House, house
from tests.server.streams import Stream

CAMPAIGN = "teal-in-thirty-20260102T101500"
API = "/api/v1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("api")
    (folder / "data").mkdir()
    write_journal(folder / "data", trials=12)
    write_journal(folder / "data", trials=4, campaign="teal-2", key="k2", ended=False)
    with house(example("colour", folder).with_name("lab.yaml"), folder / "data") as found:
        yield found


@pytest.fixture(scope="module")
def ada(home: House) -> Client:
    return home.enter(Role.RESEARCHER)


def test_campaigns_come_the_newest_first_a_page_at_a_time(ada: Client):
    first = ada.get(f"{API}/campaigns?limit=1").json
    assert [each["id"] for each in first["items"]] == ["teal-2"]
    second = ada.get(f"{API}/campaigns?limit=1&before={first['next']}").json
    assert [each["id"] for each in second["items"]] == [CAMPAIGN]
    assert second["next"] is None
    one = second["items"][0]
    assert one["n_measured"] == one["counts"]["ingested"] > 5
    assert one["best"]["metric"] == "colour_distance"
    running = ada.get(f"{API}/campaigns?state=running").json["items"]
    assert [(each["id"], each["is_alive"]) for each in running] == [("teal-2", False)]


def test_the_best_is_the_one_of_the_report(home: House, ada: Client):
    for campaign in (CAMPAIGN, "teal-2"):
        with home.context.reading() as reader:
            best = Facts.read(reader, reader.campaign(campaign)).best
        assert best is not None
        shown = ada.get(f"{API}/campaigns/{campaign}").json["best"]
        assert (shown["trial"], shown["value"]) == (best.trial.number, best.estimate.value)


def test_the_best_is_found_again_when_a_trial_ends_or_is_corrected(tmp_path: Path):
    def best(count: int) -> int | None:
        reader = JournalReader.open(tmp_path)
        with closing(reader):
            record = reader.campaign()
            seen = bests.best(reader.states, record, count)
            said = Facts.read(reader, record).best
        assert (seen and seen.trial) == (said and said.trial.number)
        return seen and seen.trial

    bests = Bests()
    write_journal(tmp_path, trials=12)
    first = best(10)
    assert first == best(10) is not None
    with closing(Journal(tmp_path, real_clock())) as journal:
        reader = JournalReader(journal.states, journal.documents)
        (trial,) = [trial for trial in reader.trials(CAMPAIGN) if trial.number == first]
        who = Principal("ada", "person")
        amendments.correct(journal, trial, CAMPAIGN, {"colour_distance": Estimate(999.0, 1.0)}, who, "misread")
    second = best(10)
    assert second != first
    with closing(Journal(tmp_path, real_clock())) as journal:
        sql = "UPDATE trials SET outcome = replace(outcome, '999.0', '0.001') WHERE number = ?"
        journal.states.write(sql, (first,))
    assert best(11) == first, "as if a trial had ended meanwhile"


def test_trials_come_by_number_and_one_tells_its_whole_story(ada: Client):
    numbers, after = [], 0
    while after is not None:
        page = ada.get(f"{API}/campaigns/{CAMPAIGN}/trials?limit=5&after={after}").json
        numbers += [each["number"] for each in page["items"]]
        after = page["next"]
    assert numbers == list(range(1, 13))
    failed = ada.get(f"{API}/campaigns/{CAMPAIGN}/trials?state=failed").json["items"]
    assert {each["state"] for each in failed} <= {"failed"}
    one = ada.get(f"{API}/campaigns/{CAMPAIGN}/trials/12").json
    assert one["values"][0]["text"].endswith(" µL")
    assert one["why"]
    assert one["history"][0]["state"] == "suggested"
    assert one["actions"]


def test_an_action_in_doubt_waits_for_a_person_whatever_became_of_its_trial(tmp_path: Path):
    write_journal(tmp_path, trials=4, ended=False)
    with closing(Journal(tmp_path, real_clock())) as journal:
        reader = JournalReader(journal.states, journal.documents)
        record = reader.campaign()
        first = reader.intents(record.id, 1)[0].operation
        journal.states.write("UPDATE intents SET state = 'intended' WHERE operation = ?", (first,))
        for state in set(TrialState) - {TrialState.INGESTED, TrialState.REFUSED}:
            journal.states.write("UPDATE trials SET state = ? WHERE number = 1", (state,))
            asked = requests_of(reader, record, has_controller=False, is_reset=True)
            assert first in [each.operation for each in asked if each.kind == "settle"], state


def test_nobody_is_told_to_see_to_a_trip_that_was_reset(tmp_path: Path):
    write_journal(tmp_path, trials=4, ended=False)
    with closing(Journal(tmp_path, real_clock())) as journal:
        reader = JournalReader(journal.states, journal.documents)
        end = StopRequest("the door is open", at_once=True, exit_code=SafetyError.exit_code).end
        record = replace(reader.campaign(), state=end.state, reason=end.reason)
        latched, reset = (
            next(each.text for each in requests_of(reader, record, has_controller=False, is_reset=is_reset)
                 if each.kind == "resume")
            for is_reset in (False, True)
        )  # fmt: skip
    assert "the door is open; see to the cause, then 'autolab reset" in latched
    assert reset == "failed: stopped by safety: the door is open; the lab has been reset since"


def test_pictures_table_and_report_are_those_of_the_commands(ada: Client):
    found = ada.get(f"{API}/campaigns/{CAMPAIGN}/pictures").json
    assert {"best", "parameters"} <= {each["id"] for each in found}
    assert found[0]["figure"]["data"]
    table = ada.get(f"{API}/campaigns/{CAMPAIGN}/trials.csv")
    assert (table.headers["content-type"], len(table.text.splitlines())) == ("text/csv; charset=utf-8", 13)
    report = ada.get(f"{API}/campaigns/{CAMPAIGN}/report")
    assert "<!doctype html>" in report.text.lower()
    assert "sandbox allow-scripts" in report.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("GET", "/campaigns/nothing", None, 404, "there is no campaign 'nothing'"),
        ("GET", f"/campaigns/{CAMPAIGN}/trials/999", None, 404, "has no trial 999"),
        ("GET", f"/campaigns?before={2**70}", None, 422, "before: Input should be less than or equal to"),
        ("GET", "/campaigns?limit=5000", None, 422, "limit: Input should be less than or equal to 200"),
        ("GET", "/nowhere", None, 404, "Not Found"),
        ("PUT", "/campaigns", {}, 405, "Method Not Allowed"),
        ("POST", "/campaigns", {"file": "../../etc/passwd", "simulate": True}, 404, "there is no campaign file"),
        ("POST", "/campaigns", {"file": "campaign.yaml", "simulate": False}, 403, "campaigns run on simulators only"),
        ("POST", "/campaigns", {"file": "a", "simulate": True, "trails": 3}, 422, "trails: Extra inputs are not"),
        ("POST", f"/campaigns/{CAMPAIGN}/pause", None, 422, "is not running: it has finished"),
        ("POST", f"/campaigns/{CAMPAIGN}/resume", {}, 422, "there is nothing to resume"),
        ("POST", f"/campaigns/{CAMPAIGN}/answers", {}, 422, "has finished: nobody is asked anything"),
        ("POST", f"/campaigns/{CAMPAIGN}/trials/1/approve", {}, 422, "waits for nobody"),
        ("POST", "/actions/none/settle", {"state": "done", "because": "x"}, 422, "there is no action 'none'"),
        ("POST", "/actions/none/settle", {"state": "perhaps", "because": "x"}, 422, "state: String should match"),
        ("POST", f"/campaigns/{CAMPAIGN}/trials", {"values": {"cyan": "1 km"}, "because": ""}, 422, "at least 1"),
    ],
)  # fmt: skip
def test_every_error_is_a_problem_that_says_what_is_wrong(
    method: str, path: str, body: object, status: int, detail: str, ada: Client
):
    answer = ada.send(method, f"{API}{path}", body)
    assert (answer.status, detail in answer.json["detail"]) == (status, True), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert not {"Traceback", 'File "'} & set(answer.text.split())


def test_a_body_that_is_too_large_or_no_json_is_refused(ada: Client):
    assert ada.post(f"{API}/campaigns", {"file": "x" * 300_000}).status == 413
    assert ada.send("POST", f"{API}/campaigns", form={"file": "x"}).status == 422
    garbled = ada.send("POST", f"{API}/keys", raw=b"(\xff", Content_Type="application/json")
    assert (garbled.status, "the body cannot be read" in garbled.json["detail"]) == (422, True)


def test_an_answer_to_a_wrong_field_does_not_repeat_a_password(ada: Client):
    said = ada.post(f"{API}/campaigns", {"file": "a", "simulate": "perhaps", "password": ["canary-secret"]})
    assert (said.status, "canary" in said.text) == (422, False)


def test_a_form_from_elsewhere_does_nothing(home: House, ada: Client):
    forged = Client(ada.address, ada.cookie, headers={"X-CSRF-Token": "0" * 64})
    assert "form is from an earlier session" in forged.post(f"{API}/campaigns", {}).json["detail"]
    foreign = Client(ada.address, ada.cookie, headers={"Origin": "https://evil.example"})
    assert "sent from another site" in foreign.post(f"{API}/campaigns", {}).json["detail"]
    cross = Client(ada.address, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.post("/login", form={"name": "x", "password": "y"}).status == 403


def test_every_answer_carries_the_headers_that_protect_a_page(home: House, ada: Client):
    for path in ("/", "/login", "/static/autolab.js", f"{API}/campaigns", "/nowhere"):
        headers = ada.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy, path
        assert "unsafe-inline" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "cache-control" in headers
    cookie = home.nobody.post("/login", form={"name": "the-observer", "password": "a teal cat on a warm hot plate"})
    assert "HttpOnly" in cookie.headers["set-cookie"]
    assert "samesite=lax" in cookie.headers["set-cookie"].lower()


def test_a_key_that_somebody_gives_works_until_it_is_ended(ada: Client):
    made = ada.post(f"{API}/keys", {"label": "logger", "scopes": ["read:status"], "days": 1}).json
    program = Client(ada.address, key=made["key"])
    assert program.get(f"{API}/me").json["via"] == "key"
    assert made["key"] not in ada.get(f"{API}/keys").text
    assert program.post(f"{API}/campaigns", {"file": "campaign.yaml", "simulate": True}).status == 403
    assert ada.send("DELETE", f"{API}/keys/{made['id']}").status == 200
    assert program.get(f"{API}/me").status == 401


def test_who_came_in_and_who_gave_what_is_journalled_without_a_secret(home: House):
    root, nobody = home.enter(Role.ADMINISTRATOR), home.nobody
    assert nobody.post("/login", form={"name": "the-observer", "password": "canary-secret"}).status == 403
    assert root.post(f"{API}/accounts", {"name": "eve", "roles": ["observer"]}).status == 201
    assert root.send("PUT", f"{API}/accounts/eve/roles", {"roles": ["technician"]}).status == 200
    with home.context.reading() as reader:
        found = accesses(reader.states)
        logged = "\n".join(row["entry"] for row in reader.states.rows("SELECT entry FROM log"))
    assert [(one.by.name, one.what, one.detail) for one in found[:3]] == [
        ("the-administrator", "give roles", "eve: observer → technician"),
        ("the-administrator", "make account", "eve: observer"),
        ("somebody at 127.0.0.1", "sign-in refused", "the-observer"),
    ]
    assert "canary-secret" not in logged
    assert audit(home.data, None).findings == ()
    lines = home.enter(Role.MANAGER).get(f"{API}/audit?limit=3").json
    assert [line["what"] for line in lines] == ["give roles", "make account", "sign-in refused"]


def test_stop_and_emergency_stop_need_no_account_and_are_kept_with_who_pressed(home: House):
    for path in ("/api/v1/stop", "/api/v1/emergency-stop"):
        answers = [home.nobody.post(path) for _ in range(4)]
        assert {(answer.status, answer.text) for answer in answers} == {(202, '{"said":"stopping"}')}
    page = home.nobody.post("/stop", form={})
    assert (page.status, "<h1>stopping</h1>" in page.text) == (202, True)
    with home.context.reading() as reader:
        asked = reader.states.rows(
            "SELECT r.arguments, p.name FROM requests r JOIN principals p ON p.id = r.principal WHERE verb = 'stop'"
        )
        deeds = {one.what: one for one in accesses(reader.states)}
    assert {(row["arguments"], row["name"]) for row in asked} == {
        ('{"now":false}', "somebody at 127.0.0.1"),
        ('{"now":true}', "somebody at 127.0.0.1"),
    }
    assert deeds["emergency stop"].detail == "no relay: the controller was told"
    assert deeds["stop"].detail == "teal-2"


def test_a_page_that_comes_back_hears_what_it_has_missed_and_nothing_twice(home: House, ada: Client):
    def post(verb: str) -> None:
        with closing(Journal(home.data, real_clock())) as journal:
            Inbox(journal.states).post("teal-2", verb, {}, Principal("bo", "person"), journal.date())

    stream = Stream(ada)
    until(lambda: home.context.feed.n_streams > 0, "the stream")
    post("one")
    until(lambda: any(data.get("verb") == "one" for _, _, data in stream.events), "the first event")
    last = stream.events[-1][0]
    stream.close()
    post("two")
    post("three")
    again = Stream(ada, **{"Last-Event-ID": str(last)})
    until(lambda: [data.get("verb") for _, _, data in again.events] == ["two", "three"], "what was missed")
    post("four")
    until(lambda: [data.get("verb") for _, _, data in again.events] == ["two", "three", "four"], "what came then")
    numbers = [number for number, _, _ in again.events]
    assert numbers == sorted(set(numbers))
    again.close()
    lost = Stream(ada, "?after=999999999")
    until(lambda: bool(lost.events), "the advice to read again")
    assert lost.events[0][1] == "reload"
    lost.close()
    until(lambda: home.context.feed.n_streams == 0, "the streams to be let go")


def test_the_interface_is_described_with_its_errors_and_examples(ada: Client):
    found = ada.get(f"{API}/openapi.json").json
    assert len(found["paths"]) > 30
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (path, method)
            assert {"401", "403", "422", "429", "500"} <= set(operation["responses"]), (path, method)
            assert operation["x-asks"]
