"""Rules of people: what they keep out, until when, and what a bad one gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from autolab.compose.noting import goal_notes
from autolab.config.avoiding import in_force
from autolab.config.campaign import load_campaign
from autolab.config.specs import CampaignSpec
from autolab.core.errors import FileError
from autolab.screen.judge import judge
from optimizer.engine import suggest
from optimizer.evidence import Evidence
from tests.optimizer.builders import observed, request

TODAY = date(2026, 11, 22)
FILE = """\
name: foam
lab: lab.yaml
parameters:
  stirring: {{bounds: [0, 300], unit: rpm, step: 1}}
  heat: {{bounds: [20, 80], unit: degC}}
  cyan: {{bounds: [0, 300], unit: uL}}
  magenta: {{bounds: [0, 300], unit: uL}}
  solvent: {{choices: [water, ethanol]}}
constraints: ["cyan + magenta >= 200"]
objectives:
  y: {{goal: maximize}}
plan: plans.colour.mix_and_measure
reduce: plans.colour.colour_distance
budget: {{trials: 40}}
rules: [{rules}]
"""
FOAMS = '{avoid: "stirring > 180 rpm", because: foams, by: ana, until: 2026-12-31}'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(*rules: str) -> CampaignSpec:
    Path("campaign.yaml").write_text(FILE.format(rules=", ".join(rules)))
    return load_campaign("campaign.yaml")


def test_an_expired_rule_is_said_and_not_applied(folder: Path) -> None:
    spec = read(FOAMS)
    last, after = in_force(spec, date(2026, 12, 31)), in_force(spec, date(2027, 1, 1))
    said = "avoid stirring > 180 rpm until 2026-12-31: foams (ana)"
    assert [str(rule) for rule in last.problem.avoided] == [said]
    assert goal_notes(last) == [f"rule in force: {said}"]
    assert (after.problem.avoided, after.problem.space) == ((), spec.problem.space)
    assert goal_notes(after) == [f"rule not applied, since it has expired: {said}"]


def test_the_screen_refuses_a_trial_inside_a_rule_and_names_it(folder: Path) -> None:
    problem = in_force(read(FOAMS), TODAY).problem
    inside = suggest(request(read(FOAMS).problem, "sobol", 1)).values | {"stirring": 200.0}
    suggestion = suggest(request(problem, "sobol", 1))
    verdict = judge(replace(suggestion, values=inside), problem.space)
    assert verdict.decision == "refused"
    assert verdict.reasons == (
        "constraint 'stirring <= 180.0' does not hold (avoid stirring > 180 rpm until 2026-12-31: foams (ana))",
    )


def test_what_is_known_from_inside_a_rule_is_still_learned_from(folder: Path) -> None:
    problem = in_force(read(FOAMS), TODAY).problem
    values = {"stirring": 250.0, "heat": 50.0, "cyan": 150.0, "magenta": 100.0, "solvent": "water"}
    assert Evidence(problem, (observed(1, values, 1.0),), ()).n == 1


@pytest.mark.parametrize(
    ("avoid", "keep"),
    [
        ("stirring > 180", "stirring <= 180.0"),
        ("stirring > 0.18 krpm", "stirring <= 180.0"),
        ("heat > 122 degF", "heat <= 50.0"),
        ("cyan + magenta < 0.25 mL", "cyan + magenta >= 250.0"),
        ("cyan * magenta > 4e4", "cyan * magenta <= 40000.0"),
    ],
)
def test_the_bound_is_converted_to_the_unit_of_the_parameters(folder: Path, avoid: str, keep: str) -> None:
    (rule,) = read(f'{{avoid: "{avoid}", because: x, by: ana, until: 2026-12-31}}').rules
    assert rule.keep == keep


BAD = {
    "no-sign": ("stirring is high", "what to avoid is written as 'stirring > 180 rpm': parameters, > or <, a number"),
    "with-equal": ("stirring >= 180 rpm", "write '>' without '=': what lies on the bound itself stays allowed"),
    "two-signs": ("20 < stirring < 90", "what to avoid is written as"),
    "no-parameter": ("3 > 2", "it names no parameter"),
    "misspelt": ("stiring > 180", "'stiring' is not a parameter: did you mean 'stirring'?"),
    "no-numbers": ("solvent > 1", "'solvent' has values that are no numbers"),
    "other-dimension": ("stirring > 180 uL", "uL"),
    "no-common-unit": (
        "stirring + heat > 3 rpm",
        "its parameters have no common unit that 'rpm' could be converted to",
    ),
    "no-unit": ("stirring > 180 wibble", "'wibble' is not a unit"),
    "not-arithmetic": ("max(cyan) > 3", "is not arithmetic"),
}


@pytest.mark.parametrize(("avoid", "message"), BAD.values(), ids=BAD)
def test_a_bad_rule_is_refused_with_its_line(folder: Path, avoid: str, message: str) -> None:
    with pytest.raises(FileError) as caught:
        read(f'{{avoid: "{avoid}", because: x, by: ana, until: 2026-12-31}}')
    assert str(caught.value).startswith(f"campaign.yaml:15: rule '{avoid}': ")
    assert message in str(caught.value)


@pytest.mark.parametrize("missing", ["because", "by", "until"])
def test_a_rule_has_a_reason_an_author_and_an_end(folder: Path, missing: str) -> None:
    keys = {"avoid": '"stirring > 180 rpm"', "because": "foams", "by": "ana", "until": "2026-12-31"}
    keys.pop(missing)
    with pytest.raises(FileError, match=f"the key '{missing}' is missing"):
        read("{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}")


def test_a_day_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(FileError, match="there is no day 2026-02-30"):
        read(FOAMS.replace("2026-12-31", "2026-02-30"))


def test_a_rule_that_leaves_nothing_is_refused_with_the_smallest_set_that_conflicts(folder: Path) -> None:
    little = '{avoid: "cyan + magenta > 0.15 mL", because: stains, by: bo, until: 2026-12-31}'
    spec = read(FOAMS, little)
    with pytest.raises(FileError) as caught:
        in_force(spec, TODAY)
    assert str(caught.value) == (
        "campaign.yaml:15: rule 'avoid cyan + magenta > 0.15 mL': no values within the bounds keep it together with "
        "'cyan + magenta >= 200': widen the bounds of its parameters, or relax it; or remove the rule"
    )
    assert in_force(spec, date(2027, 1, 1)).problem.avoided == ()  # an expired one is in nobody's way


def test_two_rules_that_leave_nothing_between_them_are_both_named(folder: Path) -> None:
    slow = '{avoid: "stirring < 200 rpm", because: settles, by: bo, until: 2026-12-31}'
    with pytest.raises(FileError) as caught:
        in_force(read(FOAMS, slow), TODAY)
    assert (
        "rule 'avoid stirring < 200 rpm': no values within the bounds keep it together with "
        "rule 'avoid stirring > 180 rpm'" in str(caught.value)
    )
