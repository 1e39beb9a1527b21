"""How long the actuators keep their power when something fails: ``python -m benchmarks.watchdog --page FILE``.

A trial starts from a stage that has power, kills or stops one process, and takes the time from that moment until the
stage's simulator has lost its power: both are readings of the machine's monotonic clock, the second taken in the
simulator's process after its core was told. Relay, watchdog, simulator and heartbeat are those that campaigns use; the
controller is a process that has loaded what a campaign loads, and beats with one lane's RunEngine. The results of each
trial are appended to a file as they come, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from autolab.core.clock import real_clock
from autolab.core.errors import SafetyError
from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from benchmarks.cells import keep_cells, read_cells
from benchmarks.watchdog_page import FALSE_TRIP, page
from safety.channel import Channel
from safety.supply import Supply, supplied
from simulators.base import Settings
from simulators.launch import start_all
from simulators.motion import StageCore, StageServer
from simulators.serve import ServeRequest

CASES = ("controller killed", "controller hung", "watchdog killed", "killed before its first beat")
LOADS = ("quiet", "under load")
BURNERS = 4
DEAD_MAN_S = 0.14
PATIENCE_S = 20.0
NEVER_S = 0.3
"""So long after a kill before the first beat, nothing has had power."""


class FalseTripError(Exception):
    """A trip for which there was no cause."""


class StampedStageServer(StageServer):
    """The stage, which says when its power goes and comes, in seconds of the monotonic clock."""

    def __init__(self, settings: Settings, *, stamps: str) -> None:
        super().__init__(settings)
        self.core = _Stamped(settings, Path(stamps))


class _Stamped(StageCore):
    def __init__(self, settings: Settings, stamps: Path) -> None:
        super().__init__(settings)
        self._stamps = os.open(stamps, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def power(self, on: bool, now: float) -> None:
        super().power(on, now)
        os.write(self._stamps, f"{int(on)} {time.monotonic()!r}\n".encode())


class Bench:
    """Relay, watchdog and stage."""

    def __init__(self, supply: Supply, stamps: Path, forks: subprocess.Popen[str]) -> None:
        self.supply, self._stamps, self._forks = supply, stamps, forks

    def controller(self, mode: str) -> int:
        """Start a controller; returns its process id when it has power, or is watched.

        Raises:
            FalseTripError: it gets no power, and nothing was wrong.
        """
        if self._forks.stdin is None or self._forks.stdout is None:
            raise RuntimeError("no pipes")
        self._forks.stdin.write(f"{mode}\n")
        self._forks.stdin.flush()
        said = self._forks.stdout.readline().strip()
        if not said.isdecimal():
            raise FalseTripError(said)
        return int(said)

    def stamps(self) -> list[tuple[bool, float]]:
        lines = self._stamps.read_text().splitlines() if self._stamps.exists() else []
        return [(line[0] == "1", float(line[2:])) for line in lines]

    def until_reset(self) -> None:
        self._until(self._is_reset, "a reset")

    def until_power(self, is_on: bool, after_s: float) -> float:
        """When the stage's power went or came after a moment."""

        def seen() -> list[float]:
            return [at_s for on, at_s in self.stamps() if on == is_on and at_s > after_s]

        self._until(lambda: bool(seen()), f"power {'on' if is_on else 'off'}")
        return seen()[0]

    def _is_reset(self) -> bool:
        channel = Channel(self.supply.folder)
        try:
            state = channel.ask("state")
            if state["latch"] is not None:
                channel.ask("reset", by="benchmark", because="the next trial")
            return state["watched"] is None and channel.ask("state")["latch"] is None
        except SafetyError:
            return False
        finally:
            channel.close()

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end_s:
                raise RuntimeError(f"{what}: not within {PATIENCE_S:g} s")
            time.sleep(0.005)


def trial(bench: Bench, case: str, seed: int) -> float | None:
    """Milliseconds from the fault to the loss of power; None where there never was any, as it should be."""
    wait_s = float(np.random.default_rng([seed, CASES.index(case)]).uniform(0.0, 0.05))
    is_silent = case == "killed before its first beat"
    start_s = time.monotonic()
    pid = bench.controller("silent" if is_silent else "beating")
    try:
        if not is_silent:
            bench.until_power(True, start_s)
        time.sleep(wait_s)  # the fault meets heartbeat and pets at any phase
        at_s = time.monotonic()
        _fail(bench, case, pid)
        if not is_silent:
            return (bench.until_power(False, at_s) - at_s) * 1000
        time.sleep(NEVER_S)
        had_power = [at for on, at in bench.stamps() if on and at > start_s]
        return -1.0 if had_power else None
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # also where it is stopped


def _fail(bench: Bench, case: str, pid: int) -> None:
    if case != "watchdog killed":
        os.kill(pid, signal.SIGSTOP if case == "controller hung" else signal.SIGKILL)
    elif bench.supply.watchdog is not None:
        bench.supply.watchdog.kill()


@contextmanager
def a_bench(folder: Path) -> Iterator[Bench]:
    """Relay, watchdog and stage, ready."""
    clock, stamps = real_clock(), folder / f"stamps-{os.getpid()}"
    with supplied(folder / "safety", DEAD_MAN_S, clock) as supply:
        supply.await_ready(clock)
        request = ServeRequest(
            "benchmarks.watchdog.StampedStageServer", "stage", folder, {"epics": "WATCHDOG:"},
            options={"stamps": str(stamps)}, power=supply.line,
        )  # fmt: skip
        running = start_all([request])
        command = [sys.executable, "-m", "benchmarks.watchdog_controller", str(supply.folder)]
        forks = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield Bench(supply, stamps, forks)
        finally:
            forks.communicate()
            running.stop()
            stamps.unlink(missing_ok=True)


@contextmanager
def load(n: int) -> Iterator[None]:
    """Processes that only burn time of the processors."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def measure(folder: Path, n: int) -> None:
    """Do the trials that are missing, and append each to the results."""
    file = folder / "results.jsonl"
    for name in LOADS:
        todo = [(case, seed) for seed in range(n) for case in CASES if (name, case, seed) not in _done(file)]
        if not todo:
            continue
        with load(BURNERS if name == LOADS[1] else 0), a_bench(folder) as bench:
            for case, seed in todo:
                while True:
                    bench.until_reset()
                    try:
                        keep_cells(file, {"load": name, "case": case, "seed": seed, "ms": trial(bench, case, seed)})
                        break
                    except FalseTripError as error:
                        keep_cells(
                            file, {"load": name, "case": FALSE_TRIP, "seed": seed, "ms": None, "cause": str(error)}
                        )
                if case == "watchdog killed":
                    bench.supply.start_watchdog()
                    bench.supply.await_ready(real_clock())


def _done(file: Path) -> set[tuple[str, str, int]]:
    return {(result["load"], result["case"], result["seed"]) for result in read_cells(file)}


def campaigns(folder: Path, hours: float, burners: int) -> Mapping[str, Any]:
    """Run campaigns of the colour bench with a relay under load for so long, and count the trips: each is a false one.

    It goes on where it was interrupted.
    """
    kept = folder / "hour.json"
    counts = {"hours": 0.0, "campaigns": 0, "trials": 0, "trips": 0, "causes": [], "least_load": 1e9, "most_load": 0.0}
    if kept.exists():
        counts |= json.loads(kept.read_text())
    campaign = _with_power(folder / "lab")
    words = ["--simulate", "--engine", "random", "--trials", "20", "--time-factor", "20", "--json"]
    with load(burners):
        while counts["hours"] < hours:
            begin_s = time.monotonic()
            data = folder / f"hour-{counts['campaigns']}"
            command = [sys.executable, "-m", "autolab.cli", "run", str(campaign), *words, "--data", str(data)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 3):
                raise RuntimeError(done.stderr)
            one_minute = os.getloadavg()[0]
            counts["hours"] += (time.monotonic() - begin_s) / 3600
            counts["campaigns"] += 1
            counts["trips"] += done.returncode == 3
            counts["causes"] += [json.loads(done.stdout)["reason"]] if done.returncode == 3 else []
            counts["trials"] += _trials(data)
            counts["least_load"] = min(counts["least_load"], one_minute)
            counts["most_load"] = max(counts["most_load"], one_minute)
            kept.write_text(json.dumps(counts))
            shutil.rmtree(data)
    return counts


def _with_power(folder: Path) -> Path:
    """The example's files, with a relay that switches all that moves."""
    folder.mkdir(exist_ok=True)
    example = Path(__file__).resolve().parents[1] / "examples" / "colour"
    lab = (example / "lab.yaml").read_text(encoding="utf-8")
    (folder / "lab.yaml").write_text(f"{lab}power: {{devices: [arm, dispenser, stage]}}\n", encoding="utf-8")
    return Path(shutil.copy(example / "campaign.yaml", folder / "campaign.yaml"))


def _trials(data: Path) -> int:
    """Trials that the campaign of a data folder has ingested."""
    reader = JournalReader.open(data)
    try:
        (campaign,) = reader.campaigns()
        return sum(trial.state is TrialState.INGESTED for trial in reader.trials(campaign.id))
    finally:
        reader.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("autolab-data/proofs/watchdog"))
    parser.add_argument("--trials", type=int, default=200, help="of each case, quiet and under load")
    parser.add_argument("--hour", type=float, metavar="HOURS", help="campaigns under load for so long, for false trips")
    parser.add_argument("--burners", type=int, default=BURNERS, help="processes that make the load of --hour")
    parser.add_argument("--page", type=Path, help="where to write the page")
    parser.add_argument("--date", default="", help="the date on the page")
    chosen = parser.parse_args(arguments)
    chosen.data.mkdir(parents=True, exist_ok=True)
    if chosen.hour:
        print(campaigns(chosen.data, chosen.hour, chosen.burners))
    else:
        measure(chosen.data, chosen.trials)
    hour = chosen.data / "hour.json"
    text = page(
        read_cells(chosen.data / "results.jsonl"), json.loads(hour.read_text()) if hour.exists() else None, chosen.date
    )
    print(text)
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
