"""A lab of one soft device on a chosen clock, and campaigns in it: everything but hardware is the real thing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from ophyd.status import DeviceStatus

from autolab.campaign.campaign import Campaign
from autolab.campaign.desk import Desk
from autolab.campaign.events import CampaignEvent, CampaignResult
from autolab.campaign.lab import OpenLab, OwnStock
from autolab.campaign.recovery import Recovered, recovered
from autolab.campaign.setup import CampaignSetup, PermitRules
from autolab.campaign.stopping import StopSwitch
from autolab.config.specs import Budget, Stopping
from autolab.core.clock import Clock, VirtualClock
from autolab.core.confirming import Confirm
from autolab.core.data import TrialData
from autolab.core.errors import DeviceError, NotConnectedError, ProposerError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.objectives import Objective
from autolab.core.operations import OperationId, Operations
from autolab.core.parameters import RangeParameter
from autolab.core.phases import Settlement
from autolab.core.plates import PlateSpec, Prepared, stream_of
from autolab.core.principals import Principal
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec, Observation, Recommendation, SuggestRequest
from autolab.core.trials import Estimate, Outcome, Realm, Suggestion
from autolab.journal.journal import CampaignStart, Journal
from autolab.journal.reader import JournalReader
from autolab.screen.planscreen import PlanScreen
from devices.reconciling import judged
from plans.conventions import act, phase
from safety.scene import LabRules

ADA = Principal("ada", "person")
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
        self.wells: dict[int, float] = {}
        """What was poured last for each trial while it was prepared."""
        self.is_cut_off = False
        self.is_silent = False
        self.says = "failed"
        """What it says later of an action that ended with an error."""
        self.known: dict[str, str] = {}
        self.count = 0

    def set(self, action: Pour) -> DeviceStatus:
        if self.is_cut_off:
            raise DeviceError(f"{self.name}: nobody is there to command it")
        self.poured.append(action.operation)
        self.known[str(action.operation)] = "running"
        if action.operation.phase == "pour":
            self.wells[action.operation.trial] = action.amount
        self.count += 1
        self._halted = False
        status = DeviceStatus(self, call_stop_on_failure=False)

        def work():
            for _ in range(20):
                yield 0.1
                if self._halted:
                    self.known[str(action.operation)] = "failed"
                    status.set_exception(DeviceError(f"{self.name}: stopped in the middle"))
                    return
            error = self._fails(action.amount)
            if error is not None:
                self.known[str(action.operation)] = self.says
                status.set_exception(error)
                return
            self.known[str(action.operation)] = "done"
            self.amount = action.amount
            status.set_finished()

        self._clock.start(work())
        return status

    def counters(self) -> dict[str, int]:
        return {"operations": self.count}

    def reconcile(self, operation: OperationId, counted: int | None) -> Settlement:
        if self.is_silent:
            raise NotConnectedError(f"{self.name}: does not answer")
        state: Any = self.known.get(str(operation), "unknown")
        return judged(self.name, operation, state, "", counted, self.count)

    def on(self, clock: Clock) -> None:
        """Goes on under another controller's clock; what it was doing, it has done."""
        self._clock, self.is_cut_off = clock, False
        self.known = {operation: "done" if state == "running" else state for operation, state in self.known.items()}

    def stop(self, *, success: bool = False) -> None:
        if self.is_cut_off:  # its controller is gone
            return
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
    stopping: Stopping = field(default_factory=Stopping)
    hours: float | None = None
    silent: tuple[str, ...] = ()
    on_failure: Mapping[FaultKind, FaultPolicy] = field(default_factory=dict)
    folder: Path | None = None
    rules: LabRules = field(default_factory=LabRules)
    make_plan: Callable[..., Any] | None = None
    permits: PermitRules = field(default_factory=PermitRules)
    principal: Principal = ADA
    realm: Realm = Realm.SIMULATED
    plan_screen: PlanScreen | None = None
    own_stock: Callable[[Journal, str], OwnStock] = lambda journal, campaign: OwnStock({}, lambda trial: {})
    confirm: Confirm | None = None
    per_plate: int | None = None
    measure: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        self.pump = SoftPump("pump", self.clock, self.fails, is_exclusive=self.lanes == 1)

    def run(self, begin: Callable[[Journal], None] = lambda journal: None) -> CampaignResult:
        """Run the campaign; ``begin`` may tamper with the journal when its start has been written."""
        self.journal = Journal(self.folder, self.clock)
        setup = self._setup()
        self.journal.take_lease("the test")
        self.journal.start_campaign(
            CampaignStart(
                setup.id, setup.key, "soft", "soft", "Example", "simulated", "bench", 7, setup.engine, self.lanes,
                self.trials, self.problem, "", "", "", "", {}, (),
            ),
            setup.principal,
        )  # fmt: skip
        begin(self.journal)
        return self._go_on(setup, None)

    def resume(self, begin: Callable[[Journal], None] = lambda journal: None) -> CampaignResult:
        """Resume the campaign with a controller of its own, as after a crash of the one before."""
        self.clock = type(self.clock)() if isinstance(self.clock, VirtualClock) else self.clock
        self.pump.on(self.clock)
        self.stop = StopSwitch()
        self.journal = Journal(self.folder, self.clock)
        reader = JournalReader(self.journal.states, self.journal.documents)
        past = recovered(reader.trials("soft-1"), reader.intents("soft-1"))
        setup = self._setup()
        self.journal.take_lease("the test")
        self.journal.resume_campaign("soft-1", past.lab_s, setup.principal, "it was interrupted")
        begin(self.journal)
        return self._go_on(setup, past)

    def _go_on(self, setup: CampaignSetup, past: Recovered | None) -> CampaignResult:
        self.events: list[CampaignEvent] = []
        self.reader = JournalReader(self.journal.states, self.journal.documents)
        self.desk = Desk()
        observers, lab = (self, *self.observers), self.open_lab()
        return Campaign(setup, lab, self.proposer, self.journal, observers, self.stop, past, self.desk).run()

    def open_lab(self) -> OpenLab:
        return OpenLab(
            "soft", "Example", self.realm, self.clock, "bench", {"pump": self.pump}, (), self.stations,
            self.wells, None, lambda: list(self.silent), rules=self.rules,
            own_stock=self.own_stock,
        )  # fmt: skip

    def _setup(self) -> CampaignSetup:
        return CampaignSetup(
            id="soft-1", key="soft1", name="soft", problem=self.problem, budget=Budget(self.trials, self.hours),
            stopping=self.stopping, engine=EngineSpec("line"), lanes=self.lanes, seed=7,
            plan_name="pour_and_read", make_plan=self._plan, reduce=self.reduce, uses_samples=self.uses_samples,
            stations=self.stations, principal=self.principal, on_failure=self.on_failure, permits=self.permits,
            plan_screen=self.plan_screen,
            confirm=self.confirm,
            plate=None if self.per_plate is None else PlateSpec(self.per_plate, "measure_wells"),
            make_measure=None if self.per_plate is None else self._measure,
        )  # fmt: skip

    def notify(self, event: CampaignEvent) -> None:
        self.events.append(event)

    def trials_of(self):
        return self.reader.trials("soft-1")

    def _plan(self, values, operations, sample, md):
        make = self.make_plan or pour_and_read
        return lambda: make(self.pump, values["x"], operations, md)

    def _measure(self, plate, operations, md):
        make = self.measure or measure_wells
        return lambda: make(self.pump, plate, operations, md)


def prepare_well(pump: SoftPump, x: float, operations: Operations, md: Mapping[str, Any]):
    """Pours into the trial's well, and measures nothing."""

    @bpp.run_decorator(md=dict(md))
    def run():
        yield from act(pump, Pour(x, operations("pour")))

    yield from run()


def measure_wells(pump: SoftPump, plate: Sequence[Prepared], operations: Operations, md: Mapping[str, Any]):
    """Rinses once, and measures each well by what was poured into it."""

    def probed(one: Prepared):
        yield from act(pump, Pour(pump.wells[one.trial], one.operations("probe")))
        yield from bps.trigger_and_read([pump], name=stream_of(one.trial))

    @bpp.run_decorator(md=dict(md))
    def run():
        yield from act(pump, Pour(0.0, operations("rinse")))
        for one in plate:
            yield from phase(f"probe-{one.trial}", probed(one))

    yield from run()


def with_objective(objective: Objective) -> Problem:
    return replace(PROBLEM, objective=objective)
