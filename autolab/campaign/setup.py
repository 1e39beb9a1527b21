"""What a campaign is made of: its problem, its limits, and how a trial becomes a plan and data an outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bluesky.utils import Msg

from autolab.config.specs import Budget, Stopping
from autolab.core.authority import NOBODY, Authority
from autolab.core.calibrations import Calibration
from autolab.core.clock import real_clock
from autolab.core.confirming import Confirm
from autolab.core.data import TrialData
from autolab.core.effects import Effect
from autolab.core.errors import InputError
from autolab.core.faults import DEFAULT_POLICIES, DEFAULT_POLICY, FaultKind, FaultPolicy
from autolab.core.operations import Operations
from autolab.core.parameters import Values
from autolab.core.plates import PlateSpec, Prepared
from autolab.core.principals import Principal
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec
from autolab.core.quality import QualityCheck
from autolab.core.samples import Sample
from autolab.core.trials import Outcome, Realm, Suggestion, Verdict
from autolab.screen.planscreen import PlanScreen

__all__ = ["CalibrationPlan", "CampaignSetup", "MakeMeasure", "MakePlan", "MakePrelude", "PermitRules"]

MakePrelude = Callable[[Operations, Sample | None], Callable[[], Generator[Msg, Any, Any]]]
"""Makes a plan that comes before that of a trial, from the names of its actions and a sample: for a recovery plan that
of the trial that failed, for a calibration its own."""


MakeMeasure = Callable[[Sequence[Prepared], Operations, Mapping[str, Any]], Callable[[], Generator[Msg, Any, Any]]]
"""Makes the plan that measures a plate, from its trials, the names of what they share, and the start document."""


class MakePlan(Protocol):
    """Makes the plan of one trial."""

    def __call__(
        self, values: Values, operations: Operations, sample: Sample | None, md: Mapping[str, Any]
    ) -> Callable[[], Generator[Msg, Any, Any]]:
        """A function that makes the plan's generator."""
        ...


@dataclass(frozen=True)
class PermitRules:
    """Who has to approve what, as ``autolab.compose`` read it when the campaign began or was resumed."""

    authority: Authority = NOBODY
    tiered: Callable[[Suggestion, Verdict, Sequence[Effect] | None], Verdict] = lambda _, verdict, __: verdict
    """The screen's verdict with what the tiers ask for, from what the plan would do (None: nobody knows)."""
    envelope: str = ""
    """Content hash of the envelope."""
    plan_hash: str = ""
    lab: Callable[[], str] = lambda: ""
    """Content hash of what the lab holds now."""
    now: Callable[[], datetime] = field(default=lambda: real_clock().date())
    """The time in UTC. It is real also where the campaign's clock is not: people live in it."""


@dataclass(frozen=True)
class CalibrationPlan:
    """A calibration, and how it is performed in the open lab."""

    calibration: Calibration
    make: MakePrelude
    reduce: Callable[[TrialData], Outcome] | None
    """Gives its values; None where it yields none."""
    uses_samples: bool
    """Whether it is given a fresh well."""
    is_for_plates: bool = False
    """Whether the plan that measures plates takes one of its instruments."""

    @property
    def name(self) -> str:
        """Name of the calibration."""
        return self.calibration.name


@dataclass(frozen=True)
class CampaignSetup:
    """One campaign, ready to run in an open lab."""

    id: str
    key: str
    name: str
    problem: Problem
    budget: Budget
    stopping: Stopping
    engine: EngineSpec
    lanes: int
    seed: int
    plan_name: str
    make_plan: MakePlan
    reduce: Callable[[TrialData], Outcome]
    uses_samples: bool
    stations: frozenset[str]
    """Stations that each trial holds while it runs."""
    principal: Principal
    on_failure: Mapping[FaultKind, FaultPolicy] = field(default_factory=dict[FaultKind, FaultPolicy])
    """What to do by kind of fault; `autolab.core.faults.DEFAULT_POLICY` for those that are not named."""
    make_recovery: Mapping[str, MakePrelude] = field(default_factory=dict[str, MakePrelude])
    """How each recovery plan that ``on_failure`` names is made, by its dotted name."""
    permits: PermitRules = field(default_factory=PermitRules)
    """Who has to approve what."""
    calibrations: tuple[CalibrationPlan, ...] = ()
    """The calibrations that its trials rely on, in the order in which they are performed."""
    quality: tuple[QualityCheck, ...] = ()
    """What is looked at before an outcome is believed."""
    calibrate: tuple[str, ...] = ()
    """Names of calibrations that a person wants performed now, however they stand."""

    confirm: Confirm | None = None
    """How the winner is confirmed; None where it is not."""
    plate: PlateSpec | None = None
    """How trials are measured by the plate; None where each is measured by its own plan."""
    make_measure: MakeMeasure | None = None
    """How the plan that measures a plate is made; None as above."""
    plan_screen: PlanScreen | None = None
    """What screens the plans; None where only the values of a trial are judged."""

    @property
    def per_plate(self) -> int:
        """Trials of a full plate; 1 where each trial is measured by itself."""
        return 1 if self.plate is None else self.plate.trials

    @property
    def planned(self) -> int:
        """Trials that the campaign may take, those that confirm its winner included."""
        return self.budget.trials + (0 if self.confirm is None else self.confirm.trials)

    def policy(self, kind: FaultKind) -> FaultPolicy:
        """What to do about a kind of fault. One that nobody has named is never gone on from without a person."""
        usual = DEFAULT_POLICIES.get(kind, DEFAULT_POLICY)
        return usual if kind is FaultKind.UNKNOWN else self.on_failure.get(kind, usual)

    def metadata(self, trial: int, lane: int, lab: str, realm: Realm) -> dict[str, Any]:
        """What the start document of a trial's run says of it."""
        return {
            "campaign": self.id,
            "trials": [trial],
            "lab": lab,
            "realm": str(realm),
            "plan_name": self.plan_name,
            "lane": lane,
            "replicate": 1,
        }

    def outcome_of(self, data: TrialData) -> Outcome:
        """What a trial yields.

        Raises:
            InputError: the data give no outcome.
        """
        try:
            return self.reduce(data)
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"the reducer failed with {type(error).__name__}: {error}") from error
