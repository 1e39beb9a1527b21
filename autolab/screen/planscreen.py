"""The screen of plans: what a suggestion's plan would do in the lab as it is, and what the rules say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autolab.core.effects import Effect
from autolab.core.traces import Rule
from autolab.core.trials import Verdict
from autolab.screen.found import DryRun
from autolab.screen.judge import judge_plan
from autolab.screen.present import Presence, Present
from autolab.screen.rig import DryRunner, DryRunRequest

__all__ = ["Judged", "PlanScreen"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the screen says of a trial's plan."""

    verdict: Verdict
    afterwards: Present
    """What is known of the lab when the plan has ended."""
    effects: Sequence[Effect] | None
    """What the plan may do, on all its branches; None where nobody knows."""
    needs_ul: Mapping[str, float]
    """The most that a branch pours, in microlitres by material."""


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

    def judge(self, present: Present, rules: Sequence[Rule] = (), **trial: Any) -> Judged:
        """Judge a trial's plan.

        Args:
            present: What is known of the lab when the plan begins.
            rules: Further rules, of this trial.
            trial: The other fields of a `DryRunRequest`.
        """
        found: DryRun = self.runner.run(DryRunRequest(present=present, **trial))
        effects = None if found.found == "not analysable" else found.effects()
        verdict = judge_plan(found, (*self.rules, *rules))
        return Judged(verdict, replace(present, known=found.end()), effects, found.needs_ul())
