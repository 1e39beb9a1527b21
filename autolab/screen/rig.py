"""The rig of dry runs: the shadows of a lab, a campaign's plan, and how the two come together for one suggestion."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from autolab.core.clock import Clock
from autolab.core.operations import Operations
from autolab.core.parameters import Values
from autolab.core.plates import Prepared
from autolab.core.samples import Sample
from autolab.screen.dryrun import dry_run
from autolab.screen.found import DryRun
from autolab.screen.present import Present
from autolab.screen.shadows import Shadows

__all__ = ["DEADLINE_REAL_S", "DryRunRequest", "DryRunner", "First", "InProcess", "Rig"]

DEADLINE_REAL_S = 20.0
"""Real seconds that a dry run may take; what takes longer is not analysable."""


@dataclass(frozen=True)
class First:
    """A plan that comes before a trial's plan: a recovery plan, or a calibration."""

    plan: str
    """Dotted name of the recovery plan, or name of the calibration."""
    operations: Operations
    sample: Sample | None
    """The sample of the trial that has failed, or the calibration's own."""
    is_calibration: bool = False


@dataclass(frozen=True)
class DryRunRequest:
    """A suggestion whose plan is to be walked through."""

    values: Values
    operations: Operations
    sample: Sample | None
    md: Mapping[str, Any]
    present: Present
    seed: int
    first: First | None = None
    is_alone: bool = False
    """Whether only what comes first is walked through."""
    plate: tuple[Prepared, ...] = ()
    """The trials of a plate that is to be measured now; empty for a trial that is to be prepared or run."""


class DryRunner(Protocol):
    """What makes dry runs: in this process, or in one that is thrown away."""

    def run(self, request: DryRunRequest) -> DryRun:
        """Walk through the plan of a suggestion. Never raises: what goes wrong makes it not analysable."""
        ...


@dataclass(frozen=True)
class Rig:
    """The shadows of the devices that a plan takes, and how the plan is made with them."""

    shadows: Shadows
    make_plan: Callable[[Mapping[str, Any], DryRunRequest], Callable[[], Generator[Any, Any, Any]]]
    sources: str = ""
    """Content hash of the files that the plans were read from."""

    def run(self, request: DryRunRequest, clock: Clock, deadline_s: float) -> DryRun:
        """Walk through the plan of a suggestion, for at most so many real seconds."""
        end = clock.real() + deadline_s
        plan = self.make_plan(self.shadows.devices, request)
        return dry_run(plan, self.shadows, request.present, request.seed, lambda: clock.real() > end)


class InProcess:
    """Makes dry runs in this process, where nothing is connected to hardware: under the virtual clock.

    A plan that hangs between two messages hangs here, as it would when it runs.

    Args:
        rig: The shadows and the plan.
        clock: For real time.
    """

    def __init__(self, rig: Rig, clock: Clock) -> None:
        self._rig, self._clock = rig, clock

    def run(self, request: DryRunRequest) -> DryRun:
        return self._rig.run(request, self._clock, DEADLINE_REAL_S)
