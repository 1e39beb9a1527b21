"""From any outcome of a campaign of 100 trials the record leads back to every dispense, device and stock bottle."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autolab.campaign.events import CampaignResult
from autolab.campaign.stopping import StopSwitch
from autolab.cli.app import app
from autolab.cli.tracing import origin_lines
from autolab.compose.conducting import conduct
from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.compose.running import campaign_start, make_setup, open_all
from autolab.compose.sampling import add_sample, label_sample
from autolab.compose.supplyview import Supply
from autolab.core.errors import InputError, ProposerError
from autolab.core.principals import Principal
from autolab.core.proposing import SuggestRequest
from autolab.core.trials import Suggestion
from autolab.journal.journal import STATES_FILE
from autolab.journal.reader import JournalReader
from autolab.journal.records import TrialRecord
from autolab.journal.samples import contents, sample
from autolab.report.provenance import Provenance, provenance, sample_trace
from tests.compose.files import example

ADA = Principal("ada", "person")
N_TRIALS = 100
BOTTLES = {"cyan": "CY-0042", "magenta": "MG-7", "yellow": "YE-7"}
Origins = list[tuple[TrialRecord, Provenance]]


class Sobol:
    """Suggests a fixed design, in this process."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        from optimizer.engine import suggest

        return suggest(request)

    def recommend(self, *_: object) -> None:
        raise ProposerError("a fixed design recommends nothing")


def on_bench(folder: Path, consumables: str, n_trials: int) -> tuple[CampaignResult, Path]:
    """A campaign on the colour bench in memory, plans not screened to save time. Returns how it ended, and its data."""
    file = example("colour", folder)
    lab_file = file.with_name("lab.yaml")
    text = lab_file.read_text(encoding="utf-8")
    for name, code in BOTTLES.items():
        text, n = re.subn(rf"{name}: +{{stock: 250 mL", f"{name}: {{stock: 250 mL, bottle: {code}, lot: L7", text)
        assert n == 1
    lab_file.write_text(f"{text}{consumables}\n", encoding="utf-8")
    data = folder / "data"
    data.mkdir()
    options = RunOptions(data=data, simulate=True, virtual=True, trials=n_trials, seed=1, engine="sobol", lanes=1)
    bound = bind_files(file, options)
    with ExitStack() as stack:
        journal, lab = open_all(stack, bound, options, data, 1, "prov")
        setup = replace(make_setup(bound, lab, "prov", 1, ADA, "prov-1", None), plan_screen=None)
        journal.start_campaign(campaign_start(bound, lab, setup, file, options), ADA)
        return conduct(stack, bound, setup, lab, Sobol(), journal, (), StopSwitch()), data


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a campaign of 100 trials."""
    consumables = "consumables: {tips: {stock: 1000, per: pour}, plates: {stock: 100, per: trial}, bin: {room: 1 L}}"
    result, data = on_bench(tmp_path_factory.mktemp("provenance"), consumables, N_TRIALS)
    assert result.trials == N_TRIALS, result.reason
    return data


def origins(data: Path) -> Origins:
    reader = JournalReader.open(data)
    try:
        record = reader.campaign()
        return [(trial, provenance(reader, record, trial)) for trial in reader.trials(record.id)]
    finally:
        reader.close()


def test_no_step_is_missing_between_any_outcome_and_its_bottles(campaign: Path):
    found = origins(campaign)
    assert len(found) == N_TRIALS
    for trial, origin in found:
        assert origin.gaps == ()
        (run,) = origin.runs
        assert (run.uid, run.status, run.n_events) == (trial.runs[-1], "success", 3)
        assert {device.name for device in run.devices} == {"spectrometer", "stage", "dispenser"}
        (sample,) = origin.samples
        assert sample.sample == trial.samples[0]
        assert sum(sample.contents_ul.values()) == pytest.approx(300.0, abs=0.5), "a well is filled up to 300 µL"
        for dispense in sample.dispenses:
            assert dispense.device is not None
            assert dispense.device.serial_number
            assert dispense.bottle is not None
            assert dispense.bottle.id == BOTTLES.get(dispense.poured.material, dispense.bottle.id)
    assert len({origin.samples[0].sample.id for _, origin in found}) == N_TRIALS


def test_each_action_of_the_record_is_in_exactly_one_walk(campaign: Path):
    walked = Counter[str]()
    for _, origin in origins(campaign):
        walked.update(d.poured.operation for sample in origin.samples for d in sample.dispenses)
        walked.update(intent.operation for intent, _ in origin.others)
    with closing(sqlite3.connect(campaign / STATES_FILE)) as connection:
        recorded = {operation for (operation,) in connection.execute("SELECT operation FROM intents")}
    assert walked == Counter(recorded)
    assert len(recorded) > 4 * N_TRIALS


def test_show_walks_back_for_people_and_for_programs(campaign: Path):
    def said(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--data", str(campaign)])
        assert done.exit_code == 0, done.output
        return done.output

    shown = said("show", "prov", "--trial", "7")
    assert "cyan from bottle CY-0042 (250 mL at first, lot L7), by dispenser (AD-4 no. " in shown
    assert "GAP" not in shown
    assert json.loads(said("show", "prov", "--trial", "7", "--json"))["provenance"]["gaps"] == []
    assert said("sample", "show", "prov", "prov-1.s7").startswith("sample prov-1.s7 (strip-1, well 6): holds ")
    assert json.loads(said("sample", "show", "prov", "prov-1.s7", "--json"))["sample"]["well"] == 6


def test_stock_says_what_is_left_what_was_used_and_what_is_still_needed(campaign: Path):
    done = CliRunner().invoke(app, ["stock", "prov", "--json", "--data", str(campaign)])
    assert done.exit_code == 0, done.output
    supplies = {supply["name"]: supply for supply in json.loads(done.output)["supplies"]}
    with closing(sqlite3.connect(campaign / STATES_FILE)) as connection:
        query = "SELECT action FROM intents WHERE json_extract(action, '$.material') IS NOT NULL"
        poured = [json.loads(action) for (action,) in connection.execute(query)]
    cyan_ul = sum(action["volume_ul"] for action in poured if action["material"] == "cyan")
    assert supplies["cyan"]["bottle"] == "CY-0042"
    assert supplies["cyan"]["booked"] == pytest.approx(cyan_ul)
    assert supplies["cyan"]["left"] == pytest.approx(250_000.0 - cyan_ul)
    assert supplies["tips"]["left"] == 1000 - len(poured)
    assert supplies["bin"]["booked"] == pytest.approx(sum(action["volume_ul"] for action in poured))
    assert (supplies["plates"]["left"], supplies["plates"]["booked"]) == (0, 100)
    assert supplies["wells of strip"]["left"] == 8 * 24 - 100
    assert {supply["predicted"] for supply in supplies.values()} == {0.0}, "no trial is to come"
    shown = CliRunner().invoke(app, ["stock", "prov", "--data", str(campaign)]).output
    assert shown.splitlines()[1].split()[:3] == ["cyan", "CY-0042", "lot"]


def test_what_will_not_be_enough_is_marked_and_a_person_is_asked_when_it_runs_out(tmp_path: Path):
    supply = Supply("tips", "pieces", None, None, left=10.0, booked=40.0, predicted=11.0)
    assert (supply.is_enough, replace(supply, left=11.0).is_enough, replace(supply, predicted=None).is_enough) == (
        False, True, None,
    )  # fmt: skip
    stopped, data = on_bench(tmp_path, "consumables: {tips: {stock: 6, per: pour}}", 5)
    assert (stopped.state, stopped.exit_code) == ("paused", 5)
    assert stopped.reason.startswith("tips run out: ")
    reader = JournalReader.open(data)
    ((who, cause, detail),) = [(i.principal, i.cause, i.detail) for i in reader.interventions("prov-1")]
    reader.close()
    assert (who, cause) == ("autolab", "request")
    assert detail.startswith("trial 2 waits: tips run out: 2 are left and a trial has needed up to 4: put in more, ")


def changed(data: Path, folder: Path, *statements: str) -> Path:
    """A copy of the data folder whose journal somebody has changed."""
    copy = folder / "copy"
    shutil.copytree(data, copy)
    with closing(sqlite3.connect(copy / STATES_FILE)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return copy


@pytest.mark.parametrize(
    ("statement", "gap"),
    [
        (
            "DELETE FROM devices WHERE name = 'dispenser'",
            "prov.t1.r1.disp-clear.a1: the record of prov-1 has no device",
        ),
        ("UPDATE campaigns SET lab_file = ''", "disp-cyan.a1: the lab file had no bottle of 'cyan' then"),
        ("UPDATE intents SET state = 'intended' WHERE trial = 1", "disp-cyan.a1: nobody knows yet whether it was done"),
        ("DELETE FROM run_trials WHERE trial = 1", "trial 1: no run that ended well recorded what its outcome was"),
        ("DELETE FROM intents WHERE trial = 1", "the record does not say what it was made from"),
    ],
    ids=["device", "bottle", "in-doubt", "run", "dispenses"],
)
def test_what_is_missing_is_said_as_a_gap(campaign: Path, tmp_path: Path, statement: str, gap: str):
    (_, origin), *_ = origins(changed(campaign, tmp_path, statement))
    assert any(gap in said for said in origin.gaps), origin.gaps
    assert any(gap in line for line in origin_lines(origin) if line.startswith("  GAP: "))


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as refusal:
        call()
    return str(refusal.value)


def test_a_sample_made_by_hand_is_traced_through_its_parent_and_keeps_its_well(campaign: Path, tmp_path: Path):
    data = changed(campaign, tmp_path)
    label_sample(data, "prov", "prov-1.s2", "V-2", None)
    add_sample(data, "prov", "MIX-1", "strip-8:3", ["V-2=30uL", "prov-1.s3=0.02 mL"], None)
    reader = JournalReader.open(data)
    record = sample(reader.states, "colour-bench", "MIX-1")
    trace, gaps = sample_trace(reader, record)
    assert gaps == ()
    assert sum(trace.contents_ul.values()) == pytest.approx(50.0)
    assert [(ul, parent.sample.barcode) for ul, parent in trace.parents] == [(30.0, "V-2"), (20.0, None)]
    assert all(d.bottle is not None for _, parent in trace.parents for d in parent.dispenses)
    held_ul = sum(contents(reader.states, "prov-1.s2").values())
    assert held_ul == pytest.approx(270.0, abs=0.5)
    reader.close()
    said = {
        "barcode": refused(lambda: label_sample(data, "prov", "prov-1.s4", "V-2", None)),
        "bottle": refused(lambda: label_sample(data, "prov", "prov-1.s4", "CY-0042", None)),
        "another": refused(lambda: label_sample(data, "prov", "prov-1.s2", "V-3", None)),
        "well": refused(lambda: add_sample(data, "prov", "MIX-2", "strip-1:0", [], None)),
        "places": refused(lambda: add_sample(data, "prov", "MIX-1", "strip-8:4", [], None)),
        "parent": refused(lambda: add_sample(data, "prov", "MIX-2", "strip-8:4", ["V-2=2 mL"], None)),
        "unit": refused(lambda: add_sample(data, "prov", "MIX-2", "strip-8:4", ["V-2=2"], None)),
        "no-well": refused(lambda: add_sample(data, "prov", "MIX-2", "strip-8:24", [], None)),
        "nobody": refused(lambda: add_sample(data, "prov", "MIX-2", "strip-8:4", ["V-9=2 uL"], None)),
    }
    assert said == {
        "barcode": "barcode 'V-2' is that of sample prov-1.s2 (strip-1, well 1): a barcode names one thing; use "
        "another one",
        "bottle": "barcode 'CY-0042' is that of a bottle of cyan: a barcode names one thing; use another one",
        "another": "sample prov-1.s2 (strip-1, well 1) has barcode 'V-2' already: a sample keeps the one that it has",
        "well": "strip-1, well 0, holds sample prov-1.s1 already: a well is used once; name a free one",
        "places": "sample MIX-1 (strip-8, well 3) cannot be in strip-8, well 4, as well: a sample is in one place; "
        "give the new one an identity of its own, with '--from' for what it was made from",
        "parent": f"sample prov-1.s2 (strip-1, well 1) holds {held_ul:.4g} µL by the record, and 2000 µL cannot come "
        "from it: look again",
        "unit": "--from V-2=2: 2.0 has no unit: write for example '20 uL'",
        "no-well": "--at strip-8:24: strip-8 has wells 0 to 23, and '24' was given",
        "nobody": "no sample of colour-bench is called 'V-9', and none has it as its barcode: see 'autolab show'",
    }
