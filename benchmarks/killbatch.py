"""One campaign of the kill harness: it is killed again and again, brought to its end, and judged."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autolab.journal.reader import JournalReader
from benchmarks.killbench import LOOK_S, Controller, Watch
from benchmarks.killjudge import Verdict, judge
from benchmarks.killlab import KillLab, Simulators, simulators_for

__all__ = ["KINDS", "STOPPED_S", "Kill", "Kind", "run_batch", "uninterrupted"]

Kind = Literal["controller", "simulator", "both", "stop"]
KINDS: tuple[Kind, ...] = ("controller", "simulator", "both", "stop")
STARTING_S = 2.0
"""One in six comes at most so many seconds after a controller was started, whatever it is at."""
STOPPED_S = 13.0
"""Longer than every timeout: 10 s to connect, 5 s beyond the time of an action, three times 1 s for a reply."""
PATIENCE_S = 90.0
PLAIN = {key: value for key, value in os.environ.items() if not key.startswith("EPICS_")}
"""Our environment as it was at first: `benchmarks.warm` changes it for an instant whenever it starts a command."""
ONCE = (("leases", None), ("interventions", None))
"""What a controller writes when it takes over and when it resumes, as (table, state)."""
TRANSITIONS = (
    ("trials", "suggested"), ("trials", "screened"), ("trials", "running"), ("trials", "acquired"),
    ("trials", "ingested"), ("intents", "intended"), ("intents", "done"), ("runs", None), ("permits", None),
)  # fmt: skip
"""Rows of the journal, as (table, state), after which a kill may come at once."""


@dataclass(frozen=True)
class Kill:
    """A kill that is to be."""

    kind: Kind
    at_transition: bool

    def __str__(self) -> str:
        return f"{self.kind}, {'at a transition' if self.at_transition else 'at a random instant'}"


def run_batch(
    lab: KillLab, data: Path, kills: Sequence[Kill], seed: int, chance: random.Random, expected: list[tuple[Any, Any]]
) -> Verdict:
    """Run a campaign in a new data folder, do to it what ``kills`` says as long as it lasts, and judge."""
    data.mkdir(parents=True)
    campaign = lab.write(data)
    with simulators_for(lab, data, seed) as simulators:
        batch = _Batch(lab, data, campaign, seed, chance, simulators)
        try:
            batch.run(kills)
        finally:
            batch.close()
        simulators.start()
        return judge(lab, data, simulators, batch.doubted, expected, batch.done, batch.fenced)


class _Batch:
    def __init__(
        self, lab: KillLab, data: Path, campaign: Path, seed: int, chance: random.Random, simulators: Simulators
    ) -> None:
        self._lab, self._data, self._file, self._seed, self._chance = lab, data, campaign, seed, chance
        self._simulators = simulators
        self._environment = _environment(lab, data)
        self._watch = Watch(data)
        self._controller: Controller | None = None
        self.done: Counter[str] = Counter()
        self._is_fresh = False
        self.doubted: set[tuple[str, int]] = set()
        self.fenced = 0

    def run(self, kills: Sequence[Kill]) -> None:
        left = list(kills)
        while not self._is_over():
            if self._controller is None:
                self._begin()
            if not left:
                self._to_its_end()
            elif self._wait_for_instant(left[0]):
                kill = left.pop(0)
                self._strike(kill)
                self.done[str(kill)] += 1

    def close(self) -> None:
        self._watch.close()
        if self._controller is not None:
            self._controller.signal(signal.SIGCONT)
            self._controller.kill(alone=False)
        shutil.rmtree(self._environment["TMPDIR"], ignore_errors=True)

    # controllers

    def _begin(self) -> None:
        """Start a controller: the campaign's first one, or one that resumes it."""
        self._watch.skip()
        self._controller = Controller(self._words(), self._environment)
        if not self._campaign():
            self._wait_for(lambda entries: ("trials", "running") in entries)  # kills only after the first trial
            self._watch.skip()
        else:
            self._is_fresh = True

    def _words(self) -> tuple[object, ...]:
        if self._campaign():
            return ("resume", self._campaign()[0], "--data", self._data)
        return (
            "run", self._file, "--simulate", "--engine", "random", "--trials", self._lab.trials, "--seed", self._seed,
            "--data", self._data,
        )  # fmt: skip

    def _to_its_end(self) -> None:
        """Let the controller run until it ends by itself."""
        if self._controller is not None:
            code, said = self._controller.end(PATIENCE_S)
            self._controller = None
            self._take_end(code, said)

    def _take_end(self, code: int, said: str) -> None:
        """What a technician does when a controller has ended by itself: look, settle what only a person can, go on."""
        if code == 5:
            self._settle_as_a_person()
        elif code == 6 and "has taken over" in said:  # by one that was stopped before it had its lease
            self.fenced += 1
        elif code not in (0, 4):
            raise RuntimeError(f"{self._data}: a controller ended with {code}:\n{said}")

    def _settle_as_a_person(self) -> None:
        self._simulators.start()
        for operation, device in self._intended():
            flag, state = self._as_a_person_sees(device, operation)
            words = ("settle", operation, flag, "--because", f"its own record says {state}", "--data", self._data)
            Controller(words, self._environment).end(PATIENCE_S)

    def _as_a_person_sees(self, device: str, operation: str) -> tuple[str, str]:
        """What a person says of an action, and what the device said to that; one that still runs is waited for."""
        while (state := self._lab.ask(self._simulators, device, operation)) == "running":
            time.sleep(0.1)
        return {"done": "--done", "failed": "--partly", "unknown": "--not-done"}[state], state

    # instants

    def _wait_for_instant(self, kill: Kill) -> bool:
        """Wait for the instant of a kill; False where the controller has ended before."""
        is_fresh, self._is_fresh = self._is_fresh, False
        if kill.at_transition:
            table, state = self._chance.choice((*ONCE, *TRANSITIONS) if is_fresh else TRANSITIONS)
            return self._wait_for(lambda entries: any(t == table and state in (None, s) for t, s in entries))
        longest = self._lab.longest_s
        if is_fresh and self._chance.random() < 1 / 6:
            longest = STARTING_S
        elif is_fresh and not self._wait_for(lambda entries: any(table == "leases" for table, _ in entries)):
            return False
        end = time.monotonic() + self._chance.uniform(0.0, longest)
        return self._wait_for(lambda _: time.monotonic() >= end)

    def _wait_for(self, is_there: Callable[[list[tuple[str, str | None]]], bool]) -> bool:
        """Look at the journal until something is there; False, and the controller's end taken, where it ends before."""
        controller, deadline, looks = self._controller, time.monotonic() + PATIENCE_S, 0
        while controller is not None and time.monotonic() < deadline:
            if is_there(self._watch.new()):
                return True
            looks += 1
            if looks % 20 == 0 and controller.poll() is not None:
                self._to_its_end()
                return False
            time.sleep(LOOK_S)
        return controller is not None  # nothing of the kind happens any more: it is killed all the same

    # kills

    def _strike(self, kill: Kill) -> None:
        strikes: Mapping[Kind, Callable[[], None]] = {
            "controller": self._kill_controller,
            "simulator": self._kill_simulator,
            "both": self._kill_both,
            "stop": self._chance.choice((self._stop_controller, self._stop_simulator, self._overtake)),
        }
        strikes[kill.kind]()

    def _kill_controller(self) -> None:
        if self._controller is not None:
            self._controller.kill(alone=self._chance.random() < 0.5)
            self._controller = None
        self._watch.close()
        self._note_doubts()

    def _kill_simulator(self) -> None:
        """A device dies; it is back at once, or when the controller has given it up."""
        self._simulators.kill(self._any_device())
        if self._chance.random() < 0.5 and self._controller is not None and self._controller.wait(10.0) is not None:
            self._to_its_end()
            self._note_doubts()
        self._simulators.start()

    def _kill_both(self) -> None:
        device = self._any_device()
        first, second = self._chance.sample((lambda: self._simulators.kill(device), self._kill_controller), 2)
        first()
        second()
        self._simulators.start()

    def _stop_controller(self) -> None:
        """The controller hangs for longer than every timeout, and goes on."""
        if self._controller is not None:
            self._controller.signal(signal.SIGSTOP)
            time.sleep(STOPPED_S)
            self._controller.signal(signal.SIGCONT)

    def _stop_simulator(self) -> None:
        """A device hangs for longer than every timeout, and goes on; the controller may have given it up."""
        device = self._any_device()
        self._simulators.signal(device, signal.SIGSTOP)
        time.sleep(STOPPED_S)
        self._simulators.signal(device, signal.SIGCONT)

    def _overtake(self) -> None:
        """The controller hangs, its locks are lost, another takes over; then it wakes up, and must do nothing."""
        stale = self._controller
        if stale is None:
            return
        stale.signal(signal.SIGSTOP)
        try:
            self._lose_locks()
            newer = Controller(self._words(), self._environment)
            if not self._takes_over(newer):
                newer.end(PATIENCE_S)  # in the middle of a commit the hanging one still holds the journal
                return
            self._controller = newer
            time.sleep(self._chance.uniform(0.0, self._lab.longest_s))
        finally:
            stale.signal(signal.SIGCONT)
        code, said = stale.end(PATIENCE_S)
        if code == 6:
            self.fenced += 1
        elif code == 2 and "another controller holds this device" in said:
            pass  # it was only starting, and found the locks of the newer one
        elif code not in (0, 4, 5):
            raise RuntimeError(f"{self._data}: an overtaken controller ended with {code}:\n{said}")

    def _any_device(self) -> str:
        return self._chance.choice(self._simulators.names)

    def _takes_over(self, newer: Controller) -> bool:
        """Wait until a controller has taken the lease; False where it ends before."""
        before = after = self._watch.rows("SELECT max(epoch) FROM leases")
        while after == before and newer.poll() is None:
            time.sleep(LOOK_S)
            after = self._watch.rows("SELECT max(epoch) FROM leases")
        return after > before

    def _lose_locks(self) -> None:
        """As on a network file system that forgets them: whoever comes next finds none."""
        (self._data / "controller.lock").unlink()
        for lock in Path(self._environment["TMPDIR"]).glob("autolab-locks/*.lock"):
            lock.unlink()

    # the journal

    def _campaign(self) -> tuple[Any, ...]:
        """Id and state of the campaign; empty before it has started."""
        if not (self._data / "journal.sqlite").exists():
            return ()
        found = self._watch.rows("SELECT id, state FROM campaigns")
        return found[0] if found else ()

    def _is_over(self) -> bool:
        campaign = self._campaign()
        return self._controller is None and bool(campaign) and campaign[1] == "finished"

    def _note_doubts(self) -> None:
        """Without a controller, whatever is intended is in doubt."""
        (length,) = self._watch.rows("SELECT max(seq) FROM log")[0]
        self.doubted.update((operation, length) for operation, _ in self._intended())

    def _intended(self) -> list[tuple[Any, ...]]:
        return self._watch.rows("SELECT operation, device FROM intents WHERE state = 'intended'")


def uninterrupted(lab: KillLab, folder: Path, seed: int) -> list[tuple[Any, Any]]:
    """The trials of a campaign that nobody interrupts, with the same seed, as (values, outcome)."""
    words = (
        "run", lab.write(folder), "--simulate", "--virtual", "--engine", "random", "--trials", lab.trials,
        "--seed", seed, "--data", folder,
    )  # fmt: skip
    environment = _environment(lab, folder)
    code, said = Controller(words, environment).end(PATIENCE_S)
    shutil.rmtree(environment["TMPDIR"], ignore_errors=True)
    if code != 0:
        raise RuntimeError(said)
    reader = JournalReader.open(folder)
    try:
        trials = reader.trials(reader.campaign().id)
    finally:
        reader.close()
    return [(t.suggestion.values, t.outcome and t.outcome["colour_distance"].value) for t in trials]


def _environment(lab: KillLab, data: Path) -> dict[str, str]:
    """Of a command; its locks are in a folder of this campaign's."""
    temporary = Path(tempfile.gettempdir()) / f"autolab-kills-{os.getpid()}-{data.name}"
    temporary.mkdir(exist_ok=True)
    own = {"AUTOLAB_DATA": str(data), "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}
    return {**PLAIN, **own, **lab.environment}
