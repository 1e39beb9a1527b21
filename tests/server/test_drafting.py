"""A campaign is described in a form: what a file says comes back the same, and what is wrong is said as it is typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autolab.config.campaign import load_campaign
from autolab.config.yamlfile import read_yaml
from autolab.core.roles import Role
from autolab.server.campaignform import Group, Leaf, form_of, texts_of, values_of
from tests.compose.files import EXAMPLES, example
from tests.report.journals import write_journal
from tests.server.house import Client, House, house

API = "/api/v1"
FULL = """\
name: full
parameters:
  cyan: {bounds: [0.5, 120], unit: uL, step: 0.5, scale: log}
  solvent: {choices: [water, 'a, b', 3, true], descriptors: {water: {polarity: 1.0}, ethanol: {polarity: 0.65}}}
  hot: {bounds: [0, 1], integer: true, when: {solvent: [water]}, otherwise: 0}
  stir: {value: true}
constraints: ["cyan + hot <= 300", "at most 1 of [cyan, hot] above 0"]
rules: [{avoid: "cyan > 100", because: foams, by: ana, until: '2099-01-01'}]
objectives: {purity: {goal: target, target: 3.0, tolerance: 0.1, unit: '%'}, cost: {goal: minimize}}
outcome_constraints: ["turbidity <= 0.2", {keep: "pressure <= 3", hard: 0.1}]
noise: {purity: 0.3, cost: reported}
plan: plans.colour.mix
reduce: plans.colour.purity
costs: {unit: min, trial: 10, amounts: {cyan: 0.02}}
budget: {trials: 40, hours: 6.5}
stopping: {no_improvement: {trials: 10, by: 0.5}, failures_in_a_row: 4}
earlier: [teal-1, table.csv]
engine: {name: lean, initial: 7}
lanes: 2
seed: 9007199254740993
on_failure: {timeout: {retry: 2, wait: 30 s, then: skip}, bad_outcome: {then: quarantine, teaches: false}}
confirm: {best: 3, replicates: 3}
approval: new
"""
TEAL = {
    "name": "my-teal", "parameters/0/#": "cyan", "parameters/0/bounds": "0, 120", "parameters/0/unit": "uL",
    "parameters/2/#": "magenta", "parameters/2/bounds": "[0, 120]", "parameters/2/unit": "uL",
    "objectives/0/#": "colour_distance", "objectives/0/goal": "minimize", "plan": "plans.replay.measure",
    "reduce": "plans.replay.measured", "budget/trials": "30", "constraints": "cyan + magenta <= 200\n\n",
}  # fmt: skip


def leaves(group: Group) -> Iterator[Leaf]:
    for part in (*group.parts, *group.rest):
        yield from [part] if isinstance(part, Leaf) else leaves(part)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("drafting")
    (folder / "data").mkdir()
    write_journal(folder / "data", trials=5)
    write_journal(folder / "data", trials=4, campaign="teal-2", key="k2", seed=3)
    with house(example("replay", folder).with_name("lab.yaml"), folder / "data") as found:
        yield found


@pytest.fixture(scope="module")
def ada(home: House) -> Client:
    return home.enter(Role.RESEARCHER)


def fields(texts: dict[str, str]) -> dict[str, str]:
    return {f"f:{path}": text for path, text in texts.items()}


@pytest.mark.parametrize("name", ["full", "calibrated-bench", "colour", "hotplate", "replay"])
def test_what_a_file_says_comes_back_the_same_through_the_form(name: str):
    values: dict[str, Any] = yaml.safe_load(FULL)
    if name != "full":
        values = read_yaml(EXAMPLES / name / "campaign.yaml").values
        del values["lab"]
    shown = {leaf.path: leaf.text for leaf in leaves(form_of(texts_of(values)))}
    engine = values.get("engine")
    assert values_of(shown) == values | ({"engine": {"name": engine}} if isinstance(engine, str) else {})


def test_every_key_of_the_file_has_a_field():
    shown = {leaf.path.partition("/")[0] for leaf in leaves(form_of({}))}
    assert shown | {"lab"} == set(yaml.safe_load(FULL)) | {"lab", "challenge", "outliers", "plate"}


def test_names_that_are_missing_or_given_twice_are_refused_by_the_loader(ada: Client):
    for change, said in (({"parameters/2/#": ""}, "'? 3'"), ({"parameters/2/#": "cyan"}, "'cyan again'")):
        wrong = ada.post("/new/check", form=fields(TEAL | change)).json["problems"]
        assert any(said in each for each in wrong), wrong


def test_what_is_wrong_is_said_while_it_is_typed_and_nothing_is_written(home: House, ada: Client):
    before = sorted(home.lab.parent.iterdir())
    answer = ada.post("/new/check", form=fields(TEAL | {"parameters/0/bounds": "120, 0", "budget/trials": "many"}))
    problems = answer.json["problems"]
    assert any("budget.trials" in each and "many" in each for each in problems), problems
    assert any("cyan" in each for each in problems), problems
    assert "/tmp" not in answer.text
    assert ada.post("/new/check", form=fields(TEAL)).json["problems"] == []
    assert ada.post(f"{API}/campaign-files/check", {"values": {"name": "x y"}}).json["problems"]
    assert sorted(home.lab.parent.iterdir()) == before


def test_the_form_writes_a_file_that_can_be_checked_and_started_and_never_over_another(home: House, ada: Client):
    answer = ada.post("/new", form=fields(TEAL))
    assert (answer.status, answer.headers["location"]) == (303, "/check?file=my-teal.yaml")
    written = load_campaign(home.lab.with_name("my-teal.yaml"))
    assert written.lab.resolve() == home.lab.resolve()
    assert [p.name for p in written.problem.space.parameters] == ["cyan", "magenta"]
    assert "my-teal.yaml" in ada.get("/campaigns").text
    again = ada.post("/new", form=fields(TEAL | {"budget/trials": "31"}))
    assert (again.status, "there is a file my-teal.yaml already" in again.text) == (422, True)
    assert 'value="31"' in again.text, "what was typed is still there"
    assert load_campaign(home.lab.with_name("my-teal.yaml")).budget.trials == 30
    with home.context.reading() as reader:
        (noted,) = reader.states.rows("SELECT detail FROM accesses WHERE what = 'write campaign file'")
    assert noted["detail"].startswith("my-teal.yaml (")


@pytest.mark.parametrize("name", ["../evil", "lab", ".hidden", "a/b"])
def test_no_other_file_is_written(home: House, ada: Client, name: str):
    before = {path: path.read_text() for path in home.lab.parent.rglob("*.yaml")}
    assert ada.post("/new", form=fields(TEAL | {"name": name})).status == 422
    assert {path: path.read_text() for path in home.lab.parent.rglob("*.yaml")} == before


def test_the_form_begins_with_another_file_and_takes_more_rows(ada: Client):
    page = ada.get("/new?file=campaign.yaml").text
    assert 'value="0, 120"' in page
    assert 'id="parameters/3/#"' not in page
    more = ada.post("/new", form=fields(TEAL) | {"more": "yes"})
    assert (more.status, 'id="parameters/5/#"' in more.text, 'value="my-teal"' in more.text) == (200, True, True)
    assert ada.get("/new?file=../lab.yaml").status == 404


def test_campaigns_that_are_ticked_are_compared_on_one_page(ada: Client):
    listed = ada.get("/campaigns").text
    assert 'aria-label="Compare teal-2"' in listed
    page = ada.get("/compare/report?campaign=teal-2&campaign=teal-in-thirty-20260102T101500")
    assert (page.status, "teal-2" in page.text, "sandbox" in page.headers["content-security-policy"]) == (
        200,
        True,
        True,
    )
    assert ada.get("/compare/report?campaign=teal-2").status == 422
    assert "named twice" in ada.get(f"{API}/comparison/report?campaign=teal-2&campaign=teal-2").json["detail"]


def test_values_that_no_file_could_say_are_refused(ada: Client):
    deep = "[" * 40 + "]" * 40
    for wrong in (deep, "NaN", "1e999", r'"\ud800"', r'{"\ud800": 1}'):
        raw = f'{{"values": {{"name": {wrong}}}}}'.encode()
        answer = ada.send(
            "POST", f"{API}/campaign-files", raw=raw, content_type="application/json", idempotency_key="d1"
        )
        assert answer.status == 422, (wrong, answer.text)


def test_a_technician_starts_files_and_does_not_write_them(home: House):
    technician = home.enter(Role.TECHNICIAN)
    assert "Describe a new one" not in technician.get("/campaigns").text
    assert technician.post(f"{API}/campaign-files", {"values": {}}).status == 403
    assert not Path(home.lab.with_name("none.yaml")).exists()
