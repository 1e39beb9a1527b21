"""How fast the loop is: ``python -m benchmarks.speed [--page FILE --date DATE]``.

Overhead over real sockets (wall time less device time, commits and waiting for the proposer), and trials per second in
memory under the virtual clock with Sobol and the journal in memory.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from autolab.campaign.events import CampaignEvent, TrialEnded
from autolab.compose.options import RunOptions
from autolab.compose.running import run_campaign
from autolab.journal.reader import JournalReader

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@dataclass(frozen=True)
class Overhead:
    """Medians per trial over sockets, in milliseconds."""

    lab: str
    engine: str
    trials: int
    overhead_ms: float
    worst_overhead_ms: float
    device_ms: float
    commit_ms: float
    proposer_ms: float
    screen_ms: float


@dataclass(frozen=True)
class Pace:
    """What a run takes in memory: seconds by the clock on the wall, and seconds of processor time of all threads."""

    wall_s: float
    cpu_s: float


class EndTimes:
    """Notes when each trial ended."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.cpu: list[float] = []

    def notify(self, event: CampaignEvent) -> None:
        if isinstance(event, TrialEnded):
            self.times.append(time.perf_counter())
            self.cpu.append(time.process_time())


def overhead(lab: str, engine: str, trials: int, factor: float) -> Overhead:
    """Run a campaign over sockets and read where its time went. The first trial, which imports, is left out."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        file = EXAMPLES / lab / "campaign.yaml"
        command = [sys.executable, "-m", "autolab.cli", "run", file, "--simulate", "--time-factor", factor]
        command += ["--engine", engine, "--trials", trials, "--seed", 1, "--data", data]
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
        reader = JournalReader.open(data)
        timings = [t.timings for t in reader.trials(reader.campaign().id)[1:] if t.timings is not None]
        reader.close()
    overheads = [1000 * t.overhead_s for t in timings]
    return Overhead(
        lab,
        engine,
        len(timings),
        statistics.median(overheads),
        max(overheads),
        statistics.median(1000 * t.device_s for t in timings),
        statistics.median(1000 * t.commit_s for t in timings),
        statistics.median(1000 * t.proposer_s for t in timings),
        statistics.median(1000 * t.screen_s for t in timings),
    )


def pace(lab: str, trials: int) -> Pace:
    """A trial in memory, from the end of the first trial to the end of the last; the proposer is another process."""
    watch = EndTimes()
    options = RunOptions(
        data=Path(), simulate=True, virtual=True, in_memory=True, engine="sobol", trials=trials, seed=1
    )
    run_campaign(EXAMPLES / lab / "campaign.yaml", options, observers=[watch])
    n = len(watch.times) - 1
    return Pace((watch.times[-1] - watch.times[0]) / n, (watch.cpu[-1] - watch.cpu[0]) / n)


def bare_pace(runs: int = 200) -> Pace:
    """A run of a bare RunEngine whose plan takes one reading and whose documents go nowhere.

    To be measured in a process in which no campaign ran: its lanes have event-model remember what it has validated.
    """
    import bluesky.plan_stubs as bps
    import bluesky.preprocessors as bpp
    from bluesky import RunEngine
    from ophyd.sim import SynSignal

    signal, engine = SynSignal(name="signal", func=lambda: 1.0), RunEngine(context_managers=[])

    def plan():
        yield from bpp.run_wrapper(bps.trigger_and_read([signal]))

    engine(plan())
    begin, cpu = time.perf_counter(), time.process_time()
    for _ in range(runs):
        engine(plan())
    return Pace((time.perf_counter() - begin) / runs, (time.process_time() - cpu) / runs)


def in_a_process(call: str) -> Pace:
    """A pace, measured in a process of its own."""
    code = f"from benchmarks import speed; p = speed.{call}; print(p.wall_s, p.cpu_s)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    wall_s, cpu_s = map(float, done.stdout.split()[-2:])
    return Pace(wall_s, cpu_s)


def median_pace(paces: list[Pace]) -> Pace:
    """The median of both."""
    return Pace(statistics.median(p.wall_s for p in paces), statistics.median(p.cpu_s for p in paces))


def in_memory() -> list[str]:
    """Lines of Markdown: labs and a bare RunEngine, in turn."""
    calls = {"replay": 'pace("replay", 400)', "colour": 'pace("colour", 60)', "a bare RunEngine": "bare_pace()"}
    rounds = [{name: in_a_process(call) for name, call in calls.items()} for _ in range(3)]
    found = {name: median_pace([one[name] for one in rounds]) for name in calls}
    bare = found["a bare RunEngine"]
    return [
        "In memory under the virtual clock, Sobol, journal in memory; a bare RunEngine takes one reading and keeps",
        "nothing. Each in a process of its own, in turn, medians of three. Processor time is that of the controller.",
        "",
        "| what | per second | processor time (ms) | of a bare RunEngine's |",
        "|---|---|---|---|",
        *(
            f"| {name} | {1 / pace.wall_s:.0f} | {1000 * pace.cpu_s:.1f} | {pace.cpu_s / bare.cpu_s:.1f} |"
            for name, pace in found.items()
        ),
    ]


def demo() -> float:
    """Seconds that ``autolab demo`` takes, imports included."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        command = [sys.executable, "-m", "autolab.cli", "demo", "--seed", "1", "--data", folder]
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date")
    arguments = parser.parse_args()
    rows = [
        overhead("replay", "sobol", 30, 20.0),
        overhead("colour", "sobol", 20, 100.0),
        overhead("colour", "ax", 20, 100.0),
    ]
    memory = in_memory()
    seconds = statistics.median(demo() for _ in range(3))
    lines = [
        "# Speed of the loop",
        "",
        f"Measured on {arguments.date or 'a day that was not given'} with Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.system()}, by `python -m benchmarks.speed`.",
        "",
        "Over real sockets, medians per trial without the first, in milliseconds. Overhead is wall time less device",
        "time, commits, and waiting for the proposer or the screen (devices are asked how they stand, and the plan is",
        "walked through).",
        "",
        "| lab | engine | trials | overhead | worst | devices | commits | waiting for the proposer | for the screen |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {r.lab} | {r.engine} | {r.trials} | {r.overhead_ms:.1f} | {r.worst_overhead_ms:.1f} "
            f"| {r.device_ms:.0f} | {r.commit_ms:.1f} | {r.proposer_ms:.1f} | {r.screen_ms:.1f} |"
            for r in rows
        ),
        "",
        *memory,
        "",
        f"`autolab demo` (30 trials, Ax, imports included): {seconds:.1f} s, median of three.",
        "",
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
