"""A read-back outside the declared tolerance trips the lab: it ends with code 3, and stays so until it is reset."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.compose.resetting import reset_lab
from autolab.core.errors import InputError
from tests.compose.files import example
from tests.system.command import autolab

TOLERANCE = "  dispenser.mix_time: {min: 0 s, max: 60 s"


def test_a_trip_outlives_the_controller_until_a_person_resets_it(tmp_path: Path):
    file = example("colour", tmp_path, {"lab.yaml": (TOLERANCE, f"{TOLERANCE}, tolerance: 1 ns")})
    lab, data = file.with_name("lab.yaml"), tmp_path / "data"
    words = ("--simulate", "--time-factor", 300, "--trials", 2, "--seed", 1, "--engine", "random")
    ran = autolab("run", file, *words, data=data)
    assert ran.returncode == 3
    assert "stopped by safety: dispenser.mix_time: commanded " in ran.stdout + ran.stderr
    refused = autolab("resume", "teal", data=data)
    assert refused.returncode == 3
    assert refused.stderr.startswith("colour-bench has tripped on ")
    assert "see to the cause, then reset it with 'autolab reset LAB --because TEXT'" in refused.stderr
    with pytest.raises(InputError, match="--because: say what the cause was"):
        reset_lab(data, lab, " ")
    assert reset_lab(data, lab, "the tolerance was finer than the clock of the mixer").startswith(
        "colour-bench is reset (dispenser.mix_time: commanded "
    )
    with pytest.raises(InputError, match="has not tripped: there is nothing to reset"):
        reset_lab(data, lab, "again")
    lab.write_text(lab.read_text().replace(", tolerance: 1 ns", ""))
    resumed = autolab("resume", "teal", "--accept-changes", data=data)
    assert (resumed.returncode, "its version is still none" in resumed.stderr) == (2, True), resumed.stderr
    assert autolab("run", file, *words, data=data).returncode == 0
