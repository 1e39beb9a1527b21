"""What became of the earlier data that a campaign was given."""

from __future__ import annotations

from autolab.report.facts import Facts

__all__ = ["earlier_rows"]


def earlier_rows(facts: Facts) -> list[dict[str, str]]:
    """One row for each source: its size and hash, and which trials were suggested with it."""
    rows: list[dict[str, str]] = []
    for source in facts.campaign.problem.earlier:
        used = [
            str(trial.number) for trial in facts.trials if f" outcomes of {source.name} (" in trial.suggestion.reason
        ]
        said = ", ".join(used) if used else "none"
        rows.append(
            {"name": source.name, "outcomes": str(len(source.rows)), "sha256": source.sha256[:16], "used": said}
        )
    return rows
