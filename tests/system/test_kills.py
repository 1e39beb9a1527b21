"""kill -9 and SIGSTOP of everything, judged by the devices' own account."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.killbatch import Kill, run_batch, uninterrupted
from benchmarks.killcolour import COLOUR
from benchmarks.kills import Harness


@pytest.mark.timeout(400)
def test_fifty_kills_lose_no_outcome_and_repeat_no_action(tmp_path: Path):
    (verdict,) = Harness(tmp_path, {"replay": 50}, seed=3).run(workers=4)
    assert verdict.n_kills == 50
    assert verdict.is_clean, verdict


def test_kills_on_the_colour_bench_leave_each_well_and_strip_as_the_journal_says(tmp_path: Path):
    lab = replace(COLOUR, trials=4, longest_s=0.5)
    kills = [
        Kill("controller", at_transition=True),
        Kill("simulator", at_transition=False),
        Kill("both", at_transition=True),
        Kill("controller", at_transition=False),
    ]
    (calm := tmp_path / "calm").mkdir()
    verdict = run_batch(lab, tmp_path / "killed", kills, 1, random.Random(1), uninterrupted(lab, calm, 1))
    assert verdict.n_kills == len(kills)
    assert verdict.is_clean, verdict
