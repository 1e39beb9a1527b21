"""What a campaign is made of: its problem, its limits, and how a trial becomes a plan and data an outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bluesky.utils import Msg

from autolab.config.specs import Budget, Stopping
from autolab.core.authority import NOBODY, Authority
from autolab.core.clock import real_clock
from autolab.core.data import TrialData
from autolab.core.effects import Effect
from autolab.core.errors import InputError
from autolab.core.faults import DEFAULT_POLICY, FaultKind, FaultPolicy
from autolab.core.operations import Operations
from autolab.core.parameters import Values
from autolab.core.principals import Principal
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec
from autolab.core.samples import Sample
from autolab.core.trials import Outcome, Realm, Suggestion, Verdict
from autolab.screen.planscreen import PlanScreen

__all__ = ["CampaignSetup", "MakePlan", "MakeRecovery", "PermitRules"]

MakeRecovery = Callable[[Operations, Sample | None], Callable[[], Generator[Msg, Any, Any]]]
"""Makes a recovery plan, from the names of its actions and the sample of the trial that failed."""


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
    make_recovery: Mapping[str, MakeRecovery] = field(default_factory=dict[str, MakeRecovery])
    """How each recovery plan that ``on_failure`` names is made, by its dotted name."""
    permits: PermitRules = field(default_factory=PermitRules)
    """Who has to approve what."""

    plan_screen: PlanScreen | None = None
    """What screens the plans; None where only the values of a trial are judged."""

    def policy(self, kind: FaultKind) -> FaultPolicy:
        """What to do about a kind of fault. One that nobody has named is never gone on from without a person."""
        return FaultPolicy(then="ask") if kind is FaultKind.UNKNOWN else self.on_failure.get(kind, DEFAULT_POLICY)

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
