"""Labs and campaigns as objects, without a kernel."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from autolab.campaign.stopping import StopSwitch
from autolab.core.errors import DeviceError, FileError, InputError, InterruptedByPerson, SafetyError
from autolab.journal.reader import JournalReader
from autolab.notebook import Lab
from autolab.notebook.controller import error_of
from autolab.notebook.host import _hear, _Words
from autolab.report.facts import Facts
from autolab.report.inline import campaign_html, progress_svg
from tests.report.journals import write_journal

LAB = Path("examples/colour/lab.yaml").absolute()
REPLAY = {
    "name": "replayed",
    "parameters": {name: {"bounds": [0, 120], "unit": "uL"} for name in ("cyan", "magenta", "yellow")},
    "objectives": {"colour_distance": {"goal": "minimize"}},
    "plan": "plans.replay.measure",
    "reduce": "plans.replay.measured",
    "budget": {"trials": 2},
    "engine": "random",
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a script that has run a campaign on the virtual clock, beginning with a trial of its own."""
    data = tmp_path_factory.mktemp("data")
    with Lab.open("examples/replay/lab.yaml", simulate=True, virtual=True, data=data) as lab:
        campaign = lab.campaign(REPLAY, seed=3)
        trial = campaign.run_trial(cyan=60, magenta=10, yellow=40, because="what we mixed last week")
        assert trial.number == 1
        assert trial.outcome is not None
        assert campaign.state == "paused"
    return data


def test_a_script_runs_a_trial_and_sees_it_as_a_table(ran: Path) -> None:
    with Lab.open("examples/replay/lab.yaml", simulate=True, virtual=True, data=ran) as lab:
        campaign = lab.recorded()
        table, best = campaign.to_dataframe(), campaign.best()
    assert list(table["cyan_uL"]) == [60.0]
    assert table["workflow"].iloc[0] is not None
    assert best is not None
    assert best.is_recommended
    assert str(best).startswith("trial 1: colour_distance ")
    assert best.mean == table["colour_distance"].iloc[0]


def test_what_the_command_line_refuses_is_refused_in_the_same_words(ran: Path) -> None:
    with (
        Lab.open("examples/replay/lab.yaml", simulate=True, virtual=True, data=ran) as lab,
        pytest.raises(InputError, match=r"ran on the virtual clock, and its devices are gone with their memory"),
    ):
        lab.recorded().run()


def test_the_file_of_a_mapping_is_refused_with_its_line(tmp_path: Path) -> None:
    lab = Lab.open("examples/replay/lab.yaml", data=tmp_path)
    wrong = {**REPLAY, "parameters": {"cyan": {"bounds": [120, 0]}}}
    with pytest.raises(FileError, match=r"replayed-\w+\.yaml:\d+: .*120"):
        lab.campaign(wrong)
    with pytest.raises(InputError, match="holds what no file can"):
        lab.campaign({**REPLAY, "plan": print})
    lab.close()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda data: Lab.open("no.yaml", data=data), "no.yaml"),
        (lambda data: Lab.open(LAB, simulate=["stge"], data=data), "did you mean 'stage'"),
        (lambda data: Lab.open(LAB, virtual=True, data=data), "--virtual needs --simulate"),
        (lambda data: Lab.open(LAB, data=data).campaign("examples/replay/campaign.yaml"), "it is for the lab of"),
        (lambda data: Lab.open(LAB, data=data).campaign("examples/colour/campaign.yaml", sed=3), "sed: no such option"),
        (lambda data: Lab.open(LAB, data=data).campaign("examples/colour/campaign.yaml").best(), "has not begun"),
        (lambda data: Lab.open(LAB, data=data).campaign("examples/colour/campaign.yaml").run_trial(cyan=3), "because:"),
        (lambda data: Lab.open(LAB, data=data).recorded(), "holds no campaigns"),
    ],
    ids=["no-file", "no-device", "options", "other-lab", "no-option", "not-begun", "no-reason", "none-recorded"],
)
def test_a_mistake_is_refused_before_anything_starts(call, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        call(tmp_path)


def test_a_closed_lab_runs_nothing(tmp_path: Path) -> None:
    lab = Lab.open(LAB, simulate=True, data=tmp_path)
    campaign = lab.campaign("examples/colour/campaign.yaml")
    lab.close()
    with pytest.raises(InputError, match=r"colour-bench is closed: open it again with Lab\.open"):
        campaign.run()


def test_a_campaign_is_paused_where_whoever_ran_it_has_gone() -> None:
    """The kernel may be killed: all that its controller sees is that nobody writes any more."""
    read, write = os.pipe()
    switch = StopSwitch()
    hearing = threading.Thread(target=_hear, args=(_Words(read), switch))
    hearing.start()
    os.close(write)
    hearing.join(10)
    os.close(read)
    assert switch.asked is not None
    assert (switch.asked.reason, switch.asked.at_once) == ("the notebook or script that ran it has gone", False)


def test_the_second_interrupt_stops_the_devices() -> None:
    read, write = os.pipe()
    switch = StopSwitch()
    os.write(write, b"pause\nnow\n")
    os.close(write)
    _hear(_Words(read), switch)
    os.close(read)
    assert switch.asked is not None
    assert switch.asked.at_once


@pytest.mark.parametrize("kind", [InputError, SafetyError, DeviceError, InterruptedByPerson])
def test_an_ending_is_raised_as_the_error_of_its_exit_code(kind: type) -> None:
    assert type(error_of(kind.exit_code, "why")) is kind


def test_the_picture_holds_each_trial_and_no_text_of_a_file_becomes_html(tmp_path: Path) -> None:
    write_journal(tmp_path)
    with closing(JournalReader.open(tmp_path)) as reader:
        record = reader.campaign()
        facts = Facts.read(reader, record)
    svg = progress_svg(facts)
    assert svg.count('class="measured"') == len(facts.measured)
    assert svg.count("×<title>") == len(facts.without_outcome)
    assert "<b>" not in campaign_html(facts, "<b>bold</b>").replace(f"<b>{record.id}</b>", "")
