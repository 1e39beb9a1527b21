"""A campaign as an object: run it, go on with it, and look at what it found."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autolab.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from autolab.compose.options import RunOptions
    from autolab.config.specs import CampaignSpec
    from autolab.journal.reader import JournalReader
    from autolab.journal.records import CampaignRecord, TrialRecord
    from autolab.notebook.lab import Lab

__all__ = ["Best", "Campaign"]


@dataclass(frozen=True)
class Best:
    """The best recipe that is known."""

    trial: int
    values: Mapping[str, Any]
    metric: str
    mean: float
    """What is expected of it where it is recommended; what it gave while the campaign runs."""
    sem: float | None
    unit: str
    is_recommended: bool
    """Whether the campaign has come to an end or a pause, and recommends it."""
    front: tuple[int, ...]
    """The trials that no other beats in all objectives, where there are several."""
    texts: tuple[tuple[str, str], ...]
    """Each parameter with its value and unit as people write them."""

    def __str__(self) -> str:
        from autolab.report.numbers import estimate_text, with_unit

        recipe = ", ".join(f"{name} {text}" for name, text in self.texts)
        value = with_unit(estimate_text(self.mean, self.sem), self.unit)
        return f"trial {self.trial}: {self.metric} {value} ({recipe})"

    def _repr_html_(self) -> str:
        from autolab.report.inline import table_html
        from autolab.report.numbers import estimate_text, with_unit

        value = with_unit(estimate_text(self.mean, self.sem), self.unit)
        word = "recommended" if self.is_recommended else "best so far"
        return table_html((f"trial {self.trial}, {word}", f"{self.metric} {value}"), self.texts)


class Campaign:
    """A campaign of a lab. Made by `Lab.campaign` and `Lab.recorded`.

    Args:
        lab: The lab.
        file: The campaign file.
        spec: What it says.
        options: How to run it.
        name: Its id, where it has begun.
    """

    def __init__(self, lab: Lab, file: Path, spec: CampaignSpec, options: RunOptions, name: str | None = None) -> None:
        self.lab, self.file, self.spec = lab, file, spec
        self._options = options
        self.id = name
        """Its id in the journal; None before it has begun."""

    def run(self, *, accept_changes: bool = False) -> Best | None:
        """Run it to its end, or go on with it where it was interrupted. Returns the best recipe.

        In a notebook a plot shows meanwhile how it stands. An interrupt (Ctrl-C, or that of the kernel) pauses it
        before its next action, and a second one stops the devices at once; `run` goes on from there.

        Args:
            accept_changes: Go on although the campaign or lab file has changed; the change is recorded.

        Raises:
            InterruptedByPerson: it was paused or stopped, or waits for a person.
            AutolabError: it was refused before anything moved, a device failed for good, or safety stopped it.
        """
        self._go(None, is_one=False, accept_changes=accept_changes)
        return self.best()

    def run_trial(self, *, because: str = "", **values: Any) -> TrialRecord:
        """Run one trial, and pause.

        Args:
            because: Why you hand a trial in; needed with values.
            values: A value for each parameter that is not fixed, with or without its unit (``cyan=20``,
                ``cyan="0.02 mL"``): your own trial, with all the checks of a suggestion. Trials that had been suggested
                before are run first. Without values the next suggestion is run.

        Returns:
            The trial.

        Raises:
            AutolabError: as `run` does; or the trial was not run.
        """
        if values and not because.strip():
            raise InputError("because: say why you hand it in, such as 'the centre point'; it is kept with the trial")
        texts = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()]
        ended = self._go({"values": texts, "because": because} if values else None, is_one=True)
        if ended is None:
            record = self.record()
            raise InputError(f"{record.id} has {record.state} without the trial: {record.reason}")
        with closing(self._reader()) as reader:
            return reader.trials(self._begun(), after=ended - 1, limit=1)[0]

    def best(self) -> Best | None:
        """The recipe that it recommends, or the best as measured while it runs; None without an outcome.

        Raises:
            InputError: it has not begun.
        """
        from autolab.report.facts import Facts
        from autolab.report.numbers import recipe

        record = self.record()
        objective, space, found = record.problem.ranking, record.problem.space, record.recommendation
        with closing(self._reader()) as reader:
            facts = Facts.read(reader, record)
        if found is not None:
            number, values, mean, sem = found.trial, found.values, found.mean, found.sem
        elif facts.best is not None:
            best = facts.best
            number, values = best.trial.number, best.trial.suggestion.values
            mean, sem = best.estimate.value, best.estimate.sem
        else:
            return None
        texts = tuple(recipe(space, dict(values)))
        return Best(
            number, dict(values), objective.metric, mean, sem, objective.unit, found is not None, facts.front, texts
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Its trials, one row each: the columns of ``autolab export``.

        Raises:
            InputError: it has not begun.
        """
        import pandas as pd

        from autolab.report.table import columns_of

        record = self.record()
        with closing(self._reader()) as reader:
            trials = reader.trials(record.id)
        types = {"text": "object", "integer": "Int64", "number": "float64"}
        return pd.DataFrame(
            {
                column.name: pd.Series([column.cell(trial) for trial in trials], dtype=types[column.kind])
                for column in columns_of(record.problem)
            }
        )

    def report(self) -> Path:
        """Write its report, one HTML file. Returns the path.

        Raises:
            InputError: it has not begun.
            StorageError: it cannot be written.
        """
        from autolab.report.page import write_report

        record = self.record()
        with closing(self._reader()) as reader:
            return write_report(reader, record, self.lab.data / "reports" / f"{record.id}.html")

    def record(self) -> CampaignRecord:
        """What the journal has of it: state, reason, realm, seed, files.

        Raises:
            InputError: it has not begun.
        """
        with closing(self._reader()) as reader:
            return reader.campaign(self._begun())

    @property
    def state(self) -> str:
        """``not begun``, or its state in the journal."""
        return "not begun" if self.id is None else self.record().state

    def __repr__(self) -> str:
        return f"<Campaign {self.id or self.spec.name}: {self.state}>"

    def _repr_html_(self) -> str:
        return self.html("")

    def html(self, now: str) -> str:
        """How it stands, as HTML.

        Args:
            now: What runs now.
        """
        from autolab.report.facts import Facts
        from autolab.report.inline import campaign_html, table_html

        if self.id is None:
            parameters = [(p.name, p.unit) for p in self.spec.problem.space.parameters]
            return table_html((self.spec.name, "not begun"), parameters)
        with closing(self._reader()) as reader:
            return campaign_html(Facts.read(reader, reader.campaign(self.id)), now)

    def _go(self, trial: Mapping[str, Any] | None, *, is_one: bool, accept_changes: bool = False) -> int | None:
        """Run it until it ends or the one trial that is wanted has. Returns the number of that trial."""
        from autolab.notebook.showing import view_of

        request = {
            "campaign": self.id,
            "file": str(self.file),
            "one": is_one,
            "trial": trial,
            "accept_changes": accept_changes,
        }
        view = view_of(self)
        with self.lab.controlling(self._options, request) as controller:
            try:
                controller.follow(view.look, view.say)
            finally:
                self.id = controller.campaign or self.id
            view.look(controller, is_last=True)
            ending = controller.ending()
        if ending["state"] == "finished" or ending["one"] is not None:
            return ending["one"]
        advice = "" if ending["state"] == "stopped" else "; 'run' goes on from there"
        from autolab.notebook.controller import error_of

        raise error_of(ending["exit_code"], f"{self.id} has {ending['state']}: {ending['reason']}{advice}")

    def _begun(self) -> str:
        if self.id is None:
            raise InputError(f"{self.spec.name} has not begun: run it first")
        return self.id

    def _reader(self) -> JournalReader:
        from autolab.journal.reader import JournalReader

        self._begun()
        return JournalReader.open(self.lab.data)
