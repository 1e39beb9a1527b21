"""The reference page of the doors, written from their table and the roles."""

from __future__ import annotations

from collections.abc import Sequence

from autolab.core.roles import ROLES, Role, Scope
from autolab.server.doors import Door

__all__ = ["reference"]

_HEAD = """# Doors of the server, and who may come in

This page is written from the code by `autolab.server.reference.reference`, and a test compares the two. Another test
knocks at each of these doors as each role.

A role opens a door; what is behind it asks the lab file as the command does: who approves, resets and bypasses stands
there under `people`. An API key carries a part of its owner's scopes, and never more.

## Roles

"""
_DOORS = """
## Doors

*Nobody* asks for no account at all. *An account* is any that is signed in. Each `POST`, `PUT` and `DELETE` of the API
takes an `Idempotency-Key` where it starts or changes something of a campaign. What each takes and answers is described
in `/api/v1/openapi.json`; every error is a problem-details body (RFC 9457).

"""


def reference(doors: Sequence[Door]) -> str:
    """The page as Markdown.

    Args:
        doors: All doors, in the order of the page.
    """
    rows = [f"| scope | {' | '.join(Role)} |", f"|---|{'---|' * len(Role)}"]
    rows += [f"| `{scope}` | {' | '.join('yes' if scope in ROLES[role] else '' for role in Role)} |" for scope in Scope]
    lines = ["| door | asks for | does |", "|---|---|---|"]
    lines += [f"| `{door.method} {door.path}` | {_asks(door)} | {door.summary} |" for door in doors]
    return _HEAD + "\n".join(rows) + "\n" + _DOORS + "\n".join(lines) + "\n"


def _asks(door: Door) -> str:
    if isinstance(door.asks, Scope):
        return f"`{door.asks}`"
    return {"nothing": "nobody", "nothing at all": "nobody, and no limit of rate", "an account": "an account"}[
        door.asks
    ]
