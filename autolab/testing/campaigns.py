"""Simulated labs and campaigns on them, for tests: in memory under the virtual clock, or over sockets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autolab.campaign.events import CampaignResult
from autolab.campaign.lab import OpenLab
from autolab.compose import benches
from autolab.compose.names import Names
from autolab.compose.opening import open_lab, reach_channel_access
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.config.lab import load_lab
from autolab.core.canonical import plain
from autolab.core.clock import ScaledClock, VirtualClock
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord
from autolab.report.facts import Facts

__all__ = ["Ran", "Where", "run", "simulated_lab"]

Where = Literal["memory", "sockets"]
"""Simulators in memory on the virtual clock, or in processes behind their real protocols."""
FACTOR = 100.0
"""Lab seconds per real second over sockets, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A campaign that has run, as its journal has it."""

    result: CampaignResult
    record: CampaignRecord
    trials: tuple[TrialRecord, ...]
    best: TrialRecord | None
    """The best measured trial; None where there is none, or where objectives compete."""
    data: Path
    """Its data folder."""

    def outcomes(self, metric: str) -> list[float]:
        """The values of a metric, of the trials that have one, in their order."""
        return [trial.outcome[metric].value for trial in self.trials if trial.outcome and metric in trial.outcome]

    @property
    def properties(self) -> Mapping[str, object]:
        """What a test report should say of it."""
        best = None if self.best is None else self.best.number
        about = {"campaign": self.record.id, "state": self.result.state, "reason": self.result.reason}
        return {**about, "seed": self.record.seed, "trials": self.result.trials, "best_trial": best}

    @property
    def golden(self) -> Mapping[str, Any]:
        """What must be the same each time: no dates, ids, versions or times of the machine."""
        recommendation = self.record.recommendation
        return {
            "name": self.record.name,
            "lab": self.record.lab,
            "seed": self.record.seed,
            "engine": self.record.engine.name,
            "state": self.result.state,
            "reason": self.result.reason,
            "trials": {
                str(trial.number): {
                    "state": str(trial.state),
                    "engine": trial.suggestion.engine,
                    "values": plain(trial.suggestion.values),
                    "outcome": plain(trial.outcome),
                    "failure": trial.failure,
                }
                for trial in self.trials
            },
            "recommended": None if recommendation is None else plain(recommendation.values),
        }


def run(
    file: Path,
    data: Path,
    *,
    over: Where = "memory",
    trials: int | None = None,
    seed: int | None = 1,
    engine: str | None = None,
    time_factor: float = FACTOR,
    **more: Any,
) -> Ran:
    """Run a campaign on simulators, to its end.

    Args:
        file: The campaign file.
        data: The data folder, for its journal.
        over: Where the simulators are.
        trials: Number of trials, instead of the file's.
        seed: Seed; None for the file's. In memory the same one gives the same campaign.
        engine: Engine, instead of the file's.
        time_factor: Lab seconds per real second, over sockets.
        more: Other arguments of `autolab.compose.running.run_campaign`, such as ``observers``.

    Raises:
        AutolabError: it is refused, or cannot be run.
    """
    factor = 1.0 if over == "memory" else time_factor
    options = RunOptions(
        data, simulate=True, virtual=over == "memory", time_factor=factor, trials=trials, seed=seed, engine=engine
    )
    result = run_campaign(file, options, **more)
    reader = JournalReader.open(data)
    try:
        record = reader.campaign(result.campaign)
        best = Facts.read(reader, record).best
        found = tuple(reader.trials(record.id))
    finally:
        reader.close()
    return Ran(result, record, found, None if best is None else best.trial, data)


@contextmanager
def simulated_lab(
    file: Path, folder: Path, over: Where = "memory", *, seed: int = 1, time_factor: float = FACTOR
) -> Iterator[OpenLab]:
    """A lab with its devices connected to simulators, until the block ends.

    Args:
        file: The lab file.
        folder: Where simulators in processes keep their state.
        over: Where the simulators are.
        seed: Seed of their noise.
        time_factor: Lab seconds per real second, over sockets.

    Raises:
        AutolabError: the lab is refused, or a device does not answer.
    """
    lab = load_lab(file)
    names = Names(lab.source, lab.packages, file.parent)
    if over == "memory":
        clock = VirtualClock()
        with open_lab(lab, names, benches.in_memory(lab, names, clock, seed), clock) as opened:
            yield opened
        return
    ports = benches.free_ca_ports(lab)
    reach_channel_access(tuple(ports.values()))
    with (
        benches.in_processes(lab, folder, seed, time_factor, ports) as bench,
        open_lab(lab, names, bench, ScaledClock(bench.factor)) as opened,
    ):
        yield opened
