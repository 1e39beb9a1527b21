"""One trial by hand: what the plan takes is found in another process, and nothing is easier than in a campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.compose.byhand import try_by_hand
from autolab.compose.looking import look_at_plan
from autolab.compose.options import RunOptions
from autolab.core.errors import InputError
from autolab.journal.reader import JournalReader
from tests.cli.running import autolab
from tests.compose.files import EXAMPLES

LAB = EXAMPLES / "colour-bench" / "lab.yaml"
PLAN = "plans.colour.mix_and_measure"
ALL = ("cyan=100", "magenta=0.01 mL", "yellow=20 uL", "mixing_time=5")


def test_a_trial_by_hand_is_screened_run_and_recorded_as_a_persons(tmp_path: Path) -> None:
    done = autolab("try", str(LAB), PLAN, *ALL, "--simulate", "--virtual", "--seed", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Trial 1:\n  colour_distance  " in done.stdout
    assert "recipe" not in done.stdout, "nothing was compared, so nothing is recommended"
    reader = JournalReader.open(tmp_path / "autolab-data")
    record = reader.campaign()
    (trial,) = reader.trials(record.id)
    assert trial.suggestion.engine == "person"
    assert trial.suggestion.values == {"cyan": 100, "magenta": 0.01, "yellow": 20, "mixing_time": 5}
    assert trial.verdict is not None
    assert trial.verdict.decision == "allowed"
    volumes = [intent.action.get("volume_ul") for intent in reader.intents(record.id) if "volume_ul" in intent.action]
    assert 10.0 in volumes, "0.01 mL reached the dispenser as 10 uL"
    assert set(trial.outcome or {}) == {"colour_distance", "peak_absorbance"}
    reader.close()
    assert len(list((tmp_path / "autolab-data" / "tries").iterdir())) == 1


def test_a_value_outside_the_envelope_is_refused_by_the_screen(tmp_path: Path) -> None:
    words = [*ALL[1:], "cyan=301", "--simulate", "--virtual"]
    done = autolab("try", str(LAB), PLAN, *words, cwd=tmp_path)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Trial 1 has no outcome: refused: message " in done.stdout
    assert "dispenser.volume: refused to write 301 uL: the envelope allows 0 to 300 uL" in done.stdout
    reader = JournalReader.open(tmp_path / "autolab-data")
    (trial,) = reader.trials(reader.campaign().id)
    assert trial.state == "refused"
    assert not reader.intents(reader.campaign().id)
    reader.close()


@pytest.mark.parametrize(
    ("plan", "texts", "said"),
    [
        (PLAN, ("cyan=1", "magenta=1"), f"{PLAN} needs yellow and mixing_time too: add yellow=VALUE mixing_time=VALUE"),
        (PLAN, (*ALL, "magnta=1"), f"{PLAN} takes no parameter 'magnta'; did you mean 'magenta'?"),
        (PLAN, (*ALL, "cyan=2"), "cyan is given twice"),
        (PLAN, ("cyan",), "'cyan' is no value: write NAME=VALUE, such as cyan=20 or 'cyan=20 uL'"),
        (PLAN, ("cyan=5 kg",), "cyan: 'kg' is a mass, and a volume is wanted: use 'uL' or a unit like it"),
        (PLAN, ("cyan=much",), "cyan: 'much' is not a number with a unit"),
        ("plans.colour.mix_and_mesure", ALL, "did you mean plans.colour.mix_and_measure?"),
        ("plans.colour.colour_distance", ALL, "'plans.colour.colour_distance' is not a plan"),
        ("os.abort", ALL, "names are resolved from devices, plans, simulators, ophyd, ophyd_async only"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_written(
    tmp_path: Path, plan: str, texts: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        try_by_hand(LAB, plan, texts, RunOptions(tmp_path / "data", simulate=True, virtual=True))
    assert said in str(refused.value)
    assert not (tmp_path / "data").exists()


PERSON = """\
name: wet-bench
laboratory: Example
devices:
  technician:
    class: devices.people.Person
    options:
      instruction: "Dissolve {salt}"
      parameters: {salt: g}
      results: {conductivity: {unit: mS/cm, min: 0, max: 200}, look: {choices: [clear, cloudy]}}
envelope:
  technician.salt: {min: 0 g, max: 20 g}
"""


def test_what_a_person_is_told_and_types_in_counts_as_what_an_instrument_takes_and_measures(tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(PERSON)
    view = look_at_plan(lab, "plans.people.by_hand", None)
    assert (view.reducer, view.metrics) == ("plans.people.answered", ("conductivity", "look"))
    assert (dict(view.units), view.takes_any) == ({"salt": "g"}, True)


def test_a_reducer_has_to_be_named_where_the_plans_module_has_several_or_none(tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(LAB.read_text().replace("devices:\n", "packages: [handplans]\ndevices:\n", 1))
    (tmp_path / "handplans.py").write_text(
        "from plans.colour import mix_and_measure\n\ndef mix(stage, *, depth):\n    yield from mix_and_measure(stage)\n"
    )
    options = RunOptions(tmp_path / "data", simulate=True, virtual=True)
    with pytest.raises(InputError, match=r"handplans.mix: say with --reduce which reducer .* its module has none"):
        try_by_hand(lab, "handplans.mix", ["depth=1"], options)
    with pytest.raises(InputError, match=r"'plans.colour.mix_and_measure' is not a reducer"):
        try_by_hand(lab, "handplans.mix", ["depth=1"], options, reducer=PLAN)
