"""What a campaign file may say about parameters that have to stand still, and about choices; and what it gets else."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autolab.config.campaign import load_campaign
from autolab.config.feasibility import find_conflict
from autolab.config.measured import read_measured
from autolab.config.specs import CampaignSpec
from autolab.core.atmost import AtMost
from autolab.core.conditionals import Conditional
from autolab.core.constraints import Constraint
from autolab.core.errors import AutolabError, FileError, InputError
from autolab.core.objectives import Objective
from autolab.core.parameters import ChoiceParameter, Descriptor, Parameter, RangeParameter
from autolab.core.problem import Problem, Space

GOOD = """\
name: teal
lab: lab.yaml
parameters:
  a: {bounds: [0, 100], step: 5}
  b: {bounds: [0, 100]}
  c: {bounds: [0, 100]}
  lid: {value: closed}
  solvent:
    choices: [water, dmf, dmso]
    descriptors:
      water: {polarity: 1.0, boils: 100}
      dmf: {polarity: 0.39, boils: 153}
      dmso: {polarity: 0.44, boils: 189}
  heat:
    bounds: [20, 90]
    unit: degC
    when: {solvent: [dmf, dmso]}
    otherwise: 20
constraints:
  - a + b + c == 100
  - at most 2 of [a, b, c] above 0
objectives:
  y: {goal: minimize}
plan: plans.colour.mix_and_measure
reduce: plans.colour.colour_distance
budget: {trials: 40}
"""
RULE = "at most 2 of [a, b, c] above 0"
WHEN = "{solvent: [dmf, dmso]}"
FORM = "write for example 'at most 2 of [a, b, c] above 0'"


def load(tmp_path: Path, text: str) -> CampaignSpec:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    return load_campaign(file)


def test_limits_and_descriptors_become_values(tmp_path: Path) -> None:
    space = load(tmp_path, GOOD).problem.space
    assert space.at_most == (AtMost(2, ("a", "b", "c")),)
    assert space.conditionals == (Conditional("heat", (("solvent", ("dmf", "dmso")),), 20.0),)
    assert isinstance(space.conditionals[0].otherwise, float)
    solvent = next(parameter for parameter in space.parameters if parameter.name == "solvent")
    assert isinstance(solvent, ChoiceParameter)
    assert solvent.descriptors == (
        Descriptor("polarity", (1.0, 0.39, 0.44)),
        Descriptor("boils", (100.0, 153.0, 189.0)),
    )


def test_what_a_point_breaks_is_said(tmp_path: Path) -> None:
    space = load(tmp_path, GOOD).problem.space
    point = {"a": 50.0, "b": 50.0, "c": 0.0, "lid": "closed", "solvent": "water", "heat": 20.0}
    assert space.violations(point) == []
    assert space.violations({**point, "heat": 60.0}) == [
        "heat stands at 20 unless solvent is dmf or dmso, and here it is 60.0"
    ]
    assert space.violations({**point, "b": 49.0, "c": 1.0}) == [f"constraint {RULE!r} does not hold: a, b, c are"]
    assert space.settled({**point, "heat": 60.0}) == point


CASES = [
    ("at-most-unreadable", RULE, "at most two of a, b", "21: constraint 'at most two of a, b' cannot be read: " + FORM),
    (
        "at-most-another-level",
        RULE,
        "at most 2 of [a, b, c] above 5",
        "21: constraint 'at most 2 of [a, b, c] above 5' cannot be read: " + FORM,
    ),
    (
        "at-most-misspelt",
        "[a, b, c] above",
        "[a, b, solvnt] above",
        "21: constraint 'at most 2 of [a, b, solvnt] above 0': 'solvnt' is not a parameter: did you mean 'solvent'?",
    ),
    (
        "at-most-without-numbers",
        "[a, b, c] above",
        "[a, b, solvent] above",
        "21: constraint 'at most 2 of [a, b, solvent] above 0': 'solvent' has values that are no numbers: remove it "
        "from the constraint",
    ),
    (
        "at-most-always-holds",
        "at most 2",
        "at most 3",
        "21: constraint 'at most 3 of [a, b, c] above 0': it always holds, since it names 3: lower the number, name "
        "more, or remove it",
    ),
    (
        "at-most-none",
        "at most 2",
        "at most 0",
        "21: constraint 'at most 0 of [a, b, c] above 0': none may be above 0: fix them with 'value: 0' instead",
    ),
    (
        "at-most-twice",
        "[a, b, c] above",
        "[a, b, b] above",
        "21: constraint 'at most 2 of [a, b, b] above 0': 'b' is named twice: remove one of the two",
    ),
    (
        "at-most-begins-above-0",
        "b: {bounds: [0, 100]}",
        "b: {bounds: [5, 100]}",
        "21: constraint 'at most 2 of [a, b, c] above 0': 'b' begins at 5, and only what begins at 0 can be left "
        "out: let it begin at 0",
    ),
    (
        "at-most-of-a-conditional",
        "[a, b, c] above",
        "[a, b, heat] above",
        "21: constraint 'at most 2 of [a, b, heat] above 0': 'heat' begins at 20, and only what begins at 0 can be "
        "left out: let it begin at 0",
    ),
    (
        "when-misspelt",
        WHEN,
        "{solvnt: [dmf]}",
        "17: heat: 'when' names 'solvnt', which is not a parameter: did you mean 'solvent'?",
    ),
    (
        "when-no-such-choice",
        WHEN,
        "{solvent: [dmff]}",
        "17: heat: 'when' names 'dmff', which is none of the choices of 'solvent': did you mean 'dmf'?",
    ),
    (
        "when-of-another-type",
        WHEN,
        "{solvent: [7]}",
        "17: heat: 'when' names 7, which is none of the choices of 'solvent': choices are 'water', 'dmf' or 'dmso'",
    ),
    (
        "when-a-range",
        WHEN,
        "{a: [5]}",
        "17: heat: 'when' takes parameters with choices, and 'a' has none",
    ),
    (
        "when-itself",
        WHEN,
        "{heat: [20]}",
        "17: heat: 'when' takes parameters with choices, and 'heat' has none",
    ),
    (
        "when-always",
        WHEN,
        "{solvent: [dmf, dmso, water]}",
        "17: heat: 'when' names all choices of 'solvent', so that it always matters: leave some out, or remove it",
    ),
    (
        "when-no-list",
        WHEN,
        "{solvent: dmf}",
        "17: parameters.heat.when.solvent: 'dmf' is text, and a list is wanted: write ['dmf']",
    ),
    (
        "when-alone",
        "    otherwise: 20\n",
        "",
        "17: heat: 'when' needs 'otherwise', the value at which it stands where it does not matter: add it",
    ),
    (
        "otherwise-alone",
        f"    when: {WHEN}\n",
        "",
        "17: heat: 'otherwise' goes with 'when': add that, or remove it",
    ),
    (
        "otherwise-outside",
        "otherwise: 20",
        "otherwise: 0",
        "18: heat: 'otherwise' is 0, which is outside what the parameter allows",
    ),
    (
        "when-of-a-fixed-one",
        "lid: {value: closed}",
        f"lid: {{value: closed, when: {WHEN}, otherwise: closed}}",
        "7: lid: only what has bounds or choices can depend on others: remove 'when'",
    ),
    (
        "descriptors-misspelt-choice",
        "dmso: {polarity",
        "dmsoo: {polarity",
        "10: solvent: 'descriptors' name 'dmsoo', which is not among what may be chosen: did you mean 'dmso'?",
    ),
    (
        "descriptors-misspelt",
        "polarity: 0.44",
        "polarty: 0.44",
        "10: solvent: 'descriptors' of 'dmso' lack 'polarity': did you mean it by 'polarty'?",
    ),
    (
        "descriptors-lacking",
        "polarity: 0.39, ",
        "",
        "10: solvent: 'descriptors' of 'dmf' lack 'polarity': add it",
    ),
    (
        "descriptors-alike",
        "{polarity: 0.39, boils: 153}",
        "{polarity: 0.44, boils: 189}",
        "10: solvent: 'dmf' and 'dmso' have the same descriptors, so that models take them for one: add a descriptor "
        "in which they differ",
    ),
    (
        "descriptor-no-number",
        "boils: 153",
        "boils: 153 degC",
        "12: parameters.solvent.descriptors.dmf.boils: '153 degC' is text, and a number is wanted: write 153 and give "
        "the unit in 'unit'",
    ),
    (
        "descriptor-not-finite",
        "boils: 153",
        "boils: .inf",
        "10: solvent: descriptor 'boils' holds a number that is not finite",
    ),
    (
        "descriptors-and-order",
        "choices: [water, dmf, dmso]",
        "choices: [water, dmf, dmso]\n    ordered: true",
        "11: solvent: 'descriptors' say which choices are alike, and so does 'ordered': keep one",
    ),
    (
        "infeasible",
        "  - at most",
        "  - a >= 10\n  - b >= 10\n  - c >= 10\n  - at most",
        "24: constraint 'at most 2 of [a, b, c] above 0': no values within the bounds keep it together with 'a >= 10' "
        "and 'b >= 10' and 'c >= 10': widen the bounds of its parameters, or relax it",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_bad_file_gets_its_sentence_and_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(FileError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert str(caught.value).replace(f"{tmp_path}/", "") == f"c.yaml:{message}"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_damage_gives_a_campaign_or_a_sentence(data: st.DataObject, tmp_path: Path) -> None:
    start = data.draw(st.integers(GOOD.index("parameters"), GOOD.index("objectives")))
    junk = data.draw(
        st.sampled_from(["", "0", "[", "{", "- ", ".nan", "1e400", "true", "water", "null", ": ", "-", ","])
    )
    text = GOOD[:start] + junk + GOOD[start + data.draw(st.integers(0, 6)) :]
    try:
        said = load(tmp_path, text).source.file
    except AutolabError as error:
        said = str(error)
    assert "c.yaml" in said


def test_too_many_ways_to_stand_still_are_refused_with_their_number(tmp_path: Path) -> None:
    names = [f"x{number}" for number in range(12)]
    parameters = "".join(f"  {name}: {{bounds: [0, 1]}}\n" for name in names)
    text = GOOD.replace("  lid", f"{parameters}  lid").replace(RULE, f"at most 6 of [{', '.join(names)}] above 0")
    with pytest.raises(FileError, match=r"c.yaml:33: .* stand still in 2772 ways, and 256 can be searched"):
        load(tmp_path, text)


PARTS: tuple[Parameter, ...] = tuple(
    RangeParameter(name, 0, upper) for name, upper in (("a", 80), ("b", 15), ("c", 15))
)


@pytest.mark.parametrize(
    ("count", "texts", "index", "company"),
    [
        (2, ("a + b + c == 95",), None, ""),
        (2, ("a + b + c == 96",), 1, "'a + b + c == 96'"),
        (1, ("a >= 1", "b * c >= 1"), 2, "'b * c >= 1'"),
        (2, ("a + b + c >= 50", "b >= 1", "c >= 1", "a >= 1"), 4, "'b >= 1' and 'c >= 1' and 'a >= 1'"),
    ],
)
def test_the_smallest_set_that_contradicts_at_most_is_named(
    count: int, texts: tuple[str, ...], index: int | None, company: str
) -> None:
    space = Space(PARTS, tuple(Constraint(text) for text in texts), (AtMost(count, ("a", "b", "c")),))
    conflict = find_conflict(space)
    assert (conflict.index if conflict else None) == index
    assert conflict is None or f"together with {company}" in conflict.message


def test_a_constraint_that_only_an_inactive_parameter_could_keep_is_refused() -> None:
    solvent, heat = ChoiceParameter("solvent", ("water", "dmf")), RangeParameter("heat", 20.0, 90.0)
    rules = (Conditional("heat", (("solvent", ("dmf",)),), 20.0),)
    n = RangeParameter("n", 0.0, 1.0)
    assert find_conflict(Space((solvent, heat, n), (Constraint("heat + n >= 90"),), (), rules)) is None
    conflict = find_conflict(Space((solvent, heat, n), (Constraint("heat - 80 * n >= 91"),), (), rules))
    assert conflict is not None
    assert "no values within the bounds keep it" in conflict.message


def test_a_measured_row_is_read_without_what_does_not_matter(tmp_path: Path) -> None:
    parameters = (*PARTS, ChoiceParameter("solvent", ("water", "dmf")), RangeParameter("heat", 20.0, 90.0))
    rules = (Conditional("heat", (("solvent", ("dmf",)),), 20.0),)
    posed = Problem(Space(parameters, (), (AtMost(2, ("a", "b", "c")),), rules), Objective("y", "minimize"))
    file = tmp_path / "t.csv"
    file.write_text("a,b,c,heat,solvent,y\n1,2,0,,water,5\n1,2,0,55,water,6\n1,2,0,55,dmf,7\n1,2,3,55,dmf,8\n")
    table = read_measured(file, posed)
    assert [row.values["heat"] for row in table.rows] == [20.0, 20.0, 55.0]
    assert "at most 2 of [a, b, c] above 0 does not hold" in " ".join(table.notes)


def test_spaces_made_in_python_are_checked_too() -> None:
    with pytest.raises(InputError, match="'zz' is not a parameter"):
        Space(PARTS, (), (AtMost(1, ("a", "zz")),))
    with pytest.raises(InputError, match="'when' takes parameters with choices, and 'a' has none"):
        Space(PARTS, (), (), (Conditional("b", (("a", (1.0,)),), 0.0),))
    with pytest.raises(InputError, match="2 numbers for 3 choices"):
        ChoiceParameter("s", ("u", "v", "w"), descriptors=(Descriptor("p", (1.0, 2.0)),))
