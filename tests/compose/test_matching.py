"""Campaign and lab are matched before anything moves: names, arguments, units, metrics, envelope."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autolab.compose.checking import check_files
from autolab.compose.matching import bind_files, with_options
from autolab.compose.options import RunOptions
from autolab.config.campaign import load_campaign
from autolab.core.errors import InputError
from tests.cli.running import autolab
from tests.compose.files import EXAMPLES, example

BAD = {
    "a package that is not allowed": (
        "campaign.yaml",
        ("plan: plans.colour.mix_and_measure", "plan: os.system"),
        "plan 'os.system': names are resolved from devices, plans, simulators, ophyd, ophyd_async only; "
        "list 'os' under 'packages' in the lab file if it is yours",
    ),
    "a plan that does not exist": (
        "campaign.yaml",
        ("plan: plans.colour.mix_and_measure", "plan: plans.colour.mix_and_mesure"),
        "plan 'plans.colour.mix_and_mesure': plans.colour has no 'mix_and_mesure'; "
        "did you mean plans.colour.mix_and_measure?",
    ),
    "a module that does not exist": (
        "campaign.yaml",
        ("plan: plans.colour.mix_and_measure", "plan: plans.color.mix_and_measure"),
        "plan 'plans.color.mix_and_measure': there is no module 'plans.color'",
    ),
    "a plan that is not one": (
        "campaign.yaml",
        ("plan: plans.colour.mix_and_measure", "plan: plans.colour.TEAL"),
        "'plans.colour.TEAL' is not a plan: a plan is a function that yields messages",
    ),
    "a recovery plan that is not one": (
        "campaign.yaml",
        ("plan: plans", "on_failure: {timeout: {recover: plans.colour.TEAL}}\nplan: plans"),
        "'plans.colour.TEAL' is not a plan: a plan is a function that yields messages",
    ),
    "a recovery plan that needs more than devices": (
        "campaign.yaml",
        ("plan: plans", "on_failure: {timeout: {recover: plans.colour.mix_and_measure}}\nplan: plans"),
        "recovery plan 'plans.colour.mix_and_measure' needs 'cyan', which is no device of the lab; devices are "
        "stage, dispenser, arm, spectrometer, and besides them it may take operations and sample",
    ),
    "a reducer that is not one": (
        "campaign.yaml",
        ("reduce: plans.colour.colour_distance", "reduce: plans.colorimetry.colour_difference"),
        "'plans.colorimetry.colour_difference' is not a reducer: "
        "declare it with @reducer(metrics=...) of plans.reducers",
    ),
    "a metric that the reducer does not declare": (
        "campaign.yaml",
        ("  colour_distance: {", "  color_distance: {"),
        "reducer 'plans.colour.colour_distance' does not yield 'color_distance'; "
        "it yields colour_distance, peak_absorbance",
    ),
    "a unit of another quantity": (
        "campaign.yaml",
        ("mixing_time: {bounds: [1, 30], unit: s", "mixing_time: {bounds: [1, 30], unit: mL"),
        "mixing_time is in mL, and plan 'plans.colour.mix_and_measure' takes it in s: "
        "'mL' is a volume, and a time is wanted: use 's' or a unit like it",
    ),
    "a parameter without its unit": (
        "campaign.yaml",
        ("mixing_time: {bounds: [1, 30], unit: s", "mixing_time: {bounds: [1, 30]"),
        "mixing_time has no unit, and plan 'plans.colour.mix_and_measure' takes it in s: add 'unit: s'",
    ),
    "a parameter that the plan does not take": (
        "campaign.yaml",
        ("parameters:\n", "parameters:\n  stirring: {bounds: [0, 1]}\n"),
        "plan 'plans.colour.mix_and_measure' takes no parameter 'stirring'; "
        "it takes cyan, magenta, yellow, mixing_time",
    ),
    "a device class that is not one": (
        "lab.yaml",
        ("class: devices.motion.EpicsStage", "class: plans.colour.mix_and_measure"),
        "device class 'plans.colour.mix_and_measure' is not a class",
    ),
    "a writable signal that is not declared": (
        "lab.yaml",
        ("  dispenser.mix_time: {min: 0 s, max: 60 s}\n", ""),
        "dispenser.mix_time can be written and is not declared: add it to the envelope with min and max in s",
    ),
    "a limit in a unit of another quantity": (
        "lab.yaml",
        ("dispenser.volume: {min: 0 uL, max: 300 uL}", "dispenser.volume: {min: 0 s, max: 300 s}"),
        "dispenser.volume: 's' is a time, and a volume is wanted: use 'uL' or a unit like it",
    ),
    "a limit for a signal that does not exist": (
        "lab.yaml",
        ("  dispenser.volume:", "  stage.colour: {allowed: [red]}\n  dispenser.volume:"),
        "stage has no writable signal 'colour'; it has position, velocity",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_does_not_match_is_refused_with_its_line(what: str, tmp_path: Path):
    file, change, message = BAD[what]
    campaign = example("colour", tmp_path, {file: change})
    with pytest.raises(InputError) as caught:
        bind_files(campaign, RunOptions(data=tmp_path / "data"))
    place, line, text = str(caught.value).splitlines()[0].split(":", 2)
    assert text.strip() == message
    assert Path(place).name == file
    written = (campaign.parent / file).read_text().splitlines()[int(line) - 1]
    assert written.strip()
    assert not (tmp_path / "data").exists()


def test_several_refusals_come_together(tmp_path: Path):
    changes = {"campaign.yaml": ("mixing_time: {bounds: [1, 30], unit: s", "stirring: {bounds: [1, 30], unit: s")}
    with pytest.raises(InputError) as caught:
        bind_files(example("colour", tmp_path, changes), RunOptions(data=tmp_path))
    assert len(str(caught.value).splitlines()) == 2


def test_numbers_reach_the_plan_in_the_plans_own_unit(tmp_path: Path):
    changes = {
        "campaign.yaml": ("cyan:        {bounds: [0, 120], unit: uL", "cyan:        {bounds: [0, 0.12], unit: mL")
    }
    bound = bind_files(example("colour", tmp_path, changes), RunOptions(data=tmp_path))
    assert bound.binding.converters["cyan"](0.1) == 100.0


def test_numbers_reach_an_open_ended_plan_in_the_unit_of_the_devices_signal(tmp_path: Path):
    changes = {"campaign.yaml": ("cyan:    {bounds: [0, 120], unit: uL", "cyan:    {bounds: [0, 0.12], unit: mL")}
    bound = bind_files(example("replay", tmp_path, changes), RunOptions(data=tmp_path))
    assert bound.binding.converters["cyan"](0.1) == 100.0


def checked(*files: Path) -> dict[str, list[str]]:
    """What ``autolab check`` says of good files, from a process that need not import everything anew."""
    done = autolab("check", "--json", *map(str, files), cwd=files[0].parent)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_check_resolves_names_in_a_child_and_reports_what_it_finds(tmp_path: Path):
    good = [EXAMPLES / "colour" / "campaign.yaml", EXAMPLES / "replay" / "lab.yaml"]
    report = checked(*good)
    assert report["files"] == [str(file) for file in good]
    notes = [note for note in report["notes"] if not note.startswith("on hardware")]
    assert notes[0] == "dry run of the plan: proved at 8 of 8 points"
    assert [note.partition(" about ")[0] for note in notes[1:3]] == ["a trial takes", "30 trials use"]
    assert notes[3].startswith("after a crash no action is repeated: arm and dispenser can say what became of")
    file, change, message = BAD["a plan that does not exist"]
    with pytest.raises(InputError, match=re.escape(message)):
        check_files([example("colour", tmp_path, {file: change})])


def test_check_says_what_will_not_last(tmp_path: Path):
    changes = {"lab.yaml": ("clear:   {stock: 250 mL}", "clear:   {stock: 1 mL}")}
    notes = checked(example("colour", tmp_path, changes))["notes"]
    assert any(note.startswith("clear may run dry: 30 trials need about ") for note in notes)


def test_check_says_that_a_plan_without_actions_is_run_again_after_a_crash():
    notes = checked(EXAMPLES / "hotplate" / "campaign.yaml")["notes"]
    assert any("after a crash the whole trial is run again, with all that it moves" in note for note in notes)


def test_check_lists_the_signals_of_a_foreign_class_that_are_closed_for_writing(tmp_path: Path):
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "name: soft\nlaboratory: Example\ndevices:\n"
        "  open: {class: ophyd.Signal}\n  closed: {class: ophyd.Signal}\n"
        "envelope:\n  open.value: {min: 0, max: 1}\n"
    )
    note, _ = checked(lab)["notes"]
    assert note == (
        "closed: ophyd.Signal is not a class of ours; closed for writing, because the envelope does not declare them: "
        "value"
    )


def with_interlocks(folder: Path, rules: str) -> Path:
    text = f"interlocks: [{rules}]\nsafe_state: [{{device: stage, do: stop}}]"
    return example("colour", folder, {"lab.yaml": ("interlocks: []\nsafe_state: []", text)})


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            "{name: far, when: stage.position > 200 mm and stage.position < 100 mm, effect: trip, why: it is far}",
            "far: it can never be true, so it protects from nothing",
        ),
        (
            "{name: far, when: stage.position > 10 mm or stage.position < 200 mm, effect: trip, why: it is far}",
            "far: it is always true, so the lab can never run",
        ),
        (
            "{name: shut, when: arm.gripper == 'closed', effect: trip, why: it holds something}",
            "arm.gripper: arm does not read it, so that nobody could ever know it; it reads ",
        ),
    ],
    ids=["never", "always", "a device that does not read it"],
)
def test_interlocks_that_cannot_work_are_refused_with_their_line(rules: str, message: str, tmp_path: Path):
    campaign = with_interlocks(tmp_path, rules)
    lab = campaign.with_name("lab.yaml")
    line = next(n for n, text in enumerate(lab.read_text().splitlines(), 1) if text.startswith("interlocks"))
    done = autolab("check", str(lab), cwd=tmp_path, COLUMNS="1000")
    assert done.returncode == InputError.exit_code
    assert f"{lab}:{line}: {message}" in done.stderr


def test_an_interlock_that_another_makes_superfluous_is_mentioned(tmp_path: Path):
    rules = (
        "{name: far, when: stage.position > 200 mm, effect: trip, why: it is far}, "
        "{name: farther, when: stage.position > 250 mm, effect: trip, why: it is farther}"
    )
    campaign = with_interlocks(tmp_path, rules)
    notes = checked(campaign.with_name("lab.yaml"))["notes"]
    assert any(note.startswith("interlocks: farther: ") for note in notes), notes


def test_check_says_who_would_have_to_approve_and_that_nobody_could(tmp_path: Path):
    notes = checked(example("colour", tmp_path))["notes"]
    (note,) = [note for note in notes if note.startswith("on hardware")]
    assert note.startswith("on hardware 8 of 8 points need the approval of 1 person besides whoever runs the campaign")
    assert note.endswith("; the lab file names nobody with 'may: [approve]'")


def test_an_option_takes_no_engine_that_predicts_nothing_under_a_hard_bound(tmp_path: Path):
    hard = 'outcome_constraints: [{keep: "colour_distance <= 90", hard: 0.1}]\nobjectives:'
    file = example("colour", tmp_path, {"campaign.yaml": ("objectives:", hard)})
    with pytest.raises(InputError, match=r"--engine grid: it predicts nothing, and 'colour_distance <= 90' is hard"):
        with_options(load_campaign(file), RunOptions(data=tmp_path, engine="grid"))
    rehearsed = with_options(load_campaign(file), RunOptions(data=tmp_path, engine="random", in_memory=True))
    assert rehearsed.engine.name == "random"
