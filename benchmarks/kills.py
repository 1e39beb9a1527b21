"""Does a campaign survive ``kill -9``? ``python -m benchmarks.kills --kills 600 [--page FILE --date DATE]``.

Simulators run in processes of their own, outside the controller's process group. A controller is killed at a random
instant after its first trial has begun, and another one resumes; when a campaign has ended the next one begins. The
judge asks the instrument itself, over a bare socket: what it counted must be what the journal says was done, each
operation once, and the trials must be those of a campaign that nobody interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq

from autolab.journal.reader import JournalReader

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "replay"
TRIALS = 25
LONGEST_REAL_S = 1.5
"""A controller is killed at most so many seconds after it has begun its first trial."""
PATIENCE_REAL_S = 120.0


@dataclass(frozen=True)
class Verdict:
    """What the judge found in one data folder."""

    kills: int
    campaigns: int
    actions: int
    repeated: int
    """Operations that the instrument counted beyond those that the journal has as done."""
    lost: int
    """Trials without their outcome, or with another one than in a campaign that nobody interrupted."""
    unknown: int
    """Actions and trials in no settled state."""
    settled: int
    """Actions that were in doubt and settled by asking the instrument."""

    @property
    def is_clean(self) -> bool:
        return self.repeated == self.lost == self.unknown == 0

    @property
    def upper_bound(self) -> float:
        """Largest rate of faults per kill that is not excluded at 95 %: the rule of three [Hanley1983]_.

        .. [Hanley1983] J. A. Hanley, A. Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249 (1983)
           1743.
        """
        return min(1.0, 3.0 / self.kills) if self.is_clean and self.kills else 1.0


def torture(data: Path, kills: int, seed: int) -> Verdict:
    """Kill controllers of campaigns in ``data`` so many times, let the last one end, and judge."""
    chance = random.Random(seed)
    done = campaigns = 0
    with simulators(data):
        while done < kills:
            campaigns += 1
            words: tuple[object, ...] = ("run", EXAMPLE / "campaign.yaml", "--simulate", "--engine", "sobol")
            words = (*words, "--trials", TRIALS, "--seed", campaigns, "--data", data)
            while True:
                is_to_be_killed = done < kills
                killed = _one_controller(words, chance.uniform(0.0, LONGEST_REAL_S) if is_to_be_killed else None)
                if not killed:
                    break
                done += 1
                words = ("resume", _newest(data), "--data", data)
        return judge(data, done, campaigns)


@contextmanager
def simulators(data: Path) -> Iterator[None]:
    """The lab's simulators, outside of any controller's process group."""
    process = _start("simulate", EXAMPLE / "lab.yaml", "--data", data, "--time-factor", 10, output=subprocess.PIPE)
    try:
        if not any("are ready" in line for line in process.stdout or ()):
            raise RuntimeError("the simulators did not start")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_REAL_S)


def _one_controller(words: tuple[object, ...], after_s: float | None) -> bool:
    """Run one controller; kill it so long after its first trial has begun. Returns whether it was killed."""
    process = _start(*words, output=subprocess.PIPE)
    try:
        said: list[str] = []
        for line in process.stdout or ():
            said.append(line)
            if after_s is not None and line.startswith("trial "):
                try:
                    process.wait(after_s)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return True
                after_s = None
        if process.wait() != 0:
            raise RuntimeError(f"the controller ended with {process.returncode}:\n{''.join(said)}")
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            process.stdout.close()


def judge(data: Path, kills: int, campaigns: int) -> Verdict:
    """Compare the instrument's own account with the journal's."""
    reader = JournalReader.open(data)
    try:
        records = reader.campaigns()
        trials = {record.id: reader.trials(record.id) for record in records}
        intents = [intent for record in records for intent in reader.intents(record.id)]
    finally:
        reader.close()
    states = {intent.operation: ask(data, "query", operation=intent.operation)["state"] for intent in intents}
    unsettled = [intent for intent in intents if intent.state not in ("done", "void")]
    disagreeing = [intent for intent in intents if (intent.state == "done") != (states[intent.operation] == "done")]
    expected = [_uninterrupted(seed, data) for seed in range(1, campaigns + 1)]
    found = [
        [(t.suggestion.values, t.outcome and t.outcome["colour_distance"].value) for t in ts] for ts in trials.values()
    ]
    lost = sum(
        one != other
        for mine, theirs in zip(found, expected, strict=True)
        for one, other in zip(mine, theirs, strict=True)
    )
    return Verdict(
        kills=kills,
        campaigns=campaigns,
        actions=len(intents),
        repeated=abs(ask(data, "status")["counter"] - sum(intent.state == "done" for intent in intents)),
        lost=lost,
        unknown=len(unsettled)
        + len(disagreeing)
        + sum(str(t.state) != "ingested" for ts in trials.values() for t in ts),
        settled=sum(intent.settled_by is not None for intent in intents),
    )


def ask(data: Path, op: str, **args: Any) -> dict[str, Any]:
    """Ask the instrument over a bare socket, as the protocol's page describes it."""
    address = json.loads((data / "simulators" / "replay" / "endpoints.json").read_text())["addresses"]["instrument"]
    socket = zmq.Context.instance().socket(zmq.REQ)
    try:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.connect(address["zmq"])
        socket.send_json({"id": "judge", "op": op, "args": args})
        return dict(socket.recv_json())
    finally:
        socket.close()


def _uninterrupted(seed: int, data: Path) -> list[Any]:
    """The trials of a campaign that nobody interrupts, with the same seed, as (values, outcome)."""
    folder = data / f"uninterrupted-{seed}"
    words = ("run", EXAMPLE / "campaign.yaml", "--simulate", "--virtual", "--engine", "sobol", "--trials", TRIALS)
    _start(*words, "--seed", seed, "--data", folder, output=subprocess.DEVNULL).wait()
    reader = JournalReader.open(folder)
    try:
        trials = reader.trials(reader.campaign().id)
    finally:
        reader.close()
    return [(t.suggestion.values, t.outcome and t.outcome["colour_distance"].value) for t in trials]


def _newest(data: Path) -> str:
    reader = JournalReader.open(data)
    try:
        return reader.campaign().id
    finally:
        reader.close()


def _start(*words: object, output: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "autolab.cli", *map(str, words)]
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, required=True, help="a folder of its own, empty")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="undated")
    arguments = parser.parse_args()
    verdict = torture(arguments.data, arguments.kills, arguments.seed)
    text = "\n".join(page(verdict, arguments.date))
    print(text)
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


def page(verdict: Verdict, date: str) -> Iterator[str]:
    """The page of the proof."""
    yield "# Proof: kill -9 loses nothing and repeats nothing"
    yield ""
    yield f"Measured {date} by `python -m benchmarks.kills`: the replay lab, its simulator outside the controller's"
    yield f"process group, {verdict.kills} controllers killed at random instants after their first trial had begun,"
    yield f"{verdict.campaigns} campaigns of {TRIALS} trials, {verdict.actions} actions. The judge asked the instrument"
    yield "itself. Only controllers were killed; simulators were not, and nothing was stopped and continued."
    yield ""
    yield f"- actions repeated, or done and not recorded: {verdict.repeated}"
    yield f"- outcomes lost, or other than in a campaign that nobody interrupted: {verdict.lost}"
    yield f"- actions or trials in no settled state: {verdict.unknown}"
    yield f"- actions in doubt that the instrument settled: {verdict.settled}"
    yield f"- largest rate of faults per kill that this does not exclude, at 95 %: {verdict.upper_bound:.4f}"
    yield ""


if __name__ == "__main__":
    main()
