"""A lab as an object: its file, read and checked, and how campaigns are run in it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from autolab.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autolab.compose.options import RunOptions
    from autolab.config.specs import LabSpec
    from autolab.notebook.campaign import Campaign
    from autolab.notebook.controller import Controller

__all__ = ["Lab"]

WRITTEN = "campaigns"
"""Folder of the campaign files that are written, in the data folder."""


class Lab:
    """A lab in which campaigns are run. Make it with `Lab.open`.

    Campaigns run in a controller of their own process, as ``autolab run`` is one: with the same checks, the same
    journal, and the same people. Where this process ends, its campaigns are paused.
    """

    def __init__(self, path: Path, spec: LabSpec, options: RunOptions, person: str | None) -> None:
        self.path = path
        self.spec = spec
        self._options = options
        self._person = person
        self._controller: Controller | None = None
        self._is_open = True
        atexit.register(self.close)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        simulate: bool | Sequence[str] = False,
        virtual: bool = False,
        time_factor: float = 1.0,
        data: str | Path | None = None,
        person: str | None = None,
    ) -> Lab:
        """Open a lab: its file is read and checked. Nothing is started and nothing moves before a campaign runs.

        Args:
            path: The lab file.
            simulate: True to start a simulator for each device, or the names of those that are simulated beside
                hardware.
            virtual: Use the virtual clock: simulators in memory, no waiting.
            time_factor: Lab seconds that pass in one real second, where all devices are simulated.
            data: The data folder; None for that of ``AUTOLAB_DATA``, or ``autolab-data``.
            person: Who runs campaigns, as the lab file names them; None for the account.

        Raises:
            InputError: the file is refused, options exclude each other, or a device to simulate is none of the lab.
        """
        from autolab.compose.benches import check_simulators, part_of
        from autolab.compose.options import RunOptions
        from autolab.config.lab import load_lab

        file = Path(path)
        spec = load_lab(file)
        only = () if isinstance(simulate, bool) else tuple(dict.fromkeys(simulate))
        if only:
            check_simulators(part_of(spec, only))
        elif simulate:
            check_simulators(spec)
        folder = Path(data or os.environ.get("AUTOLAB_DATA") or "autolab-data").absolute()
        options = RunOptions(folder, bool(simulate), only, virtual, time_factor)
        return cls(file.absolute(), spec, options, person)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._options.data

    def campaign(self, source: str | Path | Mapping[str, Any], **options: Any) -> Campaign:
        """A campaign that has not begun.

        Args:
            source: The campaign file, or what would stand in it; ``lab`` may be left out of it then.
            options: ``trials``, ``seed``, ``engine`` and ``lanes``, instead of the file's.

        Raises:
            InputError: the file is refused, or names another lab; there is no such option.
        """
        from dataclasses import replace

        from autolab.config.campaign import load_campaign
        from autolab.notebook.campaign import Campaign

        if unknown := options.keys() - {"trials", "seed", "engine", "lanes"}:
            raise InputError(f"{', '.join(sorted(unknown))}: no such option; there are trials, seed, engine and lanes")
        file = self._written(source) if isinstance(source, Mapping) else Path(source).absolute()
        spec = load_campaign(file)
        if spec.lab.resolve() != self.path.resolve():
            raise InputError(f"{file}: it is for the lab of {spec.lab}, and this is {self.path}: open that one")
        return Campaign(self, file, spec, replace(self._options, **options))

    def recorded(self, name: str | None = None) -> Campaign:
        """A campaign of the data folder that has begun, in whatever way it was.

        Args:
            name: Its id, or the beginning of it; None for the newest.

        Raises:
            InputError: there is none, or it is of another lab.
        """
        from autolab.config.campaign import load_campaign
        from autolab.journal.reader import JournalReader
        from autolab.notebook.campaign import Campaign

        with closing(JournalReader.open(self.data)) as reader:
            record = reader.campaign(name)
        if record.lab != self.spec.name:
            raise InputError(f"{record.id} is a campaign of {record.lab}, and this is {self.spec.name}")
        file = Path(record.options["file"])
        return Campaign(self, file, load_campaign(file), self._options, record.id)

    def close(self) -> None:
        """End what runs, and start nothing more. Idempotent."""
        self._is_open = False
        atexit.unregister(self.close)
        if self._controller is not None:
            self._controller.close()

    @contextmanager
    def controlling(self, options: RunOptions, request: Mapping[str, Any]) -> Iterator[Controller]:
        """A controller that runs a campaign until the block ends.

        Raises:
            InputError: the lab is closed, or runs a campaign.
            StorageError: no right to write to the data folder.
        """
        from autolab.notebook.controller import Controller

        if not self._is_open:
            raise InputError(f"{self.spec.name} is closed: open it again with Lab.open")
        if self._controller is not None:
            raise InputError(f"{self.spec.name} runs a campaign: wait for it, or interrupt it")
        wanted = {**asdict(options), "data": str(options.data)}
        try:
            with Controller({**request, "options": wanted, "person": self._person}, options.data) as controller:
                self._controller = controller
                yield controller
        finally:
            self._controller = None

    def _written(self, facts: Mapping[str, Any]) -> Path:
        """The file of a campaign that was given as a mapping: the same text is the same file.

        Raises:
            InputError: it holds what no file can.
            StorageError: no right to write to the data folder.
        """
        from autolab.notebook.writing import write_campaign

        return write_campaign({"lab": str(self.path), **facts}, self.data / WRITTEN)

    def __repr__(self) -> str:
        return f"<Lab {self.spec.name}: {', '.join(f'{name} {realm}' for name, realm in self._realms())}>"

    def _repr_html_(self) -> str:
        from autolab.report.inline import table_html

        rows = [(name, self.spec.devices[name].class_name, realm) for name, realm in self._realms()]
        title = f"{self.spec.name} ({self.spec.laboratory})"
        return table_html((title, "class", "is"), rows)

    def _realms(self) -> list[tuple[str, str]]:
        options = self._options
        simulated = (options.only or self.spec.devices) if options.simulate else ()
        return [(name, "simulated" if name in simulated else "as addressed") for name in self.spec.devices]
