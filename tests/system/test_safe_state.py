"""The safe state is reached also after a kill, from wherever the campaign was."""

from __future__ import annotations

from pathlib import Path

from benchmarks.safestates import reached
from tests.compose.files import example
from tests.system.command import autolab, campaigns, line_with, started


def test_the_safe_state_is_reached_from_wherever_a_campaign_was_killed(tmp_path: Path):
    result = reached(tmp_path / "lab", 2, seed=2)
    assert sum(result.moments.values()) == result.n_kills == 2
    assert result.faults == ()


def test_a_lab_that_is_not_in_its_safe_state_is_seen(tmp_path: Path):
    (fault,) = reached(tmp_path / "lab", 1, seed=2, steps="[{set: stage.velocity, to: 20 mm/s}]").faults
    assert "the stage is at" in fault


def test_where_the_safe_state_cannot_be_reached_the_campaign_ends_and_the_person_is_told(tmp_path: Path):
    steps = {"lab.yaml": ("safe_state: []", "safe_state: [{set: stage.position, to: 5 mm}]")}
    file, data = example("colour", tmp_path, steps), tmp_path / "data"
    process = started("run", file, "--simulate", "--trials", 20, "--seed", 1, "--engine", "random", data=data)
    line_with(process, "trial 1")
    process.kill_group()
    process.communicate()
    (campaign,) = campaigns(data)
    said = autolab("status", data=data).stdout
    assert f"its controller has gone: 'autolab resume {campaign['campaign']}' goes on" in said
    file.unlink()
    done = autolab("stop", campaign["campaign"], data=data)
    assert done.returncode == 0, done.stderr
    assert "its lab could not be brought into its safe state, so do that by hand" in done.stdout
