"""kill -9 and SIGSTOP of everything, judged by the devices' own account."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kills import Harness


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("lab", "kills"), [("replay", 50), ("colour", 4)])
def test_kills_lose_no_outcome_and_repeat_no_action(tmp_path: Path, lab: str, kills: int):
    (verdict,) = Harness(tmp_path, {lab: kills}, seed=3).run(workers=4)
    assert verdict.n_kills == kills
    assert verdict.is_clean, verdict
