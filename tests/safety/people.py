"""A lab with people, their keys, and proposals for them to decide on."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from autolab.core.approvals import Proposal
from autolab.core.authority import Authority, Person, Right, Signed, public_text, sign
from autolab.core.principals import Principal
from safety.permits import statement_for

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RIGHTS: dict[str, frozenset[Right]] = {
    "ada": frozenset({"approve"}),
    "bob": frozenset({"approve"}),
    "carol": frozenset({"approve"}),
    "dave": frozenset({"reset"}),
}
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, name in enumerate([*RIGHTS, "mallory"], 1)
}
LAB = Authority({name: Person(name, public_text(KEYS[name]), may) for name, may in RIGHTS.items()})
ADA = Principal("ada", "person")
_NONCES = itertools.count()


def proposal(trial: int = 7, persons: int = 1, **more: object) -> Proposal:
    facts = {
        "campaign": "soft-1", "trial": trial, "attempt": 1, "parameters": {"x": (0.5, "mL")},
        "plan": "plans.soft.pour", "plan_hash": "p", "envelope": "e", "lab": "m", "persons": persons,
        "reasons": ("pump.amount = 0.5: outside the proven region",),
    }  # fmt: skip
    return Proposal(**{**facts, **more})  # pyright: ignore[reportArgumentType]


def approval(
    of: Proposal, by: str = "bob", *, key: str | None = None, now: datetime = NOW, lasts_s: float = 1800.0
) -> Signed:
    """What somebody signs to approve a proposal; with the key of another one where that is asked for."""
    return sign(statement_for(of, now, lasts_s, f"n{next(_NONCES)}"), by, KEYS[key or by])
