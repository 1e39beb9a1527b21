"""Does a campaign survive ``kill -9``? ``python -m benchmarks.kills --data FOLDER [--page FILE --date DATE]``.

A simulated instrument runs in a process of its own, outside the controller's process group, with its state on the disk.
After the first trial the controller, the instrument or both are killed, or stopped for longer than every timeout, at
random instants and right after each kind of row that the journal gets. Then the campaign is resumed, until it has
ended. The judge (`benchmarks.killjudge`) asks the instrument itself.

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
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.killbatch import KINDS, Kill, run_batch, uninterrupted
from benchmarks.killjudge import Verdict, total
from benchmarks.kills_page import page

__all__ = ["SHARES", "Harness"]

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
        kills: How many kills there are to be.
        seed: Seed of their kinds and instants.
    """

    def __init__(self, data: Path, kills: int, seed: int) -> None:
        self._data, self._kills, self._seed = data, kills, seed
        self._lock, self._stopping = threading.Lock(), threading.Event()
        data.mkdir(parents=True, exist_ok=True)
        self.verdicts = [Verdict.from_json(line) for line in self._lines()]
        self._begun = len(self.verdicts)
        self._left = _planned(kills)
        for verdict in self.verdicts:
            self._left.subtract(verdict.kills)
        self._expected: dict[int, list[Any]] = {}

    def run(self, workers: int, end: float | None = None) -> Verdict:
        """Kill until all kills are done or the time (of `time.monotonic`) is up; returns the verdict on all of them."""
        with ThreadPoolExecutor(1) as pool:
            for seed in range(1, SEEDS + 1):
                self._expected[seed] = pool.submit(self._uninterrupted, seed).result()
        with ThreadPoolExecutor(workers) as pool:
            try:
                for worker in as_completed([pool.submit(self._work, end) for _ in range(workers)]):
                    worker.result()
            except BaseException:
                self._stopping.set()  # the campaigns that have begun are brought to their end
                raise
        return total(self.verdicts)

    def _work(self, end: float | None) -> None:
        while not self._stopping.is_set() and (end is None or time.monotonic() < end):
            with self._lock:
                number, self._begun = self._begun + 1, self._begun + 1
                chance = random.Random(f"{self._seed} {number}")
                kills = _draw(self._left, chance)
                self._left.subtract(map(str, kills))
            if not kills:
                return
            verdict = self._batch(number, kills, chance)
            with self._lock:
                self._left.update(map(str, kills))
                self._left.subtract(verdict.kills)
                self.verdicts.append(verdict)
                with (self._data / VERDICTS).open("a", encoding="utf-8") as file:
                    file.write(f"{verdict.to_json()}\n")

    def _batch(self, number: int, kills: list[Kill], chance: random.Random) -> Verdict:
        folder = self._data / f"campaign-{number:04}"
        if folder.exists():
            shutil.rmtree(folder)
        seed = number % SEEDS + 1
        verdict = run_batch(folder, kills, seed, chance, self._expected[seed])
        if verdict.is_clean:
            shutil.rmtree(folder)
        else:
            folder.rename(self._data / f"faulty-{number:04}-{len(self.verdicts)}")
        print(f"campaign {number}: {verdict.n_kills} kills, {verdict.faults} faults", flush=True)
        return verdict

    def _uninterrupted(self, seed: int) -> list[Any]:
        with tempfile.TemporaryDirectory() as folder:
            return uninterrupted(Path(folder), seed)

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
    verdict = Harness(arguments.data, arguments.kills, arguments.seed).run(arguments.workers, end)
    text = page(verdict, arguments.kills, arguments.date, arguments.note)
    print(text, end="")
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
