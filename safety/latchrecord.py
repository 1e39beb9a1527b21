"""Latches as plain data and back, so that a restart clears none."""

from __future__ import annotations

from typing import Any, cast

from autolab.core.errors import SafetyError
from autolab.core.principals import Principal
from safety.latches import Bypass, Latched, Latches

__all__ = ["from_plain", "to_plain"]


def to_plain(state: Latches) -> dict[str, Any]:
    """What of the state outlives a restart, in plain values of JSON: all but the causes, which a scan finds anew."""
    return {
        "latched": [{"rule": latch.rule, "since_s": latch.since_s} for latch in state.latched],
        "first": state.first,
        "bypasses": [_plain_bypass(item) for item in state.bypasses],
        "at_s": state.at_s if state.at_s > float("-inf") else None,
    }


def from_plain(plain: object) -> Latches:
    """The state that was kept, with all causes unknown until the first scan.

    Args:
        plain: What `to_plain` gave.

    Raises:
        SafetyError: it is something else; whoever reads it keeps the lab in its safe state.
    """
    try:
        kept = cast("dict[str, Any]", plain)
        state = Latches(
            latched=tuple(Latched(_text(item["rule"]), _number(item["since_s"])) for item in kept["latched"]),
            first=None if kept["first"] is None else _text(kept["first"]),
            bypasses=tuple(_bypass(item) for item in kept["bypasses"]),
            at_s=float("-inf") if kept["at_s"] is None else _number(kept["at_s"]),
        )
    except (TypeError, KeyError, ValueError) as error:
        raise _unreadable(repr(error)) from None
    if (state.first is None) != (not state.latched):
        raise _unreadable(f"the first cause is {state.first}, and {len(state.latched)} trips are latched")
    return state


def _plain_bypass(item: Bypass) -> dict[str, Any]:
    return {
        "rule": item.rule,
        "reason": item.reason,
        "measure": item.measure,
        "requester": _plain_principal(item.requester),
        "since_s": item.since_s,
        "until_s": item.until_s,
        "approver": None if item.approver is None else _plain_principal(item.approver),
    }


def _bypass(item: dict[str, Any]) -> Bypass:
    return Bypass(
        rule=_text(item["rule"]),
        reason=_text(item["reason"]),
        measure=_text(item["measure"]),
        requester=_principal(item["requester"]),
        since_s=_number(item["since_s"]),
        until_s=_number(item["until_s"]),
        approver=None if item["approver"] is None else _principal(item["approver"]),
    )


def _plain_principal(principal: Principal) -> dict[str, str]:
    return {"name": principal.name, "kind": principal.kind}


def _principal(item: dict[str, Any]) -> Principal:
    if item["kind"] not in {"person", "agent", "system"}:
        raise ValueError(f"{item['kind']!r} is no kind of principal")
    return Principal(_text(item["name"]), item["kind"])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: object) -> float:
    number = value if isinstance(value, float | int) and not isinstance(value, bool) else float("nan")
    if number - number != 0.0:
        raise ValueError(f"{value!r} is no finite number")
    return float(number)


def _unreadable(why: str) -> SafetyError:
    return SafetyError(
        f"the record of the latches cannot be read ({why}): keep the lab in its safe state, and look into the journal"
    )
