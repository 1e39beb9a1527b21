"""The page of the kill harness."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.killbatch import KINDS, STOPPED_S, TRIALS, Kill, Kind
from benchmarks.killbench import FACTOR
from benchmarks.killjudge import Verdict

__all__ = ["page"]

MEANINGS: Mapping[Kind, str] = {
    "controller": "`kill -9` of the controller, alone or with its proposer",
    "simulator": "`kill -9` of the instrument, back at once or when it was given up",
    "both": "`kill -9` of both",
    "stop": f"SIGSTOP of one of them for {STOPPED_S:g} s, longer than every timeout, then SIGCONT",
}
TEMPLATE = """\
# Proof: kill -9 loses nothing and repeats nothing

Measured {date} by `python -m benchmarks.kills`: {n_kills} kills{planned}, {campaigns} campaigns of {trials}
trials, {actions} actions. The replay lab runs {factor:g} times as fast as real time; its instrument is a process
outside the controller's process group and keeps its counter and its operations on the disk. Kills begin after
the first trial of a campaign has begun; they also hit controllers that have just taken over and are settling
what the one before left behind.

| what | at a random instant | right after a row of the journal |
|---|---|---|
{table}

The judge asks the instrument over a bare socket for its counter and for each operation, reads the operations on
its disk, and compares them with the journal, and the trials with those of a campaign that nobody interrupted:

- outcomes lost: **{lost}**. Each trial has the outcome that the instrument keeps for its last measurement; where
  the first attempt gave it, it is bit for bit the one of the campaign that nobody interrupted.
- actions repeated, or done and not recorded: **{repeated}**. No trial was measured to the end twice, under
  whatever name.
- trials in no final state, and actions of which journal and instrument disagree: **{unknown}**
- actions in doubt that nobody settled with evidence: **{unexplained}**, of {in_doubt} that were in doubt after
  a kill; {by_instrument} were settled by what the instrument said, {by_person} by a person
- findings of `autolab audit verify` in the journals: **{damaged}**

At 95 % the rate of such faults per kill is at most **{upper_bound:.4f}** (exact binomial bound; without a fault
nearly 3 / kills, the rule of three).

{broken_off} measurements were broken off by the instrument's own death, as it says itself; their trials were
tried again as new attempts, as the campaign's `on_failure` wants it. {fenced} controllers woke up after another
had taken over, found themselves fenced, and ended with code 6. For that the harness takes the locks away, as a
network file system may.

What the harness found while it was built, each mended with a test of its own (`tests/campaign/test_doubts.py`):

- an action whose device fell silent was recorded as failed, and a retry repeated what had gone on;
- a retry that was owed when the controller ended was forgotten;
- a trial in doubt could neither fail nor stay in doubt over a resume;
- a trial failed, and was measured again, because its device was silent when its result was fetched;
- a controller that another had overtaken could still write;
- a device that answered a moment too late sent a person to look.
{note}
What this does not show: power loss of the machine, a bench of several devices, several lanes, real hardware, and
instruments that do not keep their operations, which need a person more often.
"""


def page(verdict: Verdict, kills: int, date: str, note: str = "") -> str:
    """The page of the proof.

    Args:
        verdict: On all campaigns together.
        kills: How many were planned.
        date: When it was measured.
        note: What else there is to say of this run.
    """
    rows = (
        (MEANINGS[kind], *(verdict.kills.get(str(Kill(kind, at_transition=at)), 0) for at in (False, True)))
        for kind in KINDS
    )
    return TEMPLATE.format(
        **{**vars(verdict), "trials": TRIALS},
        date=date,
        note=f"\n{note}\n" if note else "",
        n_kills=verdict.n_kills,
        planned="" if verdict.n_kills >= kills else f" of {kills} that were planned",
        factor=FACTOR,
        table="\n".join(f"| {what} | {at_random} | {at_rows} |" for what, at_random, at_rows in rows),
        by_instrument=verdict.in_doubt - verdict.by_person - verdict.unexplained,
        upper_bound=verdict.upper_bound,
    )
