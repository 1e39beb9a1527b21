"""kill -9 and SIGSTOP of everything, judged by the instrument's own account."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kills import Harness


@pytest.mark.timeout(400)
def test_fifty_kills_lose_no_outcome_and_repeat_no_action(tmp_path: Path):
    verdict = Harness(tmp_path, kills=50, seed=3).run(workers=4)
    assert verdict.n_kills == 50
    assert verdict.is_clean, verdict
