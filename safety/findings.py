"""Findings: what is wrong with a trial before it runs, one sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autolab.core.trials import Verdict

__all__ = ["Finding", "verdict"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands against a trial."""

    decision: Literal["needs approval", "refused"]
    reason: str
    """One sentence: object, value, bound, and what to do."""


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The verdict on a trial: the gravest of its findings, with all sentences, those of the refusals first.

    Args:
        findings: What was found; a sentence that comes twice is said once.
    """
    found = sorted(findings, key=lambda finding: finding.decision != "refused")
    reasons = tuple(dict.fromkeys(finding.reason for finding in found))
    return Verdict(found[0].decision if found else "allowed", reasons)
