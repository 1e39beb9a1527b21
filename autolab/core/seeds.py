"""Seeds: each random draw comes from a root seed and the identity of what it is drawn for."""

from __future__ import annotations

import hashlib

from autolab.core.canonical import canonical_json

__all__ = ["derive_seed"]


def derive_seed(root: int, *identity: str | int) -> int:
    """Derive a seed from a root seed and an identity, the same on every machine.

    Args:
        root: Seed of the campaign or of the simulator.
        identity: What the draw is for, such as ``("suggest", 12)``. Order matters.

    Returns:
        An integer of 63 bits (it fits SQLite and torch alike).
    """
    digest = hashlib.sha256(canonical_json([root, *identity]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
