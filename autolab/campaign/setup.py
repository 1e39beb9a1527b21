"""What a campaign is made of: its problem, its limits, and how a trial becomes a plan and data an outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bluesky.utils import Msg

from autolab.config.specs import Budget, NoImprovement
from autolab.core.data import TrialData
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
