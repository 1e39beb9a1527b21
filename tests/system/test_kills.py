"""kill -9, judged by the instrument's own account."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kills import torture


@pytest.mark.timeout(400)
def test_killed_controllers_lose_no_outcome_and_repeat_no_action(tmp_path: Path):
    verdict = torture(tmp_path, kills=3, seed=3)
    assert verdict.kills == 3
    assert verdict.is_clean, verdict
