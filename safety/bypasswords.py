"""A bypass in one sentence, as status, views and pages show it."""

from __future__ import annotations

from datetime import UTC, datetime

from safety.latches import Bypass

__all__ = ["bypass_text", "date_text"]


def bypass_text(bypass: Bypass) -> str:
    """What is let be, until when, why, what is done instead, and who is behind it."""
    if bypass.approver is None:
        return (
            f"{bypass.rule} (not in force: {bypass.requester.name} asked for it, and nobody has approved it: "
            f"{bypass.reason})"
        )
    return (
        f"{bypass.rule} until {date_text(bypass.until_s)} ({bypass.reason}); instead: {bypass.measure}; asked for by "
        f"{bypass.requester.name}, approved by {bypass.approver.name}"
    )


def date_text(at_s: float) -> str:
    """A moment in seconds since 1970, for people."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
