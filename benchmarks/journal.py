"""What the journal promises, measured: ``python -m benchmarks.journal [--page FILE --date DATE]``.

Power failures, a disk that fills up, the cost of a trial, and a page of a million trials. It needs some five gigabytes
on the disk of the temporary folder, and some ten minutes.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import statistics
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autolab.core.clock import VirtualClock
from autolab.core.objectives import Objective
from autolab.core.operations import OperationId
from autolab.core.parameters import RangeParameter
from autolab.core.principals import Principal
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec
from autolab.core.trials import Estimate, Suggestion, Verdict
from autolab.journal.journal import CampaignStart, Journal
from autolab.journal.records import MovementRecord, PhaseRecord, Timings
from benchmarks.million import Million, measure, multiply
from benchmarks.powerloss import ACTIONS, Findings, crash_often, record_campaign
from benchmarks.recorder import recording
from benchmarks.smalldisk import SmallDisk, fill_in_a_namespace

ADA = Principal("ada", "person")
TRIALS = 45
READINGS = 3
MOVES = 4
CAMPAIGN = CampaignStart(
    "c-1", "c1", "cost", "lab", "Example", "simulated", "bench", 7, EngineSpec("sobol"), 1, 100_000,
    Problem(Space((RangeParameter("x", 0.0, 1.0),)), Objective("y", "minimize")), "", "", "", "", {}, (),
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What the journal costs per trial."""

    trials: int
    synced_states: float
    """Commits of the states that wait for the disk, on average."""
    synced_documents: float
    kilobytes: float
    wall_ms: float
    """Real time in the journal's methods, median."""
    sync_ms: float
    """Real time in synchronisations, median."""
    beyond_ms: float
    """Real time beyond the synchronisations, median."""
    processor_ms: float
    """Time of the processor beyond the synchronisations, on average; the kernel's is included."""


def cost(trials: int) -> Cost:
    """Write trials as a campaign writes them, and nothing else: once to count, and once to take the time."""
    with tempfile.TemporaryDirectory() as place, recording(Path(place)) as counted, _journal(Path(place)) as journal:
        del counted.events[:]
        for number in range(2, trials + 2):
            one_trial(journal, number)
        synced = [counted.count("sync", f"{name}.sqlite-wal") / trials for name in ("journal", "documents")]
        kilobytes = counted.bytes_written / trials / 1000
    walls, syncs = list[float](), list[float]()
    with (
        tempfile.TemporaryDirectory() as place,
        recording(Path(place), with_writes=False) as timed,
        _journal(Path(place)) as journal,
    ):
        processor_s = time.thread_time() - timed.sync_processor_seconds
        for number in range(2, trials + 2):
            begin, before = time.perf_counter(), timed.sync_seconds
            one_trial(journal, number)
            walls.append(1000 * (time.perf_counter() - begin))
            syncs.append(1000 * (timed.sync_seconds - before))
        processor_s = time.thread_time() - timed.sync_processor_seconds - processor_s
    return Cost(
        trials,
        *synced,
        kilobytes,
        statistics.median(walls),
        statistics.median(syncs),
        statistics.median(wall - sync for wall, sync in zip(walls, syncs, strict=True)),
        1000 * processor_s / trials,
    )


@contextmanager
def _journal(folder: Path) -> Iterator[Journal]:
    """A journal with a campaign and its first trial."""
    journal = Journal(folder, VirtualClock())
    journal.take_lease("the benchmark")
    journal.start_campaign(CAMPAIGN, ADA)
    one_trial(journal, 1)
    yield journal
    journal.close()


def one_trial(journal: Journal, number: int) -> None:
    """What a campaign writes of a trial with five actions, a phase, three readings and four moves."""
    suggestion = Suggestion(
        number, {"x": 0.5}, "sobol", "the next one", 3, tuple(range(max(1, number - 40), number)), ()
    )
    with journal.commit():
        journal.suggest("c-1", "simulated", suggestion)
        journal.screen("c-1", suggestion, Verdict("allowed"), ADA)
    journal.begin("c-1", suggestion, 1, None, "bench")
    uid = f"run-{number}"
    journal.record("c-1", 1, number, "start", {"uid": uid, "plan_name": "cost", "trials": [number]})
    for action in range(1, ACTIONS + 1):
        operation = OperationId("c1", number, 1, f"pour-{action}")
        journal.intend(operation, "c-1", "pump", {"type": "Pour", "amount": 12.5}, number)
        journal.settle(operation, "done")
    for _ in range(MOVES):
        journal.moved("c-1", MovementRecord(number, "stage", "move", 1.0, 2.0, None))
    journal.record("c-1", 1, number, "descriptor", {"run_start": uid, "uid": f"{uid}-d", "name": "primary"})
    for reading in range(READINGS):
        data = {"spectrum": [0.1 * reading] * 300}
        journal.record("c-1", 1, number, "event", {"descriptor": f"{uid}-d", "data": data, "seq_num": reading})
    journal.phase_done("c-1", number, 1, "measure", PhaseRecord(None, 1, 5))
    journal.record("c-1", 1, number, "stop", {"run_start": uid, "exit_status": "success"})
    journal.acquired("c-1", number)
    with journal.commit():
        journal.reduced("c-1", number, 1, 1, {"y": Estimate(1.0, 0.1)})
        journal.ingested("c-1", number, Timings(1.0, 0.5, 0.1, 0.0))


def fdatasync_ms(times: int = 200) -> float:
    """Milliseconds that one append of a page and its synchronisation take on this disk, on average."""
    with tempfile.TemporaryFile() as file:
        begin = time.perf_counter()
        for _ in range(times):
            os.write(file.fileno(), bytes(4096))
            os.fdatasync(file.fileno())
        return 1000 * (time.perf_counter() - begin) / times


def power_failures(images: int, seed: int) -> Findings:
    """Record a campaign, and let the power fail so many times."""
    with tempfile.TemporaryDirectory() as place:
        recorded = record_campaign(Path(place), TRIALS)
        return crash_often(recorded, Path(place), images, seed)


def a_million(trials: int) -> Million:
    with tempfile.TemporaryDirectory() as place:
        multiply(Path(place), trials)
        return measure(Path(place), trials)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="undated")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    parts = (
        page_head(arguments.date),
        page_power(power_failures(arguments.images, arguments.seed)),
        page_room(fill_in_a_namespace()),
        page_cost(cost(200), fdatasync_ms()),
        page_million(a_million(arguments.trials)),
    )
    text = "\n".join(line for part in parts for line in part).rstrip() + "\n"
    print(text)
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


def page_head(date: str) -> Iterator[str]:
    yield "# Proof: what the journal keeps, and what that costs\n"
    yield prose(
        f"""Measured {date} with Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}, by
        `python -m benchmarks.journal`, on a machine that did other work too."""
    )


def page_power(found: Findings) -> Iterator[str]:
    yield "## The power fails\n"
    yield prose(
        f"""What SQLite writes, synchronises, creates and removes was recorded below the unmodified journal, while a
        campaign of {TRIALS} trials with {ACTIONS} actions each ran, ended, and was resumed twice. Of each moment chosen
        an image of the disk was made: what was synchronised is there; of each later write all, nothing, or some of its
        sectors of 512 bytes; of the later entries of the folder the first so many. A third of the moments are right
        after a commit has returned, a third while the write-ahead log is brought into the tables, a third are any."""
    )
    yield f"- images: {found.images}, in which {found.writes} writes were not synchronised"
    yield f"- images that do not open, lack a committed fact, or hold one without those before it: {len(found.faults)}"
    yield f"- facts that had been promised, over all images: {found.facts}"
    yield f"- facts that were there although their commit had not returned: {found.more}"
    yield f"- largest rate of faults per image that this does not exclude, at 95 %: {_rule_of_three(found)}\n"
    yield prose(
        """Raw readings do not wait for the disk one by one. Those of a trial are on it before the trial is recorded as
        acquired, those of a phase before it is recorded as complete, and each image was judged by that."""
    )
    yield prose(
        """What this does not show: a disk that says that it has synchronised and has not, and one that damages sectors
        which it was not asked to write."""
    )


def _rule_of_three(found: Findings) -> str:
    return f"{3 / found.images:.4f}" if not found.faults else "1"


def page_room(found: SmallDisk | None) -> Iterator[str]:
    yield "## The disk is full\n"
    if found is None:
        yield "Not measured: this account may not mount a small file system (`unshare -rm`).\n"
        return
    yield prose(
        f"""A campaign of three trials on a small file system (tmpfs), {found.runs} times, with more room left each time
        when it began. Where it found none, room was made and it was resumed."""
    )
    yield f"- paused for want of room, and went on: {found.paused}"
    yield f"- with an action done twice or not at all, or a trial without its outcome: {found.faults}"
    yield f"- what was said: *{found.said}*\n"


def page_cost(found: Cost, fdatasync: float) -> Iterator[str]:
    n_all = found.synced_states + found.synced_documents
    yield "## A trial of five actions\n"
    yield prose(
        f"""{found.trials} trials, each with a phase, {READINGS} readings of 300 values and {MOVES} moves. The promise:
        at most 20 commits that wait for the disk, and at most 10 ms beyond that wait. The load average of the machine
        was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores: with more than one for each core the journal waits for
        the processor in its real time, and the time of the processor is the better measure."""
    )
    yield f"- commits that wait for the disk: {n_all:.1f}, of which {found.synced_documents:.1f} of the documents"
    yield f"- written: {found.kilobytes:.0f} kB, nearly all of it pages of 4 KiB in the write-ahead logs and tables"
    yield f"- beyond synchronisations, of the processor (the kernel's work included): {found.processor_ms:.1f} ms"
    yield f"- beyond synchronisations, real time: {found.beyond_ms:.1f} ms, median"
    yield f"- all of it, real time: {found.wall_ms:.1f} ms, of which synchronisations {found.sync_ms:.1f} ms, medians"
    yield f"- for comparison, one append of a page with `fdatasync` on this disk: {fdatasync:.2f} ms\n"


def page_million(found: Million) -> Iterator[str]:
    yield "## A million trials\n"
    yield prose(
        f"""{found.trials} trials of one campaign, one in a hundred of them failed: {found.gigabytes:.1f} GB, without
        the entries of the log. A page is 50 trials with their transitions, samples and runs, from 40 places; opening
        the journal is included, and the file is in the operating system's cache. The promise: under 100 ms."""
    )
    yield "| page | median, ms | worst, ms |"
    yield "|---|---|---|"
    for words, (median, worst) in found.page_ms.items():
        yield f"| {words} | {median:.1f} | {worst:.1f} |"
    yield ""
    yield prose(
        f"""The look from end to end that a controller takes at its start took {found.check_s:.1f} s:
        {found.check_s / found.gigabytes:.1f} s per GB."""
    )


def prose(text: str) -> str:
    """A paragraph, wrapped as the pages are."""
    return textwrap.fill(" ".join(text.split()), 120, break_on_hyphens=False) + "\n"


if __name__ == "__main__":
    main()
