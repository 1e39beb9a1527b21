"""Moves by hand: what can be moved is found by the classes of the devices, and nothing is easier than in a campaign."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from autolab.compose.detached import Order, order, said_of
from autolab.compose.moving import look_at_moves, move_by_hand
from autolab.compose.options import RunOptions
from autolab.config.campaign import load_campaign
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.journal.reader import JournalReader
from tests.cli.running import autolab
from tests.compose.files import EXAMPLES
from tests.rigs import until

LAB = EXAMPLES / "colour-bench" / "lab.yaml"
DAY = EXAMPLES / "bench-day" / "lab.yaml"


def virtual(folder: Path) -> RunOptions:
    return RunOptions(data=folder, simulate=True, virtual=True, seed=1)


def test_what_can_be_moved_is_said_with_its_units(tmp_path: Path) -> None:
    done = autolab("move", str(LAB), cwd=tmp_path)
    assert done.stdout.splitlines() == [
        "stage: velocity=mm/s  position=mm",
        "dispenser: nothing by hand",
        "arm: labware=… source=… target=…",
        "spectrometer: integration_time=s  n_scans=NUMBER",
    ]
    (plate,) = look_at_moves(EXAMPLES / "hotplate" / "lab.yaml")
    assert dict(plate.settings) == {"temperature": "degC"}, "a class of its owner's says what its set() writes"


def test_a_stage_is_told_how_fast_before_where_to_and_what_it_reads_is_recorded(tmp_path: Path) -> None:
    result = move_by_hand(LAB, "stage", ["position=25 cm", "velocity=80"], virtual(tmp_path))
    with closing(JournalReader.open(tmp_path)) as reader:
        (trial,) = reader.trials(result.campaign)
        (event,) = [document for name, document in reader.documents(result.campaign, 1) if name == "event"]
    assert result.campaign.startswith("move-stage-")
    assert (trial.suggestion.engine, trial.suggestion.values["position"]) == ("person", 25)
    assert event["data"] == pytest.approx({"stage_velocity": 80.0, "stage_position": 250.0}, abs=0.05)
    assert list(event["data"]) == ["stage_velocity", "stage_position"]


def test_a_value_outside_the_envelope_is_refused_by_the_screen(tmp_path: Path) -> None:
    result = move_by_hand(LAB, "stage", ["position=301"], virtual(tmp_path))
    with closing(JournalReader.open(tmp_path)) as reader:
        (trial,) = reader.trials(result.campaign)
        assert not reader.intents(result.campaign)
    assert trial.state == "refused"
    assert "stage.position: refused to write 301 mm: the envelope allows 0 to 300 mm" in str(trial.verdict)


def test_an_arm_carries_labware_and_puts_down_what_it_holds(tmp_path: Path) -> None:
    words = ["labware=strip-1", "source=rack_1", "target=stage"]
    result = move_by_hand(LAB, "arm", words, virtual(tmp_path))
    with closing(JournalReader.open(tmp_path)) as reader:
        (intent,) = reader.intents(result.campaign)
        assert (intent.device, intent.state, intent.action["target"]) == ("arm", "done", "stage")
        again = move_by_hand(LAB, "arm", ["labware=strip-1", "source=gripper", "target=stage"], virtual(tmp_path))
        (trial,) = reader.trials(again.campaign)
    assert "holds nothing" in str(trial.failure), "what it does not hold it does not put down"


def test_a_move_needs_no_calibration_of_what_it_moves_and_no_check_judges_it(tmp_path: Path) -> None:
    result = move_by_hand(DAY, "spectrometer", ["n_scans=4"], virtual(tmp_path))
    with closing(JournalReader.open(tmp_path)) as reader:
        assert reader.trials(result.campaign)[0].state == "ingested"
        assert reader.states.rows("SELECT * FROM calibrations") == []


@pytest.mark.parametrize(
    ("device", "texts", "said"),
    [
        ("staeg", ["position=1"], "there is no device 'staeg'; did you mean 'stage'?"),
        ("dispenser", ["volume=1"], "dispenser is not moved by hand: what it does is an action"),
        ("stage", [], "stage: say to what, as NAME=VALUE: it takes velocity (mm/s) and position (mm)"),
        ("stage", ["positon=1"], "plans.moving.move of stage takes no parameter 'positon'; did you mean 'position'?"),
        ("stage", ["position=far"], "position: 'far' is not a number with a unit"),
        ("stage", ["position=3 s"], "position: "),
        ("arm", ["labware=strip-1"], "plans.moving.carry of arm needs source and target too"),
    ],
)
def test_what_cannot_be_moved_is_refused_before_anything_is_written(
    device: str, texts: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        move_by_hand(LAB, device, texts, virtual(tmp_path / "data"))
    assert said in str(refused.value)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            "device: {value: staeg}\n  position: {value: 1, unit: mm}",
            "there is no device 'staeg'; did you mean 'stage'?",
        ),
        ("device: {choices: [stage, arm]}\n  position: {value: 1, unit: mm}", "device names one device, such as"),
        ("device: {value: stage}\n  position: {value: 1, unit: s}", "position is in s, and plan"),
    ],
)
def test_a_campaign_file_names_the_device_by_a_fixed_value(parameters: str, said: str, tmp_path: Path) -> None:
    from autolab.compose.matching import bind

    file = tmp_path / "campaign.yaml"
    file.write_text(
        f"name: m\nlab: {LAB}\nparameters:\n  {parameters}\nobjectives: {{moved: {{goal: maximize}}}}\n"
        "plan: plans.moving.move\nreduce: plans.moving.moved\nbudget: {trials: 1}\nengine: random\n"
    )
    with pytest.raises(InputError) as refused:
        bind(load_campaign(file), virtual(tmp_path))
    assert said in str(refused.value)


def test_a_controller_that_is_ordered_moves_a_device_and_says_what_became_of_it(tmp_path: Path) -> None:
    options = {"simulate": True, "virtual": True, "seed": 1}
    number = order(tmp_path, Order("move", str(LAB), options, Principal("tess", "person"), ("stage", "position=20")))
    until(lambda: said_of(tmp_path, number).state in ("ended", "refused"), "the move", 90.0)
    said = said_of(tmp_path, number)
    assert said.state == "ended", said
    with closing(JournalReader.open(tmp_path)) as reader:
        assert reader.campaign(said.campaign or "").principal == "tess"
