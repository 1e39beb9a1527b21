"""Bypasses of a lab in the journal, with the signed words of who asked for them and who approved them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autolab.core.authority import Signed
from autolab.core.canonical import canonical_json
from autolab.core.errors import NotAuthorisedError
from autolab.core.principals import Principal
from autolab.journal.database import Database

__all__ = ["BypassRecord", "add_bypass", "approve_bypass", "end_bypass", "open_bypasses"]


@dataclass(frozen=True, slots=True)
class BypassRecord:
    """A bypass that nobody has ended; its time may be over."""

    id: int
    rule: str
    reason: str
    measure: str
    requester: Principal
    since_s: float
    """Seconds since 1970, as all times here."""
    until_s: float
    request: Signed
    approver: Principal | None
    approved_s: float | None
    approval: Signed | None


def add_bypass(states: Database, lab: str, values: Mapping[str, Any], request: Signed) -> None:
    """Record that a bypass was asked for.

    Args:
        states: Database of the states.
        lab: Name of the lab.
        values: ``rule``, ``reason``, ``measure``, ``since_s`` and ``until_s``.
        request: What was signed.
    """
    requester, text = _principal(states, request.by), canonical_json(request.to_json())
    states.insert("bypasses", lab=lab, requester=requester, request=text, **values)


def approve_bypass(states: Database, number: int, approval: Signed, at_s: float) -> None:
    """Record that a bypass was approved."""
    states.write(
        "UPDATE bypasses SET approver = ?, approved_s = ?, approval = ? WHERE id = ?",
        (_principal(states, approval.by), at_s, canonical_json(approval.to_json()), number),
    )


def end_bypass(states: Database, number: int, by: Principal, at_s: float) -> None:
    """Record that a bypass is over."""
    states.write(
        "UPDATE bypasses SET ended_s = ?, ended_by = ? WHERE id = ? AND ended_s IS NULL",
        (at_s, _principal(states, by), number),
    )


def open_bypasses(states: Database, lab: str) -> list[BypassRecord]:
    """The bypasses of a lab that nobody has ended, the oldest first.

    Raises:
        NotAuthorisedError: what was signed cannot be read.
    """
    rows = states.rows(
        "SELECT b.*, p.name AS person, p.kind, a.name AS approved_by, a.kind AS approver_kind FROM bypasses b "
        "JOIN principals p ON p.id = b.requester LEFT JOIN principals a ON a.id = b.approver "
        "WHERE b.lab = ? AND b.ended_s IS NULL ORDER BY b.id",
        (lab,),
    )
    return [_record(row) for row in rows]


def _record(row: Mapping[str, Any]) -> BypassRecord:
    return BypassRecord(
        id=row["id"],
        rule=row["rule"],
        reason=row["reason"],
        measure=row["measure"],
        requester=Principal(row["person"], row["kind"]),
        since_s=row["since_s"],
        until_s=row["until_s"],
        request=_signed(row["rule"], row["request"]),
        approver=None if row["approved_by"] is None else Principal(row["approved_by"], row["approver_kind"]),
        approved_s=row["approved_s"],
        approval=None if row["approval"] is None else _signed(row["rule"], row["approval"]),
    )


def _signed(rule: str, text: str) -> Signed:
    """What was signed.

    Raises:
        NotAuthorisedError: it cannot be read.
    """
    try:
        return Signed.from_json(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise NotAuthorisedError(
            f"the bypass of {rule} in the journal holds no signed words ({error}): somebody has changed the journal; "
            "see 'autolab audit verify'"
        ) from None


def _principal(states: Database, principal: Principal) -> int:
    key = (principal.name, principal.kind)
    states.write("INSERT OR IGNORE INTO principals (name, kind) VALUES (?, ?)", key)
    return states.rows("SELECT id FROM principals WHERE name = ? AND kind = ?", key)[0]["id"]
