"""Writes units to be reviewed: lab files, statements, and journals of so many trials, by the methods of the journal.

Each unit has a data folder of its own. A campaign is one commit, and its end signs a head, so that heads lie about a
thousand entries apart as in a laboratory. The raw documents do not wait for the disk: nobody reviews them, and a trial
would take ten times as long. What is complete is marked, so that an interrupted run goes on with the next unit.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from facility_review.instrument import Instrument, load_instrument
from tests.facility_review.journals import IDENTITY, Bench, Run, lab_text

__all__ = ["AS_OF", "CAMPAIGN", "UnitFiles", "write_units"]

AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
CAMPAIGN = 50
"""Trials of a campaign."""
TRIAL_S = 240.0
EXAMPLES = Path(__file__).parent.parent / "tests" / "facility_review" / "worked_examples.yaml"


@dataclass(frozen=True)
class UnitFiles:
    """One unit on the disk."""

    lab: Path
    data: Path


def write_units(home: Path, units: int, trials: int, *, is_shared: bool = False) -> tuple[UnitFiles, ...]:
    """Write units with so many trials in all, or as many as are missing.

    Args:
        home: A folder for this size alone.
        units: How many.
        trials: Of all of them together; each has the same number.
        is_shared: All labs write to one data folder, and not each to its own; such a folder is complete or made anew.
    """
    instrument = load_instrument()
    if is_shared and not _is_complete(home, trials):
        shutil.rmtree(home, ignore_errors=True)
    found = tuple(
        UnitFiles(
            home / f"unit-{number:02d}" / "lab.yaml", (home if is_shared else home / f"unit-{number:02d}") / "data"
        )
        for number in range(units)
    )
    for number, files in enumerate(found):
        _write_unit(files, number, trials // units, instrument)
    _complete(home, trials)
    return found


def _write_unit(files: UnitFiles, number: int, trials: int, instrument: Instrument) -> None:
    folder = files.lab.parent
    if _is_complete(folder, trials):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = f"bench-{number:02d}"
    files.lab.write_text(lab_text(name), encoding="utf-8")
    (folder / "evidence.yaml").write_text(_statements(instrument, name), encoding="utf-8")
    _write_journal(files.data, name, trials, random.Random(number))
    _complete(folder, trials)


def _is_complete(folder: Path, trials: int) -> bool:
    mark = folder / "complete"
    return mark.is_file() and mark.read_text(encoding="utf-8") == str(trials)


def _complete(folder: Path, trials: int) -> None:
    (folder / "complete").write_text(str(trials), encoding="utf-8")


def _statements(instrument: Instrument, name: str) -> str:
    """What a person states of each criterion of the supervised loop among the worked examples."""
    said = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))["units"]["B"]["input"]["records"]
    entries: list[dict[str, Any]] = []
    for key, answer in said.items():
        if key not in instrument.criteria:
            continue
        entry: dict[str, Any] = {"criterion": key, "class": "attested", "realm": "physical", "by": "Grace Hopper"}
        entry |= {part: answer[part] for part in ("value", "step", "n") if part in answer}
        if "ci" in answer:
            entry["interval"] = [float(bound) for bound in answer["ci"]]
        entries.append(entry | {"date": "2026-11-01", "valid_until": "2027-11-01", "query": "the unit's yearly report"})
    head = yaml.safe_load(IDENTITY.format(name=name))
    return yaml.safe_dump({**head, "evidence": entries}, sort_keys=False)


def _write_journal(folder: Path, lab: str, trials: int, rng: random.Random) -> None:
    begin = AS_OF - timedelta(seconds=2 * TRIAL_S * (trials + CAMPAIGN))
    bench = Bench(folder, lab=lab, start=begin)
    bench.journal.documents.make_durable = lambda: None  # the wait for the disk, see above
    bench.journal.export_heads(None)
    try:
        for number in range(-(-trials // CAMPAIGN)):
            with bench.journal.commit():
                engine = "random" if number % 4 == 3 else "ax"
                run = bench.begin(engine, budget=CAMPAIGN)
                for trial in range(min(CAMPAIGN, trials - number * CAMPAIGN)):
                    _trial(run, engine, trial, rng)
                if number % 10 == 0:
                    run.intervene("refuse")
                run.end()
    finally:
        bench.close()


def _trial(run: Run, engine: str, trial: int, rng: random.Random) -> None:
    """One trial: the loop learns, one in forty fails, and each tells where it was."""
    values = {"cyan": rng.uniform(0.0, 100.0), "time": rng.uniform(1.0, 100.0)}
    learns = engine == "ax" and trial >= 5
    distance = rng.lognormvariate(1.0, 0.4) * (0.93**trial if learns else 1.0)
    run.trial(
        None if rng.random() < 0.025 else distance,
        seconds=TRIAL_S * rng.uniform(0.8, 1.2),
        engine=engine if learns or engine == "random" else "sobol",
        informed=learns,
        values=values,
        sem=0.05,
    )
