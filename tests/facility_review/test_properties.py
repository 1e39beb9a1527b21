"""What holds for every unit, whatever its evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autolab.core.canonical import canonical_json
from facility_review.assessment import Assessment
from facility_review.criteria import score_criteria
from facility_review.inputs import CLASSES, REALMS, Answer, Inputs
from facility_review.scoring import score
from facility_review.standing import stand
from tests.facility_review.examples import assess, inputs_of, instrument
from tests.facility_review.strategies import answers, units

CRITERIA = instrument().file.criteria


def _only(name: str, answer: Answer) -> Inputs:
    roles = frozenset({"production"})
    return Inputs("one", "One", roles, facts={}, extra_metrics={}, records={name: answer})


def _score(name: str, answer: Answer) -> float:
    return next(
        item.score.score for item in score_criteria(instrument(), _only(name, answer)) if item.criterion.id == name
    )


@st.composite
def _one(draw: st.DrawFn) -> tuple[str, Answer]:
    criterion = draw(st.sampled_from(CRITERIA))
    return criterion.id, draw(answers(criterion))


@given(_one())
def test_a_better_class_never_lowers_a_score(one: tuple[str, Answer]) -> None:
    name, answer = one
    scores = [_score(name, replace(answer, evidence_class=item)) for item in CLASSES]
    assert scores == sorted(scores, reverse=True)


@given(_one())
def test_a_better_realm_never_lowers_a_score(one: tuple[str, Answer]) -> None:
    name, answer = one
    scores = [_score(name, replace(answer, realm=item)) for item in REALMS]
    assert scores == sorted(scores, reverse=True)


@given(_one(), st.integers(1, 3000), st.integers(0, 3000))
def test_a_larger_n_never_lowers_a_score(one: tuple[str, Answer], n: int, more: int) -> None:
    name, answer = one
    assert _score(name, replace(answer, n=n)) <= _score(name, replace(answer, n=n + more)) + 1e-9


@given(_one())
def test_a_score_is_within_its_scale_and_its_caps(one: tuple[str, Answer]) -> None:
    name, answer = one
    found = next(item.score for item in score_criteria(instrument(), _only(name, answer)) if item.criterion.id == name)
    assert 0 <= found.score <= min((5.0, found.raw, *(cap.value for cap in found.caps)))
    assert found.reason


@settings(max_examples=40)
@given(units())
def test_a_hold_gate_that_does_not_pass_gives_R0(unit: Inputs) -> None:
    found = assess(unit, draws=50)
    if any(gate.is_open for gate in found.gates if gate.kind == "hold"):
        assert (found.level, found.assured_level) == ("R0", "R0")
        assert all(chance == 0 for _, chance in found.p_level)


@pytest.mark.parametrize("gate", ["G01", "G02", "G03", "G04", "G05", "G06", "G07"])
def test_any_one_hold_gate_that_fails_gives_R0(gate: str) -> None:
    assert [item.gate for item in assess(_broken(gate)).gates if item.state == "fail" and item.kind == "hold"] == [gate]
    assert assess(_broken(gate)).level == "R0"


def _broken(gate: str) -> Inputs:
    """The supervised closed loop of the worked examples with one hold gate broken."""
    unit = inputs_of("B")
    worse: dict[str, tuple[str, Any]] = {
        "G01": ("SAF-02", 1.1),
        "G02": ("SAF-03", 0.99),
        "G04": ("SAF-11", 9.0),
        "G06": ("SAF-04", 0.99),
    }
    if gate in worse:
        name, value = worse[gate]
        return replace(unit, records={**unit.records, name: replace(unit.records[name], value=value)})
    if gate == "G05":
        return replace(unit, facts={**unit.facts, "open_serious_events": 1})
    name = {"G03": "SAF-01", "G07": "SAF-05"}[gate]
    return replace(unit, records={**unit.records, name: replace(unit.records[name], step=2)})


@settings(max_examples=40)
@given(units(realms=("simulated", "emulated")))
def test_what_is_not_physical_never_passes_a_hold_gate(unit: Inputs) -> None:
    seen = {name: Answer("measured", "simulated", n=1000) for name in unit.facts}
    found = assess(replace(unit, fact_answers=seen), draws=20)
    assert not [gate.gate for gate in found.gates if gate.kind == "hold" and gate.state == "pass"]
    assert found.level == "R0"


def test_the_best_simulated_unit_there_can_be_stays_at_R0() -> None:
    unit = inputs_of("B")
    records = {name: replace(answer, realm="simulated") for name, answer in unit.records.items()}
    found = assess(replace(unit, records=records))
    assert (found.level, found.is_simulated_profile) == ("R0", True)
    assert max(item.score for item in found.criteria) <= 2


@settings(max_examples=20)
@given(units(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_known_never_matters(unit: Inputs, random: Any) -> None:
    def shuffled(mapping: Any) -> dict[str, Any]:
        items = list(mapping.items())
        random.shuffle(items)
        return dict(items)

    other = replace(unit, records=shuffled(unit.records), facts=shuffled(unit.facts))
    assert _bytes(assess(other)) == _bytes(assess(unit))


@settings(max_examples=10)
@given(units())
def test_the_same_input_gives_the_same_bytes(unit: Inputs) -> None:
    assert _bytes(assess(unit)) == _bytes(assess(unit))


def _bytes(assessment: Assessment) -> bytes:
    return canonical_json(assessment).encode()


@settings(max_examples=25)
@given(units())
def test_levels_hold_all_that_lower_levels_ask(unit: Inputs) -> None:
    found = assess(unit, draws=50)
    chances = [chance for _, chance in found.p_level]
    assert chances == sorted(chances, reverse=True)
    assert found.assured_level <= found.level
    scores = {item.dimension: item.score for item in found.dimensions}
    for rule in instrument().file.levels:
        if rule.id <= found.level:
            assert all((scores[name] or 5) >= least - 1e-9 for name, least in rule.minima.items())


@settings(max_examples=25)
@given(units())
def test_a_dimension_is_held_by_its_weakest_key_criterion(unit: Inputs) -> None:
    at = stand(instrument(), unit, seed=1, draws=20)
    for place, name in enumerate(at.aggregate.names):
        keys = [
            item.score.score
            for item in at.scored
            if item.criterion.dimension == name and item.criterion.key and item.score.is_applicable
        ]
        assert at.dimensions[0, place] <= min(keys) + 1.5 + 1e-9


def test_another_seed_moves_the_interval_and_nothing_that_is_certain() -> None:
    first, second = (score(instrument(), inputs_of("B"), seed=seed, draws=200) for seed in (1, 2))
    assert first.index == second.index
    assert first.gates == second.gates
    assert first.index_interval != second.index_interval


def test_a_unit_of_which_nothing_is_known_scores_nothing() -> None:
    found = assess(Inputs("empty", "Empty", frozenset(), facts={}, extra_metrics={}, records={}))
    assert (found.level, found.index, found.coverage) == ("R0", 0, 0)
    assert {gate.state for gate in found.gates} == {"not demonstrated"}
    assert not found.is_simulated_profile
