"""Each bad campaign file, and the exact sentence it gets."""

from pathlib import Path

import pytest

from autolab.config.campaign import load_campaign
from autolab.core.confirming import Confirm
from autolab.core.errors import AutolabError, FileError, InputErrors

GOOD = """\
name: teal
lab: lab.yaml
parameters:
  cyan: {bounds: [0, 300], unit: uL, step: 1}
  magenta: {bounds: [0, 300], unit: uL}
  solvent: {choices: [water, ethanol]}
constraints: ["cyan + magenta <= 300"]
objectives:
  colour_distance: {goal: minimize, target: 2.0}
plan: plans.colour.mix_and_measure
reduce: plans.colour.colour_distance
budget: {trials: 40}
"""
SLUG = "a name of at most 64 letters, digits, '-' and '_' that begins with a letter or digit is wanted"
NAME = "a name of at most 64 letters, digits and '_' that does not begin with a digit is wanted"
GRAMMAR = "Allowed are numbers, parameter names, + - * / **, brackets, and one of <= >= =="
RELAX = "widen the bounds of its parameters, or relax it"
CYAN = "[0, 300], unit: uL, step: 1"
SUM = "cyan + magenta <= 300"
TARGET = "goal: minimize, target: 2.0"
BUDGET = "{trials: 40}"
PLAN = "plan: plans.colour.mix_and_measure"

CASES = [
    ("unknown-key", "parameters:", "parametres:", "3: unknown key 'parametres': did you mean 'parameters'?"),
    ("unknown-inner-key", "step: 1", "stepp: 1", "4: parameters.cyan: unknown key 'stepp': did you mean 'step'?"),
    (
        "unknown-key-like-none",
        "target: 2.0",
        "zzz: 1",
        "9: objectives.colour_distance: unknown key 'zzz': known keys are goal, target, tolerance, unit, threshold and "
        "weight",
    ),
    ("missing-name", "name: teal\n", "", "1: the key 'name' is missing: add 'name: teal-in-forty'"),
    ("missing-budget", "budget: {trials: 40}\n", "", "1: the key 'budget' is missing: add 'budget: {trials: 40}'"),
    ("missing-trials", BUDGET, "{hours: 5}", "12: budget: the key 'trials' is missing: add 'trials: 40'"),
    ("no-value", "lab: lab.yaml", "lab:", "2: lab has no value: give it one, or remove it"),
    (
        "engine-is-a-list",
        BUDGET,
        "{trials: 40}\nstopping: {expected_gain: {below: 0.1}}\nearlier: [a]\nengine: [lean]",
        "15: engine: a list is given, and a mapping is wanted",
    ),
    # Units
    ("misspelt-unit", "uL, step", "uLL, step", "4: cyan: 'uLL' is not a unit: did you mean 'uL'?"),
    (
        "unit-of-nothing",
        "uL, step",
        "wibble, step",
        "4: cyan: 'wibble' is not a unit: write for example 'uL', 'mm/s' or 'degC'",
    ),
    # Bounds, steps and scales
    ("bounds-swapped", CYAN, "[300, 0]", "4: cyan: bounds [300, 0] are swapped: write [0, 300]"),
    ("bounds-equal", CYAN, "[3, 3]", "4: cyan: both bounds are 3: widen them, or write 'value: 3' to fix it"),
    ("bound-nan", CYAN, "[.nan, 300]", "4: cyan: bound nan is not a finite number"),
    ("bound-infinite", CYAN, "[0, .inf], step: 1", "4: cyan: bound inf is not a finite number"),
    ("bound-nan-as-text", CYAN, "[0, nan]", "4: parameters.cyan.bounds, item 2: 'nan' is not a finite number"),
    (
        "bound-with-underscore",
        CYAN,
        "[0, 1_000]",
        "4: parameters.cyan.bounds, item 2: '1_000' is text, and a number is wanted: write 1000",
    ),
    (
        "bound-with-unit",
        CYAN,
        "[0, 300 uL]",
        "4: parameters.cyan.bounds, item 2: '300 uL' is text, and a number is wanted: "
        "write 300 and give the unit in 'unit'",
    ),
    (
        "three-bounds",
        CYAN,
        "[0, 1, 2]",
        "4: parameters.cyan.bounds: a lower and an upper bound are wanted, such as [0, 300], and the list has length 3",
    ),
    ("bounds-no-list", CYAN, "300", "4: parameters.cyan.bounds: 300 is a whole number, and a list is wanted"),
    ("bound-huge", CYAN, "[0, 1e300]", "4: cyan: bound 1e+300 is beyond ±1e+15: use a larger unit"),
    ("step-too-large", "step: 1", "step: 500", "4: cyan: step 500 is larger than the range of 300: use a smaller step"),
    ("step-zero", "step: 1", "step: 0", "4: cyan: step 0.0 must be a finite number above zero"),
    ("step-nan", "step: 1", "step: .nan", "4: cyan: step nan must be a finite number above zero"),
    (
        "step-tiny",
        "step: 1",
        "step: 1e-300",
        "4: cyan: step 1e-300 makes more than a thousand million values: use a larger step, or remove the step",
    ),
    (
        "log-through-zero",
        "step: 1",
        "scale: log",
        "4: cyan: a log scale needs bounds above zero, and the lower bound is 0: "
        "raise the lower bound, or remove 'scale: log'",
    ),
    (
        "scale-unknown",
        "step: 1",
        "scale: logarithmic",
        "4: parameters.cyan.scale: 'logarithmic' is not known: write one of linear or log",
    ),
    (
        "boolean-of-yaml-1.1",
        "step: 1",
        "integer: yes",
        "4: parameters.cyan.integer: 'yes' is text, and true or false is wanted: write true",
    ),
    (
        "integer-between",
        CYAN,
        "[0.5, 3], integer: true",
        "4: cyan: bounds [0.5, 3] of an integer parameter must be whole numbers",
    ),
    (
        "integer-log",
        "step: 1",
        "integer: true, scale: log",
        "4: cyan: 'scale: log' does not go with 'integer: true': remove one of the two",
    ),
    # Kinds of parameters
    (
        "two-kinds",
        "step: 1",
        "choices: [1, 2]",
        "4: cyan: give exactly one of bounds, choices and value, and here are bounds and choices",
    ),
    (
        "no-kind",
        "{choices: [water, ethanol]}",
        "{}",
        "6: solvent: give exactly one of bounds, choices and value, and here is none of them",
    ),
    (
        "key-of-another-kind",
        "step: 1",
        "ordered: true",
        "4: cyan: 'ordered' goes with 'choices', and not with 'bounds': remove it",
    ),
    (
        "one-choice",
        "[water, ethanol]",
        "[water]",
        "6: parameters.solvent.choices: 1 item is given, and at least 2 are wanted",
    ),
    ("choice-twice", "[water, ethanol]", "[water, water]", "6: solvent: choice 'water' is given twice"),
    (
        "reserved-name",
        "solvent:",
        "class:",
        "6: 'class' is a reserved word of Python: choose another name for the parameter",
    ),
    ("name-with-dash", "solvent:", "my-solvent:", f"6: parameters: 'my-solvent' is not possible here, and {NAME}"),
    # Constraints
    (
        "constraint-unknown-name",
        SUM,
        "cyn + magenta <= 300",
        "7: constraint 'cyn + magenta <= 300': 'cyn' is not a parameter: did you mean 'cyan'?",
    ),
    (
        "constraint-without-numbers",
        SUM,
        "cyan + solvent <= 300",
        "7: constraint 'cyan + solvent <= 300': 'solvent' has values that are no numbers: "
        "remove it from the constraint",
    ),
    (
        "constraint-code",
        SUM,
        "__import__('os').getpid() <= 3",
        "7: constraint \"__import__('os').getpid() <= 3\": \"__import__('os').getpid()\" is not arithmetic. " + GRAMMAR,
    ),
    (
        "constraint-strict",
        SUM,
        "cyan < 3",
        "7: constraint 'cyan < 3': it needs exactly one of <=, >= or ==. " + GRAMMAR,
    ),
    ("constraint-of-none", SUM, "1 <= 3", "7: constraint '1 <= 3': it names no parameter: remove it, or name one"),
    (
        "constraint-impossible",
        SUM,
        "cyan + magenta >= 700",
        f"7: constraint 'cyan + magenta >= 700': no values within the bounds keep it: {RELAX}",
    ),
    (
        "constraints-impossible-together",
        '["cyan + magenta <= 300"]',
        '["cyan >= 200", "magenta >= 200", "cyan + magenta <= 300"]',
        "7: constraint 'cyan + magenta <= 300': no values within the bounds keep it together with 'cyan >= 200' and "
        f"'magenta >= 200': {RELAX}",
    ),
    (
        "constraint-nonlinear-impossible",
        SUM,
        "magenta * (magenta - 1) <= -1",
        "7: constraint 'magenta * (magenta - 1) <= -1': no values within the bounds that keep it were found among "
        f"2048 tries: {RELAX}",
    ),
    (
        "constraint-between-steps",
        SUM,
        "cyan == 0.5",
        f"7: constraint 'cyan == 0.5': no values within the bounds keep it: {RELAX}",
    ),
    (
        "constraints-no-list",
        '["cyan + magenta <= 300"]',
        SUM,
        "7: constraints: 'cyan + magenta <= 300' is text, and a list is wanted: write ['cyan + magenta <= 300']",
    ),
    # Objectives and outcomes
    (
        "goal-british",
        "goal: minimize",
        "goal: minimise",
        "9: objectives.colour_distance.goal: 'minimise' is not known: did you mean 'minimize'?",
    ),
    ("target-nan", "target: 2.0", "target: .nan", "9: colour_distance: target nan is not a finite number"),
    (
        "target-missing",
        TARGET,
        "goal: target",
        "9: colour_distance: 'goal: target' needs the number to aim for: write 'target: ...'",
    ),
    (
        "tolerance-without-target",
        "target: 2.0",
        "tolerance: 1",
        "9: colour_distance: 'tolerance' goes with 'goal: target' and must be above zero",
    ),
    (
        "threshold-with-one-objective",
        TARGET,
        "goal: minimize, threshold: 4",
        "9: colour_distance: 'threshold' goes with several objectives, and this is one: remove it",
    ),
    (
        "weight-for-one-of-two",
        f"{{{TARGET}}}",
        "{goal: minimize, weight: 2}\n  cost: {goal: minimize}",
        "10: cost: colour_distance has a weight: give all objectives one, or none",
    ),
    (
        "weight-of-zero",
        f"{{{TARGET}}}",
        "{goal: minimize, weight: 0}\n  cost: {goal: minimize, weight: 1}",
        "9: colour_distance: a weight must be above zero, and not 0",
    ),
    (
        "target-beside-weights",
        f"{{{TARGET}}}",
        "{goal: minimize, weight: 2}\n  cost: {goal: minimize, target: 3, weight: 1}",
        "10: cost: 'target' has no effect beside weights: remove it, or the weights",
    ),
    (
        "target-of-one-of-two",
        f"{{{TARGET}}}",
        f"{{{TARGET}}}\n  cost: {{goal: minimize}}",
        "9: colour_distance: a trial that reaches all targets ends the campaign, and cost has none to reach: give it "
        "one, or say what is still of interest with 'threshold'",
    ),
    (
        "a-front-of-five",
        f"{{{TARGET}}}",
        "{goal: minimize}" + "".join(f"\n  m{n}: {{goal: minimize}}" for n in range(4)),
        "13: a front of 5 objectives is too wide to be filled: at most 4, or weights",
    ),
    (
        "no-improvement-of-a-front",
        f"{{{TARGET}}}",
        "{goal: minimize}\n  cost: {goal: minimize}\nstopping: {no_improvement: {trials: 3}}",
        "11: no_improvement needs one number to look at, and here are several objectives: give each a weight, or "
        "remove the rule",
    ),
    (
        "costs-of-what-is-no-parameter",
        PLAN,
        f"costs: {{unit: min, trial: 1, changes: {{wash: 3}}}}\n{PLAN}",
        "10: costs: wash is no parameter with choices, and only another choice has a cost of its own",
    ),
    (
        "costs-that-change-nothing",
        PLAN,
        f"costs: {{unit: min, trial: 1}}\n{PLAN}",
        "10: costs: every trial costs the same, which changes no suggestion: give 'amounts' or 'changes', or remove "
        "the key",
    ),
    (
        "expected-gain-without-a-model",
        PLAN,
        f"engine: sobol\nstopping: {{expected_gain: {{below: 0.1}}}}\n{PLAN}",
        "11: expected_gain needs an engine that says what it expects, and sobol does not: take another engine, or "
        "remove the rule",
    ),
    (
        "noise-of-no-metric",
        PLAN,
        f"noise: {{color_distance: 0.1}}\n{PLAN}",
        "10: noise: color_distance is neither an objective nor bounded by an outcome constraint: did you mean "
        "'colour_distance'?",
    ),
    (
        "noise-below-zero",
        PLAN,
        f"noise: {{colour_distance: -0.1}}\n{PLAN}",
        "10: noise of colour_distance: a standard error is a number of at least zero, not -0.1",
    ),
    (
        "noise-of-another-dimension",
        PLAN,
        f"noise: {{colour_distance: 0.1 mL}}\n{PLAN}",
        "10: noise of colour_distance: '0.1 mL': 'mL' is a volume, and a pure number is wanted: write the number "
        "without a unit",
    ),
    (
        "outcome-constraint-strict",
        PLAN,
        f'outcome_constraints: ["t < 2"]\n{PLAN}',
        "10: outcome constraint 't < 2' cannot be read: write a metric, <= or >=, and a number, "
        "such as 'turbidity <= 0.2'",
    ),
    (
        "outcome-constraints-exclude",
        PLAN,
        f'outcome_constraints: ["t <= 1", "t >= 2"]\n{PLAN}',
        "10: outcome constraints 't <= 1' and 't >= 2' exclude each other: relax one",
    ),
    (
        "hard-without-a-learning-engine",
        PLAN,
        f'outcome_constraints: [{{keep: "t <= 1", hard: 0.05}}]\nengine: sobol\n{PLAN}',
        "10: t <= 1: 'hard' needs an engine that learns, and sobol predicts nothing: take another engine, or remove "
        "'hard'",
    ),
    (
        "hard-with-a-full-factorial",
        PLAN,
        f'outcome_constraints: [{{keep: "t <= 1", hard: 0.05}}]\nengine: grid\n{PLAN}',
        "10: t <= 1: 'hard' needs an engine that learns, and grid predicts nothing: take another engine, or remove "
        "'hard'",
    ),
    (
        "hard-beyond-a-half",
        PLAN,
        f'outcome_constraints: [{{keep: "t <= 1", hard: 0.7}}]\n{PLAN}',
        "10: outcome_constraints, item 1.hard: 0.7 is more than 0.5: give at most 0.5",
    ),
    (
        "hard-of-zero",
        PLAN,
        f'outcome_constraints: [{{keep: "t <= 1", hard: 0}}]\n{PLAN}',
        "10: outcome_constraints, item 1.hard: 0 is not above 0: give a number above 0",
    ),
    (
        "outcome-constraint-without-keep",
        PLAN,
        f"outcome_constraints: [{{hard: 0.1}}]\n{PLAN}",
        """10: outcome_constraints, item 1: the key 'keep' is missing: add 'keep: "pressure <= 3"'""",
    ),
    # Names and paths
    ("name-is-a-path", "name: teal", "name: ../teal", f"1: name: '../teal' is a path, and {SLUG}"),
    ("name-with-space", "name: teal", "name: my teal", f"1: name: 'my teal' is not possible here, and {SLUG}"),
    (
        "name-is-a-number",
        "name: teal",
        "name: 2024",
        "1: name: 2024 is a whole number, and text is wanted: put it in quotes",
    ),
    ("challenge-is-a-path", PLAN, f"challenge: ../x\n{PLAN}", f"10: challenge: '../x' is a path, and {SLUG}"),
    (
        "plan-not-dotted",
        PLAN,
        "plan: mix",
        "10: plan: 'mix' is not possible here, and a dotted name such as 'plans.colour.mix_and_measure' is wanted",
    ),
    # Budget, engine, lanes, seed
    ("trials-zero", BUDGET, "{trials: 0}", "12: budget.trials: 0 is less than 1: give at least 1"),
    ("trials-many", BUDGET, "{trials: 100000}", "12: budget.trials: 100000 is more than 99999: give at most 99999"),
    ("trials-text", BUDGET, "{trials: ten}", "12: budget.trials: 'ten' is text, and a whole number is wanted"),
    (
        "trials-float",
        BUDGET,
        "{trials: 40.0}",
        "12: budget.trials: 40.0 is a number, and a whole number is wanted: write 40",
    ),
    ("hours-nan", BUDGET, "{trials: 4, hours: .nan}", "12: budget.hours: nan is not a finite number"),
    ("hours-zero", BUDGET, "{trials: 4, hours: 0}", "12: budget.hours: 0 is not above 0: give a number above 0"),
    (
        "engine-unknown",
        PLAN,
        f"engine: botroch\n{PLAN}",
        "10: engine.name: 'botroch' is not known: did you mean 'botorch'?",
    ),
    ("lanes-many", PLAN, f"lanes: 17\n{PLAN}", "10: lanes: 17 is more than 16: give at most 16"),
    ("seed-negative", PLAN, f"seed: -1\n{PLAN}", "10: seed: -1 is less than 0: give at least 0"),
    (
        "stopping-unknown-key",
        PLAN,
        f"stopping: {{no_improvment: {{trials: 5}}}}\n{PLAN}",
        "10: stopping: unknown key 'no_improvment': did you mean 'no_improvement'?",
    ),
    (
        "on-failure-unknown-kind",
        PLAN,
        f"on_failure: {{time_out: {{retry: 2}}}}\n{PLAN}",
        "10: on_failure: 'time_out' is not known: did you mean 'timeout'?",
    ),
    (
        "confirm-of-a-front",
        "  colour_distance: {goal: minimize, target: 2.0}",
        "  colour_distance: {goal: minimize}\n  turbidity: {goal: minimize}\nconfirm: {best: 3, replicates: 3}",
        "11: confirm: a front has no winner to confirm: give each objective a weight, or remove the key",
    ),
    (
        "confirm-more-than-can-be-numbered",
        "budget: {trials: 40}",
        "budget: {trials: 99999}\nconfirm: {best: 3, replicates: 3}",
        "13: confirm: 99999 trials and 9 that confirm the winner are more than the 99999 that a campaign can number: "
        "lower one of them",
    ),
    (
        "unknown-approval",
        PLAN,
        f"approval: none\n{PLAN}",
        "10: approval: 'none' is not known: write one of routine, new or hazardous",
    ),
    (
        "confirm-of-wrong-shape",
        PLAN,
        f"confirm: {{best: three, replicates: 3}}\n{PLAN}",
        "10: confirm.best: 'three' is text, and a whole number is wanted",
    ),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("old", "new", "message"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_a_bad_campaign_is_refused_in_one_plain_sentence(folder: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    Path("campaign.yaml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(FileError) as caught:
        load_campaign("campaign.yaml")
    assert str(caught.value) == f"campaign.yaml:{message}"
    assert caught.value.exit_code == 2


def test_the_good_campaign_of_these_tests_is_accepted(folder: Path) -> None:
    Path("campaign.yaml").write_text(GOOD)
    assert load_campaign("campaign.yaml").name == "teal"


def test_all_problems_of_a_file_are_reported_together_in_the_order_of_its_lines(folder: Path) -> None:
    text = GOOD.replace("budget: {trials: 40}", "budget: {trials: 0}").replace("[0, 300], unit: uL, s", "[9, 0], s")
    text = text.replace("cyan + magenta", "cyn + magenta").replace("solvent: {choices", "solvent: {chioces")
    Path("campaign.yaml").write_text(text)
    with pytest.raises(InputErrors) as caught:
        load_campaign("campaign.yaml")
    assert str(caught.value).splitlines() == [
        "campaign.yaml:4: cyan: bounds [9, 0] are swapped: write [0, 9]",
        "campaign.yaml:6: parameters.solvent: unknown key 'chioces': did you mean 'choices'?",
        "campaign.yaml:7: constraint 'cyn + magenta <= 300': 'cyn' is not a parameter: did you mean 'cyan'?",
        "campaign.yaml:12: budget.trials: 0 is less than 1: give at least 1",
    ]
    assert isinstance(caught.value, AutolabError)


def test_the_campaign_of_the_design_is_accepted(folder: Path) -> None:
    Path("campaign.yaml").write_text("""\
name: teal-in-forty
lab: lab.yaml
challenge: reenvisioning-advanced-manufacturing   # optional: an id of the challenge catalogue
parameters:
  cyan:        {bounds: [0, 300], unit: uL, step: 1}
  magenta:     {bounds: [0, 300], unit: uL, step: 1}
  mixing_time: {bounds: [1, 30], unit: s, scale: log}
  solvent:     {choices: [water, ethanol]}
constraints: ["cyan + magenta <= 300"]
objectives:
  colour_distance: {goal: minimize, target: 2.0}
outcome_constraints: ["turbidity <= 0.2"]
plan: plans.colour.mix_and_measure
reduce: plans.colour.colour_distance
budget: {trials: 40, hours: 6}
on_failure:                                # by kind of fault; retry | skip | ask | quarantine | stop
  timeout: {retry: 2, then: skip}
  bad_outcome: {then: quarantine}
confirm: {best: 3, replicates: 3}          # confirm the winner before claiming it
approval: hazardous                        # may only tighten the lab's tiers
""")
    assert load_campaign("campaign.yaml").confirm == Confirm(3, 3)
