"""The journal's inbox: what people ask of a running campaign, from another process, with the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autolab.core.canonical import canonical_json
from autolab.core.principals import Principal
from autolab.journal.database import Database

__all__ = ["Inbox", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """Something that a person asked of a campaign."""

    id: int
    campaign: str
    verb: str
    """``pause`` or ``stop``."""
    arguments: Mapping[str, Any]
    principal: Principal
    answer: str | None
    """What the controller said; None until it has seen the request."""


class Inbox:
    """Requests of one data folder. Any process may post; the controller answers.

    Args:
        states: Database of the states.
    """

    def __init__(self, states: Database) -> None:
        self._states = states

    def post(self, campaign: str, verb: str, arguments: Mapping[str, Any], principal: Principal, date: str) -> int:
        """Ask something of a campaign. Returns the number of the request, which is on the disk then."""
        with self._states.commit():
            key = (principal.name, principal.kind)
            self._states.write("INSERT OR IGNORE INTO principals (name, kind) VALUES (?, ?)", key)
            who = self._states.rows("SELECT id FROM principals WHERE name = ? AND kind = ?", key)[0]["id"]
            return self._states.insert(
                "requests",
                campaign=campaign,
                verb=verb,
                arguments=canonical_json(arguments),
                principal=who,
                date=date,
            )

    def waiting(self, campaign: str) -> list[Request]:
        """Requests that have no answer yet, the oldest first."""
        return self._read("r.campaign = ? AND r.answer IS NULL", campaign)

    def request(self, number: int) -> Request:
        """One request, with its answer."""
        return self._read("r.id = ?", number)[0]

    def answer(self, number: int, answer: str, date: str) -> None:
        """Say what became of a request."""
        self._states.write("UPDATE requests SET answer = ?, answered = ? WHERE id = ?", (answer, date, number))

    def _read(self, where: str, value: object) -> list[Request]:
        rows = self._states.rows(
            f"SELECT r.*, p.name AS person, p.kind FROM requests r JOIN principals p ON p.id = r.principal "  # noqa: S608 (the condition is ours)
            f"WHERE {where} ORDER BY r.id",
            (value,),
        )
        return [
            Request(
                row["id"],
                row["campaign"],
                row["verb"],
                json.loads(row["arguments"]),
                Principal(row["person"], row["kind"]),
                row["answer"],
            )
            for row in rows
        ]
