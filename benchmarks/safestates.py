"""Is the safe state reached from wherever a campaign was killed? ``python -m benchmarks.safestates --kills 100``.

Campaigns on the colour bench (EPICS, serial, ZeroMQ) are killed right after a row of the journal that is drawn, or a
simulator is killed under them; then a person types ``autolab stop ID``, and the instruments are asked where they are.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autolab.journal.reader import JournalReader
from benchmarks.killbatch import PLAIN, TRANSITIONS
from benchmarks.killbench import LOOK_S, Controller, Watch
from benchmarks.killcolour import COLOUR, WELLS
from benchmarks.killlab import Simulators, simulators_for

__all__ = ["STEPS", "Reached", "reached"]

STEPS = (
    "[{device: stage, do: stop}, {device: arm, do: stop}, {device: dispenser, do: stop}, "
    "{set: stage.velocity, to: 20 mm/s}, {set: stage.position, to: 9 mm}]"
)
"""The safe state of the lab."""
SAFE_MM, NEAR_MM, SAFE_MM_S = 9.0, 0.05, 20.0
LAB = replace(COLOUR, factor=40.0)
TRIALS = 3
A_BENCH = 20
"""Kills on one bench, which has wells for more campaigns than that; the next ones find a fresh one."""
PATIENCE_S = 60.0
MOST_OVER = 3
"""Campaigns for each kill: more than that are over before it only where something is used up."""


@dataclass(frozen=True)
class Reached:
    """What became of the kills."""

    n_kills: int
    moments: Mapping[str, int]
    """Kills by the row of the journal that they followed, and by what was killed."""
    faults: tuple[str, ...]
    """What was not as the safe state wants it, each in a sentence."""


def reached(data: Path, n: int, seed: int, steps: str = STEPS) -> Reached:
    """Kill ``n`` campaigns, bring the lab into its safe state after each, and ask the instruments.

    Args:
        data: A folder that is not there yet.
        n: Kills.
        seed: Draws the moments and what is killed.
        steps: The lab's ``safe_state``.
    """
    chance, moments, faults = random.Random(seed), Counter[str](), list[str]()
    for first in range(0, n, A_BENCH):
        found, said = _on_a_bench(data / f"from-{first}", min(A_BENCH, n - first), seed + first, steps, chance)
        moments += found
        faults += said
        print(f"{moments.total()} kills, {len(faults)} faults", flush=True)
    return Reached(n, dict(moments), tuple(faults))


def _on_a_bench(data: Path, n: int, seed: int, steps: str, chance: random.Random) -> tuple[Counter[str], list[str]]:
    """So many kills on a bench of its own."""
    data.mkdir(parents=True)
    file = LAB.write(data)
    lab = data / "lab.yaml"
    text = lab.read_text(encoding="utf-8").replace("safe_state: []", f"safe_state: {steps}")
    lab.write_text(text.replace(f"wells: {WELLS}", "wells: 24"), encoding="utf-8")
    moments, faults = Counter[str](), list[str]()
    environment = {**PLAIN, "AUTOLAB_DATA": str(data), "OMP_NUM_THREADS": "1", "TMPDIR": tempfile.gettempdir()}
    with simulators_for(LAB, data, seed) as simulators:
        number = 0
        while moments.total() < n:
            if number == MOST_OVER * n:
                raise RuntimeError(f"{data}: of {number} campaigns only {moments.total()} ran until the kill: see why")
            number += 1
            table, state = chance.choice(TRANSITIONS)
            victim = chance.choice(("controller", "controller", *simulators.names))
            _killed(data, file, seed + number, (table, state), victim, environment, simulators, chance)
            simulators.start()
            moment = f"{victim} after {table}{f' {state}' if state else ''}"
            if (campaign := _interrupted(data)) is not None:  # else it was over before the kill, and that is none
                moments[moment] += 1
                found = _faults(data, campaign, environment, simulators)
                faults += [f"{campaign}, {moment}: {fault}" for fault in found]
    return moments, faults


def _killed(
    data: Path,
    file: Path,
    seed: int,
    moment: tuple[str, str | None],
    victim: str,
    environment: Mapping[str, str],
    simulators: Simulators,
    chance: random.Random,
) -> None:
    """Begin a campaign, and kill it, with one of its simulators where that is wanted."""
    watch = Watch(data)
    words = ("run", file, "--simulate", "--engine", "random", "--trials", TRIALS, "--seed", seed, "--data", data)
    controller = Controller(words, environment)
    to_pass, end = chance.randrange(2), time.monotonic() + PATIENCE_S
    while to_pass >= 0 and controller.poll() is None and time.monotonic() < end:
        to_pass -= sum(table == moment[0] and moment[1] in (None, state) for table, state in watch.new())
        time.sleep(LOOK_S)
    if victim != "controller":
        simulators.kill(victim)
    controller.kill(alone=False)
    watch.close()


def _interrupted(data: Path) -> str | None:
    """Id of the campaign that was killed; None where it had ended before."""
    reader = JournalReader.open(data)
    try:
        campaign = max(reader.campaigns(), key=lambda one: one.created)
    finally:
        reader.close()
    return campaign.id if campaign.state == "running" else None


def _faults(data: Path, campaign: str, environment: Mapping[str, str], simulators: Simulators) -> list[str]:
    """What is not safe after a person has ended the campaign that was killed."""
    reader = JournalReader.open(data)
    try:
        intents = reader.intents(campaign)
    finally:
        reader.close()
    code, said = Controller(("stop", campaign, "--data", data), environment).end(PATIENCE_S)
    kept = json.loads((simulators.folder / "stage.json").read_text(encoding="utf-8"))
    found = [] if code == 0 and "failed" not in said else [f"the command ended with {code}: {said.strip()}"]
    if abs(kept["position"] - SAFE_MM) > NEAR_MM or kept["velocity"] != SAFE_MM_S:
        found.append(f"the stage is at {kept['position']} mm, set to {kept['velocity']} mm/s")
    running = [one.operation for one in intents if LAB.ask(simulators, one.device, one.operation) == "running"]
    return found + [f"{operation} still runs" for operation in running]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="where to write the page")
    parser.add_argument("--date", default="", help="the date on the page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        result = reached(Path(folder) / "lab", arguments.kills, arguments.seed)
    rows = [f"| {moment} | {n} |" for moment, n in sorted(result.moments.items())]
    lines = [
        "# Proof: the safe state is reached from wherever a campaign was killed",
        "",
        f"Measured {arguments.date} by `python -m benchmarks.safestates --kills {arguments.kills}`: campaigns on the",
        "colour bench over EPICS, serial and ZeroMQ, each killed with `kill -9` right after a row of the journal, or",
        "together with one of its instruments, which then came back. `autolab stop ID` followed, and the instruments",
        f"were asked: {result.n_kills} kills, {len(result.faults)} times something was not in the safe state.",
        "",
        "| killed | times |",
        "|---|---|",
        *rows,
        "",
        *(f"- {fault}" for fault in result.faults),
    ]
    text = "\n".join(lines).rstrip() + "\n"
    print(text)
    if arguments.page is not None:
        arguments.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
