"""What all parts of the journal share: the clock, the databases, the lease, and who did something."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from autolab.core.clock import Clock
from autolab.core.errors import StorageError
from autolab.core.principals import Principal
from autolab.journal.database import Database
from autolab.journal.headwriter import HeadWriter

__all__ = ["DOCUMENTS_FILE", "STATES_FILE", "Scribe"]

STATES_FILE = "journal.sqlite"
DOCUMENTS_FILE = "documents.sqlite"


class Scribe:
    """Writes rows with their lab time, date and principal, under a lease.

    Args:
        folder: The data folder, which must exist; None keeps all of it in memory.
        clock: Says the date and the lab time of each row.

    Raises:
        StorageError: no room or no right to write, a damaged journal, or one of a newer version.
    """

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._clock = clock
        self.folder = folder
        """The data folder; None in memory."""
        self._origin_s = 0.0
        self._epoch = 0
        self.states = Database(folder and folder / STATES_FILE, "states", stopwatch=clock.real, date=self.date)
        try:
            self.documents = Database(folder and folder / DOCUMENTS_FILE, "documents", stopwatch=clock.real)
        except StorageError:
            self.states.close()
            raise
        self._heads = None if folder is None else HeadWriter(folder, self.states, self.date)

    @property
    def commit_seconds(self) -> float:
        """Real seconds spent in commits so far."""
        return self.states.commit_seconds + self.documents.commit_seconds

    def commit(self) -> AbstractContextManager[None]:
        """Group what is written inside into one commit.

        Raises:
            StorageError: another controller has taken over the lab.
        """
        # While the group is open nobody else can write, nor take the lab over.
        return self.states.commit(self._refuse_if_fenced if self._epoch else None)

    def export_heads(self, place: Path | None) -> None:
        """Sign heads of the log from here on, and export them to a second place where one is named.

        Raises:
            InputError: the place is in the data folder.
            StorageError: the key or the place cannot be read or written.
        """
        if self._heads is not None:
            self._heads.begin(place)

    def close(self) -> None:
        """Sign the last head and close both databases. Idempotent."""
        if self._heads is not None:
            self._heads.close()
            self._heads = None
        self.states.close()
        self.documents.close()

    def take_lease(self, holder: str) -> int:
        """Become the controller. Actions are intended under this lease only while there is no newer one.

        Args:
            holder: Who this is, such as the process and machine, for whoever is refused.

        Returns:
            The fencing number of the lease.
        """
        self._epoch = self.states.insert("leases", holder=holder, begun=self.date())
        return self._epoch

    def count_from(self, lab_s: float) -> None:
        """Count lab time on from where a campaign was."""
        self._origin_s = self._clock.now() - lab_s

    def count_on(self, campaign: str) -> None:
        """Count lab time on from the last record of a campaign's trials."""
        last = self.states.rows(
            "SELECT MAX(json_extract(history, '$[#-1][1]')) AS lab_s FROM trials WHERE campaign = ?", (campaign,)
        )
        self.count_from(last[0]["lab_s"] or 0.0)

    def lab_s(self) -> float:
        """Lab seconds since the campaign started."""
        return round(self._clock.now() - self._origin_s, 6)

    def _refuse_if_fenced(self) -> None:
        newest = self.states.rows("SELECT epoch, holder FROM leases ORDER BY epoch DESC LIMIT 1")
        if newest and newest[0]["epoch"] != self._epoch:
            raise StorageError(
                f"another controller ({newest[0]['holder']}) has taken over this lab: nothing more is done here"
            )

    def principal(self, principal: Principal) -> int:
        """Number of a principal's row, which is made where there is none."""
        key = (principal.name, principal.kind)
        query = "SELECT id FROM principals WHERE name = ? AND kind = ?"
        known = self.states.rows(query, key)
        if not known:
            self.states.write("INSERT OR IGNORE INTO principals (name, kind) VALUES (?, ?)", key)
            known = self.states.rows(query, key)
        return known[0]["id"]

    def date(self) -> str:
        """The date and time of a record."""
        return self._clock.date().isoformat(timespec="milliseconds")
