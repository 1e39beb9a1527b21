"""Requests that take effect once, however often they are sent: by the idempotency key that the caller gives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autolab.core.canonical import content_hash
from autolab.core.clock import Clock
from autolab.core.errors import AutolabError, InputError
from autolab.server.vault import Vault

__all__ = ["ConflictError", "Once"]

KEPT_S = 7 * 86400.0
LONGEST = 100


class ConflictError(InputError):
    """The key stands for something else, or nobody knows what became of it. Nothing was done this time."""


@dataclass(frozen=True, slots=True)
class Once:
    """Keeps which requests were begun and what they answered, on the disk: also a server that was killed knows.

    Args:
        vault: Keeps them.
        clock: Says when they are forgotten, which is a week later.
    """

    vault: Vault
    clock: Clock

    def do(self, account: str, key: str | None, asked: Any, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Do something, or give the answer that was given before.

        Args:
            account: Who asks.
            key: The caller's key for this request; None to do it in any case.
            asked: What is asked, all of it, as JSON.
            act: Does it, and returns the answer as JSON.

        Raises:
            ConflictError: the key stands for another request, or for one that was begun and not finished.
            AutolabError: what ``act`` raises; the request may then be sent again.
        """
        if key is None:
            return act()
        if not 1 <= len(key) <= LONGEST:
            raise InputError(f"Idempotency-Key: 1 to {LONGEST} characters, and not {len(key)}")
        known = self._begin(account, key, content_hash(asked))
        if known is not None:
            return known
        try:
            answer = act()
        except AutolabError:
            self.vault.write("DELETE FROM once WHERE account = ? AND key = ?", (account, key))
            raise
        sql = "UPDATE once SET answer = ? WHERE account = ? AND key = ?"
        self.vault.write(sql, (json.dumps(answer), account, key))
        return answer

    def _begin(self, account: str, key: str, asked: str) -> dict[str, Any] | None:
        now = self.clock.date().timestamp()
        with self.vault.commit():
            self.vault.write("DELETE FROM once WHERE begun < ?", (now - KEPT_S,))
            found = self.vault.rows("SELECT asked, answer FROM once WHERE account = ? AND key = ?", account, key)
            if not found:
                sql = "INSERT INTO once (account, key, asked, begun) VALUES (?, ?, ?, ?)"
                self.vault.write(sql, (account, key, asked, now))
                return None
        if found[0]["asked"] != asked:
            raise ConflictError(
                f"Idempotency-Key {key!r} was used for another request: take a new key for a new request"
            )
        if found[0]["answer"] is None:
            raise ConflictError(
                f"Idempotency-Key {key!r}: this request was begun and its end is not known; look whether it has "
                "happened, and only then send it again with a new key"
            )
        return json.loads(found[0]["answer"])
