"""The page of the kill harness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.killbatch import KINDS, STOPPED_S, Kill, Kind
from benchmarks.killjudge import Verdict, total
from benchmarks.killlab import KillLab

__all__ = ["page"]

MEANINGS: Mapping[Kind, str] = {
    "controller": "`kill -9` of the controller, alone or with its proposer",
    "simulator": "`kill -9` of a device, back at once or when it was given up",
    "both": "`kill -9` of both",
    "stop": f"SIGSTOP of one of them for {STOPPED_S:g} s, longer than every timeout, then SIGCONT",
}
LABS: Mapping[str, tuple[str, str]] = {
    "replay": ("The replay lab", "One instrument on ZeroMQ"),
    "colour": (
        "The colour bench",
        "Stage and spectrometer over EPICS, a dispenser on a serial line, an arm on ZeroMQ; strips of four wells",
    ),
}
"""Name of each lab, and its devices."""
TEMPLATE = """\
# Proof: kill -9 loses nothing and repeats nothing

Measured {date} by `python -m benchmarks.kills`: {n_kills} kills{planned}, {campaigns} campaigns, {actions} actions.
Each simulated device is a process outside the controller's process group and keeps its counter, its operations and
what it holds on the disk. Kills begin after the first trial of a campaign has begun; they also hit controllers that
have just taken over and are settling what the one before left behind. Which device is hit is drawn by chance.

{labs}
## What the judge found

The judge asks the devices over a bare socket and a bare serial line for their counters and for each operation, reads
what they keep on the disk, and compares it with the journal, and the trials with those of a campaign that nobody
interrupted:

- outcomes lost: **{lost}**. Each trial has the outcome that the devices keep for its last attempt; where that was the
  first, it is bit for bit the one of the campaign that nobody interrupted.
- actions repeated, or done and not recorded: **{repeated}**. No count is higher than the actions of the journal, no
  trial of the replay lab was measured to the end twice, no well of the colour bench was used for two attempts.
- wells and strips that are not as the journal's actions leave them: **{misplaced}**. Each well holds of each liquid
  what was dispensed into it by the actions that are *done*, within the dispenser's error, and nothing else; each strip
  is where the arm's last transfer left it, and the gripper is empty.
- trials in no final state, and actions of which journal and device disagree: **{unknown}**
- actions in doubt that nobody settled with evidence: **{unexplained}**, of {in_doubt} that were in doubt after
  a kill; {by_device} were settled by what the device said, {by_person} by a person
- findings of `autolab audit verify` in the journals: **{damaged}**

At 95 % the rate of such faults per kill is at most **{upper_bound:.4f}** (exact binomial bound; without a fault
nearly 3 / kills, the rule of three).

{broken_off} actions were broken off by their device's own death, as it says itself; their trials were tried again as
new attempts, on the colour bench in a fresh well, as the campaign's `on_failure` wants it. {fenced} controllers woke up
after another had taken over, found themselves fenced, and ended with code 6. For that the harness takes the locks away,
as a network file system may. On the colour bench nobody can be overtaken: the second controller finds the serial line
locked by the first, and ends with code 4.

What the harness found while it was built, each mended with a test of its own (`tests/campaign/test_doubts.py`,
`tests/plans/test_colour.py`):

- an action whose device fell silent was recorded as failed, and a retry repeated what had gone on;
- a retry that was owed when the controller ended was forgotten;
- a trial in doubt could neither fail nor stay in doubt over a resume;
- a trial failed, and was measured again, because its device was silent when its result was fetched;
- a controller that another had overtaken could still write;
- a device that answered a moment too late sent a person to look;
- a strip that an arm held when it lost power stayed in its gripper, and no trial after that could be done (a kill
  that was aimed at a transfer).
{note}
What this does not show: power loss of the machine, several lanes, real hardware, a controller that is overtaken where
no line keeps the second one out, and instruments that do not keep their operations, which need a person more often.
"""
LAB_TEMPLATE = """\
## {title}

{devices}.
It runs {factor:g} times as fast as real time. {n_kills} kills in {campaigns} campaigns of {trials} trials,
{actions} actions; {in_doubt} of these were in doubt after a kill, {broken_off} were broken off by their device's death.
Faults: **{faults}**.

| what | at a random instant | right after a row of the journal |
|---|---|---|
{table}
"""


def page(verdicts: Sequence[tuple[KillLab, Verdict]], kills: int, date: str, note: str = "") -> str:
    """The page of the proof.

    Args:
        verdicts: On all campaigns of each lab together.
        kills: How many were planned.
        date: When it was measured.
        note: What else there is to say of this run.
    """
    verdict = total(verdict for _, verdict in verdicts)
    return TEMPLATE.format(
        **vars(verdict),
        labs="\n".join(_of_lab(lab, verdict) for lab, verdict in verdicts),
        date=date,
        note=f"\n{note}\n" if note else "",
        n_kills=verdict.n_kills,
        planned="" if verdict.n_kills >= kills else f" of {kills} that were planned",
        by_device=verdict.in_doubt - verdict.by_person - verdict.unexplained,
        upper_bound=verdict.upper_bound,
    )


def _of_lab(lab: KillLab, verdict: Verdict) -> str:
    title, devices = LABS[lab.name]
    rows = (
        (MEANINGS[kind], *(verdict.kills.get(str(Kill(kind, at_transition=at)), 0) for at in (False, True)))
        for kind in KINDS
    )
    return LAB_TEMPLATE.format(
        **{**vars(verdict), "trials": lab.trials},
        title=title,
        devices=devices,
        factor=lab.factor,
        n_kills=verdict.n_kills,
        faults=verdict.faults,
        table="\n".join(f"| {what} | {at_random} | {at_rows} |" for what, at_random, at_rows in rows),
    )
