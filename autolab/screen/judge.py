"""The verdict on one suggestion."""

from __future__ import annotations

from collections.abc import Sequence

from autolab.core.principals import Principal
from autolab.core.problem import Space
from autolab.core.quarantine import Quarantine
from autolab.core.traces import Finding, Rule
from autolab.core.trials import Suggestion, Verdict
from autolab.screen.found import DryRun

__all__ = ["SCREEN", "judge", "judge_plan"]

SCREEN = Principal("screen", "system")
"""Who gives the verdicts."""
MAX_REASONS = 5
"""Reasons that a verdict gives; a plan may have many more."""


def judge(suggestion: Suggestion, space: Space, closed: Sequence[Quarantine] = ()) -> Verdict:
    """Judge whether a suggestion is a point of the campaign's space, exactly as the hardware would be told.

    Proposers round their suggestions and keep out of regions that are closed; the screen believes none of them.

    Args:
        suggestion: What is suggested.
        space: The campaign's space.
        closed: Regions in quarantine.
    """
    reasons = tuple(space.violations(suggestion.values))
    if not reasons:
        reasons = tuple(str(quarantine) for quarantine in closed if quarantine.holds(suggestion.values, space))
    return Verdict("refused" if reasons else "allowed", reasons)


def judge_plan(dry_run: DryRun, rules: Sequence[Rule]) -> Verdict:
    """Judge what a dry run has found: each rule sees each trace. What is not analysable is refused.

    Args:
        dry_run: The dry run of the suggestion's plan.
        rules: What judges the traces.
    """
    said = str(dry_run)
    if dry_run.found == "not analysable":
        return Verdict("refused", (f"the plan is not analysable: {dry_run.why}",), dry_run=said)
    findings: dict[Finding, None] = {}
    for trace in dry_run.traces:
        for rule in rules:
            for finding in rule(trace):
                where = f" (where {trace.branch})" if trace.branch else ""
                findings.setdefault(Finding(finding.decision, f"{finding.reason}{where}"))
    for decision in ("refused", "needs approval"):
        reasons = [finding.reason for finding in findings if finding.decision == decision]
        if reasons:
            more = (f"and {len(reasons) - MAX_REASONS} more",) if len(reasons) > MAX_REASONS else ()
            return Verdict(decision, (*reasons[:MAX_REASONS], *more), dry_run=said)
    return Verdict("allowed", (), dry_run=said)
