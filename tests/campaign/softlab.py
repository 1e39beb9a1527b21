"""A lab of one soft device on a chosen clock, and campaigns in it: everything but hardware is the real thing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from ophyd.status import DeviceStatus

from autolab.campaign.campaign import Campaign
from autolab.campaign.events import CampaignEvent, CampaignResult
from autolab.campaign.lab import OpenLab
from autolab.campaign.setup import CampaignSetup
from autolab.campaign.stopping import StopSwitch
from autolab.config.specs import Budget, NoImprovement
from autolab.core.clock import Clock, VirtualClock
from autolab.core.data import TrialData
from autolab.core.errors import DeviceError, ProposerError
from autolab.core.objectives import Objective
from autolab.core.operations import OperationId, Operations
from autolab.core.parameters import RangeParameter
from autolab.core.principals import Principal
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec, Observation, Recommendation, SuggestRequest
from autolab.core.trials import Estimate, Outcome, Realm, Suggestion
from autolab.journal.journal import CampaignStart, Journal
from autolab.journal.reader import JournalReader
from plans.conventions import act

PROBLEM = Problem(Space((RangeParameter("x", 0.0, 1.0),)), Objective("y", "minimize"))


@dataclass(frozen=True)
class Pour:
    """An action of the soft device."""

    amount: float
    operation: OperationId


class SoftPump:
    """Pours for two lab seconds, and says how much it has poured."""

    parent = None

    def __init__(self, name: str, clock: Clock, fails: Callable[[float], Exception | None], is_exclusive: bool) -> None:
        self.name, self._clock, self._fails = name, clock, fails
        self.poured: list[OperationId] = []
        self._is_exclusive, self._halted = is_exclusive, False
        self.amount = 0.0

    def set(self, action: Pour) -> DeviceStatus:
        self.poured.append(action.operation)
        self._halted = False
        status = DeviceStatus(self, call_stop_on_failure=False)

        def work():
            for _ in range(20):
                yield 0.1
                if self._halted:
                    status.set_exception(DeviceError(f"{self.name}: stopped in the middle"))
                    return
            error = self._fails(action.amount)
            if error is not None:
                status.set_exception(error)
                return
            self.amount = action.amount
            status.set_finished()

        self._clock.start(work())
        return status

    def stop(self, *, success: bool = False) -> None:
        self._halted = self._is_exclusive  # the RunEngine stops what a plan has moved; a shared pump pours on

    def read(self):
        return OrderedDict([(f"{self.name}_amount", {"value": self.amount, "timestamp": 0.0})])

    def describe(self):
        return OrderedDict([(f"{self.name}_amount", {"source": "soft", "dtype": "number", "shape": [], "units": "mL"})])

    def read_configuration(self):
        return OrderedDict()

    def describe_configuration(self):
        return OrderedDict()


class LineProposer:
    """Suggests 1/1, 1/2, 1/3, …; keeps what it was asked."""

    def __init__(self, values: Callable[[int], float] = lambda trial: 1.0 / trial) -> None:
        self.requests: list[SuggestRequest] = []
        self._values = values

    def suggest(self, request: SuggestRequest) -> Suggestion:
        self.requests.append(request)
        return Suggestion(
            request.trial,
            {"x": self._values(request.trial)},
            "line",
            "the next on the line",
            request.seed,
            tuple(o.trial for o in request.observations),
            tuple(p.trial for p in request.pending),
        )

    def recommend(self, problem, observations: tuple[Observation, ...], seed: int) -> Recommendation:
        raise ProposerError("a line has no model")

    def close(self) -> None:
        pass


def pour_and_read(pump: SoftPump, x: float, operations: Operations, md: Mapping[str, Any]):
    @bpp.run_decorator(md=dict(md))
    def run():
        yield from act(pump, Pour(x, operations("pour")))
        yield from bps.trigger_and_read([pump])

    yield from run()


def amount(data: TrialData) -> Outcome:
    return {"y": Estimate(float(data.column("pump_amount").mean()))}


@dataclass
class SoftLab:
    """Builds and runs a campaign."""

    trials: int = 4
    lanes: int = 1
    clock: Clock = field(default_factory=VirtualClock)
    fails: Callable[[float], Exception | None] = lambda x: None
    proposer: LineProposer = field(default_factory=LineProposer)
    problem: Problem = PROBLEM
    reduce: Callable[[TrialData], Outcome] = amount
    observers: tuple[Any, ...] = ()
    stop: StopSwitch = field(default_factory=StopSwitch)
    wells: tuple[tuple[str, str, int], ...] = ()
    uses_samples: bool = False
    stations: frozenset[str] = frozenset()
    no_improvement: NoImprovement | None = None
    hours: float | None = None
    silent: tuple[str, ...] = ()

    def run(self) -> CampaignResult:
        self.journal = Journal(None, self.clock)
        self.pump = SoftPump("pump", self.clock, self.fails, is_exclusive=self.lanes == 1)
        lab = OpenLab(
            "soft", "Example", Realm.SIMULATED, self.clock, "bench", {"pump": self.pump}, (), self.stations,
            self.wells, None, lambda: list(self.silent),
        )  # fmt: skip
        setup = CampaignSetup(
            id="soft-1", key="soft1", name="soft", problem=self.problem, budget=Budget(self.trials, self.hours),
            no_improvement=self.no_improvement, engine=EngineSpec("line"), lanes=self.lanes, seed=7,
            plan_name="pour_and_read", make_plan=self._plan, reduce=self.reduce, uses_samples=self.uses_samples,
            stations=self.stations, principal=Principal("ada", "person"),
        )  # fmt: skip
        self.journal.start_campaign(
            CampaignStart(
                setup.id, setup.key, "soft", "soft", "Example", "simulated", "bench", 7, setup.engine, self.lanes,
                self.trials, self.problem, "", "", "", "", {}, (),
            ),
            setup.principal,
        )  # fmt: skip
        self.events: list[CampaignEvent] = []
        result = Campaign(setup, lab, self.proposer, self.journal, (self, *self.observers), self.stop).run()
        self.reader = JournalReader(self.journal.states, self.journal.documents)
        return result

    def notify(self, event: CampaignEvent) -> None:
        self.events.append(event)

    def trials_of(self):
        return self.reader.trials("soft-1")

    def _plan(self, values, operations, sample, md):
        return lambda: pour_and_read(self.pump, values["x"], operations, md)


def with_objective(objective: Objective) -> Problem:
    return replace(PROBLEM, objective=objective)
