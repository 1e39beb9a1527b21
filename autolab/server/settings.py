"""How a server is asked to run, and what all its doors share."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autolab.config.lab import load_lab
from autolab.config.notify import load_notify
from autolab.config.specs import LabSpec
from autolab.core.clock import Clock
from autolab.core.principals import Principal
from autolab.journal.access import note_access
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.server.accounts import Accounts
from autolab.server.bests import Bests
from autolab.server.feed import Feed
from autolab.server.limits import Limiter
from autolab.server.notices import Notices
from autolab.server.notifying import Notifier
from autolab.server.once import Once
from autolab.server.passwords import Passwords
from autolab.server.sessions import Sessions
from autolab.server.stopping import Stopping
from autolab.server.vault import Vault

__all__ = ["Context", "Settings"]

SIGN_INS_PER_S, SIGN_INS_AT_ONCE = 0.1, 10
REQUESTS_PER_S, REQUESTS_AT_ONCE = 20.0, 200


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of ``autolab serve``."""

    lab: Path
    """The lab file. Campaigns are started from the files beside it."""
    data: Path
    host: str = "127.0.0.1"
    port: int = 8420
    certificate: Path | None = None
    key: Path | None = None
    """Private key of the certificate."""
    simulate: bool = False
    """Whether campaigns may only be started on simulators."""
    notify: Path | None = None
    """File that says who is told what waits for a person; None to tell nobody outside the pages."""
    proxy: str | None = None
    """Address of the proxy that says from where a request comes; None to believe no such word."""

    @property
    def is_secure(self) -> bool:
        """Whether it speaks TLS itself."""
        return self.certificate is not None

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secure else 'http'}://{host}:{self.port}"


@dataclass(frozen=True)
class Context:
    """What all doors share. Made once; closed when the server ends."""

    settings: Settings
    clock: Clock
    vault: Vault
    accounts: Accounts
    sessions: Sessions
    once: Once
    feed: Feed
    stopping: Stopping
    bests: Bests
    sign_ins: Limiter
    requests: Limiter
    notices: Notices
    _notifier: list[Notifier] = field(default_factory=list[Notifier])
    _lab: list[tuple[int, LabSpec]] = field(default_factory=list[tuple[int, LabSpec]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, settings: Settings, clock: Clock, passwords: Passwords | None = None) -> Context:
        """Open the accounts and the journal of the data folder, which are made where they are missing.

        Raises:
            InputError: the lab file or the one of notifications is refused.
            StorageError: no room or no right to write.
        """
        load_lab(settings.lab)
        notify = None if settings.notify is None else load_notify(settings.notify)
        vault = Vault(settings.data)
        Journal(settings.data, clock).close()
        accounts = Accounts(vault, clock, passwords or Passwords())
        context = cls(
            settings=settings,
            clock=clock,
            vault=vault,
            accounts=accounts,
            sessions=Sessions(vault, clock, accounts),
            once=Once(vault, clock),
            feed=Feed(settings.data, clock),
            stopping=Stopping(settings.data, clock),
            bests=Bests(),
            sign_ins=Limiter(clock, SIGN_INS_PER_S, SIGN_INS_AT_ONCE),
            requests=Limiter(clock, REQUESTS_PER_S, REQUESTS_AT_ONCE),
            notices=Notices(vault),
        )
        if notify is not None:
            note = functools.partial(context.note, Principal("autolab", "system"))
            context._notifier.append(Notifier(notify, settings.data, context.lab, context.notices, clock, note))
        return context

    def close(self) -> None:
        """Let go of everything. Idempotent."""
        self.feed.close()
        self.stopping.close()
        if self.notifier is not None:
            self.notifier.close()
        self.vault.close()

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.settings.data

    @property
    def notifier(self) -> Notifier | None:
        """Tells people outside the pages; None where nobody is told."""
        return self._notifier[0] if self._notifier else None

    def lab(self) -> LabSpec:
        """The lab file as it is now, read again where it has changed.

        Raises:
            InputError: it is refused.
        """
        try:
            changed = self.settings.lab.stat().st_mtime_ns
        except OSError:
            changed = -1  # whoever reads it says what is wrong
        with self._lock:
            if not self._lab or self._lab[0][0] != changed:
                self._lab[:] = [(changed, load_lab(self.settings.lab))]
            return self._lab[0][1]

    @contextmanager
    def reading(self) -> Iterator[JournalReader]:
        """The journal, to read it."""
        reader = JournalReader.open(self.data)
        try:
            yield reader
        finally:
            reader.close()

    def note(self, by: Principal, what: str, detail: str) -> None:
        """Record what somebody did at the door."""
        with closing(Journal(self.data, self.clock)) as journal:
            note_access(journal, by, what, detail)
