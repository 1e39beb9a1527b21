"""Others' optimisers inside our campaign: told all that is known, made anew each time, and refused where they fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bluesky_adaptive.protocols import CanRegisterSuggestions, Optimizer, TrialFaultAware

from autolab.compose import engines
from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.config.campaign import load_campaign
from autolab.core.canonical import canonical_json
from autolab.core.costs import Costs
from autolab.core.errors import FileError, InputErrors, ProposerError
from autolab.core.objectives import OutcomeConstraint
from autolab.core.parameters import Values
from autolab.core.problem import Space
from autolab.core.proposing import ADAPTIVE, EngineSpec, Observation, Pending
from optimizer.client import ProposerHost
from optimizer.design import design_point
from optimizer.engine import suggest
from optimizer.routing import choose
from optimizer.space import UnitSpace
from optimizer.theirs import TheirLearner
from tests.compose.files import example
from tests.optimizer.agents import MADE
from tests.optimizer.builders import THEIRS, failed, observed, problem, request
from tests.optimizer.test_engines import BENCH, CURVED, KINDS, PLAIN, history

AGENTS = "tests.optimizer.agents"


def test_what_stands_for_theirs_meets_their_protocols() -> None:
    made = TheirLearner(f"{AGENTS}.make").made(problem(PLAIN), 1)
    for protocol in (Optimizer, CanRegisterSuggestions, TrialFaultAware):
        assert isinstance(made, protocol)


def test_it_is_told_outcomes_failures_and_what_is_in_flight_and_the_record_says_who_it_was() -> None:
    past = [*history(PLAIN, 5), Observation(6, {"x": 1.0, "y": 1.0}, None, fault="bad_outcome")]
    suggestion = suggest(request(problem(PLAIN), THEIRS, 8, past, [Pending(7, {"x": 0.5, "y": 1.0})]))
    told = MADE[-1]
    assert [point["y"] for point in told.told] == [o.outcome["y"].value for o in past if o.outcome]
    assert [dict(each) for each in told.registered] == [{"x": 1.0, "y": 1.0}, {"x": 0.5, "y": 1.0}]
    assert [each["x"] for each in told.failed] == [1.0]
    assert suggestion.engine == ADAPTIVE
    assert suggestion.reason == f"suggested by {AGENTS}.make from 5 outcomes and 1 in flight"
    assert suggestion.explanation is not None
    assert suggestion.explanation.silent == f"{AGENTS}.make says nothing of what it expects"


def test_bluesky_adaptives_own_optimiser_serves_a_bench_and_keeps_its_constraint() -> None:
    past = history(BENCH, 6)
    asked = [request(problem(BENCH), ADAPTIVE, 8, past, [Pending(7, past[0].values | {"time": 9.0})]) for _ in range(2)]
    one, other = (suggest(each) for each in asked)
    assert canonical_json(one) == canonical_json(other)
    assert BENCH.violations(one.values) == []
    assert one.reason == "suggested by bluesky-adaptive's AxOptimizer from 6 outcomes and 1 in flight"


def test_bluesky_adaptives_own_optimiser_takes_choices_and_a_target() -> None:
    posed = problem(KINDS, goal="target")
    suggestion = suggest(request(posed, ADAPTIVE, 8, [*history(KINDS, 6), failed(7, history(KINDS, 7)[6].values)]))
    assert KINDS.violations(suggestion.values) == []
    assert suggestion.engine == ADAPTIVE


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("make_nothing", "it made a dict, which lacks suggest or ingest: make what meets bluesky_adaptive.protocols"),
        ("make_without", "there is no module 'bluesky_adaptive': pip install 'autolab\\[adaptive\\]'"),
        ("make_nowhere", f"{AGENTS} has no function 'make_nowhere'"),
    ],
)
def test_what_cannot_be_made_is_refused_before_the_first_trial(make: str, said: str) -> None:
    asked = request(problem(PLAIN), ADAPTIVE, 1)
    object.__setattr__(asked, "engine", EngineSpec(ADAPTIVE, 4, f"{AGENTS}.{make}"))
    with pytest.raises(ProposerError, match=said):
        suggest(asked)


def test_what_gives_up_is_replaced_by_a_filling_point_and_what_suggests_no_point_is_refused() -> None:
    asked = request(problem(PLAIN), ADAPTIVE, 7, history(PLAIN, 6))
    object.__setattr__(asked, "engine", EngineSpec(ADAPTIVE, 4, f"{AGENTS}.make_lost"))
    assert f"since the model failed: {AGENTS}.make_lost stopped with RuntimeError: no idea" in suggest(asked).reason
    object.__setattr__(asked, "engine", EngineSpec(ADAPTIVE, 4, f"{AGENTS}.make_forgetful"))
    with pytest.raises(ProposerError, match=r"make_forgetful: it suggests .*, which lacks 'x'"):
        suggest(asked)


def test_what_theirs_cannot_express_goes_to_botorch_with_the_reason() -> None:
    hard = problem(PLAIN, constraints=[OutcomeConstraint("z", "<=", 1.0, hard=0.1)])
    own = EngineSpec(ADAPTIVE, None, f"{AGENTS}.make")
    assert choose(hard, own).why == "bluesky-adaptive's optimisers have no hard outcome constraint such as 'z <= 1'"
    assert choose(problem(CURVED), own).name == ADAPTIVE, "rounding keeps what its optimiser does not know"
    assert choose(problem(CURVED), EngineSpec(ADAPTIVE)).why == "Ax has no step on a log scale, as x has"


def test_the_file_names_it_and_the_host_finds_it_beside_the_lab(tmp_path: Path) -> None:
    file = given(
        tmp_path, "engine: {name: bluesky-adaptive, initial: 5, make: guests.agents.make}", "packages: [guests]\n"
    )
    (file.parent / "guests").mkdir()
    (file.parent / "guests" / "__init__.py").write_text("")
    agents = Path(__file__).with_name("agents.py").read_text()
    (file.parent / "guests" / "agents.py").write_text(agents)
    campaign = bind_files(file, RunOptions(data=tmp_path, simulate=True, virtual=True)).campaign
    assert campaign.engine == EngineSpec(ADAPTIVE, 5, "guests.agents.make")
    posed = campaign.problem
    past = [observed(n, design, n) for n, design in enumerate(points(posed.space), 1)]
    told = [Observation(o.trial, o.values, {posed.objective.metric: o.outcome["y"]}) for o in past if o.outcome]
    asked = request(posed, ADAPTIVE, 7, told)
    object.__setattr__(asked, "engine", campaign.engine)
    with ProposerHost(folder=campaign.lab.parent) as host:
        assert host.suggest(asked).reason == "suggested by guests.agents.make from 6 outcomes"


@pytest.mark.parametrize(
    ("engine", "packages", "said"),
    [
        ("{name: bluesky-adaptive, make: guests.agents.make}", "", "list 'guests' under 'packages' in the lab file"),
        ("{name: bluesky-adaptive, make: shed.agents.make}", "packages: [shed]\n", "no module 'shed.agents'"),
        ("{name: lean, make: guests.agents.make}", "", "make goes with 'name: bluesky-adaptive' only"),
    ],
)
def test_what_is_not_there_is_refused_with_its_line(tmp_path: Path, engine: str, packages: str, said: str) -> None:
    file = given(tmp_path, f"engine: {engine}", packages)
    with pytest.raises((FileError, InputErrors), match=rf"campaign.yaml:\d+: .*{said}"):
        bind_files(file, RunOptions(data=tmp_path, simulate=True, virtual=True))


def test_where_the_package_is_not_installed_the_file_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(engines, "find_spec", nowhere)
    file = given(tmp_path, "engine: bluesky-adaptive", "")
    with pytest.raises(FileError, match=r"campaign.yaml:\d+: .*is not installed: pip install 'autolab\[adaptive\]'"):
        bind_files(file, RunOptions(data=tmp_path, simulate=True, virtual=True))


def test_a_rule_by_expected_gain_is_refused_since_theirs_say_none(tmp_path: Path) -> None:
    file = given(tmp_path, "engine: bluesky-adaptive\nstopping: {expected_gain: {below: 0.1}}", "")
    with pytest.raises(FileError, match="says what it expects, and bluesky-adaptive does not"):
        load_campaign(file)


def test_costs_are_weighed_by_botorch_instead() -> None:
    posed = replace(problem(PLAIN), costs=Costs("min", 1.0))
    assert "do not weigh what a trial costs" in (choose(posed, EngineSpec(ADAPTIVE)).why or "")


def points(space: Space) -> list[Values]:
    return [design_point(UnitSpace(space), 3, index) for index in range(6)]


def given(folder: Path, engine: str, packages: str) -> Path:
    file = example("colour", folder, {"campaign.yaml": ("budget:", f"{engine}\nbudget:")})
    lab = file.with_name("lab.yaml")
    lab.write_text(lab.read_text() + packages)
    return file
