"""The walls of a dry run leave what is outside of them as it was."""

from __future__ import annotations

import bluesky.plan_stubs as bps
import pytest

from autolab.screen.shadows import Reached
from autolab.screen.walls import walled


def test_a_plan_that_was_made_and_not_run_is_still_told_of_with_its_line():
    with walled(Reached()):
        pass
    with pytest.warns(RuntimeWarning, match="never iterated") as warned:
        bps.sleep(1.0)  # CPython frees it at once
    said = str(warned[0].message).splitlines()
    assert said[-2].strip().startswith("bps.sleep(1.0)")
    assert said[-1].startswith("RuntimeWarning: plan `sleep` was never iterated")
