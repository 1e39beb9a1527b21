"""What is left of the materials bounds the next suggestion, where it can, and so that a resume asks the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import pytest

from autolab.campaign.lab import OwnStock
from autolab.campaign.left import bounds_of
from autolab.campaign.recipe import Use, learned
from autolab.compose.stocktaking import own_stock
from autolab.config.specs import LabwareSpec, MaterialSpec
from autolab.core.constraints import Constraint
from autolab.core.effects import Pour
from autolab.core.operations import OperationId, Operations
from autolab.core.parameters import ChoiceParameter, RangeParameter, Values
from autolab.core.problem import Space
from autolab.core.proposing import SuggestRequest
from autolab.core.traces import Trace
from autolab.journal.journal import Journal
from autolab.screen.found import DryRun, not_analysable
from autolab.screen.planscreen import PlanScreen
from autolab.screen.present import Presence
from autolab.screen.rig import DryRunRequest
from plans.conventions import act
from safety.scene import LabRules
from tests.campaign.softlab import LineProposer, SoftLab
from tests.campaign.test_resume import Crash, Crashing

DYES = Space(tuple(RangeParameter(name, 0.0, 120.0, "uL") for name in ("cyan", "magenta", "yellow")))
USES = (Use("cyan", 0.0, {"cyan": 1.0}), Use("clear", 300.0, {"cyan": -1.0, "magenta": -1.0, "yellow": -1.0}))


def mixed(values: Values) -> dict[str, float]:
    """What the plan of the colour bench pours: up to 300 uL, and nothing of what is too little to dispense."""
    dyes = {name: float(values[name]) for name in DYES.names}
    return {name: ul for name, ul in {**dyes, "clear": 300.0 - sum(dyes.values())}.items() if ul >= 0.5}


def test_what_a_plan_pours_is_learned_as_a_sum_also_where_it_leaves_out_what_is_too_little() -> None:
    said = {use.material: use for use in learned(DYES, lambda: mixed)}
    assert said["cyan"] == Use("cyan", 0.0, {"cyan": 1.0})
    assert said["clear"] == Use("clear", 300.0, dict.fromkeys(DYES.names, -1.0))
    often = Space(tuple(RangeParameter(name, 0.0, 30.0) for name in DYES.names))  # one point in sixty is too little
    assert {use.material for use in learned(often, lambda: mixed)} == {"cyan", "magenta", "yellow", "clear"}


def test_a_constant_and_other_units_are_learned_and_what_is_no_sum_is_not() -> None:
    space = Space(
        (RangeParameter("t", 1.0, 2.0, "mL"), RangeParameter("x", 0.0, 1.0), ChoiceParameter("s", ("a", "b")))
    )

    def pours(values: Values) -> Mapping[str, float]:
        t, x = float(values["t"]), float(values["x"])
        return {"acid": 40.0, "base": 1000.0 * t + 5.0, "salt": 50.0 * x * t, values["s"]: 10.0}

    assert learned(space, lambda: pours) == (Use("acid", 40.0, {}), Use("base", 5.0, {"t": 1000.0}))
    assert learned(space, lambda: lambda values: None) == ()


def test_a_bound_is_a_constraint_that_says_why_and_only_where_it_binds() -> None:
    (cyan,) = bounds_of(DYES, USES, {"cyan": 34.0, "clear": 300.0})
    assert cyan == Constraint("cyan <= 34", "cyan is bounded to 34 µL by what is left in its bottle", is_passing=True)
    (clear,) = bounds_of(DYES, USES, {"cyan": 120.0, "clear": 92.0})
    assert clear.text == "cyan + magenta + yellow >= 208"
    narrow = Space(DYES.parameters, (Constraint("cyan + magenta + yellow >= 250"),))
    assert bounds_of(narrow, USES, {"cyan": 120.0, "clear": 60.0}) == (), "the space takes no more than 50 of it"


def test_where_nothing_can_be_made_nothing_is_bounded_so_that_the_campaign_pauses() -> None:
    most = Space(DYES.parameters, (Constraint("cyan + magenta + yellow <= 100"),))
    assert bounds_of(most, USES, {"cyan": 34.0, "clear": 150.0}) == ()
    assert bounds_of(DYES, (Use("acid", 40.0, {}),), {"acid": 30.0}) == ()
    assert bounds_of(DYES, USES, {"cyan": 11.9}) == (), "less than a tenth of what a trial may take"


# in a campaign


@dataclass(frozen=True)
class Dye:
    """An action of the soft pump that uses material up."""

    volume_ul: float
    operation: OperationId
    material: str = "dye"

    @property
    def amount(self) -> float:
        return self.volume_ul


def pour_dye(pump: Any, x: float, operations: Operations, md: Any):
    @bpp.run_decorator(md=dict(md))
    def run():
        yield from act(pump, Dye(20.0 * x, operations("pour")))
        yield from bps.trigger_and_read([pump])

    yield from run()


class Walks:
    """Makes the dry runs of `pour_dye`."""

    def __init__(self, *, is_known: bool = True) -> None:
        self.n, self._is_known = 0, is_known

    def run(self, request: DryRunRequest) -> DryRun:
        self.n += 1
        pour = Pour("pump", "dye", 20.0 * float(request.values["x"]))
        return DryRun("proved", (Trace((pour,), (1,)),), 2) if self._is_known else not_analysable("nobody knows")


class Obedient(LineProposer):
    """Suggests as much as is allowed."""

    def suggest(self, request: SuggestRequest) -> Any:
        bounds = [c.linear.bound for c in request.problem.space.constraints if c.linear is not None]
        self._values = lambda _: min(1.0, *bounds) if bounds else 1.0
        return super().suggest(request)


def soft_lab(stock_ul: float, folder: Path | None = None, *, trials: int = 6, is_known: bool = True) -> SoftLab:
    dye = MaterialSpec("dye", stock_ul)
    spec: Any = SimpleNamespace(name="soft", materials={"dye": dye}, source=SimpleNamespace(text=""))
    runner = Walks(is_known=is_known)
    return SoftLab(
        trials=trials,
        folder=folder,
        make_plan=pour_dye,
        proposer=Obedient(),
        rules=LabRules({"dye": dye}, {"strip": LabwareSpec("strip", ("rack_1",), 24, 360.0)}),
        uses_samples=True,
        wells=tuple(("strip-1", "rack_1", well) for well in range(24)),
        plan_screen=PlanScreen(runner, (), Presence({}), ()),
        own_stock=lambda journal, campaign: own_stock(journal, spec, "bench", campaign),
    )


def asked(lab: SoftLab) -> list[tuple[str, ...]]:
    """The bounds of each request."""
    proposer: Any = lab.proposer
    by_trial = {r.trial: tuple(c.text for c in r.problem.space.constraints) for r in proposer.requests}
    return [by_trial[trial] for trial in sorted(by_trial)]


def test_a_campaign_asks_for_what_can_be_made_and_counts_what_is_in_flight() -> None:
    lab = soft_lab(75.0)
    lab.run()
    assert asked(lab) == [(), (), (), ("x <= 0.75",), (), ()]  # 75 less three times 20, and then nothing
    assert [float(trial.suggestion.values["x"]) for trial in lab.trials_of()][:4] == [1.0, 1.0, 1.0, 0.75]


def test_where_no_bottle_can_be_emptied_or_nobody_knows_the_plan_nothing_is_bounded() -> None:
    for lab in (soft_lab(1e6), soft_lab(75.0, is_known=False)):
        lab.run()
        assert set(asked(lab)) == {()}


@pytest.mark.parametrize("at", [9, 16, 21, 28])
def test_a_resumed_campaign_asks_under_the_same_bounds(tmp_path: Path, at: int) -> None:
    whole, cut = soft_lab(95.0, trials=5), soft_lab(95.0, tmp_path, trials=5)
    whole.run()
    with pytest.raises(Crash):
        cut.run(Crashing(cut, at, after=True))
    cut.journal.close()
    cut.resume()
    assert asked(cut) == asked(whole) == [(), (), (), (), ("x <= 0.75",)]


def test_what_others_used_is_gone_and_what_the_campaign_used_is_told_by_trial() -> None:
    lab = soft_lab(75.0)

    def begin(journal: Journal) -> None:
        own: OwnStock = lab.own_stock(journal, "soft-1")
        assert own.before == {"dye": 75.0}

    lab.run(begin)
    own = lab.own_stock(lab.journal, "soft-1")
    assert (own.before, own.used(1), own.used(4)) == ({"dye": 75.0}, {"dye": 20.0}, {"dye": 15.0})
