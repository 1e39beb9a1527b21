"""From findings to a verdict."""

from __future__ import annotations

from collections.abc import Iterable

from autolab.core.traces import Finding
from autolab.core.trials import Verdict

__all__ = ["verdict"]


def verdict(findings: Iterable[Finding]) -> Verdict:
    """The verdict on a trial: the gravest of its findings, with all sentences, those of the refusals first.

    Args:
        findings: What was found; a sentence that comes twice is said once.
    """
    found = sorted(findings, key=lambda finding: finding.decision != "refused")
    reasons = tuple(dict.fromkeys(finding.reason for finding in found))
    return Verdict(found[0].decision if found else "allowed", reasons)
