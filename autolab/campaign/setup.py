"""What a campaign is made of: its problem, its limits, and how a trial becomes a plan and data an outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bluesky.utils import Msg

from autolab.config.specs import Budget, NoImprovement
from autolab.core.data import TrialData
from autolab.core.faults import DEFAULT_POLICY, FaultKind, FaultPolicy
from autolab.core.operations import Operations
from autolab.core.parameters import Values
from autolab.core.principals import Principal
from autolab.core.problem import Problem
from autolab.core.proposing import EngineSpec
from autolab.core.samples import Sample
from autolab.core.trials import Outcome

__all__ = ["CampaignSetup", "MakePlan"]


class MakePlan(Protocol):
    """Makes the plan of one trial."""

    def __call__(
        self, values: Values, operations: Operations, sample: Sample | None, md: Mapping[str, Any]
    ) -> Callable[[], Generator[Msg, Any, Any]]:
        """A function that makes the plan's generator."""
        ...


@dataclass(frozen=True)
class CampaignSetup:
    """One campaign, ready to run in an open lab."""

    id: str
    key: str
    name: str
    problem: Problem
    budget: Budget
    no_improvement: NoImprovement | None
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

    def policy(self, kind: FaultKind) -> FaultPolicy:
        """What to do about a kind of fault. One that nobody has named is never gone on from without a person."""
        return FaultPolicy(then="ask") if kind is FaultKind.UNKNOWN else self.on_failure.get(kind, DEFAULT_POLICY)
