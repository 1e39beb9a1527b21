"""What people are told outside the pages: what waits for a person, and what became of each message about it.

It is kept beside the accounts, on the disk: also a server that was killed knows what it has still to send. A message is
sent at least once, and always with the same id, by which a receiver knows it again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from autolab.core.canonical import content_hash
from autolab.server.vault import Vault

__all__ = ["Delivery", "Notice", "Notices"]

FIRST_RETRY_S, LONGEST_RETRY_S = 10.0, 3600.0
GIVEN_UP_S = 86400.0
KEPT_S = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that waits for a person."""

    kind: str
    """As `autolab.config.notify.KINDS` has them, or ``test``."""
    lab: str
    text: str
    campaign: str | None = None
    trial: int | None = None
    since: str | None = None
    """When it began to wait, as the journal has it."""
    mark: str = ""
    """What tells it from another one of the same words, such as the id of an operation."""

    @property
    def key(self) -> str:
        """The same as long as the same thing waits."""
        return content_hash(asdict(self))

    @property
    def page(self) -> str:
        """Path of the page on which it is seen to."""
        return {"bypass": "/safety", "alarm": "/safety", "test": "/requests"}.get(self.kind, "/requests")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel."""

    id: str
    """The same for all channels and all tries."""
    channel: str
    notice: Notice
    made: float
    """Seconds since 1970, as all times here."""
    sent: float | None
    tries: int
    error: str | None
    """Why the last try failed."""
    is_given_up: bool


class Notices:
    """Keeps what waits and what was told about it.

    Args:
        vault: Keeps it.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def see(
        self, waiting: Sequence[Notice], channels: Iterable[tuple[str, frozenset[str]]], now: float, after_s: float
    ) -> None:
        """Take note of what waits now. What has waited long enough is to be told, once for each time that it waits.

        Args:
            waiting: All that waits.
            channels: Name of each, with the kinds that it is told.
            now: Seconds since 1970.
            after_s: Seconds for which something must have waited.
        """
        found, known = {each.key: each for each in waiting}, tuple(channels)
        with self._vault.commit():
            for row in self._vault.rows("SELECT key FROM waits"):
                if row["key"] not in found:
                    self._vault.write("DELETE FROM waits WHERE key = ?", (row["key"],))
            for key in found:
                sql = "INSERT OR IGNORE INTO waits (key, id, since) VALUES (?, ?, ?)"
                self._vault.write(sql, (key, secrets.token_hex(12), now))
            sql = "UPDATE waits SET is_told = 1 WHERE is_told = 0 AND since <= ? RETURNING key, id"
            for row in self._vault.rows(sql, now - after_s):
                self._add(row["id"], found[row["key"]], known, now)

    def test(self, lab: str, by: str, channels: Iterable[str], now: float) -> str:
        """Have a message sent to every channel that says no more than that it arrives. Returns its id."""
        number = secrets.token_hex(12)
        notice = Notice("test", lab, f"{by} has asked for a test message: nothing waits", mark=number)
        with self._vault.commit():
            self._add(number, notice, [(channel, frozenset({"test"})) for channel in channels], now)
        return number

    def _add(self, number: str, notice: Notice, channels: Iterable[tuple[str, frozenset[str]]], now: float) -> None:
        for channel, kinds in channels:
            if notice.kind in kinds:
                self._vault.write(
                    "INSERT INTO notices (id, channel, told, made, due) VALUES (?, ?, ?, ?, ?)",
                    (number, channel, json.dumps(asdict(notice)), now, now),
                )
        self._vault.write("DELETE FROM notices WHERE made < ?", (now - KEPT_S,))

    def due(self, channel: str, now: float) -> list[Delivery]:
        """Messages that a channel is to be sent now, the oldest first."""
        return self._of("sent IS NULL AND is_given_up = 0 AND channel = ? AND due <= ? ORDER BY made", channel, now)

    def newest(self, limit: int) -> list[Delivery]:
        """The newest messages, whatever became of them, the newest first."""
        return self._of("1 ORDER BY made DESC, channel LIMIT ?", limit)

    def n_failing(self) -> int:
        """Messages of which the last try has failed."""
        return self._vault.rows("SELECT COUNT(*) AS n FROM notices WHERE sent IS NULL AND error IS NOT NULL")[0]["n"]

    def was_sent(self, one: Delivery, now: float) -> None:
        """A channel has taken a message."""
        sql = "UPDATE notices SET sent = ?, error = NULL, tries = tries + 1 WHERE id = ? AND channel = ?"
        self._vault.write(sql, (now, one.id, one.channel))

    def has_failed(self, one: Delivery, error: str, now: float) -> bool:
        """A channel has not taken a message. It is tried again, ever more rarely; returns whether it is given up."""
        wait_s = min(FIRST_RETRY_S * 2**one.tries, LONGEST_RETRY_S)
        is_over = now + wait_s > one.made + GIVEN_UP_S
        sql = "UPDATE notices SET error = ?, tries = tries + 1, due = ?, is_given_up = ? WHERE id = ? AND channel = ?"
        self._vault.write(sql, (error, now + wait_s, int(is_over), one.id, one.channel))
        return is_over

    def _of(self, where: str, *values: object) -> list[Delivery]:
        rows = self._vault.rows(f"SELECT * FROM notices WHERE {where}", *values)  # noqa: S608 (our own text)
        return [
            Delivery(
                row["id"], row["channel"], Notice(**json.loads(row["told"])), row["made"], row["sent"], row["tries"],
                row["error"], bool(row["is_given_up"]),
            )
            for row in rows
        ]  # fmt: skip
