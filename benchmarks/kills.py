"""Does a campaign survive ``kill -9``? ``python -m benchmarks.kills --data FOLDER [--page FILE --date DATE]``.

The simulated devices of a lab run in processes of their own, outside the controller's process group, with their state
on the disk. After the first trial has begun the controller, a device or both are killed, or stopped for longer than
every timeout, at random instants and right after each kind of row that the journal gets. Then the campaign is resumed,
until it has ended. The judge (`benchmarks.killjudge`) asks the devices themselves. One kill in five is done on the
colour bench with its four devices, the others on the replay lab with its one.

Campaigns are independent of each other; what is found of each is kept in the data folder, so that a run that was
interrupted goes on.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.killbatch import KINDS, Kill, run_batch, uninterrupted
from benchmarks.killcolour import COLOUR
from benchmarks.killjudge import Verdict, total
from benchmarks.killlab import KillLab
from benchmarks.killreplay import REPLAY
from benchmarks.kills_page import page

__all__ = ["SHARES", "Harness"]

LABS = {lab.name: lab for lab in (REPLAY, COLOUR)}
COLOUR_SHARE = 0.2
"""Share of the kills that are done on the colour bench."""

SHARES = {"controller": 0.6, "simulator": 0.2, "both": 0.1, "stop": 0.1}
"""Share of each kind of kill."""
PER_CAMPAIGN = 12
"""Kills that are planned for a campaign; what is left when it has ended goes to another one."""
SEEDS = 4
"""Different seeds of campaigns."""
VERDICTS = "verdicts.jsonl"


class Harness:
    """Runs campaigns and kills them, several at a time.

    Args:
        data: Keeps the verdicts, and what was found of a campaign that is not clean.
        kills: How many kills there are to be, by lab.
        seed: Seed of their kinds and instants.
    """

    def __init__(self, data: Path, kills: Mapping[str, int], seed: int) -> None:
        self._data, self._seed = data, seed
        self._lock, self._stopping = threading.Lock(), threading.Event()
        data.mkdir(parents=True, exist_ok=True)
        self.verdicts = [Verdict.from_json(line) for line in self._lines()]
        self._begun = len(self.verdicts)
        self._left = {lab: _planned(n) for lab, n in kills.items()}
        for verdict in self.verdicts:
            self._left[verdict.lab].subtract(verdict.kills)
        self._expecting = threading.Lock()
        self._expected: dict[tuple[str, int], list[Any]] = {}

    def run(self, workers: int, end: float | None = None) -> list[Verdict]:
        """Kill until all kills are done or the time (of `time.monotonic`) is up; returns the verdict on each lab."""
        with ThreadPoolExecutor(workers) as pool:
            try:
                for worker in as_completed([pool.submit(self._work, end) for _ in range(workers)]):
                    worker.result()
            except BaseException:
                self._stopping.set()  # the campaigns that have begun are brought to their end
                raise
        return [total((v for v in self.verdicts if v.lab == lab), lab) for lab in self._left]

    def _work(self, end: float | None) -> None:
        while not self._stopping.is_set() and (end is None or time.monotonic() < end):
            with self._lock:
                number, self._begun = self._begun + 1, self._begun + 1
                chance = random.Random(f"{self._seed} {number}")
                labs = list(self._left)
                lab = chance.choices(labs, [max(left.total(), 0) + 1e-9 for left in self._left.values()])[0]
                kills = _draw(self._left[lab], chance)
                self._left[lab].subtract(map(str, kills))
            if not kills:
                return
            verdict = self._batch(LABS[lab], number, kills, chance)
            with self._lock:
                self._left[lab].update(map(str, kills))
                self._left[lab].subtract(verdict.kills)
                self.verdicts.append(verdict)
                with (self._data / VERDICTS).open("a", encoding="utf-8") as file:
                    file.write(f"{verdict.to_json()}\n")

    def _batch(self, lab: KillLab, number: int, kills: list[Kill], chance: random.Random) -> Verdict:
        folder = self._data / f"campaign-{number:04}"
        if folder.exists():
            shutil.rmtree(folder)
        seed = number % SEEDS + 1
        verdict = run_batch(lab, folder, kills, seed, chance, self._uninterrupted(lab, seed))
        if verdict.is_clean:
            shutil.rmtree(folder)
        else:
            folder.rename(self._data / f"faulty-{number:04}-{len(self.verdicts)}")
        print(f"campaign {number} ({lab.name}): {verdict.n_kills} kills, {verdict.faults} faults", flush=True)
        return verdict

    def _uninterrupted(self, lab: KillLab, seed: int) -> list[Any]:
        """The trials that a campaign of this seed has when nobody interrupts it; each is run once."""
        with self._expecting, tempfile.TemporaryDirectory() as folder:
            if (lab.name, seed) not in self._expected:
                self._expected[lab.name, seed] = uninterrupted(lab, Path(folder), seed)
            return self._expected[lab.name, seed]

    def _lines(self) -> list[str]:
        file = self._data / VERDICTS
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _planned(kills: int) -> Counter[str]:
    """How many kills of each kind there are to be, half of them at a transition."""
    planned: Counter[str] = Counter()
    for kind in KINDS:
        n = round(kills * SHARES[kind])
        planned[str(Kill(kind, at_transition=True))] = n // 2
        planned[str(Kill(kind, at_transition=False))] = n - n // 2
    return planned


def _draw(left: Counter[str], chance: random.Random) -> list[Kill]:
    """Kills for one campaign, drawn from what is left."""
    kills = [
        Kill(kind, at_transition)
        for kind in KINDS
        for at_transition in (True, False)
        for _ in range(left[str(Kill(kind, at_transition))])
    ]
    return chance.sample(kills, min(PER_CAMPAIGN, len(kills)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--minutes", type=float, help="begin no further campaign after so many minutes")
    parser.add_argument("--data", type=Path, required=True, help="keeps what was found; go on with the same folder")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="undated")
    parser.add_argument("--note", default="", help="what else the page says of this run")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    end = None if arguments.minutes is None else time.monotonic() + 60.0 * arguments.minutes
    on_colour = round(COLOUR_SHARE * arguments.kills)
    kills = {REPLAY.name: arguments.kills - on_colour, COLOUR.name: on_colour}
    verdicts = Harness(arguments.data, kills, arguments.seed).run(arguments.workers, end)
    text = page(list(zip(LABS.values(), verdicts, strict=True)), arguments.kills, arguments.date, arguments.note)
    print(text, end="")
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
