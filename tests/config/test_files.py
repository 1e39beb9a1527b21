"""Good files become the values that they say; any other input becomes an AutolabError and nothing else."""

import copy
import re
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.config.reference import reference_page
from autolab.config.schema import FileKind, json_schema
from autolab.config.specs import ExpectedGain, PowerSpec
from autolab.core.addresses import EpicsAddress, NoAddress, SerialAddress, ZmqAddress
from autolab.core.costs import Costs
from autolab.core.envelope import AllowedValues, RangeLimit
from autolab.core.errors import AutolabError
from autolab.core.noises import KnownNoise
from autolab.core.operations import OperationId
from autolab.core.parameters import ChoiceParameter, FixedParameter, IntegerParameter, RangeParameter
from autolab.core.proposing import ADAPTIVE, UNLEARNED

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))
CAMPAIGN = """\
name: every-key
lab: ../labs/lab.yaml
challenge: some-challenge
parameters:
  cyan: {bounds: [0, 300], unit: uL, step: 1}
  time: {bounds: [1, 30], unit: s, scale: log}
  cycles: {bounds: [1, 9], integer: true, step: 2}
  solvent: {choices: [water, on, 3]}
  grade: {choices: [1, 2, 3], ordered: true}
  heat: {value: 20, unit: degC}
constraints: ["cyan + time <= 300"]
objectives:
  yield_: {goal: target, target: 80, tolerance: 0.5, unit: percent}
outcome_constraints: ["turbidity <= 0.2", {keep: "cost>=1e-3", hard: 0.05}]
plan: my_lab.plans.run
reduce: my_lab.plans.reduce
budget: {trials: 40, hours: 6}
stopping: {no_improvement: {trials: 10, by: 0.1}, failures_in_a_row: 8, expected_gain: {below: 0.2}}
on_failure: {refused: {teaches: true}, bad_outcome: {teaches: false}}
noise: {yield_: 0.5 percent, turbidity: 0.02, cost: reported}
outliers: doubt
costs: {unit: min, trial: 5, amounts: {cyan: 0.01}, changes: {solvent: 20}, exponent: 0.5}
engine: {name: botorch, initial: 8}
lanes: 2
seed: 7
"""


def _load(kind: str, path: Path) -> Any:
    return load_campaign(path) if kind == "campaign" else load_lab(path)


def _refusal(kind: str, path: Path) -> AutolabError | None:
    try:
        _load(kind, path)
    except AutolabError as error:
        return error
    return None


def test_a_campaign_with_every_key_becomes_its_values(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(CAMPAIGN)
    spec = load_campaign(path)
    assert spec.problem.space.parameters == (
        RangeParameter("cyan", 0.0, 300.0, "uL", 1.0),
        RangeParameter("time", 1.0, 30.0, "s", None, "log"),
        IntegerParameter("cycles", 1, 9, step=2),
        ChoiceParameter("solvent", ("water", "on", 3)),
        ChoiceParameter("grade", (1, 2, 3), ordered=True),
        FixedParameter("heat", 20, "degC"),
    )
    assert [constraint.text for constraint in spec.problem.space.constraints] == ["cyan + time <= 300"]
    assert (spec.problem.objective.metric, spec.problem.objective.tolerance) == ("yield_", 0.5)
    assert [str(constraint) for constraint in spec.problem.outcome_constraints] == ["turbidity <= 0.2", "cost >= 0.001"]
    assert [constraint.hard for constraint in spec.problem.outcome_constraints] == [None, 0.05]
    assert (spec.engine.name, spec.engine.initial, spec.lanes, spec.seed) == ("botorch", 8, 2, 7)
    assert spec.problem.recipe_faults == ("refused", "screened")
    assert spec.problem.noises == (
        KnownNoise("yield_", 0.5),
        KnownNoise("turbidity", 0.02),
        KnownNoise("cost"),
    )
    assert spec.problem.doubts_outliers
    assert spec.problem.costs == Costs("min", 5.0, (("cyan", 0.01),), (("solvent", 20.0),), 0.5)
    assert spec.stopping.failures_in_a_row == 8
    assert spec.stopping.expected_gain == ExpectedGain(0.2, 3)
    assert spec.stopping.no_improvement is not None
    assert (spec.stopping.no_improvement.trials, spec.stopping.no_improvement.by) == (10, 0.1)
    assert (spec.budget.trials, spec.budget.hours) == (40, 6.0)
    assert (spec.lab, spec.challenge) == (tmp_path / "../labs/lab.yaml", "some-challenge")
    assert spec.source.line(("parameters", "heat")) == 10


@pytest.mark.parametrize("engine", ["auto", "ax", "botorch", "lean", "sobol", "random", "grid", "bluesky-adaptive"])
def test_an_engine_may_be_given_by_its_name_alone(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(CAMPAIGN.replace("{name: botorch, initial: 8}", engine).replace(", hard: 0.05", ""))
    if engine in (*UNLEARNED, ADAPTIVE):  # it expects nothing, and so gains nothing
        path.write_text(path.read_text().replace(", expected_gain: {below: 0.2}", ""))
    assert load_campaign(path).engine.name == engine


def test_a_campaign_with_the_needed_keys_only_has_the_defaults_of_the_reference() -> None:
    spec = load_campaign(ROOT / "examples/replay/campaign.yaml")
    assert (spec.engine.name, spec.engine.initial, spec.lanes, spec.seed) == ("botorch", None, 1, None)
    assert (spec.challenge, spec.stopping.no_improvement, spec.budget.hours) == (None, None, None)


def test_the_lab_of_the_colour_bench_becomes_its_values() -> None:
    spec = load_lab(ROOT / "examples/colour/lab.yaml")
    assert [device.at for device in spec.devices.values()] == [
        EpicsAddress("BENCH:STAGE:"),
        SerialAddress("/dev/ttyUSB0", 9600),
        ZmqAddress("tcp://127.0.0.1:5555"),
        EpicsAddress("BENCH:SPEC:"),
    ]
    assert spec.materials["cyan"].stock_ul == 250_000.0
    assert (len(spec.labware["strip"].places), spec.labware["strip"].wells) == (8, 24)
    assert spec.envelope["stage.position"] == RangeLimit("stage.position", 0.0, 300.0, "mm", max_step=300.0)
    assert spec.power is None
    operation = spec.envelope["spectrometer.operation"]
    assert isinstance(operation, AllowedValues)
    assert operation.pattern is not None
    assert re.fullmatch(operation.pattern, str(OperationId("k3f9a2c1", 12, 1, "measure", 1)))


def test_numbers_of_the_envelope_are_converted_to_the_unit_of_min(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(
        "name: oven\nlaboratory: L\ndevices: {oven: {class: my_lab.Oven}}\n"
        "envelope: {oven.heat: {min: 20 degC, max: 373.15 K, max_step: 9 degF, max_rate: 6 degC/min, "
        "tolerance: 1 K, safe: 298.15 K}}\n"
    )
    spec = load_lab(path)
    assert spec.envelope["oven.heat"] == RangeLimit("oven.heat", 20.0, 100.0, "degC", 5.0, 1.0, 25.0, max_rate=0.1)
    assert spec.devices["oven"].at == NoAddress()


def test_what_the_relay_switches_is_read_with_its_dead_man_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(
        "name: oven\nlaboratory: L\ndevices: {oven: {class: my_lab.Oven}}\npower: {devices: [oven], dead_man: 200 ms}\n"
    )
    assert load_lab(path).power == PowerSpec(("oven",), 0.2)


def test_the_place_of_the_heads_is_seen_from_the_lab_file(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text("name: oven\nlaboratory: L\ndevices: {oven: {class: my_lab.Oven}}\n")
    assert load_lab(path).heads is None
    path.write_text(path.read_text() + "audit: {heads: ../records/oven.jsonl}\n")
    assert load_lab(path).heads == tmp_path / "../records/oven.jsonl"
    path.write_text(path.read_text().replace("../records", "/mnt/records"))
    assert load_lab(path).heads == Path("/mnt/records/oven.jsonl")


def test_the_content_hash_is_of_what_the_file_says_and_not_of_how_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(CAMPAIGN)
    first = load_campaign(path).content_hash
    path.write_text("# a comment\n" + CAMPAIGN.replace("seed: 7", "'seed':   7"))
    assert load_campaign(path).content_hash == first
    path.write_text(CAMPAIGN.replace("seed: 7", "seed: 8"))
    assert load_campaign(path).content_hash != first


@pytest.mark.parametrize("path", EXAMPLES, ids=[str(path.relative_to(ROOT)) for path in EXAMPLES])
def test_every_example_is_accepted_by_the_loader_and_by_the_schema(path: Path) -> None:
    kind: FileKind = "lab" if path.stem == "lab" else "campaign"
    _load(kind, path)
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("kind", ["campaign", "lab"])
def test_the_schema_documents_every_key(kind: FileKind) -> None:
    schema = json_schema(kind)
    for model in [schema, *schema["$defs"].values()]:
        assert model["additionalProperties"] is False
        for key, item in model["properties"].items():
            assert item.get("description") or "$ref" in item, key


def _changed(draw: st.DrawFn, values: Any) -> Any:
    """The values of a good file with one thing in it replaced, removed or added."""
    values = copy.deepcopy(values)
    node = values
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and draw(st.integers(0, 3)):
            node = node[key]
            continue
        junk = draw(
            st.one_of(
                st.booleans(),
                st.integers(-5, 400),
                st.floats(width=32),
                st.sampled_from(["", "x", "../x", "5 mL", "ax", "nan", "stage"]),
                st.lists(st.integers(0, 3), max_size=3),
                st.dictionaries(st.sampled_from(["bounds", "x", "min"]), st.integers(0, 3), max_size=2),
            )
        )
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del node[key]
        elif change == "add" and isinstance(node, dict):
            node[draw(st.sampled_from(["seed", "lanes", "step", "x", "unit", "a.b"]))] = junk
        else:
            node[key] = junk
        return values


@pytest.mark.parametrize("kind", ["campaign", "lab"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_what_the_loader_accepts_the_schema_accepts_too(kind: FileKind, data: st.DataObject, tmp_path: Path) -> None:
    good = yaml.safe_load(CAMPAIGN if kind == "campaign" else (ROOT / "examples/colour/lab.yaml").read_text())
    values = data.draw(st.composite(_changed)(good))
    path = tmp_path / f"{kind}.yaml"
    path.write_text(yaml.safe_dump(values))
    refusal = _refusal(kind, path)
    if refusal is None:
        jsonschema.Draft202012Validator(json_schema(kind)).validate(values)
    else:
        assert refusal.exit_code == 2
        assert str(path) in str(refusal)


@pytest.mark.parametrize("kind", ["campaign", "lab"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
)
def test_any_bytes_give_a_spec_or_an_autolab_error(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(content)
    with pytest.raises(AutolabError):
        _load(kind, path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_good_file_gives_a_spec_or_an_autolab_error(data: st.DataObject, tmp_path: Path) -> None:
    kind = data.draw(st.sampled_from(["campaign", "lab"]))
    text = CAMPAIGN if kind == "campaign" else (ROOT / "examples/colour/lab.yaml").read_text()
    start = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.text(alphabet=string.printable + "µ\u2028é", max_size=6))
    path = tmp_path / "file.yaml"
    path.write_text(text[:start] + junk + text[start + data.draw(st.integers(0, 12)) :], encoding="utf-8")
    refusal = _refusal(kind, path)
    assert refusal is None or (refusal.exit_code == 2 and str(path) in str(refusal))


@pytest.mark.parametrize("kind", ["campaign", "lab"])
def test_the_reference_page_is_the_one_that_the_models_give(kind: FileKind) -> None:
    page = ROOT / f"docs/reference/{kind}-file.md"
    wanted = reference_page(kind)
    assert page.read_text(encoding="utf-8") == wanted, f"write reference_page({kind!r}) of autolab.config to {page}"


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        pytest.param(
            "import autolab.config.campaign, autolab.config.lab, autolab.config.schema, autolab.config.reference",
            ("torch", "botorch", "ax", "ophyd", "bluesky", "pint", "scipy", "numpy"),
            id="import",
        ),
        pytest.param(
            "from autolab.config.campaign import load_campaign\nfrom autolab.config.lab import load_lab\n"
            "load_campaign('examples/colour/campaign.yaml'); load_lab('examples/colour/lab.yaml')",
            ("torch", "botorch", "ax", "ophyd", "bluesky", "scipy.optimize"),
            id="load",
        ),
    ],
)
def test_reading_files_imports_nothing_heavy(code: str, forbidden: tuple[str, ...]) -> None:
    check = f"import sys\n{code}\nprint([name for name in {forbidden!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
