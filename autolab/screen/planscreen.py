"""The screen of plans: what a suggestion's plan would do in the lab as it is, and what the rules say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from autolab.core.traces import Rule
from autolab.core.trials import Verdict
from autolab.screen.found import DryRun
from autolab.screen.judge import judge_plan
from autolab.screen.present import Presence, Present
from autolab.screen.rig import DryRunner, DryRunRequest

__all__ = ["PlanScreen"]


@dataclass(frozen=True)
class PlanScreen:
    """What screens the plans of one campaign."""

    runner: DryRunner
    rules: Sequence[Rule]
    """Each of them judges each trace."""
    presence: Presence
    devices: tuple[str, ...]
    """Names of the devices that the plan takes."""

    def present(self) -> Present:
        """What the devices say now."""
        return self.presence.now(self.devices)

    def judge(self, present: Present, **trial: Any) -> tuple[Verdict, Present]:
        """Judge a trial's plan.

        Args:
            present: What is known of the lab when the plan begins.
            trial: The other fields of a `DryRunRequest`.

        Returns:
            The verdict, and what is known of the lab when the plan has ended.
        """
        found: DryRun = self.runner.run(DryRunRequest(present=present, **trial))
        return judge_plan(found, self.rules), replace(present, known=found.end())
