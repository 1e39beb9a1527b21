"""Trials are found by what they tried, what came out and why; documents come out as they were recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from autolab.core.clock import real_clock
from autolab.core.roles import Role
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.report.documents import lines_of
from tests.compose.files import example
from tests.report.journals import write_journal
from tests.server.house import Client, House, house

API, CAMPAIGN = "/api/v1", "teal-in-thirty-20260102T101500"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("searching")
    (folder / "data").mkdir()
    write_journal(folder / "data", trials=30)
    write_journal(folder / "data", trials=12, campaign="teal-2", key="k2", seed=3)
    with closing(Journal(folder / "data", real_clock())) as journal:
        for trial in range(1, 13):
            run = f"run-{trial}"
            journal.record(CAMPAIGN, 1, trial, "start", {"uid": run, "time": 1.0, "trials": [trial]})
            for number, name in enumerate(("descriptor", "stop")):
                journal.record(CAMPAIGN, 1, trial, name, {"uid": f"{run}-{number}", "run_start": run, "time": 2.0})
    with house(example("replay", folder).with_name("lab.yaml"), folder / "data") as found:
        yield found


@pytest.fixture(scope="module")
def ada(home: House) -> Client:
    return home.enter(Role.RESEARCHER)


def found(client: Client, query: str) -> list[tuple[str, int]]:
    """All that a search finds, page by page."""
    numbers, before = list[tuple[str, int]](), ""
    while True:
        page = client.get(f"{API}/trials?limit=7&{query}{before}").json
        numbers += [(each["campaign"], each["trial"]["number"]) for each in page["items"]]
        if page["next"] is None:
            return numbers
        before = f"&before={page['next']}"


def all_trials(home: House) -> Iterator[tuple[tuple[str, int], dict[str, float], str]]:
    with home.context.reading() as reader:
        for campaign in (CAMPAIGN, "teal-2"):
            for trial in reader.trials(campaign):
                seen = {name: one.value for name, one in (trial.outcome or {}).items()}
                yield (campaign, trial.number), {**trial.suggestion.values, **seen}, trial.suggestion.reason


def test_conditions_on_parameters_and_metrics_find_what_a_person_would_count(home: House, ada: Client):
    wanted = {
        name
        for name, values, _ in all_trials(home)
        if float(values["cyan"]) > 60 and values.get("colour_distance", 1e9) <= 25.5
    }
    seen = found(ada, "q=cyan>60, colour_distance <= 25.5".replace(" ", "%20"))
    assert len(wanted) > 3
    assert set(seen) == wanted
    assert len(seen) == len(wanted), "each once, over all pages"


def test_choices_words_states_and_campaigns_narrow_a_search(home: House, ada: Client):
    ethanol = {name for name, values, _ in all_trials(home) if values["solvent"] == "ethanol"}
    assert set(found(ada, "q=solvent=ethanol")) == ethanol != set()
    initial = {name for name, _, why in all_trials(home) if "initial design" in why}
    assert set(found(ada, "q=initial%20design")) == initial != set()
    assert {campaign for campaign, _ in found(ada, "campaign=teal-2")} == {"teal-2"}
    failed = found(ada, "state=failed")
    assert failed
    assert all(ada.get(f"{API}/campaigns/{c}/trials/{n}").json["state"] == "failed" for c, n in failed)
    assert found(ada, "q=100%25") == [], "a sign of the search language of the database is a sign"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q=cyan>>3", "'cyan>>3' is no condition"),
        ("q=cyan>many", "'many' is no number: values are in the units of each campaign"),
        ("q=cyan>20%20uL", "'20 uL' is no number"),
        ("q=" + ",".join(["x"] * 11), "at most 10 conditions"),
        ("campaign=none", "there is no campaign 'none'"),
    ],
)
def test_what_is_no_search_is_refused_with_advice(ada: Client, query: str, said: str):
    assert said in ada.get(f"{API}/trials?{query}").json["detail"]


def test_what_is_typed_is_never_part_of_the_database_language(ada: Client):
    for text in ("x') OR 1=1 --", "values = 1", "cyan = '; DROP TABLE trials; --", '"values" > 1', "a.b > 1"):
        answer = ada.send("GET", f"{API}/trials?q={text.replace(' ', '%20').replace(';', '%3B')}")
        assert answer.status in (200, 422), answer.text
        assert answer.status == 422 or answer.json["items"] == []


def test_documents_come_as_they_were_recorded(home: House, ada: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("autolab.journal.reader.DOCUMENTS_AT_ONCE", 3)
    whole = ada.get(f"{API}/campaigns/{CAMPAIGN}/documents")
    rows = JournalReader.open(home.data)
    wanted, of_four = list(lines_of(rows.documents(CAMPAIGN))), list(lines_of(rows.documents(CAMPAIGN, 4)))
    rows.close()
    assert whole.text.splitlines() == wanted
    assert len(wanted) > 30
    assert whole.headers["content-disposition"] == f'attachment; filename="{CAMPAIGN}.jsonl"'
    one = ada.get(f"{API}/campaigns/{CAMPAIGN}/trials/4/documents")
    assert one.text.splitlines() == of_four
    assert [json.loads(line)["name"] for line in of_four] == ["start", "descriptor", "stop"]
    assert ada.get(f"{API}/campaigns/{CAMPAIGN}/trials/400/documents").status == 404


def test_the_page_finds_leads_on_and_keeps_what_was_asked(ada: Client):
    page = ada.get("/data?q=cyan%20%3E%200").text
    assert 'value="cyan &gt; 0"' in page
    assert "/documents" in page
    assert "is no condition" in ada.get("/data?q=cyan>>3").text
    assert "No trial is like that." in ada.get("/data?q=cyan>9000").text
